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

/* --- verdicts --- */

static bool is_at_exit(const vps_addr_t *addr, const dns_exit_t *exit)
{
    return network_is_near(addr, &exit->addr4) || network_is_near(addr, &exit->addr6);
}

static bool is_in_as(uint32_t as, const dns_exit_t *exit)
{
    return as != 0 && as == exit->as;
}

static bool is_allowed(const dns_suspect_t *server, const dns_allowed_t *allowed)
{
    return network_list_has_addr(&allowed->list, &server->addr) ||
           network_list_has_addr(&allowed->list, &server->origin.addr) ||
           network_list_has_as(&allowed->list, server->origin.as);
}

vps_dns_verdict_t dns_judge_server(const dns_suspect_t *server, const dns_exit_t *exit,
                                   const dns_allowed_t *allowed)
{
    if (server->path == VPS_DNS_PATH_TUNNEL || is_at_exit(&server->origin.addr, exit)) {
        return VPS_DNS_VERDICT_TUNNEL;
    }
    if (!allowed->is_default && is_allowed(server, allowed)) {
        return VPS_DNS_VERDICT_ALLOWED;
    }
    if (server->path == VPS_DNS_PATH_OUTSIDE) {
        return VPS_DNS_VERDICT_LEAK;
    }
    if (is_in_as(server->origin.as, exit)) {
        return VPS_DNS_VERDICT_TUNNEL;
    }
    return is_allowed(server, allowed) ? VPS_DNS_VERDICT_ALLOWED : VPS_DNS_VERDICT_UNKNOWN;
}

bool dns_judge_is_odd(const network_origin_t *direct, const dns_exit_t *exit)
{
    const vps_addr_t *addr = direct->addr.version == 6 ? &exit->addr6 : &exit->addr4;

    return direct->addr.version != 0 && addr->version == direct->addr.version &&
           !network_is_near(&direct->addr, addr) && !is_in_as(direct->as, exit);
}

static int badness(vps_dns_verdict_t verdict)
{
    static const int ranks[] = {
        [VPS_DNS_VERDICT_TUNNEL] = 0,  [VPS_DNS_VERDICT_ALLOWED] = 1,
        [VPS_DNS_VERDICT_UNKNOWN] = 2, [VPS_DNS_VERDICT_INTERCEPTED] = 3,
        [VPS_DNS_VERDICT_LEAK] = 4,
    };

    return ranks[verdict];
}

vps_dns_verdict_t dns_judge_worse(vps_dns_verdict_t a, vps_dns_verdict_t b)
{
    return badness(b) > badness(a) ? b : a;
}
