/* shared/valid.h: client ids, UTF-8, texts, times. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "valid.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void client_id(void **state)
{
    static const char *const bad[] = {
        "",   "a b", "a_b", "a.b", "a/b",     "a\n", "<b>",
        "a@", "a:",  "a[",  "a`",  "office{", "é",   "\xef\xbc\xa1",
    };
    char longest[VPS_CLIENT_ID_MAX + 1];

    (void)state;
    assert_true(vps_valid_client_id("a", 1));
    assert_true(vps_valid_client_id("-", 1));
    assert_true(vps_valid_client_id("AZaz09-office", 13));
    assert_true(vps_valid_client_id("unknown", 7));
    memset(longest, 'x', sizeof(longest));
    assert_true(vps_valid_client_id(longest, VPS_CLIENT_ID_MAX));
    assert_false(vps_valid_client_id(longest, VPS_CLIENT_ID_MAX + 1));
    assert_false(vps_valid_client_id("a\0b", 3));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(vps_valid_client_id(bad[i], strlen(bad[i])));
    }
}

/* The grammar of RFC 3629 section 4: bytes, range of the first and of the second. */
static const struct {
    unsigned char length, low1, high1, low2, high2;
} grammar[] = {
    {1, 0x00, 0x7F, 0x00, 0x00}, {2, 0xC2, 0xDF, 0x80, 0xBF}, {3, 0xE0, 0xE0, 0xA0, 0xBF},
    {3, 0xE1, 0xEC, 0x80, 0xBF}, {3, 0xED, 0xED, 0x80, 0x9F}, {3, 0xEE, 0xEF, 0x80, 0xBF},
    {4, 0xF0, 0xF0, 0x90, 0xBF}, {4, 0xF1, 0xF3, 0x80, 0xBF}, {4, 0xF4, 0xF4, 0x80, 0x8F},
};

/* Bytes of the character that text begins with, by the grammar; 0 = none. */
static size_t by_grammar(const unsigned char *text, size_t len)
{
    for (size_t i = 0; i < COUNT(grammar); i++) {
        const size_t n = grammar[i].length;
        bool matches = len >= n && text[0] >= grammar[i].low1 && text[0] <= grammar[i].high1;

        if (matches && n > 1) {
            matches = text[1] >= grammar[i].low2 && text[1] <= grammar[i].high2;
        }
        for (size_t k = 2; matches && k < n; k++) {
            matches = text[k] >= 0x80 && text[k] <= 0xBF;
        }
        if (matches) {
            return n;
        }
    }
    return 0;
}

static bool all_by_grammar(const unsigned char *text, size_t len)
{
    size_t n = 0;

    for (size_t at = 0; at < len; at += n) {
        n = by_grammar(text + at, len - at);
        if (n == 0) {
            return false;
        }
    }
    return true;
}

/* All first and second bytes, the others at the edges of their ranges. */
static void utf8_agrees_with_the_grammar(void **state)
{
    static const unsigned char edges[] = {0x41, 0x7F, 0x80, 0xBF, 0xC0};
    size_t differences = 0;

    (void)state;
    for (unsigned i = 0; i < 0x10000; i++) {
        for (size_t k = 0; k < COUNT(edges) * COUNT(edges); k++) {
            const unsigned char text[4] = {(unsigned char)(i >> 8), (unsigned char)i,
                                           edges[k / COUNT(edges)], edges[k % COUNT(edges)]};

            for (size_t len = 1; len <= sizeof(text); len++) {
                differences += vps_valid_utf8((const char *)text, len) != all_by_grammar(text, len);
            }
        }
    }
    assert_int_equal(differences, 0);
}

/* ASCII is stepped over eight bytes at a time: a bad byte is found wherever it is. */
static void utf8_at_every_offset(void **state)
{
    char text[40];

    (void)state;
    for (size_t at = 0; at < sizeof(text); at++) {
        memset(text, 'a', sizeof(text));
        assert_true(vps_valid_utf8(text, sizeof(text)));
        text[at] = '\xff';
        assert_false(vps_valid_utf8(text, sizeof(text)));
        assert_true(vps_valid_utf8(text, at));
        assert_false(vps_valid_utf8(text, at + 1));
        text[at] = '\0';
        assert_true(vps_valid_utf8(text, sizeof(text)));
        if (at + 1 < sizeof(text)) {
            memcpy(text + at, "é", 2);
            assert_true(vps_valid_utf8(text, sizeof(text)));
            assert_false(vps_valid_utf8(text, at + 1));
        }
    }
    assert_true(vps_valid_utf8("", 0));
}

static void text(void **state)
{
    static const char *const good[] = {
        "", " ", "São Paulo", "東京", "AT&T (x)", "🌐", "\\ \"", "\xc2\xa0", "\xef\xbf\xbd", "~",
    };
    static const char *const bad[] = {
        "\n",       "a\r",      "\t",           "\x1b[2J",  "\x1f",
        "\x7f",     "\xc2\x80", "x\xc2\x9f",    "\xc2\x85", "\xef\xbb\xbfx",
        "\xc0\x80", "\xff",     "\xed\xa0\x80", "\xe6\x9d",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(vps_valid_text(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(vps_valid_text(bad[i], strlen(bad[i])));
    }
    assert_false(vps_valid_text("a\0b", 3));
}

static void copy(void **state)
{
    static const struct {
        const char *in, *out; /* out: in eight bytes with the NUL */
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"1234567", "1234567"},
        {"12345678", "1234567"},
        {"12345é", "12345é"},
        {"123456é", "123456"},
        {"1234東京", "1234東"},
        {"12345東", "12345"},
        {"1234🌐", "1234"},
        {"é\n", ""},
        {"12345678\xff", ""},
        {"12345678\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[8], expected[8] = {0};

        memset(out, 'x', sizeof(out));
        memcpy(expected, cases[i].out, strlen(cases[i].out));
        vps_text_copy(out, sizeof(out), cases[i].in, strlen(cases[i].in));
        assert_memory_equal(out, expected, sizeof(out));
    }
}

static void unknown(void **state)
{
    (void)state;
    assert_true(vps_text_is_unknown("", 0));
    assert_true(vps_text_is_unknown("unknown", 7));
    assert_true(vps_text_is_unknown("Unknown", 7));
    assert_false(vps_text_is_unknown("UNKNOWN", 7));
    assert_false(vps_text_is_unknown("unknown ", 8));
    assert_false(vps_text_is_unknown("unknow", 6));
    assert_false(vps_text_is_unknown(" ", 1));
}

static void time_read(void **state)
{
    static const struct {
        const char *text;
        int64_t when;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01", 1},
        {"2000-02-29T12:00:00Z", 951825600},
        {"2000-03-01T00:00:00Z", 951868800},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2024-03-01T00:00:00Z", 1709251200},
        {"2025-01-15T12:34:56Z", 1736944496},
        {"2025-01-15T12:34:56.123456Z", 1736944496},
        {"2025-01-15T12:34:56,9+0000", 1736944496},
        {"2025-01-15T12:34:56+0000", 1736944496},
        {"2025-01-15T13:34:56+01:00", 1736944496},
        {"2025-01-15T18:19:56+0545", 1736944496},
        {"2025-01-15T04:34:56-08", 1736944496},
        {"2025-12-31T23:59:59-0001", 1767225659},
        {"2100-03-01T00:00:00Z", 4107542400},
        {"9999-12-31T23:59:59Z", 253402300799},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t when = -1;

        assert_true(vps_time_parse(&when, cases[i].text, strlen(cases[i].text)));
        assert_int_equal(when, cases[i].when);
    }
}

static void time_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "now",
        "1736944496",
        "2025-01-15",
        "2025-01-15T12:34",
        "2025-01-15T12:34Z",
        "2025-01-15 12:34:56Z",
        "2025-01-15t12:34:56Z",
        "2025-01-15T12:34:56z",
        "2025-01-15T12:34:56Z ",
        " 2025-01-15T12:34:56Z",
        "2025-01-15T12:34:56ZZ",
        "2025-1-15T12:34:56Z",
        "25-01-15T12:34:56Z",
        "02025-01-15T12:34:56Z",
        "-2025-01-15T12:34:56Z",
        "2025-00-15T12:34:56Z",
        "2025-13-15T12:34:56Z",
        "2025-01-00T12:34:56Z",
        "2025-01-32T12:34:56Z",
        "2025-04-31T12:34:56Z",
        "2025-02-29T12:34:56Z",
        "2100-02-29T12:34:56Z",
        "2025-01-15T24:00:00Z",
        "2025-01-15T12:60:56Z",
        "2025-01-15T12:34:60Z",
        "2025-01-15T12:34:56.Z",
        "2025-01-15T12:34:56.",
        "2025-01-15T12:34:56.1.2Z",
        "2025-01-15T12:34:56+",
        "2025-01-15T12:34:56+1",
        "2025-01-15T12:34:56+01:",
        "2025-01-15T12:34:56+01:0",
        "2025-01-15T12:34:56+010",
        "2025-01-15T12:34:56+24:00",
        "2025-01-15T12:34:56+01:60",
        "2025-01-15T12:34:56+01:00Z",
        "2025-01-15T12:34:56 +0100",
        "2025-01-15T12:34:5\xd9\xa1Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t when = 77;

        assert_false(vps_time_parse(&when, cases[i], strlen(cases[i])));
        assert_int_equal(when, 77);
    }
}

/* Each prefix of a full text is either a time itself or refused, and nothing behind it is read. */
static void time_prefixes(void **state)
{
    static const char full[] = "2025-01-15T12:34:56.5+01:00";

    (void)state;
    for (size_t len = 0; len < sizeof(full); len++) {
        int64_t when;
        const bool good = len == 19 || len == 21 || len == 24 || len == 27;

        assert_int_equal(vps_time_parse(&when, full, len), good);
    }
}

/* Both directions agree on every day from 1970 to 2110. */
static void time_round_trip(void **state)
{
    (void)state;
    for (int64_t when = 0; when < INT64_C(140) * 366 * 86400; when += 86399) {
        char text[VPS_TIME_TEXT_SIZE];
        int64_t again = -1;

        vps_time_format(text, when);
        assert_int_equal(strlen(text), 20);
        assert_true(vps_time_parse(&again, text, 20));
        assert_int_equal(again, when);
    }
}

static void time_written(void **state)
{
    char text[VPS_TIME_TEXT_SIZE];

    (void)state;
    assert_string_equal(vps_time_format(text, 0), "1970-01-01T00:00:00Z");
    assert_string_equal(vps_time_format(text, 1736944496), "2025-01-15T12:34:56Z");
    assert_string_equal(vps_time_format(text, 253402300799), "9999-12-31T23:59:59Z");
}

/* What does not fit, or is no time at all, leaves a text all the same. */
static void time_not_written(void **state)
{
    static const int64_t cases[] = {INT64_C(60000000000000000), INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[VPS_TIME_TEXT_SIZE + 1];

        memset(text, 'x', sizeof(text));
        text[VPS_TIME_TEXT_SIZE] = '\0';
        assert_string_equal(vps_time_format(text, cases[i]), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_id),
        cmocka_unit_test(utf8_agrees_with_the_grammar),
        cmocka_unit_test(utf8_at_every_offset),
        cmocka_unit_test(text),
        cmocka_unit_test(copy),
        cmocka_unit_test(unknown),
        cmocka_unit_test(time_read),
        cmocka_unit_test(time_refused),
        cmocka_unit_test(time_prefixes),
        cmocka_unit_test(time_round_trip),
        cmocka_unit_test(time_written),
        cmocka_unit_test(time_not_written),
    };

    return cmocka_run_group_tests_name("valid", tests, NULL, NULL);
}
