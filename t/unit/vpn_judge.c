/* client/vpn_judge.h: what the way of a packet says of the VPN, and what is a tunnel. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "vpn_judge.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Which way decides. */
typedef enum by_t { BY_4, BY_6 } by_t;

#define NONE VPN_LINK_NONE
#define PLAIN VPN_LINK_PLAIN
#define UNSURE VPN_LINK_UNSURE
#define TUNNEL VPN_LINK_TUNNEL
#define LOCAL VPN_LINK_LOCAL
#define UNSEEN VPN_LINK_UNSEEN
#define LINKS 6 /* kinds of them */

static const struct {
    const char *what;
    vpn_link_t way4, way6;
    bool has_tunnel, was_tunnel;
    vps_answer_t answer;
    vpn_reason_t reason;
    by_t by;
} cases[] = {
    {"tunnel", TUNNEL, NONE, true, false, VPS_YES, VPN_BY_TUNNEL, BY_4},
    {"tunnel as before", TUNNEL, NONE, true, true, VPS_YES, VPN_BY_TUNNEL, BY_4},
    {"tunnel for both", TUNNEL, TUNNEL, true, false, VPS_YES, VPN_BY_TUNNEL, BY_4},
    {"IPv6 leaks beside it", TUNNEL, PLAIN, true, false, VPS_YES, VPN_BY_TUNNEL, BY_4},
    {"IPv6 alone", NONE, TUNNEL, true, false, VPS_YES, VPN_BY_TUNNEL, BY_6},
    {"tunnel for IPv6 only", PLAIN, TUNNEL, true, false, VPS_NO, VPN_BY_OTHER, BY_4},

    {"behind a router", PLAIN, NONE, false, false, VPS_UNKNOWN, VPN_NO_TUNNEL, BY_4},
    {"behind a router, both", PLAIN, PLAIN, false, false, VPS_UNKNOWN, VPN_NO_TUNNEL, BY_4},
    {"behind a router, IPv6", NONE, PLAIN, false, false, VPS_UNKNOWN, VPN_NO_TUNNEL, BY_6},
    {"tunnel beside", PLAIN, NONE, true, false, VPS_NO, VPN_BY_OTHER, BY_4},
    {"tunnel no longer used", PLAIN, NONE, true, true, VPS_NO, VPN_BY_OTHER, BY_4},
    {"tunnel gone", PLAIN, NONE, false, true, VPS_NO, VPN_LOST, BY_4},
    {"tunnel gone, IPv6", NONE, PLAIN, false, true, VPS_NO, VPN_LOST, BY_6},

    {"offline", NONE, NONE, false, false, VPS_UNKNOWN, VPN_NO_TUNNEL, BY_6},
    {"offline, tunnel there", NONE, NONE, true, false, VPS_NO, VPN_NO_WAY, BY_6},
    {"offline, tunnel gone", NONE, NONE, false, true, VPS_NO, VPN_NO_WAY, BY_6},

    {"ppp", UNSURE, NONE, false, false, VPS_UNKNOWN, VPN_MAYBE, BY_4},
    {"ppp, tunnel beside", UNSURE, NONE, true, false, VPS_UNKNOWN, VPN_MAYBE, BY_4},
    {"ppp, tunnel gone", UNSURE, TUNNEL, false, true, VPS_UNKNOWN, VPN_MAYBE, BY_4},
    {"ppp for IPv6", NONE, UNSURE, true, true, VPS_UNKNOWN, VPN_MAYBE, BY_6},
    {"not to be told", UNSEEN, NONE, false, false, VPS_UNKNOWN, VPN_UNSEEN, BY_4},
    {"not to be told, tunnel there", UNSEEN, TUNNEL, true, true, VPS_UNKNOWN, VPN_UNSEEN, BY_4},
    {"this host", LOCAL, NONE, true, true, VPS_UNKNOWN, VPN_UNSEEN, BY_4},
    {"not to be told, IPv6", NONE, UNSEEN, true, true, VPS_UNKNOWN, VPN_UNSEEN, BY_6},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        vpn_sight_t sight = {
            .way4 = {.link = cases[i].way4},
            .way6 = {.link = cases[i].way6},
            .was_tunnel = cases[i].was_tunnel,
        };
        vpn_verdict_t verdict;

        snprintf(sight.tunnel, sizeof(sight.tunnel), "%s", cases[i].has_tunnel ? "tun0" : "");
        verdict = vpn_judge(&sight);
        if (verdict.answer != cases[i].answer || verdict.reason != cases[i].reason) {
            fail_msg("%s: answer %d, reason %d", cases[i].what, verdict.answer, verdict.reason);
        }
        assert_ptr_equal(verdict.way, cases[i].by == BY_4 ? &sight.way4 : &sight.way6);
    }
}

/* Whatever is seen: yes only by a tunnel, no only where a tunnel is or was. */
static void test_nothing_is_guessed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINKS * LINKS * 2 * 2; i++) {
        vpn_sight_t sight = {
            .way4 = {.link = (vpn_link_t)(i % LINKS)},
            .way6 = {.link = (vpn_link_t)(i / LINKS % LINKS)},
            .tunnel = {i / (LINKS * LINKS) % 2 ? 't' : '\0'},
            .was_tunnel = i / (LINKS * LINKS * 2),
        };
        vpn_verdict_t verdict = vpn_judge(&sight);

        if (verdict.answer == VPS_YES) {
            assert_int_equal(verdict.way->link, VPN_LINK_TUNNEL);
        } else if (verdict.answer == VPS_NO) {
            assert_true(sight.tunnel[0] != '\0' || sight.was_tunnel);
            assert_true(verdict.way->link == VPN_LINK_PLAIN || verdict.way->link == VPN_LINK_NONE);
        }
    }
}

static void test_ipv6_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINKS * LINKS; i++) {
        const vpn_sight_t sight = {
            .way4 = {.link = (vpn_link_t)(i % LINKS)},
            .way6 = {.link = (vpn_link_t)(i / LINKS)},
        };

        assert_int_equal(vpn_judge_is_ipv6_alone(&sight),
                         sight.way4.link == VPN_LINK_NONE && sight.way6.link != VPN_LINK_NONE);
    }
}

static void test_links(void **state)
{
    static const struct {
        const char *what;
        unsigned type;
        bool is_tun;
        const char *devtype;
        vpn_link_t link;
    } links[] = {
        {"eth0", 1, false, "", PLAIN},
        {"wlan0", 1, false, "wlan", PLAIN},
        {"docker0", 1, false, "bridge", PLAIN},
        {"lo", 772, false, "", LOCAL},
        {"tun0", 65534, true, "", TUNNEL},
        {"wg0", 65534, false, "wireguard", TUNNEL},
        {"OpenVPN's own", 65534, false, "ovpn", TUNNEL},
        {"IPsec's", 65534, false, "", TUNNEL},
        {"tap0", 1, true, "", UNSURE},
        {"ppp0", 512, false, "ppp", UNSURE},
        {"tunl0", 768, false, "", UNSURE},
        {"ip6tnl0", 769, false, "", UNSURE},
        {"sit0", 776, false, "", UNSURE},
        {"gre0", 778, false, "", UNSURE},
        {"ip6gre0", 823, false, "", UNSURE},
        {"a modem", 65534, false, "wwan", PLAIN},
        {"a modem of another kind", 519, false, "wwan", PLAIN},
        {"not known to us", 12345, false, "new", PLAIN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(links); i++) {
        vpn_link_t link = vpn_judge_link(links[i].type, links[i].is_tun, links[i].devtype);

        if (link != links[i].link) {
            fail_msg("%s: %d", links[i].what, link);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_nothing_is_guessed),
        cmocka_unit_test(test_ipv6_alone),
        cmocka_unit_test(test_links),
    };

    return cmocka_run_group_tests_name("vpn_judge", tests, NULL, NULL);
}
