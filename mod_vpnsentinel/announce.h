/*
 * Announces what has changed: each transition exactly once, whatever dies when.
 *
 * The order, for each client: copy out of the registry → reconcile → its lights into the registry → one
 * transaction of the store
 * (its row, what is announced, events, messages) → only when that is known to be durable, mark the
 * registry. Killed before the commit, it is found again; killed behind it, the store knows better
 * than the registry what was announced (recall.h). While the store is in memory only, the registry is
 * marked when the messages are delivered.
 */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

#include "apr_pools.h"

#include "event_ring.h"
#include "reconcile.h"
#include "registry.h"
#include "store.h"
#include "tracking.h"

typedef struct announcer_t announcer_t;

/* What an announcer works with and on. All outlive it. */
typedef struct announce_setup_t {
    registry_t *registry;
    event_ring_t *ring;
    store_t *store;
    tracking_t *tracking;
    bool delivers;                /* events become messages to Telegram */
    const uint64_t *destinations; /* and one for each of these */
    size_t destination_count;
    /* An event has been recorded: tell the log. */
    void (*tell)(void *ctx, const event_t *event);
    /* Called between transactions: a sign of life. False = stop now. */
    bool (*go_on)(void *ctx);
    void *ctx;
} announce_setup_t;

/* The moment that clients are judged at. */
typedef struct announce_moment_t {
    assess_facts_t facts;
    int64_t wall; /* usec since epoch */
} announce_moment_t;

announcer_t *announcer_create(const announce_setup_t *setup, apr_pool_t *pool);

/*
 * Look at all clients that changed or whose deadline has passed. *deadline: the earliest one that is
 * to come (monotonic usec, INT64_MAX = none). Returns false when not all of it could be recorded: to
 * be repeated soon.
 */
bool announce_changes(announcer_t *announcer, const announce_moment_t *moment, int64_t *deadline);

/*
 * The server's own address is another than announced (before; source unknown = none was known): in
 * one transaction the address, its event and every client that becomes or ceases to be a bypass by it;
 * when these are several, they are told in that one event. Returns false when it could not be
 * recorded.
 */
bool announce_server_ip(announcer_t *announcer, const announce_moment_t *moment,
                        const server_ip_t *before, const server_ip_t *now);

/* The server has started: told once in the life of a registry. */
bool announce_start(announcer_t *announcer, const announce_moment_t *moment);

/*
 * The minute's round over a part of the slots, from *slot on: store last_seen where it moved and
 * when monitors lived, forget
 * clients that are offline and gave their last sign before stale_before (sec since epoch, 0 = none
 * is). *slot moves on, to 0 at the end. Returns false when it could not be recorded.
 */
bool announce_round(announcer_t *announcer, const announce_moment_t *moment, int64_t stale_before,
                    uint32_t *slot);

/* Messages have been delivered: mark the clients that waited for that, and have none left. */
void announce_delivered(announcer_t *announcer);

#endif
