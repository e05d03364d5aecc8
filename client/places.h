/*
 * Where is an address: asked of the look-up services, and remembered.
 *
 * The services count calls, so each is asked as seldom as possible:
 *   - A place is good for PLACES_AGE, and the last PLACES_REMEMBERED addresses that were asked for
 *     are remembered. An older place is still told as long as nobody tells a newer one.
 *   - The services are asked one after the other until one tells: ipinfo, ip-api, ipwhois; or only
 *     the one that VPN_SENTINEL_GEOLOCATION_SERVICE names. With gluetun named, nobody is asked.
 *   - A service that fails, refuses or says that no requests are left (X-Rl: 0) rests, see rest.h;
 *     one that has no useful answer to a question rests for this question only, because which
 *     addresses are asked for (a resolver's, say) may be somebody else's choice.
 *   - None is asked through a tunnel by which nothing comes in.
 *
 * What fails is told once when it starts and once when it is over.
 */
#ifndef PLACES_H
#define PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "options.h"
#include "outage.h"
#include "place.h"
#include "rest.h"
#include "transfer.h"

#define PLACES_AGE (24 * CLOCK_HOUR)
#define PLACES_REMEMBERED 8
#define PLACES_SERVICES VPS_PLACE_GLUETUN /* those before it, numbered as in place.h */

/* An address that was asked for, and what came of it. */
typedef struct places_entry_t {
    vps_addr_t addr;              /* unknown: the entry is free */
    vps_place_t place;            /* of no address when unknown */
    int64_t until;                /* ms, of clock_elapsed(): the place is good until then */
    uint64_t used;                /* the larger, the later */
    rest_t rest[PLACES_SERVICES]; /* of each service, when asked for this address */
} places_entry_t;

/* A zeroed one: nobody was asked yet. */
typedef struct places_t {
    places_entry_t entry[PLACES_REMEMBERED];
    places_entry_t self;              /* of no address: who are we? Its place is not used */
    uint64_t uses;                    /* counts */
    rest_t rest[PLACES_SERVICES];     /* of each service */
    outage_t outage[PLACES_SERVICES]; /* of each service */
} places_t;

/*
 * Find the place of an address. Returns false, *out all unknown, when nobody tells, when a signal
 * asks to stop before somebody does, or when the address is not a public one, for which nobody is
 * asked. Takes at most options->timeout for each service.
 */
bool places_find(places_t *places, const options_t *options, transfer_t *transfer,
                 const vps_addr_t *addr, vps_place_t *out);

/*
 * Ask the services who we are: *out is our address and, as far as it was told, its place. Asks anew
 * at each call. Returns false, *out all unknown, when nobody tells.
 */
bool places_find_self(places_t *places, const options_t *options, transfer_t *transfer,
                      vps_place_t *out);

/* Remember a place that somebody else told, now. */
void places_learn(places_t *places, const vps_place_t *place);

/* The network has changed: services that were merely not reached need not rest longer. */
void places_retry(places_t *places);

/* Ask everything anew when needed next, because other services or another token may be set. */
void places_refresh(places_t *places);

#endif
