/*
 * What can be seen of the exit from here: its address, its place, and Cloudflare's view.
 *
 * Each round asks the trace, which is cheap and unlimited, for the address. The place providers
 * (ipinfo, then ip-api) count calls, so the place is cached:
 *   - with an address from the trace, they are asked for that address, and only when it is not the
 *     cached one or the cached place is older than PROBE_PLACE_AGE;
 *   - without a trace, they are asked who we are, and an answer counts for PROBE_SELF_AGE unless a
 *     trace shows another address meanwhile.
 * A provider that failed rests: after an answer that refuses or is of no use as long as it says
 * (Retry-After, X-Ttl), else PROBE_REST; when it was not reached or is failing, PROBE_RETRY. It
 * also rests when it says that no requests are left (X-Rl: 0).
 *
 * What cannot be seen stays unknown; that is told once when it starts and once when it is over.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "options.h"
#include "outage.h"
#include "place.h"
#include "transfer.h"

#define PROBE_PLACE_AGE (24 * CLOCK_HOUR)
#define PROBE_SELF_AGE CLOCK_HOUR
#define PROBE_REST (15 * CLOCK_MINUTE)
#define PROBE_REST_MAX CLOCK_HOUR
#define PROBE_RETRY (30 * CLOCK_SECOND)

#define PROBE_PROVIDERS 2 /* vps_place_source_t numbers them */

/* Instants are monotonic, in ms; one that has passed, as 0 always has, says no. */
typedef struct probe_t {
    vps_place_t place;                   /* cached; of no address when there is none */
    int64_t place_until;                 /* the cached place is good until then */
    int64_t self_until;                  /* its address is ours until then, without a trace */
    int64_t rest_until[PROBE_PROVIDERS]; /* do not ask before */
    outage_t provider[PROBE_PROVIDERS];  /* of each provider */
    outage_t trace;                      /* of the trace */
    outage_t address;                    /* nobody says who we are */
} probe_t;

/*
 * Look, and fill the members of *record that this room knows: address, place, dns_loc, dns_colo. A
 * zeroed *probe has seen nothing yet. Returns false when a signal asked to stop.
 */
bool probe_run(probe_t *probe, const options_t *options, transfer_t *transfer,
               vps_record_t *record);

/* Ask everything anew at the next look, because other services or another token may be set. */
void probe_refresh(probe_t *probe);

#endif
