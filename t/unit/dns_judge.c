/* client/dns_judge.h: what the ways of DNS, and where it comes out, say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns_judge.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define ANY VPS_DNS_PATH_UNKNOWN
#define IN VPS_DNS_PATH_TUNNEL
#define OUT VPS_DNS_PATH_OUTSIDE

static void test_ways(void **state)
{
    static const struct {
        const char *what;
        vpn_link_t link;
        vps_dns_path_t path;
    } cases[] = {
        {"no route to it", VPN_LINK_NONE, ANY}, {"by eth0", VPN_LINK_PLAIN, OUT},
        {"by ppp0", VPN_LINK_UNSURE, ANY},      {"by tun0", VPN_LINK_TUNNEL, IN},
        {"127.0.0.53", VPN_LINK_LOCAL, ANY},    {"not to be told", VPN_LINK_UNSEEN, ANY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const vpn_way_t way = {.link = cases[i].link};

        if (dns_judge_way(true, &way) != cases[i].path) {
            fail_msg("%s: %d", cases[i].what, dns_judge_way(true, &way));
        }
        assert_int_equal(dns_judge_way(false, &way), ANY);
    }
}

static void test_path(void **state)
{
    static const struct {
        const char *what;
        vps_dns_path_t paths[3];
        size_t count;
        vps_dns_path_t path;
    } cases[] = {
        {"no server", {IN}, 0, ANY},
        {"a forwarder", {ANY}, 1, ANY},
        {"tunnel", {IN}, 1, IN},
        {"outside", {OUT}, 1, OUT},
        {"all by the tunnel", {IN, IN, IN}, 3, IN},
        {"a forwarder and the tunnel", {ANY, IN}, 2, IN},
        {"the tunnel and a forwarder", {IN, ANY}, 2, IN},
        {"one outside", {IN, IN, OUT}, 3, OUT},
        {"the first outside", {OUT, IN}, 2, OUT},
        {"a forwarder and outside", {ANY, OUT}, 2, OUT},
        {"only those that count", {IN, IN, OUT}, 2, IN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (dns_judge_path(cases[i].paths, cases[i].count) != cases[i].path) {
            fail_msg("%s: %d", cases[i].what, dns_judge_path(cases[i].paths, cases[i].count));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_path),
    };

    return cmocka_run_group_tests_name("dns_judge", tests, NULL, NULL);
}
