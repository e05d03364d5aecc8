#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "assess.h"
#include "event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define END (offsetof(event_t, note) + EVENT_NOTE_SIZE) /* padding behind it */

static vps_addr_t address_of(const char *text)
{
    vps_addr_t addr;

    assert_true(vps_addr_parse(&addr, text, strlen(text)));
    return addr;
}

/* Everything known. */
static event_t full_event(void)
{
    event_t event = {.id = 1,
                     .uid = 2,
                     .number = 3,
                     .when = 4,
                     .seconds = UINT32_MAX,
                     .merged = 255,
                     .kind = EVENT_ADDRESS,
                     .light = LIGHT_RED + 1,
                     .dns_path = VPS_DNS_PATH_OUTSIDE,
                     .dns_verdict = VPS_DNS_VERDICT_INTERCEPTED,
                     .ipv6_verdict = VPS_IPV6_VERDICT_BLOCKED,
                     .from = address_of("203.0.113.1"),
                     .to = address_of("2001:db8::1"),
                     .public_ip6 = address_of("2001:db8::2"),
                     .dns_resolver_ip = address_of("198.51.100.53"),
                     .place = "RO",
                     .dns = "DE",
                     .client_id = "office",
                     .city = "São Paulo \"<&>\"",
                     .provider = "AS1 \\ AT&T/東京",
                     .dns_colo = "OTP",
                     .note = "a, b and 3 more"};

    return event;
}

static const char full_text[] =
    "{\"from\":\"203.0.113.1\",\"to\":\"2001:db8::1\",\"public_ip6\":\"2001:db8::2\",\"place\":"
    "\"RO\",\"dns\":\"DE\","
    "\"dns_colo\":\"OTP\",\"dns_resolver_ip\":\"198.51.100.53\",\"dns_path\":\"outside\",\"dns_"
    "verdict\":\"intercepted\",\"ipv6_verdict\":\"blocked\",\"city\":\"São Paulo "
    "\\\"<&>\\\"\",\"provider\":\"AS1 \\\\ AT&T/東京\","
    "\"seconds\":4294967295,\"merged\":255,\"note\":\"a, b and 3 more\",\"light\":\"red\"}";

static void assert_json(const event_t *event, const char *expected)
{
    json_object *object = event_detail_to_json(event);

    assert_non_null(object);
    assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE),
                        expected);
    json_object_put(object);
}

static void test_names(void **state)
{
    static const char *const names[] = {
        "connected",      "ip_changed", "dns_leak",       "dns_leak_over",    "ipv6_leak",
        "ipv6_leak_over", "bypass",     "bypass_over",    "vpn_disconnected", "vpn_reconnected",
        "offline",        "forgotten",  "server_started", "server_ip_changed"};
    event_kind_t kind;

    (void)state;
    assert_int_equal(COUNT(names), EVENT_KINDS);
    for (int i = 0; i < EVENT_KINDS; i++) {
        assert_string_equal(event_name((event_kind_t)i), names[i]);
        assert_true(event_kind_parse(&kind, names[i]));
        assert_int_equal(kind, i);
    }
    assert_false(event_kind_parse(&kind, ""));
    assert_false(event_kind_parse(&kind, "Offline"));
    assert_false(event_kind_parse(&kind, "offline "));
}

static void test_writing(void **state)
{
    event_t event = full_event();
    const event_t nothing = {0};

    (void)state;
    assert_json(&event, full_text);
    assert_json(&nothing, "{}");
}

static void test_reading_back(void **state)
{
    event_t event = full_event(), expected = full_event();

    (void)state;
    memset(&event.seconds, 0xff, sizeof event.seconds + sizeof event.merged);
    memset(&event.light, 0xff, offsetof(event_t, from) - offsetof(event_t, light));
    memset(&event.from, 0xff, END - offsetof(event_t, from));
    memcpy(event.client_id, expected.client_id, sizeof event.client_id);
    assert_true(event_detail_parse(&event, full_text, strlen(full_text)));
    assert_memory_equal(&event, &expected, END); /* and the rest as it was */
    assert_true(event_detail_parse(&event, "{}", 2));
    assert_json(&event, "{}");
    assert_int_equal(event.id, 1);
    assert_string_equal(event.client_id, "office");
}

/* A member that is not as it should be is unknown. */
static void test_bad_members(void **state)
{
    static const char *const texts[] = {
        "\"from\":1",
        "\"from\":\"203.0.113.1 \"",
        "\"from\":\"\"",
        "\"from\":null",
        "\"from\":{\"a\":[1]}",
        "\"to\":\"unknown\"",
        "\"place\":\"XX\"",
        "\"place\":\"\"",
        "\"place\":[\"RO\"]",
        "\"place\":\"RO\\u0000\"",
        "\"dns\":true",
        "\"dns_colo\":\"12345678901234567\"",
        "\"dns_colo\":5",
        "\"city\":\"a\\nb\"",
        "\"city\":\"a\\u0000b\"",
        "\"city\":\"\xff\"",
        "\"city\":\"\xc0\x80\"",
        "\"provider\":\"a\x7f\"",
        "\"provider\":\"12345678901234567890123456789012345678901234567890123456789012345\"",
        "\"seconds\":-1",
        "\"seconds\":\"5\"",
        "\"seconds\":5.0",
        "\"seconds\":4294967296",
        "\"seconds\":99999999999999999999999999",
        "\"seconds\":-99999999999999999999999999",
        "\"merged\":true",
        "\"merged\":{}",
        "\"note\":[]",
        "\"light\":1",
        "\"light\":\"\"",
        "\"light\":\"blue\"",
        "\"light\":\"red \"",
        "\"light\":\"red\\u0000\"",
        "\"light\":[\"red\"]",
        "\"public_ip6\":\"x\"",
        "\"dns_resolver_ip\":1",
        "\"dns_path\":\"leak\"",
        "\"dns_verdict\":\"\"",
        "\"dns_verdict\":\"unknown\"",
        "\"dns_verdict\":\"leak\\u0000\"",
        "\"dns_verdict\":3",
        "\"ipv6_verdict\":\"allowed\"",
        "\"ipv6_verdict\":null",
        "\"strange\":\"x\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        event_t event = full_event();
        char text[256];
        int len = snprintf(text, sizeof text, "{%s}", texts[i]);

        if (!event_detail_parse(&event, text, (size_t)len)) {
            fail_msg("%s is refused", text);
        }
        assert_json(&event, "{}");
    }
}

static void test_lights(void **state)
{
    static const char *const names[LIGHTS] = {"green", "yellow", "grey", "red"};

    (void)state;
    for (uint8_t i = 0; i < LIGHTS; i++) {
        event_t event = full_event();
        char text[64];
        int len = snprintf(text, sizeof text, "{\"light\":\"%s\"}", names[i]);

        assert_true(event_detail_parse(&event, text, (size_t)len));
        assert_int_equal(event.light, i + 1);
        assert_json(&event, text);
    }
}

/* As it was written before there were verdicts. */
static void test_older_detail(void **state)
{
    static const char text[] = "{\"to\":\"203.0.113.1\",\"place\":\"RO\",\"dns\":\"DE\","
                               "\"dns_colo\":\"FRA\",\"light\":\"yellow\"}";
    event_t event = full_event();

    (void)state;
    assert_true(event_detail_parse(&event, text, strlen(text)));
    assert_int_equal(event.dns_verdict, VPS_DNS_VERDICT_UNKNOWN);
    assert_int_equal(event.public_ip6.version, 0);
    assert_json(&event, text);
}

static void test_bad_member_among_good(void **state)
{
    static const char text[] = "{\"dns\":\"DE\",\"city\":5,\"strange\":{},\"seconds\":7}";
    event_t event = full_event();

    (void)state;
    assert_true(event_detail_parse(&event, text, strlen(text)));
    assert_json(&event, "{\"dns\":\"DE\",\"seconds\":7}");
}

static void test_longest_texts(void **state)
{
    static char text[2048];
    event_t event = {0}, expected = {0};
    int len;

    (void)state;
    memset(expected.city, 'c', VPS_CITY_MAX);
    memset(expected.provider, 'p', VPS_PROVIDER_MAX);
    memset(expected.dns_colo, 'd', VPS_DNS_COLO_MAX);
    memset(expected.note, 'n', EVENT_NOTE_SIZE - 1);
    len = snprintf(text, sizeof text,
                   "{\"city\":\"%s\",\"provider\":\"%s\",\"dns_colo\":\"%s\",\"note\":\"%s\"}",
                   expected.city, expected.provider, expected.dns_colo, expected.note);
    assert_true(event_detail_parse(&event, text, (size_t)len));
    assert_memory_equal(&event, &expected, END);
    len = snprintf(text, sizeof text, "{\"city\":\"%s+\",\"note\":\"%s+\"}", expected.city,
                   expected.note);
    assert_true(event_detail_parse(&event, text, (size_t)len));
    assert_json(&event, "{}");
}

static void test_no_object(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "null",
                                        "[]",
                                        "\"x\"",
                                        "1",
                                        "{",
                                        "{}x",
                                        "{}{}",
                                        "{\"a\"",
                                        "{a:1}",
                                        "\xef\xbb\xbf{}",
                                        "{\"a\":[[[[[[[[[[]]]]]]]]]]}"};
    static char long_text[8192];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        event_t event = full_event();

        if (event_detail_parse(&event, texts[i], strlen(texts[i]))) {
            fail_msg("\"%s\" is taken", texts[i]);
        }
        assert_json(&event, "{}");
    }
    memset(long_text, ' ', sizeof long_text);
    memcpy(long_text, "{}", 2);
    assert_false(event_detail_parse(&(event_t){0}, long_text, sizeof long_text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_reading_back),
        cmocka_unit_test(test_bad_members),
        cmocka_unit_test(test_lights),
        cmocka_unit_test(test_older_detail),
        cmocka_unit_test(test_bad_member_among_good),
        cmocka_unit_test(test_longest_texts),
        cmocka_unit_test(test_no_object),
    };

    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
