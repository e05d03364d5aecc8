/*
 * What becomes of IPv6? Pure.
 *
 * A VPN that carries IPv4 alone leaves IPv6 to the plain line, unless that has none or something
 * closes it. The kernel tells the way of a packet (route.h), but not whether a firewall lets it
 * pass: a probe does.
 *
 * An answer that does not come is no proof: it may have been lost. So what was seen to come out, by
 * the tunnel or past it, is over only when something shows that, or after IPV6_SILENCES.
 */
#ifndef IPV6_JUDGE_H
#define IPV6_JUDGE_H

#include <stdint.h>

#include "record.h"
#include "vpn_judge.h"

#define IPV6_SILENCES 2 /* in a row, that nothing else came between */
#define IPV6_EARLY 10   /* ms */

/* How it went with a request by IPv6. */
typedef enum ipv6_probe_t {
    IPV6_NOT_PROBED, /* or cut short, before anything came of it */
    IPV6_CAME_OUT,   /* the answer tells as which address */
    IPV6_CLOSED,     /* no connection, as somebody said: unreachable, refused */
    IPV6_SILENT,     /* no connection, and nobody said anything in time */
    IPV6_UNCLEAR     /* somebody is there, but what they say is of no use */
} ipv6_probe_t;

/* What was seen before; a zeroed one has seen nothing. */
typedef struct ipv6_past_t {
    vps_ipv6_verdict_t seen; /* the last one that was known */
    unsigned silences;       /* since something else was seen */
} ipv6_past_t;

/* Is there a use in a probe? Not when no packet would leave. */
bool ipv6_judge_wants_probe(const vpn_sight_t *sight);

/*
 * Did a probe that nobody answered last as long as its limit, both in ms, and not a change of the
 * network cut it short? libcurl has a clock and a rounding of its own: as we measure, its limit may be
 * over a little before, IPV6_EARLY at most.
 */
bool ipv6_judge_is_whole(int64_t lasted, int64_t limit);

/*
 *   blocked   no packet would leave, or it leads nowhere
 *   tunnel    it leaves by a tunnel and comes out
 *   leak      it leaves by a plain interface and comes out, while a tunnel is the way of IPv4
 *   unknown   else: without a tunnel here there is nothing to leak past; and an IPv6 that is all
 *             there is, and leaves by a plain interface, is no leak beside the VPN but has none
 *
 * At the first silence after tunnel or leak it is that still when packets still leave in that way,
 * else unknown.
 */
vps_ipv6_verdict_t ipv6_judge(ipv6_past_t *past, const vpn_sight_t *sight, ipv6_probe_t probe);

#endif
