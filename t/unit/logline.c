/* shared/logline.h: the form of a line, escaping, cutting, levels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "logline.h"
#include "valid.h"

#define WHEN 1736944496 /* 2025-01-15T12:34:56Z */
#define HEAD "[2025-01-15 12:34:56] [api] "
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int set_time_zone(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    return 0;
}

static void lines_of_the_product(void **state)
{
    char line[VPS_LOGLINE_SIZE];
    size_t length;

    (void)state;
    length = vps_logline(line, sizeof(line), WHEN, "api", "🌐 Access: %s | IP: %s | Auth: %s",
                         "/api/v1/keepalive", "1.2.3.4", "✅");
    assert_string_equal(line, HEAD "🌐 Access: /api/v1/keepalive | IP: 1.2.3.4 | Auth: ✅\n");
    assert_int_equal(length, strlen(line));
    vps_logline(line, sizeof(line), WHEN, "security",
                "⚠️ VPN BYPASS WARNING: Client %s has same IP as server", "office-vpn");
    assert_string_equal(line,
                        "[2025-01-15 12:34:56] [security] "
                        "⚠️ VPN BYPASS WARNING: Client office-vpn has same IP as server\n");
    vps_logline(line, sizeof(line), WHEN, "telegram", "❌ Failed to send message: HTTP %d", 429);
    assert_string_equal(line,
                        "[2025-01-15 12:34:56] [telegram] ❌ Failed to send message: HTTP 429\n");
    assert_int_equal(vps_logline(line, sizeof(line), WHEN, "api", "%s", ""), strlen(HEAD) + 1);
    assert_string_equal(line, HEAD "\n");
}

static void local_time(void **state)
{
    char line[VPS_LOGLINE_SIZE];

    (void)state;
    setenv("TZ", "XST-05:45", 1);
    tzset();
    vps_logline(line, sizeof(line), WHEN, "api", "x");
    set_time_zone(NULL);
    assert_string_equal(line, "[2025-01-15 18:19:56] [api] x\n");
}

static void escaping(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\nb", "a\\x0Ab"},
        {"x\n[2025-01-15 12:34:56] [api] forged", "x\\x0A[2025-01-15 12:34:56] [api] forged"},
        {"\r\t\x1b[31m", "\\x0D\\x09\\x1B[31m"},
        {"\x01\x1f\x7f", "\\x01\\x1F\\x7F"},
        {"\xc2\x85\xc2\x9b", "\\xC2\\x85\\xC2\\x9B"},
        {"\xef\xbb\xbf", "\\xEF\\xBB\\xBF"},
        {"C:\\x0A", "C:\\\\x0A"},
        {"\xff\xc0\x80", "\\xFF\\xC0\\x80"},
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"},
        {"\xe2\x80\xa8\xe2\x80\xae", "\\xE2\\x80\\xA8\\xE2\\x80\\xAE"},
        {"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\xE2\\x80\\x8E\\xE2\\x80\\x8F\\xD8\\x9C"},
        {"\xe2\x81\xa6\xe2\x81\xa9", "\\xE2\\x81\\xA6\\xE2\\x81\\xA9"},
        {"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xaa", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xaa"},
        {"\xe6\x9d", "\\xE6\\x9D"},
        {"\xe6\x9dx", "\\xE6\\x9Dx"},
        {"\xbf", "\\xBF"},
        {"\xc3\xc3\xa9", "\\xC3é"},
        {"São Paulo 東京 🌐 ~ \xc2\xa0", "São Paulo 東京 🌐 ~ \xc2\xa0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[VPS_LOGLINE_SIZE], expected[VPS_LOGLINE_SIZE];

        vps_logline(line, sizeof(line), WHEN, "api", "%s", cases[i].in);
        strcpy(expected, HEAD);
        strcat(expected, cases[i].out);
        strcat(expected, "\n");
        assert_string_equal(line, expected);
    }
}

/* Room for the message in 64 bytes: what HEAD, newline and NUL leave. */
#define ROOM (64 - (sizeof(HEAD) - 1) - 2)

static void cutting(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"1234567890123456789012345678901234", "1234567890123456789012345678901234"},
        {"12345678901234567890123456789012345", "1234567890123456789012345678901..."},
        {"12345678901234567890123456789012東", "1234567890123456789012345678901..."},
        {"1234567890123456789012345678東abcd", "1234567890123456789012345678東..."},
        {"1234567890123456789012345678東京", "1234567890123456789012345678東京"},
        {"12345678901234567890123456789東京", "12345678901234567890123456789..."},
        {"123456789012345678901234567890\n\n", "123456789012345678901234567890..."},
        {"1234567890123456789012345678901\n", "1234567890123456789012345678901..."},
        {"1234567890123456789012345678\n\n", "1234567890123456789012345678..."},
        {"123456789012345678901234567890123\\", "1234567890123456789012345678901..."},
    };

    (void)state;
    assert_int_equal(ROOM, 34);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[64 + 1] = {0}, expected[128];

        line[64] = 'x';
        const size_t length = vps_logline(line, 64, WHEN, "api", "%s", cases[i].in);

        strcpy(expected, HEAD);
        strcat(expected, cases[i].out);
        strcat(expected, "\n");
        assert_string_equal(line, expected);
        assert_int_equal(length, strlen(expected));
        assert_int_equal(line[64], 'x');
    }
}

/* Whatever the length of text and line: whole characters, one newline, within the size. */
static void cutting_anywhere(void **state)
{
    static char message[6000], line[4000];
    static const char piece[] = "a东\n🌐\\";

    (void)state;
    while (strlen(message) + sizeof(piece) < sizeof(message)) {
        strcat(message, piece);
    }
    for (size_t size = 64; size < sizeof(line); size += size < 200 ? 1 : 97) {
        for (size_t skip = 0; skip < sizeof(piece) - 1; skip++) {
            memset(line, 'x', sizeof(line));
            const size_t length = vps_logline(line, size, WHEN, "api", "%s", message + skip);

            assert_true(length < size && length < VPS_LOGLINE_SIZE);
            assert_int_equal(line[length], '\0');
            assert_int_equal(line[size], 'x');
            assert_string_equal(line + length - 4, "...\n");
            assert_true(vps_valid_text(line, length - 1));
        }
    }
}

static void long_component(void **state)
{
    char line[64];

    (void)state;
    vps_logline(line, sizeof(line), WHEN, "a-component-far-too-long-for-a-line-of-64-bytes", "%s",
                "this does not fit behind it");
    assert_string_equal(line, "[2025-01-15 12:34:56] [a-component-far-] this does not fit ...\n");
}

static void level_names(void **state)
{
    static const struct {
        const char *name;
        vps_level_t level;
    } cases[] = {
        {"ERROR", VPS_ERROR}, {"WARN", VPS_WARN}, {"INFO", VPS_INFO}, {"DEBUG", VPS_DEBUG},
        {"error", VPS_ERROR}, {"Warn", VPS_WARN}, {"info", VPS_INFO}, {"dEBUG", VPS_DEBUG},
    };
    static const char *const bad[] = {"", "WARNING", "INF", "INFO ", " INFO", "3", "TRACE"};
    vps_level_t level;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        level = cases[i].level == VPS_ERROR ? VPS_DEBUG : VPS_ERROR;
        assert_true(vps_level_parse(&level, cases[i].name));
        assert_int_equal(level, cases[i].level);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        level = VPS_WARN;
        assert_false(vps_level_parse(&level, bad[i]));
        assert_int_equal(level, VPS_WARN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_the_product),
        cmocka_unit_test(local_time),
        cmocka_unit_test(escaping),
        cmocka_unit_test(cutting),
        cmocka_unit_test(cutting_anywhere),
        cmocka_unit_test(long_component),
        cmocka_unit_test(level_names),
    };

    return cmocka_run_group_tests_name("logline", tests, set_time_zone, NULL);
}
