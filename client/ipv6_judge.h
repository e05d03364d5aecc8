/*
 * What becomes of IPv6? Pure.
 *
 * A VPN that carries IPv4 alone leaves IPv6 to the plain line, unless that has none or something
 * closes it. The kernel tells the way of a packet (route.h), but not whether a firewall lets it
 * pass: a probe does.
 */
#ifndef IPV6_JUDGE_H
#define IPV6_JUDGE_H

#include "record.h"
#include "vpn_judge.h"

/* How it went with a request by IPv6. */
typedef enum ipv6_probe_t {
    IPV6_NOT_PROBED,
    IPV6_CAME_OUT, /* the answer tells as which address */
    IPV6_NOWHERE,  /* no connection: unreachable, refused, or no answer in time */
    IPV6_UNCLEAR   /* somebody is there, but what they say is of no use */
} ipv6_probe_t;

/* Is there a use in a probe? Not when no packet would leave. */
bool ipv6_judge_wants_probe(const vpn_sight_t *sight);

/*
 *   blocked   no packet would leave, or it leads nowhere
 *   tunnel    it leaves by a tunnel and comes out
 *   leak      it leaves by a plain interface and comes out, while a tunnel is the way of IPv4
 *   unknown   else: without a tunnel here there is nothing to leak past; and an IPv6 that is all
 *             there is, and leaves by a plain interface, is no leak beside the VPN but has none
 */
vps_ipv6_verdict_t ipv6_judge(const vpn_sight_t *sight, ipv6_probe_t probe);

#endif
