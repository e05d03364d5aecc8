/*
 * Asks Telegram what people wrote to the bot: by long polling, one request at a time, apart from what
 * delivery.h sends. Tells it, too, which commands there are, and learns the bot's name.
 *
 * In the monitor only. What follows of the updates and up to where they were read go into the store
 * in one transaction; only then are they asked for no more.
 */
#ifndef POLLER_H
#define POLLER_H

#include "apr_pools.h"

#include "bot.h"
#include "bot_api.h"
#include "store.h"

typedef struct poller_t poller_t;

/* All outlive it. */
typedef struct poller_setup_t {
    const bot_api_t *api;
    bot_t *bot;
    store_t *store;
} poller_setup_t;

poller_t *poller_create(const poller_setup_t *setup, apr_pool_t *pool);

/* Begin the next request when it is time. Returns when to be called again (monotonic usec),
 * INT64_MAX = when the one under way has ended. */
int64_t poller_tend(poller_t *poller, int64_t now);

/* Why nobody can be heard, newest, "" = all is well. Plain text without a secret. */
const char *poller_error(const poller_t *poller);

#endif
