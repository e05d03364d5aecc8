/* client/dns_judge.h: what the ways of DNS, and where it comes out, say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

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

/* --- verdicts --- */

#define TUNNEL VPS_DNS_VERDICT_TUNNEL
#define ALLOWED VPS_DNS_VERDICT_ALLOWED
#define LEAK VPS_DNS_VERDICT_LEAK
#define INTERCEPTED VPS_DNS_VERDICT_INTERCEPTED
#define UNKNOWN VPS_DNS_VERDICT_UNKNOWN

/* The exit is of AS9009, the line at home of AS3320, and by default big public resolvers are allowed. */
#define EXIT4 "203.0.113.42"
#define EXIT6 "2001:db8:9009::42"
#define EXIT_AS 9009
#define ISP_AS 3320
#define DEFAULT_LIST "AS13335, AS15169, AS19281, AS36692"

static vps_addr_t addr_of(const char *text)
{
    vps_addr_t addr;

    vps_addr_parse(&addr, text, strlen(text));
    return addr;
}

static dns_exit_t exit_of(const char *addr4, const char *addr6, uint32_t as)
{
    return (dns_exit_t){addr_of(addr4), addr_of(addr6), as};
}

static dns_allowed_t allowed_of(const char *list)
{
    dns_allowed_t allowed = {.is_default = list == NULL};

    assert_true(network_list_read(&allowed.list, list != NULL ? list : DEFAULT_LIST));
    return allowed;
}

static void test_servers(void **state)
{
    static const struct {
        const char *what;
        const char *allowed; /* NULL = the default list */
        vps_dns_path_t path;
        const char *addr, *origin;
        uint32_t as;
        vps_dns_verdict_t verdict;
    } cases[] = {
        /* Told as leaks by others, and none: inside of the tunnel it is nobody's matter. */
        {"1.1.1.1 by the tunnel", NULL, IN, "1.1.1.1", "172.70.1.1", 13335, TUNNEL},
        {"9.9.9.9 by the tunnel", NULL, IN, "9.9.9.9", "66.185.1.1", 19281, TUNNEL},
        {"another AS by the tunnel", NULL, IN, "10.8.0.1", "198.51.100.53", 64500, TUNNEL},
        {"many addresses, IPv6 too", NULL, IN, "2001:db8::53", "2001:db8:1::53", 64500, TUNNEL},
        {"does not tell, by the tunnel", NULL, IN, "10.8.0.1", "", 0, TUNNEL},
        {"DNS over TLS on this host", NULL, ANY, "127.0.0.1", "172.70.1.1", 13335, ALLOWED},
        {"Google behind a forwarder", NULL, ANY, "127.0.0.53", "74.125.1.1", 15169, ALLOWED},
        {"OpenDNS behind a forwarder", NULL, ANY, "127.0.0.53", "146.112.1.1", 36692, ALLOWED},
        {"the VPN's own", NULL, ANY, "127.0.0.53", EXIT4, EXIT_AS, TUNNEL},
        {"next to the exit", NULL, ANY, "192.168.1.1", "203.0.113.1", 0, TUNNEL},
        {"the VPN's, elsewhere", NULL, ANY, "127.0.0.53", "198.51.100.53", EXIT_AS, TUNNEL},
        {"the VPN's, by IPv6", NULL, ANY, "127.0.0.53", "2001:db8:9009:1::53", 0, TUNNEL},

        /* Real ones. */
        {"the ISP's", NULL, OUT, "192.168.1.1", "198.51.100.53", ISP_AS, LEAK},
        {"1.1.1.1 past the tunnel", NULL, OUT, "1.1.1.1", "172.70.1.1", 13335, LEAK},
        {"does not tell, past it", NULL, OUT, "192.168.1.1", "", 0, LEAK},
        {"the ISP's, which the exit is of", NULL, OUT, "192.168.1.1", "198.51.100.53", EXIT_AS,
         LEAK},

        /* Past the tunnel of this host, but not of the VPN. */
        {"the exit itself", NULL, OUT, "192.168.1.1", EXIT4, EXIT_AS, TUNNEL},
        {"next to the exit", NULL, OUT, "192.168.1.1", "203.0.113.1", 0, TUNNEL},
        {"the exit itself by IPv6", NULL, OUT, "192.168.1.1", EXIT6, 0, TUNNEL},

        /* The user's word. */
        {"its address", "192.168.1.1", OUT, "192.168.1.1", "198.51.100.53", ISP_AS, ALLOWED},
        {"its address, silent", "192.168.0.0/16", OUT, "192.168.1.1", "", 0, ALLOWED},
        {"where it comes out", "198.51.100.0/24", OUT, "192.168.1.1", "198.51.100.53", 0, ALLOWED},
        {"its AS", "AS3320", OUT, "192.168.1.1", "198.51.100.53", ISP_AS, ALLOWED},
        {"1.1.1.1 past the tunnel", DEFAULT_LIST, OUT, "1.1.1.1", "172.70.1.1", 13335, ALLOWED},
        {"another", "192.168.1.2 AS64500", OUT, "192.168.1.1", "198.51.100.53", ISP_AS, LEAK},
        {"another than the default", "AS3320", OUT, "1.1.1.1", "172.70.1.1", 13335, LEAK},
        {"behind a forwarder", "AS3320", ANY, "127.0.0.53", "198.51.100.53", ISP_AS, ALLOWED},
        {"the default is replaced", "AS3320", ANY, "127.0.0.53", "172.70.1.1", 13335, UNKNOWN},

        /* Nothing to be said: the server compares countries. */
        {"the ISP's behind a forwarder", NULL, ANY, "127.0.0.53", "198.51.100.53", ISP_AS, UNKNOWN},
        {"of no AS that is known", NULL, ANY, "127.0.0.53", "198.51.100.53", 0, UNKNOWN},
        {"does not tell", NULL, ANY, "127.0.0.53", "", 0, UNKNOWN},
    };
    const dns_exit_t exit = exit_of(EXIT4, EXIT6, EXIT_AS);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const dns_allowed_t allowed = allowed_of(cases[i].allowed);
        const dns_suspect_t server = {
            .path = cases[i].path,
            .addr = addr_of(cases[i].addr),
            .origin = {addr_of(cases[i].origin), cases[i].as},
        };
        const vps_dns_verdict_t verdict = dns_judge_server(&server, &exit, &allowed);

        if (verdict != cases[i].verdict) {
            fail_msg("%s: %d", cases[i].what, verdict);
        }
    }
}

/* An exit of which nothing is known makes nobody its neighbour, not even who tells nothing. */
static void test_unknown_exit(void **state)
{
    const dns_exit_t exit = exit_of("", "", 0);
    const dns_allowed_t allowed = allowed_of(NULL);
    dns_suspect_t server = {.path = ANY, .addr = addr_of("127.0.0.53")};

    (void)state;
    assert_int_equal(dns_judge_server(&server, &exit, &allowed), UNKNOWN);
    server.origin.addr = addr_of("198.51.100.53");
    assert_int_equal(dns_judge_server(&server, &exit, &allowed), UNKNOWN);
    server.path = OUT;
    assert_int_equal(dns_judge_server(&server, &exit, &allowed), LEAK);
    server.path = IN;
    assert_int_equal(dns_judge_server(&server, &exit, &allowed), TUNNEL);
}

static void test_odd_answers(void **state)
{
    static const struct {
        const char *what;
        const char *direct;
        uint32_t as;
        const char *exit4, *exit6;
        uint32_t exit_as;
        bool is_odd;
    } cases[] = {
        {"the exit", EXIT4, EXIT_AS, EXIT4, EXIT6, EXIT_AS, false},
        {"its IPv6", EXIT6, 0, EXIT4, EXIT6, EXIT_AS, false},
        {"next to it", "203.0.113.1", 0, EXIT4, EXIT6, EXIT_AS, false},
        {"another exit of the VPN", "198.51.100.1", EXIT_AS, EXIT4, EXIT6, EXIT_AS, false},
        {"the ISP", "198.51.100.1", ISP_AS, EXIT4, EXIT6, EXIT_AS, true},
        {"of no AS that is known", "198.51.100.1", 0, EXIT4, EXIT6, EXIT_AS, true},
        {"the exit's is not known", "198.51.100.1", ISP_AS, EXIT4, EXIT6, 0, true},
        {"neither", "198.51.100.1", 0, EXIT4, EXIT6, 0, true},
        {"the ISP by IPv6", "2001:db8:3320::1", ISP_AS, EXIT4, EXIT6, EXIT_AS, true},
        {"no IPv6 to compare", "2001:db8:3320::1", ISP_AS, EXIT4, "", EXIT_AS, false},
        {"no IPv4 to compare", "198.51.100.1", ISP_AS, "", EXIT6, EXIT_AS, false},
        {"no exit", "198.51.100.1", ISP_AS, "", "", 0, false},
        {"no answer", "", 0, EXIT4, EXIT6, EXIT_AS, false},
        {"no answer, no exit", "", 0, "", "", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const dns_exit_t exit = exit_of(cases[i].exit4, cases[i].exit6, cases[i].exit_as);
        const network_origin_t direct = {addr_of(cases[i].direct), cases[i].as};

        if (dns_judge_is_odd(&direct, &exit) != cases[i].is_odd) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void test_worse(void **state)
{
    static const vps_dns_verdict_t order[] = {TUNNEL, ALLOWED, UNKNOWN, INTERCEPTED, LEAK};

    (void)state;
    for (size_t i = 0; i < COUNT(order); i++) {
        for (size_t j = 0; j < COUNT(order); j++) {
            assert_int_equal(dns_judge_worse(order[i], order[j]), order[i > j ? i : j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),        cmocka_unit_test(test_path),
        cmocka_unit_test(test_servers),     cmocka_unit_test(test_unknown_exit),
        cmocka_unit_test(test_odd_answers), cmocka_unit_test(test_worse),
    };

    return cmocka_run_group_tests_name("dns_judge", tests, NULL, NULL);
}
