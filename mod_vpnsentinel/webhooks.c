#include "webhooks.h"

#include <inttypes.h>

#include "http_main.h"

#include "log.h"

struct webhooks_t {
    webhook_setup_t setup;
    size_t count;
    webhook_t *webhook[WEBHOOKS_MAX];
    uint64_t destination[WEBHOOKS_MAX];
};

/* --- what nobody waits for --- */

static bool is_configured(const webhooks_t *webhooks, uint64_t destination)
{
    for (size_t i = 0; i < webhooks->count; i++) {
        if (webhooks->destination[i] == destination) {
            return true;
        }
    }
    return false;
}

static void note_result(void *ctx, store_result_t result)
{
    *(store_result_t *)ctx = result;
}

/* Returns false when it could not be removed. Whose it was nobody knows any more. */
static bool remove_queue(webhooks_t *webhooks, uint64_t destination)
{
    store_result_t result = STORE_FAILED;
    int64_t oldest;
    const uint64_t count = store_queue_to(webhooks->setup.store, destination, &oldest);

    store_remove_queue(webhooks->setup.store, destination);
    store_commit(webhooks->setup.store, note_result, &result);
    if (result == STORE_FAILED) {
        return false;
    }
    counters_add(webhooks->setup.counters, COUNT_WEBHOOK_DROPPED, count);
    log_server(
        VPS_WARN, "webhook",
        "⚠️ Events waited for a webhook that is not configured any more, and are removed: "
        "%" PRIu64,
        count);
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                 "VPNS0067: events waited for a webhook that is not configured any more, and are "
                 "removed: %" APR_UINT64_T_FMT,
                 count);
    return true;
}

static void remove_queues_of_nobody(webhooks_t *webhooks)
{
    uint64_t destination = STORE_TELEGRAM;

    while (store_next_destination(webhooks->setup.store, destination, &destination)) {
        if (!is_configured(webhooks, destination) && !remove_queue(webhooks, destination)) {
            return; /* the next time */
        }
    }
}

/* --- all of them --- */

webhooks_t *webhooks_create(const config_t *config, const webhook_setup_t *setup, apr_pool_t *pool)
{
    webhooks_t *webhooks = apr_pcalloc(pool, sizeof(*webhooks));
    const int configured = config->webhooks != NULL ? config->webhooks->nelts : 0;

    webhooks->setup = *setup;
    for (int i = 0; i < configured && webhooks->count < WEBHOOKS_MAX; i++) {
        const webhook_target_t *target = &APR_ARRAY_IDX(config->webhooks, i, webhook_target_t);

        webhooks->destination[webhooks->count] = target->destination;
        webhooks->webhook[webhooks->count++] = webhook_create(target, setup, pool);
    }
    remove_queues_of_nobody(webhooks);
    return webhooks;
}

void webhooks_recall(webhooks_t *webhooks)
{
    remove_queues_of_nobody(webhooks);
}

size_t webhooks_destinations(const webhooks_t *webhooks, const uint64_t **out)
{
    *out = webhooks->destination;
    return webhooks->count;
}

int64_t webhooks_tend(webhooks_t *webhooks, int64_t now)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < webhooks->count; i++) {
        const int64_t own = webhook_tend(webhooks->webhook[i], now);

        due = own < due ? own : due;
    }
    return due;
}

bool webhooks_are_sending(const webhooks_t *webhooks)
{
    for (size_t i = 0; i < webhooks->count; i++) {
        if (webhook_is_busy(webhooks->webhook[i])) {
            return true;
        }
    }
    return false;
}

void webhooks_tell(const webhooks_t *webhooks, vitals_t *vitals)
{
    vitals->webhooks = (uint32_t)webhooks->count;
    for (size_t i = 0; i < webhooks->count; i++) {
        webhook_tell(webhooks->webhook[i], &vitals->webhook[i]);
    }
}

void webhooks_count(webhooks_t *webhooks)
{
    for (size_t i = 0; i < webhooks->count; i++) {
        webhook_count(webhooks->webhook[i]);
    }
}
