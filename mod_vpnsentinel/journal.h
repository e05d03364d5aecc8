/*
 * The journal of a client: which of its facts changed, and how, since its last reports.
 *
 * A fact changes when a known value follows another known one: what is not known changes nothing.
 * Pure functions on one record; the caller holds the lock and has the record saved.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "client.h"

/* One accepted keepalive. */
typedef struct sighting_t {
    const vps_record_t *report;
    judged_t judged;           /* of the report (assess_judged) */
    vps_addr_t observed_ip;    /* where it came from */
    int64_t when;              /* sec since epoch */
    int64_t now;               /* monotonic usec, > 0 */
    int64_t offline_threshold; /* usec: a longer gap is a return */
} sighting_t;

/*
 * Judge a sighting by what was known of the client: add an entry for each change, the oldest ones
 * folded when there is no room, and keep what is known now. seen: its last keepalive before, as in
 * the registry.
 */
void journal_judge(client_t *client, int64_t seen, const sighting_t *sighting);

#endif
