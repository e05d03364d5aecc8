/* mod_vpnsentinel/server_ip.h: texts for the store, and when an answer is believed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "server_ip.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LONGEST "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"

static vps_addr_t addr_of(const char *text)
{
    vps_addr_t addr;

    assert_true(vps_addr_parse(&addr, text, strlen(text)));
    return addr;
}

static void test_source_names(void **state)
{
    (void)state;
    assert_null(server_ip_source_name(SERVER_IP_UNKNOWN));
    assert_string_equal(server_ip_source_name(SERVER_IP_CONFIGURED), "configured");
    assert_string_equal(server_ip_source_name(SERVER_IP_IPINFO), "ipinfo");
    assert_string_equal(server_ip_source_name(SERVER_IP_IPAPI), "ip-api");
    assert_null(server_ip_source_name((server_ip_source_t)(SERVER_IP_IPAPI + 1)));
    assert_null(server_ip_source_name((server_ip_source_t)255));
}

/* What is written comes back. */
static void test_text(void **state)
{
    static const struct {
        const char *text;
        uint8_t source;
        const char *addr[2]; /* NULL = unknown */
    } cases[] = {
        {"ipinfo 203.0.113.1", SERVER_IP_IPINFO, {"203.0.113.1", NULL}},
        {"ip-api 2001:db8::1", SERVER_IP_IPAPI, {NULL, "2001:db8::1"}},
        {"configured 255.255.255.255 " LONGEST, SERVER_IP_CONFIGURED, {"255.255.255.255", LONGEST}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        server_ip_t ip, expected = {.source = cases[i].source};
        char text[SERVER_IP_TEXT_SIZE];

        for (int slot = 0; slot < 2; slot++) {
            if (cases[i].addr[slot] != NULL) {
                expected.addr[slot] = addr_of(cases[i].addr[slot]);
            }
        }
        memset(&ip, 0xff, sizeof(ip));
        assert_true(server_ip_parse(&ip, cases[i].text));
        assert_memory_equal(&ip, &expected, sizeof(ip));
        assert_ptr_equal(server_ip_format(text, &expected), text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_bad_text(void **state)
{
    static const server_ip_t unknown;
    static const char *const bad[] = {
        "",
        " ",
        "ipinfo",
        "ipinfo ",
        "ipinfo  203.0.113.1",
        " ipinfo 203.0.113.1",
        "ipinfo 203.0.113.1 ",
        "ipinfo 203.0.113.1\n",
        "ipinfo 203.0.113.1 203.0.113.2",
        "ipinfo 203.0.113.1 ::ffff:203.0.113.2",
        "ipinfo 203.0.113.1 2001:db8::1 2001:db8::2",
        "ipinfo 203.0.113.256",
        "ipinf 203.0.113.1",
        "ipinfo2 203.0.113.1",
        "unknown 203.0.113.1",
        "203.0.113.1",
        "203.0.113.1 ipinfo",
    };
    char text[SERVER_IP_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        server_ip_t ip;

        memset(&ip, 0xff, sizeof(ip));
        assert_false(server_ip_parse(&ip, bad[i]));
        assert_memory_equal(&ip, &unknown, sizeof(ip));
    }
    assert_string_equal(server_ip_format(text, &unknown), "");
}

/* --- the judge --- */

#define A "203.0.113.1"
#define B "203.0.113.2"
#define C "203.0.113.3"
#define A6 "2001:db8::a"
#define B6 "2001:db8::b"
#define ANSWERS_MAX 6

/* What is known first, what was answered then ("i" = ipinfo, "p" = ip-api), what is known at last. */
static const struct {
    const char *known;
    const char *answers[ANSWERS_MAX]; /* the one that changes what is known with "!" behind */
    const char *then;
    bool in_doubt;
} cases[] = {
    {"", {NULL}, "", true},
    {"", {"i" A}, "", true},
    {"", {"i" A, "p" A "!"}, "ipinfo " A, false},
    {"", {"p" A, "i" A "!"}, "ip-api " A, false},
    {"", {"i" A, "i" A "!"}, "ipinfo " A, false},
    {"", {"i" A, "p" B}, "", true},
    {"", {"i" A, "p" B, "i" A, "p" B}, "", true},
    {"", {"i" A, "p" B, "i" B "!"}, "ip-api " B, false},
    {"", {"i" A6, "p" A6 "!"}, "ipinfo " A6, false},
    {"", {"i" A6, "p" A, "i" A6 "!"}, "ipinfo " A6, true},
    {"", {"i" A6, "p" A, "i" A6 "!", "p" A "!"}, "ip-api " A " " A6, false},
    {"", {"i" A, "p::ffff:" A "!"}, "ipinfo " A, false},
    {"ipinfo " A, {"i" A}, "ipinfo " A, false},
    {"ipinfo " A, {"p" A, "p" A}, "ipinfo " A, false},
    {"ipinfo " A, {"i" B}, "ipinfo " A, true},
    {"ipinfo " A, {"i" B, "i" A}, "ipinfo " A, false},
    {"ipinfo " A, {"i" B, "p" A, "i" B}, "ipinfo " A, true},
    {"ipinfo " A, {"i" B, "p" C, "i" B}, "ipinfo " A, true},
    {"ipinfo " A, {"p" B, "i" B "!"}, "ip-api " B, false},
    {"ipinfo " A, {"p" B, "i" B "!", "i" A}, "ip-api " B, true},
    {"ipinfo " A, {"p" B, "i" B "!", "i" A, "i" A "!"}, "ipinfo " A, false},
    {"ipinfo " A, {"p" A6}, "ipinfo " A, true},
    {"ipinfo " A, {"p" A6, "i" A}, "ipinfo " A, true},
    {"ipinfo " A, {"p" A6, "p" A6 "!"}, "ip-api " A " " A6, false},
    {"ipinfo " A " " A6, {"p" B6, "p" B6 "!"}, "ip-api " A " " B6, false},
};

static bool answer(server_ip_judge_t *judge, const char *text)
{
    vps_addr_t addr;

    assert_true(vps_addr_parse(&addr, text + 1, strcspn(text + 1, "!")));
    return server_ip_answered(judge, text[0] == 'i' ? SERVER_IP_IPINFO : SERVER_IP_IPAPI, &addr);
}

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        server_ip_judge_t judge = {0};
        char text[SERVER_IP_TEXT_SIZE];

        if (cases[i].known[0] != '\0') {
            assert_true(server_ip_parse(&judge.known, cases[i].known));
        }
        for (size_t n = 0; n < ANSWERS_MAX && cases[i].answers[n] != NULL; n++) {
            const char *said = cases[i].answers[n];

            assert_int_equal(answer(&judge, said), strchr(said, '!') != NULL);
        }
        assert_string_equal(server_ip_format(text, &judge.known), cases[i].then);
        assert_int_equal(server_ip_is_in_doubt(&judge), cases[i].in_doubt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_names),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_judge),
    };

    return cmocka_run_group_tests_name("server_ip", tests, NULL, NULL);
}
