/*
 * What is to be announced of a client: its journal and its silence against what has been announced.
 *
 * Pure functions, no allocation, thread-safe. The rules (specification 4.3): each change is told
 * once, in its order; what is unknown is never an alarm, and unknown between two equal values no
 * change.
 */
#ifndef RECONCILE_H
#define RECONCILE_H

#include <stddef.h>

#include "assess.h"
#include "client.h"
#include "event.h"

/* A folded entry of the journal makes at most 9 events; what is known beyond the journal at most 5,
 * silence or the server's new address one. */
#define RECONCILE_EVENTS_MAX (CLIENT_CHANGES * 9 + 5 + 1)

typedef struct reconciliation_t {
    announced_t announced; /* what will have been announced; as base when there is nothing new */
    size_t count;          /* events */
    int by_server;         /* index of the event that only the server's address made, else -1 */
    event_t events[RECONCILE_EVENTS_MAX]; /* in order; numbered from base->number + 1; id 0 */
} reconciliation_t;

/*
 * client: a copy out of the registry with its seen; base: the newest that is known to have been
 * announced (the client's own, or the store's); facts as of now; wall: usec since epoch, now. A
 * silence that is worked out again, later, gives the same event.
 */
void reconcile(reconciliation_t *out, const client_t *client, int64_t seen, const announced_t *base,
               const assess_facts_t *facts, int64_t wall);

#endif
