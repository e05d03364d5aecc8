/*
 * The registry of clients: one for all processes, in shared memory, behind one lock.
 *
 * Layout of the memory: head, hot array (last_seen of each slot, what a sweep reads), index,
 * records. Slots are handed out from the start, freed ones first, so that unused capacity is never
 * touched.
 *
 * Except where said, every call takes the lock once and copies one record in or out under it;
 * nothing in here allocates, logs or does I/O. A holder of the lock may be killed at any
 * instruction: who gets the lock next undoes the half-made change (undo.h) and calls lock.repaired
 * after releasing it.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "index.h"
#include "journal.h"

#define REGISTRY_KEY_SIZE 16                  /* bytes of the index's hash key */
#define REGISTRY_CAPACITY_MIN 1024            /* slots */
#define REGISTRY_CAPACITY_MAX (4u * 1000000u) /* slots */

typedef struct registry_head_t registry_head_t; /* in shared memory */

/* How to lock; acquire returns false when the lock cannot be had at all. ctx is handed through. */
typedef struct registry_lock_t {
    bool (*acquire)(void *ctx);
    void (*release)(void *ctx);
    void (*repaired)(void *ctx); /* after release: a half-made change was undone */
    void *ctx;
} registry_lock_t;

/* A process's handle. */
typedef struct registry_t {
    registry_head_t *head;
    int64_t *seen; /* hot array, monotonic usec: last keepalive, or CLIENT_NEVER_SEEN; 0 = free */
    client_t *clients; /* records */
    index_t index;
    registry_lock_t lock;
    bool repaired; /* only under the lock: tell so at its release */
} registry_t;

typedef enum registry_result_t {
    REGISTRY_OK,         /* done; the client was known */
    REGISTRY_CREATED,    /* done; the client is new */
    REGISTRY_ABSENT,     /* no such client */
    REGISTRY_FULL,       /* new client, but max_clients are there already */
    REGISTRY_UNAVAILABLE /* the lock could not be had; nothing changed */
} registry_result_t;

/* A copy of one client for readers. */
typedef struct client_view_t {
    client_t client;
    int64_t seen; /* monotonic usec, or CLIENT_NEVER_SEEN */
} client_view_t;

/* Bytes that a registry of this many slots needs (REGISTRY_CAPACITY_MIN to _MAX). */
size_t registry_size(uint32_t capacity);

/* Make an empty registry in zeroed memory aligned to 64. started_at: sec since epoch; now:
 * monotonic usec. */
void registry_create(void *memory, uint32_t capacity, const uint8_t key[REGISTRY_KEY_SIZE],
                     int64_t started_at, int64_t now);

/* Is this memory a registry of this layout (made by the same version of these structures)? */
bool registry_is_compatible(const void *memory);

/* Fill a handle on a registry in memory. */
void registry_attach(registry_t *registry, void *memory, const registry_lock_t *lock);

uint32_t registry_capacity(const registry_t *registry);

/* How many clients may register; those beyond a lowered limit stay. At most the capacity. Takes no
 * lock. */
void registry_set_max_clients(registry_t *registry, uint32_t max_clients);
uint32_t registry_max_clients(const registry_t *registry);

int64_t registry_started_at(const registry_t *registry);    /* sec since epoch */
int64_t registry_serving_since(const registry_t *registry); /* monotonic usec */

/*
 * The lock by itself, for what shares it (the rate limit). Returns false when it could not be had.
 */
bool registry_acquire(registry_t *registry);
void registry_release(registry_t *registry);

/*
 * Take in a keepalive: REGISTRY_OK, _CREATED, _FULL or _UNAVAILABLE. When it was taken, known[0] is
 * what was known of the client before (nothing of a new one), known[1] what is known now.
 */
registry_result_t registry_keepalive(registry_t *registry, const sighting_t *sighting,
                                     judged_t known[2]);

/* Announce a client that has not reported yet: REGISTRY_CREATED, or _OK when known (nothing
 * changes), _FULL, _UNAVAILABLE. */
registry_result_t registry_register(registry_t *registry, const sighting_t *sighting);

/* Copy one client out: REGISTRY_OK, _ABSENT or _UNAVAILABLE. */
registry_result_t registry_get(registry_t *registry, const char *client_id, client_view_t *out);

/* Remove a client: REGISTRY_OK, _ABSENT or _UNAVAILABLE. */
registry_result_t registry_remove(registry_t *registry, const char *client_id);

/*
 * Copy the next clients, at most room of them, from *cursor (0 to begin) and move the cursor.
 * Clients that come or go between two calls may be missed, none is given twice. *count = 0: the
 * end. REGISTRY_OK or _UNAVAILABLE.
 */
registry_result_t registry_list(registry_t *registry, uint32_t *cursor, client_view_t *out,
                                size_t room, size_t *count);

/*
 * Prove every invariant of the whole memory, under the lock: counts, chains, free list, records,
 * texts. For tests and after a repair; reads everything. Returns false with the first fault in why
 * (size bytes).
 */
bool registry_validate(registry_t *registry, char *why, size_t size);

#endif
