/*
 * The journal of a report: what has changed since the last report that the server accepted, and when.
 * It tells of what came and went while nobody could be told.
 *
 * Facts are those members of a report that changes are judged by. POD; no state; thread-safe.
 */
#ifndef VPS_PAST_H
#define VPS_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

#define VPS_PAST_MAX 32 /* changes in a report; more are refused */

typedef enum vps_fact_t {
    VPS_FACT_PUBLIC_IP,
    VPS_FACT_LOCATION,
    VPS_FACT_DNS_LOC,
    VPS_FACT_DNS_VERDICT,
    VPS_FACT_IPV6_VERDICT,
    VPS_FACT_VPN_CONNECTED,
    VPS_FACTS
} vps_fact_t;

#define VPS_FACT_SIZE (VPS_LOCATION_MAX + 1) /* bytes of the largest */

/* From then on the fact was so. */
typedef struct vps_change_t {
    int64_t at;                         /* as the owner of the journal counts time */
    uint8_t fact;                       /* vps_fact_t */
    unsigned char value[VPS_FACT_SIZE]; /* as in the record; 0 behind it */
} vps_change_t;

/* Oldest first. A zeroed one is empty. */
typedef struct vps_past_t {
    size_t count;
    vps_change_t changes[VPS_PAST_MAX];
} vps_past_t;

/* The name of its member on the wire. */
const char *vps_fact_name(vps_fact_t fact);

/* Returns false when it is the name of no fact. */
bool vps_fact_find(vps_fact_t *out, const char *name);

bool vps_fact_is_same(vps_fact_t fact, const vps_record_t *a, const vps_record_t *b);

/* Fill *out with a record's fact. */
void vps_change_take(vps_change_t *out, vps_fact_t fact, const vps_record_t *record, int64_t at);

/* Give a record the fact as it was changed. */
void vps_change_apply(vps_record_t *record, const vps_change_t *change);

#endif
