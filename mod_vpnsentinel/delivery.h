/*
 * Delivers to the chat what waits in the store, alerts and answers, one message at a time, each until
 * it is accepted. What is next and when is outbox.h's.
 *
 * In the monitor only. What was delivered leaves the store in a transaction of its own when Telegram
 * said "ok":true; killed between the two, it is sent again: the one window in which an alert may
 * come twice.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "apr_pools.h"

#include "bot_api.h"
#include "chat.h"
#include "counters.h"
#include "fleet.h"
#include "mute.h"
#include "store.h"
#include "text.h"

typedef struct delivery_t delivery_t;

/* What it works with. All outlive it. */
typedef struct delivery_setup_t {
    const bot_api_t *api;        /* NULL = Telegram is off */
    int64_t thread;              /* topic that alerts go to, 0 = none */
    unsigned int flap_threshold; /* see outbox.h */
    store_t *store;
    chat_t *chat;
    mute_t *mute;
    counters_t *counters; /* COUNT_SENT, COUNT_SEND_FAILED */
    /* How the fleet is now; false = not known. */
    bool (*count)(void *ctx, census_t *out);
    /* Write the answer to a question; NULL when there is none. */
    char *(*answer)(void *ctx, char out[TEXT_SIZE], const question_t *question, text_form_t form);
    /* Alerts have been delivered and left the store. */
    void (*delivered)(void *delivered_ctx);
    void *delivered_ctx;
    void *ctx; /* of the others */
} delivery_setup_t;

delivery_t *delivery_create(const delivery_setup_t *setup, apr_pool_t *pool);

/* Is there somebody to deliver to? */
bool delivery_is_on(const delivery_t *delivery);

/*
 * Send the next message if there is one and it is time. Returns when to be called again (monotonic
 * usec), INT64_MAX = when something comes to wait.
 */
int64_t delivery_tend(delivery_t *delivery, int64_t now);

/* Is a request under way? While it is, the store is not in a transaction of its own. */
bool delivery_is_busy(const delivery_t *delivery);

/* Fill in last_success, telegram_error, telegram_enabled, muted_until. */
void delivery_tell(const delivery_t *delivery, vitals_t *vitals);

#endif
