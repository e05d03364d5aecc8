/*
 * The registry of clients: one for all processes, in shared memory, behind one lock.
 *
 * Layout of the memory: head, hot arrays (of each slot its last_seen and a revision: what the
 * monitor's sweep reads), index, records. Slots are handed out from the start, freed ones first, so
 * that unused capacity is never touched.
 *
 * A revision is the number of a slot's newest change, counted over all slots: of its report, journal
 * or lights (not of mere counters), its coming and its removal. So a reader can ask what changed since
 * it looked last: take registry_newest_revision() first, then copy every slot (the first time all of
 * them) that registry_changed_since() the number taken the time before. Nothing is missed, what
 * changes meanwhile may come twice; where there is no client any more, one was removed. Numbers
 * begin anew in another registry (registry_incarnation()); in a larger one that it moved to they go on,
 * all clients have changed, in other slots. They wrap: only their difference counts.
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
#include "server_ip.h"

#define REGISTRY_KEY_SIZE 16                  /* bytes of the index's hash key */
#define REGISTRY_CAPACITY_MIN 1024            /* slots */
#define REGISTRY_CAPACITY_MAX (4u * 1000000u) /* slots */
#define REGISTRY_PAUSE INT64_C(5000000)       /* usec without a sign of life that make a pause */

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
    int64_t *seen; /* hot array, monotonic usec: last keepalive, or client.h's words; 0 = free */
    uint32_t *revision; /* hot array: of the newest change, 0 = never used; see above */
    client_t *clients;  /* records */
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

/* A copy of one client. */
typedef struct client_view_t {
    client_t client;
    int64_t seen;      /* monotonic usec, or one of client.h's words */
    uint32_t slot;     /* where it is */
    uint32_t revision; /* of the slot */
} client_view_t;

/* Bytes that a registry of this many slots needs (REGISTRY_CAPACITY_MIN to _MAX). */
size_t registry_size(uint32_t capacity);

/* Random numbers that a registry is made from. */
typedef struct registry_seed_t {
    uint8_t key[REGISTRY_KEY_SIZE]; /* of the index's hash */
    uint64_t incarnation;           /* tells this registry from all others, ever */
    uint64_t first_uid;             /* where uids begin, so that no two registries share one */
} registry_seed_t;

/* Make an empty registry in zeroed memory aligned to 64. started_at: sec since epoch; now:
 * monotonic usec. */
void registry_create(void *memory, uint32_t capacity, const registry_seed_t *seed,
                     int64_t started_at, int64_t now);

/* Is this memory a registry of this layout (made by the same version of these structures)? */
bool registry_is_compatible(const void *memory);

/* Fill a handle on a registry in memory. */
void registry_attach(registry_t *registry, void *memory, const registry_lock_t *lock);

/*
 * Move everything into another, empty registry of at least as many slots as there are clients,
 * under the same lock. Afterwards whoever still has the first one gets REGISTRY_UNAVAILABLE.
 * REGISTRY_OK, _FULL or _UNAVAILABLE: then nothing changed.
 */
registry_result_t registry_move(registry_t *from, registry_t *to);

uint32_t registry_capacity(const registry_t *registry);

/* How many clients may register; those beyond a lowered limit stay. At most the capacity. Takes no
 * lock. */
void registry_set_max_clients(registry_t *registry, uint32_t max_clients);
uint32_t registry_max_clients(const registry_t *registry);

int64_t registry_started_at(const registry_t *registry);          /* sec since epoch */
int64_t registry_uptime(const registry_t *registry, int64_t now); /* usec */
uint64_t registry_incarnation(const registry_t *registry);        /* see registry_seed_t */

/* Keepalives accepted of all clients, since the registry was made. Takes no lock. */
uint64_t registry_keepalives(const registry_t *registry);

/* Start of service, or the end of the last pause of the whole machine: monotonic usec. */
int64_t registry_serving_since(const registry_t *registry);

/*
 * The lock by itself, for what shares it (the rate limit). Returns false when it could not be had.
 */
bool registry_acquire(registry_t *registry);
void registry_release(registry_t *registry);

/*
 * Take in a keepalive: REGISTRY_OK, _CREATED, _FULL or _UNAVAILABLE. *changed: did anything change
 * that the monitor has to see? False when it was not taken in.
 */
registry_result_t registry_keepalive(registry_t *registry, const sighting_t *sighting,
                                     bool *changed);

/* Announce a client that has not reported yet: REGISTRY_CREATED, or _OK when known (nothing
 * changes), _FULL, _UNAVAILABLE. */
registry_result_t registry_register(registry_t *registry, const sighting_t *sighting);

/* Slots handed out so far; the words of one. Without the lock. */
uint32_t registry_slots(const registry_t *registry);
int64_t registry_seen(const registry_t *registry, uint32_t slot);
uint32_t registry_revision(const registry_t *registry, uint32_t slot);

/* The number that revisions have come to, and has the slot changed since it was this one? See above;
 * without the lock. */
uint32_t registry_newest_revision(const registry_t *registry);
bool registry_changed_since(const registry_t *registry, uint32_t slot, uint32_t revision);

/* Copy the client of a slot out: REGISTRY_OK, _ABSENT (a free slot) or _UNAVAILABLE. */
registry_result_t registry_get_slot(registry_t *registry, uint32_t slot, client_view_t *out);

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
 * Fill in what clients are judged by besides the offline threshold: now is given, the rest is the
 * registry's. REGISTRY_OK or _UNAVAILABLE.
 */
registry_result_t registry_facts(registry_t *registry, assess_facts_t *out, int64_t now,
                                 int64_t offline_threshold);

/* The server's own address, which bypasses are recognised by. */
registry_result_t registry_get_server_ip(registry_t *registry, server_ip_t *out);
registry_result_t registry_set_server_ip(registry_t *registry, const server_ip_t *ip);

/* In which quarters no monitor lived, for history_read(): REGISTRY_OK or _UNAVAILABLE. */
registry_result_t registry_gaps(registry_t *registry, history_gaps_t *out);

/* --- for the monitor --- */

/* The client of this slot, if it still is uid, has been announced so far; never backward. Raises no
 * revision. REGISTRY_OK, _ABSENT or _UNAVAILABLE. */
registry_result_t registry_announced(registry_t *registry, uint32_t slot, uint64_t uid,
                                     const announced_t *announced);

/*
 * The client of this slot, if it still is uid, has had these lights. *revision is the slot's as of
 * which they were judged, and becomes the one that this change makes, unless there was another one
 * meanwhile: then it stays, and the slot has to be looked at again. REGISTRY_OK, _ABSENT or
 * _UNAVAILABLE.
 */
registry_result_t registry_set_history(registry_t *registry, uint32_t slot, uint64_t uid,
                                       const history_t *history, uint32_t *revision);

/*
 * Bring back a stored client (store_read_clients); what its journal held behind what was announced
 * is gone. One that is not there takes a slot, whatever max_clients says; one that registered again
 * since the start of service, before the store could be read, becomes the stored one and goes on
 * with its new reports: REGISTRY_CREATED. One that is there with this uid has the further announced
 * state of the two: REGISTRY_OK. One that is there with another uid and has been announced is
 * another client: REGISTRY_ABSENT, nothing changes. _FULL: no slot is left; _UNAVAILABLE. *slot:
 * where it is after _OK and _CREATED.
 */
registry_result_t registry_restore(registry_t *registry, const client_t *stored, uint32_t *slot);

/* Remove the client of this slot if it is uid and has not reported since (seen is as given):
 * REGISTRY_OK, _ABSENT or _UNAVAILABLE. */
registry_result_t registry_remove_stale(registry_t *registry, uint32_t slot, uint64_t uid,
                                        int64_t seen);

/*
 * The monitor tells that it runs, and when it wants to wake next (monotonic usec; 0 = there is no
 * monitor). Late by REGISTRY_PAUSE and no keepalive meanwhile means that the whole machine stood
 * still: deadlines count anew from now.
 */
void registry_breathe(registry_t *registry, int64_t now, int64_t due);

/* A monitor lives at this time (sec since epoch). Takes the lock once a quarter of an hour, and returns
 * true then: what registry_gaps() gives has changed. */
bool registry_live(registry_t *registry, int64_t wall);

/* Monitors lived as the store knows, too. REGISTRY_OK or _UNAVAILABLE. */
registry_result_t registry_join_gaps(registry_t *registry, const history_gaps_t *stored);

/*
 * Prove every invariant of the whole memory, under the lock: counts, chains, free list, records,
 * texts. For tests and after a repair; reads everything. Returns false with the first fault in why
 * (size bytes).
 */
bool registry_validate(registry_t *registry, char *why, size_t size);

#endif
