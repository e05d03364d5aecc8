/*
 * Delivers to one webhook what waits for it in the store: an event a request, one request at a time, in
 * the order of recording, each until it is accepted. What an answer means and when to try again is
 * webhook_retry.h's; what is sent, webhook_request.h's.
 *
 * In the monitor only. An event leaves the store in a transaction of its own when the receiver has
 * answered 2xx; killed between the two, it is sent again under the same id. It is given up, counted and
 * told, when it has failed until it was too old, or too many wait behind it.
 */
#ifndef WEBHOOK_H
#define WEBHOOK_H

#include <stdbool.h>

#include "apr_pools.h"

#include "counters.h"
#include "store.h"
#include "transfer.h"
#include "vitals.h"
#include "webhook_request.h"

typedef struct webhook_t webhook_t;

/* What it works with. All outlive it. */
typedef struct webhook_setup_t {
    store_t *store;
    transfers_t *transfers;
    counters_t *counters; /* COUNT_WEBHOOK_… */
    webhook_server_t server;
    void (*delivered)(void *ctx); /* an event has been delivered, or given up, and left the store */
    void *ctx;
} webhook_setup_t;

webhook_t *webhook_create(const webhook_target_t *target, const webhook_setup_t *setup,
                          apr_pool_t *pool);

/*
 * Do what is due. Returns when to be called again (monotonic usec), INT64_MAX = when something comes to
 * wait.
 */
int64_t webhook_tend(webhook_t *webhook, int64_t now);

/* Is a request under way, so that it is not known yet whether it was accepted? */
bool webhook_is_busy(const webhook_t *webhook);

/* Count what waits; a long queue takes milliseconds. */
void webhook_count(webhook_t *webhook);

/* Fill in all of it; what an earlier monitor left there of this destination goes on. */
void webhook_tell(const webhook_t *webhook, webhook_vitals_t *vitals);

#endif
