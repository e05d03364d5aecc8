/*
 * The shared memory of the module and its lock.
 *
 * One anonymous segment, made at the first start and found again at every graceful and restart, so
 * that the registry survives them; only stopping httpd ends it. It holds the registry, the
 * rate-limit table, the newest events, the notice, the vitals and the counters. All but what says
 * otherwise are guarded by one mutex ("Mutex … vpnsentinel"), taken with registry_acquire().
 *
 * segment_open() runs in the parent before it forks; the getters are valid in parent and children
 * after it, from any thread.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "mod_vpnsentinel.h"

#include "counters.h"
#include "event_ring.h"
#include "flood.h"
#include "ratelimit.h"
#include "registry.h"
#include "vitals.h"

/* The newest refusal, by the rate limit, of an address that clients report from. Under the lock. */
typedef struct notice_t {
    int64_t when;    /* sec since epoch, 0 = never */
    int64_t told;    /* monotonic usec of the last line in the error log about it, 0 = never */
    vps_addr_t addr; /* which */
} notice_t;

/* pre_config: make the name known to the Mutex directive. */
apr_status_t segment_register_mutex(apr_pool_t *pconf);

/*
 * Is the configured mutex mechanism one that a killed holder does not leave locked? Returns NULL
 * when it is, or when it cannot be told here; else a sentence with the line to write.
 */
const char *segment_check_mutex(apr_pool_t *ptemp, server_rec *s);

/*
 * Make or find the segment, for the limits of the configuration. Logs what fails. At the first start
 * a failure keeps httpd from starting; at a reload it must not end what httpd serves besides: then
 * there is no segment, and the API answers 503 until a later reload has more luck.
 */
apr_status_t segment_open(server_rec *s);

/*
 * In each new child. Does nothing when there is no segment; a child that cannot have the mutex has none
 * from here on.
 */
void segment_child_init(apr_pool_t *pchild, server_rec *s);

/*
 * The monitor is to look at what changed: true when nobody else has said so since it looked last, and
 * it has to be woken. segment_look() is the monitor's, before it looks; segment_recorded() when all
 * that it looked at is recorded.
 */
bool segment_call_monitor(void);
void segment_look(void);
void segment_recorded(void);

/* Since when the oldest change waits to be recorded, to be told: monotonic usec, 0 = none does. */
int64_t segment_waiting_since(void);

/*
 * Does the error log say already that the dashboard is public? segment_tell_public(): it is to say so
 * now; true for the first caller in the life of the server. Both need a segment, but no lock.
 */
bool segment_is_public_told(void);
bool segment_tell_public(void);

/* NULL when there is no segment. */
registry_t *segment_registry(void);
ratelimit_table_t *segment_ratelimit(void);
event_ring_t *segment_events(void);
notice_t *segment_notice(void);
vitals_t *segment_vitals(void);
flood_t *segment_flood(void);       /* needs no lock */
counters_t *segment_counters(void); /* the same */

/* A copy of the vitals, taken under the lock; all zero when they could not be had. */
void segment_copy_vitals(vitals_t *out);

#endif
