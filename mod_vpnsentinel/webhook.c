#include "webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "http_main.h"

#include "clock.h"
#include "log.h"
#include "webhook_retry.h"

#define COMPONENT "webhook"
#define TIMEOUT_MS 20000L             /* ms for a request */
#define ANSWER_MAX 4096u              /* bytes; nobody reads them */
#define STORE_RETRY CLOCK_SECOND      /* usec before the store is asked again after it failed */
#define OLD_PAUSE (60 * CLOCK_SECOND) /* usec between two looks for what is too old */
#define OLD_MAX 256u                  /* events that are given up at once */
#define ACCEPTED_MAX 256u             /* that are remembered */

/* Of an event; the message's id in the store changes when that degrades and recovers. */
typedef struct identity_t {
    uint64_t uid;
    uint64_t number;
} identity_t;

struct webhook_t {
    const webhook_target_t *target;
    webhook_setup_t setup;
    bool busy;          /* a request or a commit is under way */
    identity_t at_hand; /* what is being sent, or has just been accepted */
    /* What the receiver has and the store may still show, a ring; uid and number 0 = none. */
    identity_t accepted[ACCEPTED_MAX];
    unsigned int accepts;           /* ever */
    uint64_t changes;               /* of the store, as of the last look */
    bool has_more;                  /* something waited then */
    int64_t not_before;             /* monotonic usec: nothing is sent earlier */
    int64_t old_due;                /* monotonic usec: when to look for what is too old */
    unsigned int failures;          /* in a row */
    uint64_t given_up;              /* by the transaction under way */
    uint64_t queued;                /* as counted last */
    int64_t oldest;                 /* sec since epoch: since when */
    int64_t last_success;           /* sec since epoch, 0 = never */
    char error[WEBHOOK_ERROR_SIZE]; /* newest since then, "" = none */
};

webhook_t *webhook_create(const webhook_target_t *target, const webhook_setup_t *setup,
                          apr_pool_t *pool)
{
    webhook_t *webhook = apr_pcalloc(pool, sizeof(*webhook));

    webhook->target = target;
    webhook->setup = *setup;
    webhook->has_more = true; /* nobody has looked */
    return webhook;
}

bool webhook_is_busy(const webhook_t *webhook)
{
    return webhook->busy;
}

void webhook_count(webhook_t *webhook)
{
    webhook->queued =
        store_queue_to(webhook->setup.store, webhook->target->destination, &webhook->oldest);
}

void webhook_tell(const webhook_t *webhook, webhook_vitals_t *vitals)
{
    if (vitals->destination != webhook->target->destination) {
        memset(vitals, 0, sizeof(*vitals));
        vitals->destination = webhook->target->destination;
        apr_cpystrn(vitals->host, webhook->target->host, sizeof(vitals->host));
    }
    vitals->queued = webhook->queued;
    vitals->oldest = webhook->oldest;
    if (webhook->last_success > 0) { /* else an earlier monitor's stays */
        vitals->last_success = webhook->last_success;
    }
    apr_cpystrn(vitals->error, webhook->error, sizeof(vitals->error));
}

/* --- telling --- */

/* Once for each reason; the tries after it are details. */
static void tell_failure(webhook_t *webhook, webhook_verdict_t verdict, const char *reason)
{
    const char *host = webhook->target->host;
    const bool news = strcmp(webhook->error, reason) != 0;

    log_server(news ? VPS_ERROR : VPS_DEBUG, COMPONENT, "❌ Failed to send an event to %s: %s", host,
               reason);
    if (news && verdict == WEBHOOK_REFUSED) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                     "VPNS0065: the webhook at %s refuses an event, check its VPNSentinelWebhook: "
                     "%s",
                     host, reason);
    }
    apr_cpystrn(webhook->error, reason, sizeof(webhook->error));
}

static void tell_given_up(const webhook_t *webhook)
{
    const char *host = webhook->target->host;

    log_server(VPS_ERROR, COMPONENT, "❌ Gave up events for %s: %" PRIu64, host, webhook->given_up);
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "VPNS0066: events for the webhook at %s are given up, too old or too many: "
                 "%" APR_UINT64_T_FMT ", last error: %s",
                 host, webhook->given_up, webhook->error);
}

static void tell_success(webhook_t *webhook)
{
    if (webhook->error[0] != '\0') {
        log_server(VPS_INFO, COMPONENT, "✅ Events are delivered to %s again",
                   webhook->target->host);
    }
    webhook->error[0] = '\0';
}

/* --- what leaves the store --- */

/* Where the receiver's having it is noted; NULL = it is not. */
static identity_t *find_accepted(webhook_t *webhook, const event_t *event)
{
    for (size_t i = 0; i < ACCEPTED_MAX && i < webhook->accepts; i++) {
        identity_t *accepted = &webhook->accepted[i];

        if (accepted->uid == event->uid && accepted->number == event->number) {
            return accepted;
        }
    }
    return NULL;
}

static void removed(void *ctx, store_result_t result)
{
    webhook_t *webhook = ctx;

    webhook->busy = false;
    if (result == STORE_FAILED) {
        webhook->not_before = clock_monotonic() + STORE_RETRY;
        return;
    }
    if (webhook->given_up > 0) {
        counters_add(webhook->setup.counters, COUNT_WEBHOOK_DROPPED, webhook->given_up);
        tell_given_up(webhook);
    }
    webhook->setup.delivered(webhook->setup.ctx);
}

static void remove_message(webhook_t *webhook, uint64_t message)
{
    webhook->busy = true;
    webhook->given_up = 0;
    store_remove_message(webhook->setup.store, message);
    store_commit(webhook->setup.store, removed, webhook);
}

/* As it is on the disk, or in memory. */
static bool next_message(const webhook_t *webhook, uint64_t after, uint64_t *message,
                         event_t *event)
{
    return store_next_message_to(webhook->setup.store, webhook->target->destination, after, message,
                                 event);
}

/*
 * Give up what is too old or too much, at most so many at once. Only after a failure: where the clock
 * is set forward while all is well, nothing is given up.
 */
static void give_up_old(webhook_t *webhook, int64_t now)
{
    const int64_t old = clock_wall() / CLOCK_SECOND - WEBHOOK_AGE_MAX;
    uint64_t message[OLD_MAX], last = 0, count = 0, too_many;
    event_t event;

    webhook_count(webhook);
    too_many = webhook->queued > WEBHOOK_QUEUE_MAX ? webhook->queued - WEBHOOK_QUEUE_MAX : 0;
    while (count < OLD_MAX && next_message(webhook, last, &last, &event) &&
           (count < too_many || event.when < old)) {
        message[count++] = last;
    }
    webhook->old_due = count == OLD_MAX ? now : now + OLD_PAUSE;
    if (count == 0) {
        return;
    }
    webhook->busy = true;
    webhook->given_up = count;
    for (uint64_t i = 0; i < count; i++) {
        store_remove_message(webhook->setup.store, message[i]);
    }
    store_commit(webhook->setup.store, removed, webhook);
}

/* Returns false when the receiver does not have it. */
static bool remove_if_accepted(webhook_t *webhook, uint64_t message, const event_t *event)
{
    if (find_accepted(webhook, event) == NULL) {
        return false;
    }
    remove_message(webhook, message);
    return true;
}

/* --- a request --- */

/* At once: a monitor that ends has waited for the answer, but does not go on. */
static void accept_at_hand(webhook_t *webhook)
{
    uint64_t message;
    event_t event;

    webhook->accepted[webhook->accepts++ % ACCEPTED_MAX] = webhook->at_hand;
    webhook->last_success = clock_wall() / CLOCK_SECOND;
    webhook->failures = 0;
    webhook->not_before = 0;
    counters_add(webhook->setup.counters, COUNT_WEBHOOK_SENT, 1);
    tell_success(webhook);
    if (next_message(webhook, 0, &message,
                     &event)) { /* which it is, unless the disk came or went */
        (void)remove_if_accepted(webhook, message, &event);
    }
}

static void answered(void *ctx, const transfer_answer_t *answer)
{
    webhook_t *webhook = ctx;
    /* Whoever has said 200 has it, whatever becomes of the rest of the answer. */
    const webhook_verdict_t verdict =
        webhook_verdict(answer->status != 0 ? answer->status : answer->begun);
    uint32_t random = 0;

    webhook->busy = false;
    webhook->has_more = true;
    if (verdict == WEBHOOK_DELIVERED) {
        accept_at_hand(webhook);
        return;
    }
    (void)apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    webhook->not_before =
        clock_monotonic() + webhook_wait(verdict, webhook->failures, answer->retry_after, random);
    webhook->failures++;
    counters_add(webhook->setup.counters, COUNT_WEBHOOK_FAILED, 1);
    tell_failure(webhook, verdict, answer->reason);
}

/* Append one line; false, and the list is as it was, when memory is out. */
static bool add_header(struct curl_slist **header, const char *name, const char *value)
{
    char line[128];
    struct curl_slist *longer;

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    longer = curl_slist_append(*header, line);
    *header = longer != NULL ? longer : *header;
    return longer != NULL;
}

static bool make_header(struct curl_slist **header, const webhook_target_t *target, const char *id,
                        const char *body)
{
    const int64_t timestamp = clock_wall() / CLOCK_SECOND;
    char seconds[24], signature[WEBHOOK_SIGNATURE_SIZE];

    (void)snprintf(seconds, sizeof(seconds), "%" PRId64, timestamp);
    return add_header(header, "Content-Type", "application/json") &&
           add_header(header, "webhook-id", id) &&
           add_header(header, "webhook-timestamp", seconds) &&
           (target->secret == NULL ||
            add_header(header, "webhook-signature",
                       webhook_signature(signature, target, id, timestamp, body)));
}

static bool start(webhook_t *webhook, const char *id, const char *body)
{
    struct curl_slist *header = NULL;
    vps_http_request_t request = {.url = webhook->target->url,
                                  .body = body,
                                  .timeout_ms = TIMEOUT_MS,
                                  .answer_max = ANSWER_MAX};
    bool is_started = false;

    if (body != NULL && make_header(&header, webhook->target, id, body)) {
        request.body_size = strlen(body);
        request.header = header;
        is_started = transfers_start(webhook->setup.transfers, &request, webhook->target->path,
                                     answered, webhook);
    }
    curl_slist_free_all(header);
    return is_started;
}

static void send_event(webhook_t *webhook, const event_t *event)
{
    char id[WEBHOOK_ID_SIZE];
    char *body = webhook_body(event, &webhook->setup.server);

    webhook->at_hand = (identity_t){event->uid, event->number};
    webhook->busy = true;
    if (!start(webhook, webhook_id(id, webhook->target, event), body)) {
        const transfer_answer_t none = {.body = "", .reason = "out of memory"};

        answered(webhook, &none);
    }
    free(body);
}

/* --- what is next --- */

static void look(webhook_t *webhook)
{
    uint64_t message;
    event_t event;

    webhook->changes = store_changes(webhook->setup.store);
    webhook->has_more = next_message(webhook, 0, &message, &event);
    if (webhook->has_more && !remove_if_accepted(webhook, message, &event)) {
        send_event(webhook, &event);
    }
}

static bool is_waited_for(const webhook_t *webhook)
{
    return webhook->has_more || store_changes(webhook->setup.store) != webhook->changes;
}

int64_t webhook_tend(webhook_t *webhook, int64_t now)
{
    int64_t due;

    if (!webhook->busy && webhook->failures > 0 && now >= webhook->old_due) {
        give_up_old(webhook, now);
        if (!webhook->busy && webhook->old_due <= now) {
            return now; /* there may be more: before one of them is sent */
        }
    }
    if (!webhook->busy && now >= webhook->not_before && is_waited_for(webhook)) {
        look(webhook);
    }
    if (webhook->busy || !is_waited_for(webhook)) {
        return INT64_MAX;
    }
    due = webhook->not_before;
    return webhook->failures > 0 && webhook->old_due < due ? webhook->old_due : due;
}
