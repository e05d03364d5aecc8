/*
 * Delivers the store's messages to Telegram, one at a time, in order, until each is accepted.
 *
 * In the monitor only. A message leaves the store in a transaction of its own when Telegram said
 * "ok":true; killed between the two, it is sent again: the one window in which an alert may come
 * twice.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "apr_pools.h"

#include "store.h"
#include "transfer.h"

typedef struct delivery_t delivery_t;

/* What the server's configuration says of Telegram; the texts outlive the delivery. */
typedef struct delivery_settings_t {
    const char *base; /* URL without a slash at its end */
    const char *token;
    const char *chat;
} delivery_settings_t;

/* settings NULL = Telegram is off. delivered: called when the last waiting message of a
 * client, or of the server (uid 0), is delivered (ctx, uid). NULL when memory is out. */
delivery_t *delivery_create(const delivery_settings_t *settings, store_t *store,
                            transfers_t *transfers, void (*delivered)(void *ctx, uint64_t uid),
                            void *ctx, apr_pool_t *pool);

/* Is there somebody to deliver to? */
bool delivery_is_on(const delivery_t *delivery);

/*
 * Send the next message if there is one and it is time. Returns when to be called again (monotonic
 * usec), INT64_MAX = when a message comes.
 */
int64_t delivery_tend(delivery_t *delivery, int64_t now);

/* Is a request under way? While it is, the store is not in a transaction of its own. */
bool delivery_is_busy(const delivery_t *delivery);

/* Fill in last_success, telegram_error, telegram_enabled. */
void delivery_tell(const delivery_t *delivery, vitals_t *vitals);

#endif
