/*
 * Where does IPv6 go? The kernel is asked for its way, and Cloudflare's trace (trace.h), by a URL
 * with the literal IPv6 address, as which address it comes out. No proxy is used for that, which
 * would show its own way.
 */
#ifndef IPV6_H
#define IPV6_H

#include <stdbool.h>

#include "ipv6_judge.h"
#include "options.h"
#include "outage.h"
#include "record.h"
#include "transfer.h"

#define IPV6_PROBE_MAX 2000 /* ms; one that is closed by silence costs so much in each round */

/* What was seen and told before; a zeroed one has seen nothing. */
typedef struct ipv6_t {
    ipv6_past_t past;
    outage_t leak;
} ipv6_t;

/*
 * Look, and set public_ip6 and ipv6_verdict of a record whose public_ip is there already. A leak is
 * told once when it starts and once when it is known to be over; the rest is in the debug log. Returns false
 * when a signal asked to stop. Takes at most IPV6_PROBE_MAX.
 */
bool ipv6_look(ipv6_t *known, const options_t *options, transfer_t *transfer, vps_record_t *record);

#endif
