/* client/ipv6_judge.h: what becomes of IPv6. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ipv6_judge.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define NONE VPN_LINK_NONE
#define PLAIN VPN_LINK_PLAIN
#define UNSURE VPN_LINK_UNSURE
#define TUNNEL VPN_LINK_TUNNEL
#define LOCAL VPN_LINK_LOCAL
#define UNSEEN VPN_LINK_UNSEEN
#define LINKS 6
#define PROBES 4

static const struct {
    const char *what;
    vpn_link_t way4, way6;
    ipv6_probe_t probe;
    vps_ipv6_verdict_t verdict;
} cases[] = {
    {"by the tunnel", TUNNEL, TUNNEL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_TUNNEL},
    {"IPv6 alone by the tunnel", NONE, TUNNEL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_TUNNEL},
    {"IPv4 beside the tunnel", PLAIN, TUNNEL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_TUNNEL},
    {"the tunnel leads nowhere", TUNNEL, TUNNEL, IPV6_NOWHERE, VPS_IPV6_VERDICT_BLOCKED},
    {"by the tunnel, no probe", TUNNEL, TUNNEL, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_UNKNOWN},
    {"by the tunnel, odd answer", TUNNEL, TUNNEL, IPV6_UNCLEAR, VPS_IPV6_VERDICT_UNKNOWN},

    {"beside the tunnel", TUNNEL, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_LEAK},
    {"beside it, by a firewall", TUNNEL, PLAIN, IPV6_NOWHERE, VPS_IPV6_VERDICT_BLOCKED},
    {"beside it, no probe", TUNNEL, PLAIN, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_UNKNOWN},
    {"beside it, odd answer", TUNNEL, PLAIN, IPV6_UNCLEAR, VPS_IPV6_VERDICT_UNKNOWN},
    {"by ppp0 beside it", TUNNEL, UNSURE, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"by ppp0, closed", TUNNEL, UNSURE, IPV6_NOWHERE, VPS_IPV6_VERDICT_BLOCKED},
    {"not to be told", TUNNEL, UNSEEN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"not to be told, closed", TUNNEL, UNSEEN, IPV6_NOWHERE, VPS_IPV6_VERDICT_BLOCKED},
    {"the far address is here", TUNNEL, LOCAL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},

    {"no IPv6", TUNNEL, NONE, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_BLOCKED},
    {"no IPv6, no tunnel", PLAIN, NONE, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_BLOCKED},
    {"offline", NONE, NONE, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_BLOCKED},

    {"no tunnel here", PLAIN, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"no tunnel here, closed", PLAIN, PLAIN, IPV6_NOWHERE, VPS_IPV6_VERDICT_BLOCKED},
    {"IPv6 alone, no tunnel", NONE, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"ppp0 has IPv4", UNSURE, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"IPv4 not to be told", UNSEEN, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const vpn_sight_t sight = {
            .way4 = {.link = cases[i].way4},
            .way6 = {.link = cases[i].way6},
        };
        const vps_ipv6_verdict_t verdict = ipv6_judge(&sight, cases[i].probe);

        if (verdict != cases[i].verdict) {
            fail_msg("%s: %d", cases[i].what, verdict);
        }
        assert_int_equal(ipv6_judge_wants_probe(&sight), cases[i].way6 != NONE);
    }
}

/* Whatever is seen: a leak only beside a tunnel, and only when it came out. */
static void test_nothing_is_guessed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINKS * LINKS * PROBES; i++) {
        const vpn_sight_t sight = {
            .way4 = {.link = (vpn_link_t)(i % LINKS)},
            .way6 = {.link = (vpn_link_t)(i / LINKS % LINKS)},
        };
        const ipv6_probe_t probe = (ipv6_probe_t)(i / (LINKS * LINKS));
        const vps_ipv6_verdict_t verdict = ipv6_judge(&sight, probe);

        if (verdict == VPS_IPV6_VERDICT_LEAK) {
            assert_true(sight.way4.link == TUNNEL && sight.way6.link == PLAIN);
            assert_int_equal(probe, IPV6_CAME_OUT);
        } else if (verdict == VPS_IPV6_VERDICT_TUNNEL) {
            assert_int_equal(sight.way6.link, TUNNEL);
            assert_int_equal(probe, IPV6_CAME_OUT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_nothing_is_guessed),
    };

    return cmocka_run_group_tests_name("ipv6_judge", tests, NULL, NULL);
}
