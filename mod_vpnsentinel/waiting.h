/*
 * The alerts that wait in the store, less those that Telegram has already.
 *
 * A message leaves the store in a transaction of its own when it was accepted. When that fails, or
 * the disk comes back with it after a time without, the store still shows it: it is remembered here,
 * and removed instead of sent again.
 */
#ifndef WAITING_H
#define WAITING_H

#include "apr_pools.h"

#include "alert.h"
#include "store.h"

typedef struct waiting_t waiting_t;

/* What is allocated goes with the pool. */
waiting_t *waiting_create(store_t *store, apr_pool_t *pool);

/*
 * Look at what waits, at most OUTBOX_DIGEST_MAX of it, the oldest. Returns the alerts, in order of
 * recording, valid until the next call; *count: how many. When memory is out there are fewer.
 */
alert_t *waiting_look(waiting_t *waiting, size_t *count);

/* Does the store show some that Telegram has? As of the last look. */
bool waiting_has_accepted(const waiting_t *waiting);

/* Telegram has these. Without memory to remember it one may be sent again. */
void waiting_accept(waiting_t *waiting, const alert_t *alerts, size_t count);

/* Put into the store's transaction that those it shows and Telegram has are removed. */
void waiting_remove_accepted(waiting_t *waiting);

/* That transaction is on the disk: nothing needs to be remembered. */
void waiting_forget_accepted(waiting_t *waiting);

#endif
