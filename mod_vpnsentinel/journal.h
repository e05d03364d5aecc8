/*
 * The journal of a client: which keepalives changed what is known of it, since what the monitor has
 * announced.
 *
 * What is not known changes nothing: it never replaces what was known. One exception is
 * vpn_connected after a time offline, when the old word of the VPN is worth nothing.
 * Pure functions on one record; the caller holds the lock and has the record saved.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "assess.h"
#include "client.h"
#include "hindsight.h"

/* One accepted keepalive. */
typedef struct sighting_t {
    const vps_record_t *report;
    judged_t judged;           /* of the report (assess_judged), made before the lock is taken */
    vps_addr_t observed_ip;    /* where it came from */
    int64_t when;              /* sec since epoch */
    int64_t now;               /* monotonic usec, > CLIENT_RESTORED */
    int64_t offline_threshold; /* usec */
    const hindsight_t *past;   /* what it tells of the time before it, NULL = nothing */
    size_t past_count;
} sighting_t;

/*
 * Judge a sighting by what was known of the client: add an entry when it changes that, and keep
 * what is known now. What it tells of the past comes first, an entry for each time; nothing of it from
 * before the last keepalive, which has been told already, nor of the first keepalive ever. Entries that are announced make room first, then the oldest ones are folded.
 * seen: its last keepalive before, as in the registry; facts: as of the sighting.
 */
void journal_judge(client_t *client, int64_t seen, const sighting_t *sighting,
                   const assess_facts_t *facts);

#endif
