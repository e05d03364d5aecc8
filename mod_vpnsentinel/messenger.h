/*
 * All that has to do with Telegram, put together: the chat, what is delivered to it, the bot that
 * listens there.
 *
 * In the monitor only.
 */
#ifndef MESSENGER_H
#define MESSENGER_H

#include "config.h"
#include "counters.h"
#include "store.h"
#include "transfer.h"
#include "vitals.h"

typedef struct messenger_t messenger_t;

typedef struct messenger_setup_t {
    const config_t *config;
    store_t *store;
    transfers_t *transfers;
    counters_t *counters;
    void (*delivered)(void *ctx); /* messages have been delivered and left the store */
    void *ctx;
} messenger_setup_t;

/*
 * As the configuration says, which may be: not at all. before: as the monitor before this one left them.
 * All that the setup names outlives it.
 */
messenger_t *messenger_create(const messenger_setup_t *setup, const vitals_t *before,
                              apr_pool_t *pool);

/* The store has a disk again, and with it what only that knows. */
void messenger_recall(messenger_t *messenger);

/* Is there somebody to deliver to? */
bool messenger_is_on(const messenger_t *messenger);

/* Do what is due. Returns when to be called again, monotonic usec. */
int64_t messenger_tend(messenger_t *messenger, int64_t now);

/* Is a message being sent, so that it is not known yet whether it was accepted? */
bool messenger_is_sending(const messenger_t *messenger);

/* Fill in what the vitals tell of it. */
void messenger_tell(const messenger_t *messenger, vitals_t *vitals);

#endif
