/*
 * Brings back what the store knows: clients and when monitors lived into the registry, the newest
 * events into their ring.
 *
 * At the start of the monitor, and when a store that was away has come back. On a new registry every
 * stored client returns; on one that has been filled before, the registry knows better, and rows that
 * it does not know are of clients that were removed. Events that the ring shows and the store has
 * lost with its file are stored again.
 */
#ifndef RECALL_H
#define RECALL_H

#include "event_ring.h"
#include "registry.h"
#include "store.h"
#include "tracking.h"

#define RECALL_GAPS "gaps" /* the setting that keeps registry_gaps() as a text */

typedef struct recall_t {
    registry_t *registry;
    event_ring_t *ring;
    store_t *store;
    tracking_t *tracking;
    bool is_filled;           /* the registry has been filled before */
    bool (*go_on)(void *ctx); /* called between pages: a sign of life. False = stop now */
    void *ctx;
} recall_t;

/* Returns false when it was stopped, or could not be finished. */
bool recall_all(const recall_t *recall);

#endif
