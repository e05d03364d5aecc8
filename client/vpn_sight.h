/*
 * Looks at the network for vpn_judge(): by which interface would a packet to the Internet leave, and
 * is there a tunnel?
 *
 * The kernel is asked by connecting a UDP socket, which sends nothing; so all its rules count, those
 * of wg-quick too. The interface is the one that has the address which the kernel chose.
 */
#ifndef VPN_SIGHT_H
#define VPN_SIGHT_H

#include "vpn_judge.h"

/* Look. All of *out but was_tunnel is filled. Needs no rights but to ask for the interfaces. */
void vpn_sight_take(vpn_sight_t *out);

#endif
