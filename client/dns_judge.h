/*
 * What is to be made of DNS. Pure.
 *
 * The way of a query is what counts most: one that leaves by the tunnel is seen by nobody outside of
 * it, whoever answers. The kernel tells it (route.h), but not past a server on this host, which
 * sends queries of its own, and not where the tunnel is somewhere else (a router, another
 * container). There it counts where the server comes out; which country that is says little, for a
 * public resolver is in all of them at once.
 */
#ifndef DNS_JUDGE_H
#define DNS_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "network.h"
#include "record.h"
#include "vpn_judge.h"

/*
 * By which path goes what is asked of a server? is_tunneled: a tunnel of this host is the way of
 * its traffic, without which there is nothing to be outside of; way: to the server.
 */
vps_dns_path_t dns_judge_way(bool is_tunneled, const vpn_way_t *way);

/* By which path go all of them: outside if one does, tunnel if all do whose path is known. */
vps_dns_path_t dns_judge_path(const vps_dns_path_t *paths, size_t count);

/* The exit of the VPN, or of whatever carries the traffic. */
typedef struct dns_exit_t {
    vps_addr_t addr4; /* its addresses; unknown ones are none */
    vps_addr_t addr6;
    uint32_t as; /* its network; 0 = unknown */
} dns_exit_t;

/* Where DNS may come out though it is not the exit. */
typedef struct dns_allowed_t {
    network_list_t list;
    bool is_default; /* nobody has asked for it: then it allows no way past the tunnel */
} dns_allowed_t;

/* One of the system's servers, as far as it is known. */
typedef struct dns_suspect_t {
    vps_dns_path_t path;     /* of what is asked of it */
    vps_addr_t addr;         /* its address */
    network_origin_t origin; /* as which it asks the world */
} dns_suspect_t;

/*
 * What is to be made of a server. In this order:
 *   tunnel    by the tunnel, whatever it comes out as
 *   tunnel    past it, but it comes out at the exit or next to it: it goes by the VPN then. That the
 *             AS is the same is not enough, for the VPN may be of the very provider of the line
 *   allowed   its address or where it comes out is one that the user allows
 *   leak      past the tunnel
 *   tunnel    by no way that is known, but it comes out at the exit, next to it, or in its AS
 *   allowed   by no way that is known, and out in an AS that is allowed by default
 *   unknown   else
 */
vps_dns_verdict_t dns_judge_server(const dns_suspect_t *server, const dns_exit_t *exit,
                                   const dns_allowed_t *allowed);

/*
 * Does a query that left by the tunnel come out elsewhere than the rest? That is: at an address of
 * an IP version of which the exit has one, not next to it, and not in its AS, when both are known.
 */
bool dns_judge_is_odd(const network_origin_t *direct, const dns_exit_t *exit);

/* The worse one: leak, intercepted, unknown, allowed, tunnel. */
vps_dns_verdict_t dns_judge_worse(vps_dns_verdict_t a, vps_dns_verdict_t b);

#endif
