#include "ipv6_judge.h"

bool ipv6_judge_wants_probe(const vpn_sight_t *sight)
{
    return sight->way6.link != VPN_LINK_NONE;
}

bool ipv6_judge_is_whole(int64_t lasted, int64_t limit)
{
    return lasted >= limit - IPV6_EARLY;
}

/* What it is when something comes out. */
static vps_ipv6_verdict_t judge_exit(const vpn_sight_t *sight)
{
    if (sight->way6.link == VPN_LINK_TUNNEL) {
        return VPS_IPV6_VERDICT_TUNNEL;
    }
    return sight->way6.link == VPN_LINK_PLAIN && sight->way4.link == VPN_LINK_TUNNEL
               ? VPS_IPV6_VERDICT_LEAK
               : VPS_IPV6_VERDICT_UNKNOWN;
}

static vps_ipv6_verdict_t judge_silence(ipv6_past_t *past, const vpn_sight_t *sight)
{
    const bool came_out =
        past->seen == VPS_IPV6_VERDICT_TUNNEL || past->seen == VPS_IPV6_VERDICT_LEAK;

    if (past->silences < IPV6_SILENCES) {
        past->silences++;
    }
    if (!came_out || past->silences == IPV6_SILENCES) {
        return VPS_IPV6_VERDICT_BLOCKED;
    }
    return judge_exit(sight) == past->seen ? past->seen : VPS_IPV6_VERDICT_UNKNOWN;
}

static vps_ipv6_verdict_t judge(ipv6_past_t *past, const vpn_sight_t *sight, ipv6_probe_t probe)
{
    if (sight->way6.link == VPN_LINK_NONE) {
        return VPS_IPV6_VERDICT_BLOCKED;
    }
    if (probe == IPV6_SILENT) {
        return judge_silence(past, sight);
    }
    if (probe == IPV6_NOT_PROBED) {
        return VPS_IPV6_VERDICT_UNKNOWN;
    }
    past->silences = 0;
    return probe == IPV6_CLOSED     ? VPS_IPV6_VERDICT_BLOCKED
           : probe == IPV6_CAME_OUT ? judge_exit(sight)
                                    : VPS_IPV6_VERDICT_UNKNOWN;
}

vps_ipv6_verdict_t ipv6_judge(ipv6_past_t *past, const vpn_sight_t *sight, ipv6_probe_t probe)
{
    const vps_ipv6_verdict_t verdict = judge(past, sight, probe);

    if (verdict != VPS_IPV6_VERDICT_UNKNOWN) {
        past->seen = verdict;
    }
    return verdict;
}
