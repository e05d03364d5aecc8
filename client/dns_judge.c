#include "dns_judge.h"

vps_dns_path_t dns_judge_way(bool is_tunneled, const vpn_way_t *way)
{
    if (!is_tunneled) {
        return VPS_DNS_PATH_UNKNOWN;
    }
    switch (way->link) {
    case VPN_LINK_TUNNEL:
        return VPS_DNS_PATH_TUNNEL;
    case VPN_LINK_PLAIN:
        return VPS_DNS_PATH_OUTSIDE;
    default:
        return VPS_DNS_PATH_UNKNOWN;
    }
}

vps_dns_path_t dns_judge_path(const vps_dns_path_t *paths, size_t count)
{
    vps_dns_path_t all = VPS_DNS_PATH_UNKNOWN;

    for (size_t i = 0; i < count; i++) {
        if (paths[i] == VPS_DNS_PATH_OUTSIDE) {
            return VPS_DNS_PATH_OUTSIDE;
        }
        if (paths[i] == VPS_DNS_PATH_TUNNEL) {
            all = VPS_DNS_PATH_TUNNEL;
        }
    }
    return all;
}
