/*
 * All webhooks of the configuration, each on its own: one that hangs or fails keeps no other waiting,
 * and Telegram neither.
 *
 * In the monitor only.
 */
#ifndef WEBHOOKS_H
#define WEBHOOKS_H

#include "config.h"
#include "webhook.h"

typedef struct webhooks_t webhooks_t;

/*
 * As the configuration says, which may be: none. What waits for one that is not configured any more is
 * removed from the store, which is told. All that the setup names outlives it.
 */
webhooks_t *webhooks_create(const config_t *config, const webhook_setup_t *setup, apr_pool_t *pool);

/* The store has a disk again, and with it what only that knows. */
void webhooks_recall(webhooks_t *webhooks);

/* Their destinations in the store. Returns how many, 0 = none. Live as long as they. */
size_t webhooks_destinations(const webhooks_t *webhooks, const uint64_t **out);

/* As messenger_tend(), messenger_is_sending() and messenger_tell(). */
int64_t webhooks_tend(webhooks_t *webhooks, int64_t now);
bool webhooks_are_sending(const webhooks_t *webhooks);
void webhooks_tell(const webhooks_t *webhooks, vitals_t *vitals);

/* Count what waits for each. */
void webhooks_count(webhooks_t *webhooks);

#endif
