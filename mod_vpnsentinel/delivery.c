#include "delivery.h"

#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "http_main.h"

#include "clock.h"
#include "log.h"
#include "message.h"
#include "outbox.h"

#define COMPONENT "telegram"
#define TIMEOUT_MS 20000L /* ms for a sendMessage */
#define ACCEPTED_MAX 1024 /* accepted messages that are remembered */

/* Of an event; the message's id in the store changes when that degrades and recovers. */
typedef struct identity_t {
    uint64_t uid;
    uint64_t number;
} identity_t;

struct delivery_t {
    const delivery_settings_t *settings; /* NULL = off */
    store_t *store;
    transfers_t *transfers;
    void (*delivered)(void *ctx, uint64_t uid);
    void *ctx;
    const char *url;
    outbox_t outbox;
    bool busy;     /* a request or a commit is under way */
    event_t event; /* of the message at hand */
    /*
     * What Telegram has, the newest ones, in a ring. When the store still shows one, because its
     * removal failed or the disk came back after a time without it, it is removed and not sent again.
     */
    identity_t accepted[ACCEPTED_MAX];
    size_t accepted_count;         /* ever */
    int64_t last_success;          /* sec since epoch, 0 = never */
    char error[VITALS_ERROR_SIZE]; /* newest since then, "" = none */
};

static const char *make_url(const delivery_settings_t *settings, apr_pool_t *pool)
{
    const size_t size =
        strlen(settings->base) + strlen(settings->token) + sizeof("/bot/sendMessage");
    char *url = apr_palloc(pool, size);

    return telegram_url(url, size, settings->base, settings->token, "sendMessage") ? url : NULL;
}

delivery_t *delivery_create(const delivery_settings_t *settings, store_t *store,
                            transfers_t *transfers, void (*delivered)(void *ctx, uint64_t uid),
                            void *ctx, apr_pool_t *pool)
{
    delivery_t *delivery = apr_pcalloc(pool, sizeof(*delivery));

    delivery->settings = settings;
    delivery->store = store;
    delivery->transfers = transfers;
    delivery->delivered = delivered;
    delivery->ctx = ctx;
    if (settings != NULL) {
        delivery->url = make_url(settings, pool);
    }
    return delivery;
}

bool delivery_is_on(const delivery_t *delivery)
{
    return delivery->settings != NULL;
}

bool delivery_is_busy(const delivery_t *delivery)
{
    return delivery->busy;
}

void delivery_tell(const delivery_t *delivery, vitals_t *vitals)
{
    vitals->telegram_enabled = delivery_is_on(delivery);
    if (delivery->last_success > 0) { /* else an earlier monitor's stays */
        vitals->last_success = delivery->last_success;
    }
    apr_cpystrn(vitals->telegram_error, delivery->error, sizeof(vitals->telegram_error));
}

/* --- telling --- */

/* Somebody has to do something about it. */
static void tell_administrator(const char *reason)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "VPNS0060: Telegram refuses the alerts, check VPNSentinelTelegramToken and "
                 "VPNSentinelTelegramChatID: %s",
                 reason);
}

/* Once for each reason; the tries after it are details. */
static void tell_failure(delivery_t *delivery, const telegram_answer_t *answer)
{
    const bool news = strcmp(delivery->error, answer->reason) != 0;

    log_server(news ? VPS_ERROR : VPS_DEBUG, COMPONENT, "❌ Failed to send message: %s",
               answer->reason);
    if (news && answer->kind == TELEGRAM_REFUSED) {
        tell_administrator(answer->reason);
    }
    apr_cpystrn(delivery->error, answer->reason, sizeof(delivery->error));
}

static void tell_success(delivery_t *delivery)
{
    const event_t *event = &delivery->event;

    if (delivery->error[0] != '\0') {
        log_server(VPS_INFO, COMPONENT, "✅ Messages are delivered again");
    }
    log_server(VPS_DEBUG, COMPONENT, "Delivered: %s %s", message_title(event->kind),
               event->client_id);
    delivery->error[0] = '\0';
}

/* --- a message that is delivered --- */

static void remember(delivery_t *delivery)
{
    delivery->accepted[delivery->accepted_count++ % ACCEPTED_MAX] =
        (identity_t){.uid = delivery->event.uid, .number = delivery->event.number};
}

/* Is the message at hand one of those that Telegram has? */
static bool is_accepted(const delivery_t *delivery)
{
    for (size_t i = 0; i < ACCEPTED_MAX && i < delivery->accepted_count; i++) {
        if (delivery->accepted[i].uid == delivery->event.uid &&
            delivery->accepted[i].number == delivery->event.number) {
            return true;
        }
    }
    return false;
}

static void settle(delivery_t *delivery, uint64_t uid)
{
    if (store_is_settled(delivery->store, uid)) {
        delivery->delivered(delivery->ctx, uid);
    }
}

static void removed(void *ctx, store_result_t result)
{
    delivery_t *delivery = ctx;

    delivery->busy = false;
    if (result == STORE_FAILED) {
        delivery->outbox.not_before = clock_monotonic() + OUTBOX_RETRY_MIN;
    } else {
        settle(delivery, delivery->event.uid);
    }
}

static void remove_message(delivery_t *delivery, uint64_t message)
{
    delivery->busy = true;
    store_remove_message(delivery->store, message);
    store_commit(delivery->store, removed, delivery);
}

/* Telegram has the message at hand; the store may know it by another id by now, or not at all. */
static void accept_message(delivery_t *delivery)
{
    const uint64_t uid = delivery->event.uid;
    uint64_t message;

    delivery->last_success = clock_wall() / CLOCK_SECOND;
    remember(delivery);
    tell_success(delivery);
    if (store_next_message(delivery->store, 0, &message, &delivery->event) && is_accepted(delivery)) {
        remove_message(delivery, message);
    } else {
        settle(delivery, uid);
    }
}

/* --- sending --- */

static void answered(void *ctx, const transfer_answer_t *http)
{
    delivery_t *delivery = ctx;
    const telegram_response_t response = {.status = http->status,
                                          .body = http->body,
                                          .size = http->size,
                                          .retry_after = http->retry_after,
                                          .reason = http->reason};
    telegram_answer_t answer;
    uint32_t random = 0;

    delivery->busy = false;
    telegram_read_answer(&answer, &response, delivery->settings->token);
    (void)apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    if (outbox_answered(&delivery->outbox, &answer, clock_monotonic(), random)) {
        accept_message(delivery);
    } else {
        tell_failure(delivery, &answer);
    }
}

static bool start_request(delivery_t *delivery, const char *body)
{
    struct curl_slist *header = curl_slist_append(NULL, "Content-Type: application/json");
    const vps_http_request_t request = {
        .url = delivery->url,
        .header = header,
        .body = body,
        .body_size = strlen(body),
        .timeout_ms = TIMEOUT_MS,
        .answer_max = TELEGRAM_ANSWER_MAX,
    };
    const bool started =
        header != NULL && transfers_start(delivery->transfers, &request, delivery->settings->token,
                                          answered, delivery);

    curl_slist_free_all(header);
    return started;
}

/* Send the message at hand. */
static void send_message(delivery_t *delivery)
{
    const bool html = !delivery->outbox.plain;
    char text[TEXT_SIZE];
    const message_options_t options = {.form = html ? TEXT_HTML : TEXT_PLAIN,
                                       .now = clock_wall() / CLOCK_SECOND};
    const telegram_message_t message = {
        .chat = delivery->settings->chat, .text = text, .is_html = html};
    char *body;

    message_text(text, &delivery->event, &options);
    body = telegram_message_body(&message);
    delivery->busy = true;
    if (body == NULL || !start_request(delivery, body)) {
        const transfer_answer_t none = {.body = "", .reason = "out of memory"};

        answered(delivery, &none);
    }
    free(body);
}

int64_t delivery_tend(delivery_t *delivery, int64_t now)
{
    uint64_t message;

    if (delivery->settings == NULL || delivery->busy) {
        return INT64_MAX;
    }
    if (now < delivery->outbox.not_before) {
        return delivery->outbox.not_before;
    }
    if (!store_next_message(delivery->store, 0, &message, &delivery->event)) {
        return INT64_MAX;
    }
    if (is_accepted(delivery)) {
        remove_message(delivery, message);
    } else {
        send_message(delivery);
    }
    return delivery->busy ? INT64_MAX : delivery->outbox.not_before;
}
