/*
 * Walking through the newest events, newest first, a chunk at a time.
 *
 * The lock is held for a chunk only. Events that are to be forgotten are left out, whether the store
 * has dropped them yet or not. Not thread-safe for one recent_t.
 */
#ifndef RECENT_H
#define RECENT_H

#include "event_ring.h"

#define RECENT_CHUNK 32 /* events copied under one lock */

typedef struct recent_t {
    uint64_t cursor;
    int64_t oldest; /* sec since epoch: not before */
    int count;      /* events in chunk */
    int next;       /* of them, the next to give */
    bool begun;
    bool failed; /* the lock could not be had: the walk ended early */
    event_t chunk[RECENT_CHUNK];
} recent_t;

/* Begin a walk. recent_t is large (25 KB): take it from a pool. */
void recent_begin(recent_t *recent);

/* The next event, valid until the next call; NULL at the end, or when failed. */
const event_t *recent_next(recent_t *recent);

#endif
