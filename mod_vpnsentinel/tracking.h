/*
 * What the monitor has seen of each slot of the registry, in its own memory: by it a sweep over the
 * hot arrays finds the few clients that need a look.
 */
#ifndef TRACKING_H
#define TRACKING_H

#include "assess.h"
#include "registry.h"

typedef struct tracked_t {
    uint64_t uid;          /* of the client that was looked at last; 0 = none */
    announced_t *unmarked; /* malloc'ed: recorded in memory only and not delivered yet; or NULL */
    int64_t saved_seen;    /* the registry's seen as of which last_seen is stored */
    uint32_t revision;     /* of the slot when it was looked at */
    bool is_offline;       /* announced as offline, or never seen: no deadline */
} tracked_t;

typedef struct tracking_t {
    const registry_t *registry;
    tracked_t *slots; /* malloc'ed */
    uint32_t room;    /* of slots */
} tracking_t;

/* Zeroed but for the registry is a valid beginning. */

/* Make room for all slots handed out so far; false when memory is out. */
bool tracking_grow(tracking_t *tracking);

void tracking_free(tracking_t *tracking);

/*
 * The next slot at or behind *slot that needs a look: it changed, or its deadline has passed. Returns
 * false when there is none. *deadline is lowered to the earliest one that is still to come.
 */
bool tracking_next(const tracking_t *tracking, const assess_facts_t *facts, uint32_t *slot,
                   int64_t *deadline);

/* Slots that there is room for and that are handed out. */
uint32_t tracking_slots(const tracking_t *tracking);

/* Let every slot need a look. */
void tracking_begin_anew(tracking_t *tracking);

/* Replace what is not marked yet; NULL = it is. Without memory it stays what it was. */
void tracking_set_unmarked(tracked_t *tracked, const announced_t *announced);

#endif
