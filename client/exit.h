/*
 * Where the tunnel comes out: the address and the place of the exit, and Cloudflare's view of it.
 *
 * Each round asks gluetun's control server, if there is one, and the trace; both are cheap and
 * unlimited. The address is that of the first who tells one:
 *   1. the trace, which shows how this client itself comes out; where IPv6 is all there is and the
 *      usual one is not reached, that by IPv6
 *   2. gluetun, which may know another network; also when the trace came by the other family
 *   3. the look-up services (places.h), who count calls: their answer to "who am I" counts for
 *      EXIT_SELF_AGE, unless meanwhile the trace or gluetun show another address, or the server
 *      sees another one than before
 *   4. the server, which told in its answer to the last report what it saw
 * The place is gluetun's when it tells that of this address and no other service is named; else it is
 * looked up.
 *
 * What cannot be seen stays unknown; that is told once when it starts and once when it is over, and
 * so is that gluetun and the trace see different addresses.
 */
#ifndef EXIT_H
#define EXIT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "options.h"
#include "outage.h"
#include "places.h"
#include "record.h"
#include "trace.h"
#include "transfer.h"

#define EXIT_SELF_AGE CLOCK_HOUR

/* A zeroed one has seen nothing yet. Instants are those of clock_elapsed(). */
typedef struct exit_t {
    vps_addr_t self;      /* what the look-up services told last that we are */
    int64_t self_until;   /* that counts until then */
    vps_addr_t observed;  /* what the server saw last, when it was public */
    bool is_observed;     /* the answer to the last report told it */
    outage_t gluetun;     /* of gluetun */
    outage_t trace;       /* of the trace */
    outage_t address;     /* nobody but the server says who we are, or nobody at all */
    outage_t disagreeing; /* gluetun and the trace */
} exit_t;

/* What one look showed. */
typedef struct exit_seen_t {
    vps_place_t place; /* the exit's address, and what is known of where that is */
    vps_trace_t trace; /* Cloudflare's view */
} exit_seen_t;

/*
 * Look. Returns false, *out unspecified, when a signal asks to stop. Takes at most options->timeout
 * for each service that is asked.
 */
bool exit_look(exit_t *known, places_t *places, const options_t *options, transfer_t *transfer,
               exit_seen_t *out);

/* Fill address, place, dns_loc and dns_colo of a report. */
void exit_fill(vps_record_t *record, const exit_seen_t *seen);

/*
 * The answer to a report told which address the server saw; unknown when it was not accepted or
 * told none. One that is not public, because the server is near, is none.
 */
void exit_observe(exit_t *known, places_t *places, const vps_addr_t *observed);

/* Ask everything anew at the next look, because other services may be set. */
void exit_refresh(exit_t *known);

#endif
