/*
 * The registry's index: slots found by the hash of their client id, by linear hashing (W. Litwin,
 * 1980).
 *
 * One bucket is split each time the slots outnumber the buckets, so that the table grows with its
 * content and a segment reserved for a million clients touches only the pages of those that are
 * there. Chains run through `next`. It never shrinks; removed slots leave their chain.
 *
 * The arrays live in shared memory; every change goes through the undo log. All calls under the
 * lock.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "undo.h"

#define INDEX_NONE UINT32_MAX /* no slot */
#define INDEX_FIRST_BUCKETS 64u

/*
 * Where the parts are; process-local. Links are slot + 1, so that zeroed memory is an empty table.
 */
typedef struct index_t {
    void *base;        /* start of the segment */
    undo_t *undo;      /* in the segment */
    uint32_t *buckets; /* in the segment: how many buckets are in use */
    uint32_t *bucket;  /* first link of each bucket, capacity entries */
    uint32_t *next;    /* link of each slot, capacity entries */
    uint32_t *hash;    /* hash of each slot, capacity entries */
    uint32_t capacity; /* slots, at least INDEX_FIRST_BUCKETS */
} index_t;

/* The first slot with this hash, or INDEX_NONE. The caller compares the id itself. */
uint32_t index_first(const index_t *index, uint32_t hash);

/* The next slot with this hash after slot, or INDEX_NONE. */
uint32_t index_after(const index_t *index, uint32_t slot, uint32_t hash);

/*
 * Add a slot that is in no chain; slots is the number of slots in the index with it. May split one
 * bucket; a split that the undo log has no room for is left to a later insertion.
 */
void index_insert(index_t *index, uint32_t slot, uint32_t hash, uint32_t slots);

/* Take a slot out of its chain; nothing happens when it is in none. */
void index_remove(index_t *index, uint32_t slot);

/* Which bucket a hash belongs to when this many are in use. */
uint32_t index_bucket_of(uint32_t hash, uint32_t buckets);

#endif
