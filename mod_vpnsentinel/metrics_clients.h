/*
 * Which clients have metrics of their own: those in the worst trouble, as many as are allowed. All
 * are counted.
 */
#ifndef METRICS_CLIENTS_H
#define METRICS_CLIENTS_H

#include "apr_pools.h"

#include "fleet.h"

/* One that has: no more than what finds it again, because there may be a million. */
typedef struct client_metrics_t {
    uint64_t uid;
    uint32_t slot;
    uint32_t last_seen; /* sec since epoch, 0 = never */
    assessment_t assessment;
} client_metrics_t;

_Static_assert(sizeof(client_metrics_t) <= 24, "twice a million for each request that reads all");

typedef struct fleet_metrics_t {
    census_t census; /* of all clients */
    client_metrics_t
        *clients; /* of one light, those of the lower slots: the same ones every time */
    size_t count; /* of them */
} fleet_metrics_t;

/*
 * Walk through all clients once. max: how many are kept at most; memory of the pool is taken for
 * twice as many, or twice as many as there are. Returns false when the registry could not be read
 * to its end.
 */
bool metrics_take_clients(fleet_metrics_t *out, uint32_t max, apr_pool_t *pool);

#endif
