/*
 * Looks at the network for vpn_judge(): by which interface would a packet to the Internet leave
 * (route.h), and is there a tunnel?
 */
#ifndef VPN_SIGHT_H
#define VPN_SIGHT_H

#include "vpn_judge.h"

/* Look. All of *out but was_tunnel is filled. Needs no rights; nothing is sent. */
void vpn_sight_take(vpn_sight_t *out);

#endif
