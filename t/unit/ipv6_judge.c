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
#define PROBES 5

static const struct {
    const char *what;
    vpn_link_t way4, way6;
    ipv6_probe_t probe;
    vps_ipv6_verdict_t verdict;
} cases[] = {
    {"by the tunnel", TUNNEL, TUNNEL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_TUNNEL},
    {"IPv6 alone by the tunnel", NONE, TUNNEL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_TUNNEL},
    {"IPv4 beside the tunnel", PLAIN, TUNNEL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_TUNNEL},
    {"the tunnel leads nowhere", TUNNEL, TUNNEL, IPV6_CLOSED, VPS_IPV6_VERDICT_BLOCKED},
    {"nobody in the tunnel", TUNNEL, TUNNEL, IPV6_SILENT, VPS_IPV6_VERDICT_BLOCKED},
    {"by the tunnel, no probe", TUNNEL, TUNNEL, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_UNKNOWN},
    {"by the tunnel, odd answer", TUNNEL, TUNNEL, IPV6_UNCLEAR, VPS_IPV6_VERDICT_UNKNOWN},

    {"beside the tunnel", TUNNEL, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_LEAK},
    {"beside it, refused", TUNNEL, PLAIN, IPV6_CLOSED, VPS_IPV6_VERDICT_BLOCKED},
    {"beside it, by a firewall", TUNNEL, PLAIN, IPV6_SILENT, VPS_IPV6_VERDICT_BLOCKED},
    {"beside it, no probe", TUNNEL, PLAIN, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_UNKNOWN},
    {"beside it, odd answer", TUNNEL, PLAIN, IPV6_UNCLEAR, VPS_IPV6_VERDICT_UNKNOWN},
    {"by ppp0 beside it", TUNNEL, UNSURE, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"by ppp0, closed", TUNNEL, UNSURE, IPV6_CLOSED, VPS_IPV6_VERDICT_BLOCKED},
    {"not to be told", TUNNEL, UNSEEN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"not to be told, closed", TUNNEL, UNSEEN, IPV6_CLOSED, VPS_IPV6_VERDICT_BLOCKED},
    {"the far address is here", TUNNEL, LOCAL, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},

    {"no IPv6", TUNNEL, NONE, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_BLOCKED},
    {"no IPv6, no tunnel", PLAIN, NONE, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_BLOCKED},
    {"offline", NONE, NONE, IPV6_NOT_PROBED, VPS_IPV6_VERDICT_BLOCKED},

    {"no tunnel here", PLAIN, PLAIN, IPV6_CAME_OUT, VPS_IPV6_VERDICT_UNKNOWN},
    {"no tunnel here, closed", PLAIN, PLAIN, IPV6_CLOSED, VPS_IPV6_VERDICT_BLOCKED},
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
        ipv6_past_t past = {.silences = 0};
        const vps_ipv6_verdict_t verdict = ipv6_judge(&past, &sight, cases[i].probe);

        if (verdict != cases[i].verdict) {
            fail_msg("%s: %d", cases[i].what, verdict);
        }
        assert_int_equal(ipv6_judge_wants_probe(&sight), cases[i].way6 != NONE);
    }
}

/*
 * A story is a row of looks, each of two letters: where IPv6 leaves, by the Tunnel, Past it, or by No
 * way, and IPv4 always by the tunnel but for "v", where there is no VPN any more; and how the probe goes:
 * "+" it comes out, "-" nobody answers, "x" it is refused, "?" the answer is odd, " " there was no time.
 * Below each look is the verdict: Tunnel, Leak, Blocked or unknown.
 */
static const struct {
    const char *looks, *verdicts;
} stories[] = {
    {"P+P-P+P-P+", "L L L L L "}, /* now and then an answer is lost */
    {"P+P-P-P-", "L L B B "},
    {"P+P-P-P+P-P-", "L L B L L B "},
    {"T+T-T+T-T-", "T T T T B "},
    {"P+PxP-", "L B B "}, /* proven */
    {"P+N P-", "L B B "},
    {"P+T+T-", "L T T "},
    {"P+T-T-", "L u B "}, /* by the tunnel now, but does it come out? */
    {"T+P-P-", "T u B "},
    {"T+P-P+", "T u L "},
    {"P+P-P P-", "L L u B "}, /* a look without time says nothing */
    {"P+P?P-P?P-P-", "L u L u L B "},
    {"P-P+", "B L "}, /* nothing was seen before */
    {"P?P-", "u B "},
    {"P+v+P+", "L u L "},
    {"P+v-v-", "L u B "},
    {"P+v-P-", "L u B "},
    {"P+PxP+P-", "L B L L "},
};

static ipv6_probe_t probe_of(char letter)
{
    return letter == '+'   ? IPV6_CAME_OUT
           : letter == '-' ? IPV6_SILENT
           : letter == 'x' ? IPV6_CLOSED
           : letter == '?' ? IPV6_UNCLEAR
                           : IPV6_NOT_PROBED;
}

static vps_ipv6_verdict_t verdict_of(char letter)
{
    return letter == 'T'   ? VPS_IPV6_VERDICT_TUNNEL
           : letter == 'L' ? VPS_IPV6_VERDICT_LEAK
           : letter == 'B' ? VPS_IPV6_VERDICT_BLOCKED
                           : VPS_IPV6_VERDICT_UNKNOWN;
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        ipv6_past_t past = {.silences = 0};

        for (size_t at = 0; stories[i].looks[at] != '\0'; at += 2) {
            const char *look = stories[i].looks + at;
            const vpn_sight_t sight = {
                .way4 = {.link = look[0] == 'v' ? PLAIN : TUNNEL},
                .way6 = {.link = look[0] == 'T'   ? TUNNEL
                                 : look[0] == 'N' ? NONE
                                                  : PLAIN},
            };

            if (ipv6_judge(&past, &sight, probe_of(look[1])) !=
                verdict_of(stories[i].verdicts[at])) {
                fail_msg("\"%s\": look %zu", stories[i].looks, at / 2 + 1);
            }
        }
    }
}

/* Whatever is seen: a leak only beside a tunnel, and only when it came out, now or just before. */
static void test_nothing_is_guessed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * LINKS * LINKS * PROBES; i++) {
        const vpn_sight_t sight = {
            .way4 = {.link = (vpn_link_t)(i % LINKS)},
            .way6 = {.link = (vpn_link_t)(i / LINKS % LINKS)},
        };
        const ipv6_probe_t probe = (ipv6_probe_t)(i / (LINKS * LINKS) % PROBES);
        const bool was_seen = i >= LINKS * LINKS * PROBES;
        ipv6_past_t past = {.silences = 0};
        vps_ipv6_verdict_t verdict;

        if (was_seen) {
            ipv6_judge(&past, &sight, IPV6_CAME_OUT);
        }
        verdict = ipv6_judge(&past, &sight, probe);
        if (verdict == VPS_IPV6_VERDICT_LEAK) {
            assert_true(sight.way4.link == TUNNEL && sight.way6.link == PLAIN);
        } else if (verdict == VPS_IPV6_VERDICT_TUNNEL) {
            assert_int_equal(sight.way6.link, TUNNEL);
        } else {
            continue;
        }
        assert_true(probe == IPV6_CAME_OUT || (was_seen && probe == IPV6_SILENT));
    }
}

/* libcurl 7.88 ends a limit of 1000 ms after 999.2 ms, now and then. */
static void test_whole(void **state)
{
    (void)state;
    assert_true(ipv6_judge_is_whole(1001, 1000));
    assert_true(ipv6_judge_is_whole(1000, 1000));
    assert_true(ipv6_judge_is_whole(999, 1000));
    assert_false(ipv6_judge_is_whole(900, 1000));
    assert_false(ipv6_judge_is_whole(1000, 2000));
    assert_false(ipv6_judge_is_whole(0, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_nothing_is_guessed),
        cmocka_unit_test(test_whole),
    };

    return cmocka_run_group_tests_name("ipv6_judge", tests, NULL, NULL);
}
