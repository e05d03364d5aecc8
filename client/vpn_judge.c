#include "vpn_judge.h"

#include <net/if_arp.h>
#include <string.h>

/* Of the kernel, but not of this header. */
#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823
#endif

static vpn_verdict_t judge_plain(const vpn_sight_t *sight, const vpn_way_t *way)
{
    if (sight->tunnel[0] != '\0') {
        return (vpn_verdict_t){VPS_NO, VPN_BY_OTHER, way};
    }
    if (sight->was_tunnel) {
        return (vpn_verdict_t){VPS_NO, VPN_LOST, way};
    }
    return (vpn_verdict_t){VPS_UNKNOWN, VPN_NO_TUNNEL, way};
}

static vpn_verdict_t judge_no_way(const vpn_sight_t *sight, const vpn_way_t *way)
{
    if (sight->tunnel[0] != '\0' || sight->was_tunnel) {
        return (vpn_verdict_t){VPS_NO, VPN_NO_WAY, way};
    }
    return (vpn_verdict_t){VPS_UNKNOWN, VPN_NO_TUNNEL, way};
}

vpn_verdict_t vpn_judge(const vpn_sight_t *sight)
{
    const vpn_way_t *way = sight->way4.link != VPN_LINK_NONE ? &sight->way4 : &sight->way6;

    switch (way->link) {
    case VPN_LINK_TUNNEL:
        return (vpn_verdict_t){VPS_YES, VPN_BY_TUNNEL, way};
    case VPN_LINK_PLAIN:
        return judge_plain(sight, way);
    case VPN_LINK_NONE:
        return judge_no_way(sight, way);
    case VPN_LINK_UNSURE:
        return (vpn_verdict_t){VPS_UNKNOWN, VPN_MAYBE, way};
    default:
        return (vpn_verdict_t){VPS_UNKNOWN, VPN_UNSEEN, way};
    }
}

bool vpn_judge_is_ipv6_alone(const vpn_sight_t *sight)
{
    return sight->way4.link == VPN_LINK_NONE && sight->way6.link != VPN_LINK_NONE;
}

vpn_link_t vpn_judge_link(unsigned type, bool is_tun, const char *devtype)
{
    switch (type) {
    case ARPHRD_NONE: /* TUN, WireGuard, OpenVPN's and IPsec's interfaces; but some modems too */
        return strcmp(devtype, "wwan") == 0 ? VPN_LINK_PLAIN : VPN_LINK_TUNNEL;
    case ARPHRD_ETHER: /* made by the driver it is a TAP: of a VPN, a virtual machine, a container */
        return is_tun ? VPN_LINK_UNSURE : VPN_LINK_PLAIN;
    case ARPHRD_LOOPBACK:
        return VPN_LINK_LOCAL;
    case ARPHRD_PPP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
        return VPN_LINK_UNSURE;
    default:
        return VPN_LINK_PLAIN;
    }
}
