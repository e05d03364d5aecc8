/*
 * The way of a packet, as the kernel would send it: by which interface does it leave?
 *
 * The kernel is asked by RTM_GETROUTE of rtnetlink(7), which needs no rights, sends nothing and is
 * answered at once. All its rules count, as they do for a socket of this process: those of wg-quick
 * for packets without its mark, those for a user or a port, and what ip-vrf(8) binds a process to.
 * What a firewall does to a packet does not.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <netinet/in.h>
#include <stdint.h>

#include "addr.h"
#include "vpn_judge.h"

/* What the packet is of; rules may go by that. */
typedef struct route_flow_t {
    uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
    uint16_t port;    /* at the other end */
} route_flow_t;

#define ROUTE_HTTPS ((route_flow_t){IPPROTO_TCP, 443})

/*
 * Find the way to an address. *out is VPN_LINK_NONE when no packet would go there (there is no
 * route, or one that says so), VPN_LINK_LOCAL when the address is this host's own, VPN_LINK_UNSEEN
 * when the kernel does not tell, or the address is unknown or one of a link, which does not say of
 * which.
 */
void route_find(vpn_way_t *out, const vps_addr_t *to, route_flow_t flow);

#endif
