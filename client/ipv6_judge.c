#include "ipv6_judge.h"

bool ipv6_judge_wants_probe(const vpn_sight_t *sight)
{
    return sight->way6.link != VPN_LINK_NONE;
}

static vps_ipv6_verdict_t judge_exit(const vpn_sight_t *sight)
{
    if (sight->way6.link == VPN_LINK_TUNNEL) {
        return VPS_IPV6_VERDICT_TUNNEL;
    }
    return sight->way6.link == VPN_LINK_PLAIN && sight->way4.link == VPN_LINK_TUNNEL
               ? VPS_IPV6_VERDICT_LEAK
               : VPS_IPV6_VERDICT_UNKNOWN;
}

vps_ipv6_verdict_t ipv6_judge(const vpn_sight_t *sight, ipv6_probe_t probe)
{
    if (sight->way6.link == VPN_LINK_NONE || probe == IPV6_NOWHERE) {
        return VPS_IPV6_VERDICT_BLOCKED;
    }
    return probe == IPV6_CAME_OUT ? judge_exit(sight) : VPS_IPV6_VERDICT_UNKNOWN;
}
