/*
 * Walking through all clients of the registry, judged as of one moment, a chunk at a time.
 *
 * The lock is held for a chunk only; what a reader sees of each client is consistent, the whole is
 * not one instant. Not thread-safe for one fleet_t.
 */
#ifndef FLEET_H
#define FLEET_H

#include "assess.h"
#include "registry.h"

#define FLEET_CHUNK 32 /* clients copied under one lock */

typedef struct fleet_t {
    assess_facts_t facts;             /* of the moment of fleet_begin() */
    registry_t *registry;             /* what is walked through */
    uint32_t cursor;                  /* of the registry */
    size_t count;                     /* clients in chunk */
    size_t next;                      /* of them, the next to give */
    bool failed;                      /* the lock could not be had: the walk ended early */
    client_view_t chunk[FLEET_CHUNK]; /* copies */
} fleet_t;

/* How many clients there are, and how they are. */
typedef struct census_t {
    int64_t total;
    int64_t offline;
    int64_t lights[LIGHTS];
} census_t;

/* The facts that a client is judged by now. Returns false when the lock could not be had. */
bool fleet_facts(assess_facts_t *out);

/* Begin a walk. fleet_t is large (30 KB): take it from a pool. */
void fleet_begin(fleet_t *fleet);

/*
 * The next client with its judgement, valid until the next call; NULL at the end, or when failed.
 */
const client_view_t *fleet_next(fleet_t *fleet, assessment_t *assessment);

/* Count one more client. */
static inline void census_add(census_t *census, const assessment_t *assessment)
{
    census->total++;
    census->offline += (assessment->conditions & CONDITION_OFFLINE) != 0;
    census->lights[assessment->light]++;
}

/* Walk through all and count. Returns false when the registry could not be read to its end. */
bool fleet_census(census_t *out, fleet_t *fleet);

#endif
