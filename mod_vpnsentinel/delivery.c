#include "delivery.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "http_main.h"

#include "clock.h"
#include "digest.h"
#include "log.h"
#include "message.h"
#include "outbox.h"
#include "tellpoint.h"
#include "waiting.h"

#define COMPONENT "telegram"
#define MANY 256u                /* alerts that are held: what changes is not looked at at once */
#define MANY_PAUSE CLOCK_SECOND  /* usec between two looks at so many */
#define STORE_RETRY CLOCK_SECOND /* usec before the store is asked again after it failed */
#define QUESTION_AHEAD_MAX 60    /* sec that a clock which is being set may lose */

/* What is being sent. */
typedef struct at_hand_t {
    outbox_turn_t turn;
    alert_t *alerts; /* ALERT, DIGEST; in waiting_t's memory */
    size_t count;
    question_t question; /* REPLY */
    event_t event;       /* ALERT */
    int64_t mute;        /* DIGEST: since when the mute was that it ends, sec; 0 = it ends none */
    bool is_silent;
    char text[TEXT_SIZE];
} at_hand_t;

struct delivery_t {
    delivery_setup_t setup;
    bot_api_caller_t caller;
    outbox_t outbox;
    waiting_t *waiting;
    bool busy;         /* a request or a commit is under way */
    int64_t mute_told; /* the mute that the newest accepted message ended, 0 = none */
    int64_t answered;  /* the chat's message that Telegram has the newest answer to, 0 = none */
    at_hand_t at_hand;
    uint64_t changes;              /* of the store, as of the last look at what waits */
    int64_t due;                   /* monotonic usec: when to look again if that stays the same */
    int64_t look_not_before;       /* monotonic usec: whatever changes, unless it is due */
    int64_t last_success;          /* sec since epoch, 0 = never */
    char error[VITALS_ERROR_SIZE]; /* newest since then, "" = none */
};

static bot_api_done_t answered;

delivery_t *delivery_create(const delivery_setup_t *setup, apr_pool_t *pool)
{
    delivery_t *delivery = apr_pcalloc(pool, sizeof(*delivery));

    delivery->setup = *setup;
    delivery->waiting = waiting_create(setup->store, pool);
    delivery->caller = (bot_api_caller_t){setup->api, answered, delivery};
    delivery->outbox.flap_threshold = setup->flap_threshold;
    return delivery;
}

bool delivery_is_on(const delivery_t *delivery)
{
    return delivery->setup.api != NULL;
}

bool delivery_is_busy(const delivery_t *delivery)
{
    return delivery->busy;
}

void delivery_tell(const delivery_t *delivery, vitals_t *vitals)
{
    const mute_t *mute = delivery->setup.mute;
    const bool is_muted = delivery_is_on(delivery) && mute_is_on(mute, clock_wall() / CLOCK_SECOND);

    vitals->telegram_enabled = delivery_is_on(delivery);
    vitals->muted_until = is_muted ? mute->until : 0;
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

/* Nothing is lost: the message goes at once in another way. */
static void tell_detour(const telegram_answer_t *answer)
{
    log_server(VPS_WARN, COMPONENT, "⚠️ Telegram does not take a message as it is: %s",
               answer->reason);
}

/* Once for each reason; the tries after it are details. */
static void tell_failure(delivery_t *delivery, const telegram_answer_t *answer)
{
    const bool news = strcmp(delivery->error, answer->reason) != 0;

    log_server(news ? VPS_ERROR : VPS_DEBUG, COMPONENT, "❌ Failed to send message: %s",
               answer->reason);
    if (news && answer->kind != TELEGRAM_LATER) {
        tell_administrator(answer->reason);
    }
    apr_cpystrn(delivery->error, answer->reason, sizeof(delivery->error));
}

static void tell_success(delivery_t *delivery)
{
    const at_hand_t *at_hand = &delivery->at_hand;

    if (delivery->error[0] != '\0') {
        log_server(VPS_INFO, COMPONENT, "✅ Messages are delivered again");
    }
    if (at_hand->turn == OUTBOX_DIGEST) {
        log_server(VPS_DEBUG, COMPONENT, "Delivered: a digest of %zu alerts", at_hand->count);
    } else if (at_hand->turn == OUTBOX_ALERT) {
        log_server(VPS_DEBUG, COMPONENT, "Delivered: %s %s",
                   message_title((event_kind_t)at_hand->event.kind), at_hand->event.client_id);
    } else {
        log_server(VPS_DEBUG, COMPONENT, "Answered: %s", at_hand->question.text);
    }
    delivery->error[0] = '\0';
}

/* --- after a message --- */

static void written(void *ctx, store_result_t result)
{
    delivery_t *delivery = ctx;
    mute_t *mute = delivery->setup.mute;

    delivery->busy = false;
    if (result == STORE_FAILED) {
        if (mute->since == 0) { /* it may have been cleared in what failed */
            mute_recall(mute, delivery->setup.store);
        }
        delivery->outbox.not_before = clock_monotonic() + STORE_RETRY;
    }
}

static void commit(delivery_t *delivery)
{
    delivery->busy = true;
    store_commit(delivery->setup.store, written, delivery);
}

static void alerts_removed(void *ctx, store_result_t result)
{
    delivery_t *delivery = ctx;

    written(ctx, result);
    if (result == STORE_DURABLE) {
        waiting_forget_accepted(delivery->waiting);
    }
    if (result != STORE_FAILED) {
        delivery->setup.delivered(delivery->setup.delivered_ctx);
    }
}

/* Those that Telegram has; the store may know them by other ids by now, or not at all. */
static void remove_alerts(delivery_t *delivery)
{
    mute_t *mute = delivery->setup.mute;

    delivery->busy = true;
    waiting_remove_accepted(delivery->waiting);
    if (mute->since == delivery->mute_told && mute_is_over(mute, clock_wall() / CLOCK_SECOND)) {
        mute_clear(mute, delivery->setup.store);
    }
    store_commit(delivery->setup.store, alerts_removed, delivery);
}

static void remove_question(delivery_t *delivery)
{
    store_remove_question(delivery->setup.store, delivery->at_hand.question.id);
    commit(delivery);
}

/* Telegram has the message at hand. */
static void settle(delivery_t *delivery)
{
    const at_hand_t *at_hand = &delivery->at_hand;

    delivery->last_success = clock_wall() / CLOCK_SECOND;
    tell_success(delivery);
    if (at_hand->turn == OUTBOX_REPLY) {
        delivery->answered = at_hand->question.message;
        remove_question(delivery);
    } else {
        counters_add(delivery->setup.counters, COUNT_SENT, at_hand->count);
        delivery->mute_told = at_hand->mute;
        waiting_accept(delivery->waiting, at_hand->alerts, at_hand->count);
        remove_alerts(delivery);
    }
}

/* The group was upgraded; the message at hand goes there at once. */
static void follow(delivery_t *delivery, const telegram_answer_t *answer)
{
    chat_move(delivery->setup.chat, answer->migrated_to, delivery->setup.store);
    commit(delivery);
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                 "VPNS0061: Telegram has made chat %s chat %s, where alerts go now: put that into "
                 "VPNSentinelTelegramChatID",
                 delivery->setup.chat->configured, chat_address(delivery->setup.chat));
}

/* --- sending --- */

static void count_failure(const delivery_t *delivery)
{
    if (delivery->at_hand.turn != OUTBOX_REPLY) {
        counters_add(delivery->setup.counters, COUNT_SEND_FAILED, 1);
    }
}

static void judge(delivery_t *delivery, const telegram_answer_t *answer)
{
    const outbox_t before = delivery->outbox;
    uint32_t random = 0;

    (void)apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    switch (outbox_answered(&delivery->outbox, delivery->at_hand.turn, answer, clock_monotonic(),
                            random)) {
    case OUTBOX_TAKEN:
        settle(delivery);
        return;
    case OUTBOX_DROP:
        log_server(VPS_WARN, COMPONENT, "⚠️ An answer cannot be given: %s", answer->reason);
        if (answer->kind == TELEGRAM_REFUSED) { /* alerts would be, too */
            tell_failure(delivery, answer);
        }
        remove_question(delivery);
        return;
    default:
        break;
    }
    if (delivery->outbox.failures > before.failures) {
        count_failure(delivery);
        tell_failure(delivery, answer);
    } else if (delivery->outbox.is_moved && !before.is_moved) {
        follow(delivery, answer);
    } else {
        tell_detour(answer);
    }
}

static void answered(void *ctx, const telegram_answer_t *answer, const char *body, size_t size)
{
    delivery_t *delivery = ctx;

    (void)body;
    (void)size;
    delivery->busy = false;
    judge(delivery, answer);
}

static bool get_event(void *ctx, uint64_t message, event_t *out)
{
    delivery_t *delivery = ctx;
    uint64_t found;

    return store_next_message(delivery->setup.store, message - 1, &found, out) && found == message;
}

/* Send the text at hand. */
static void send_text(delivery_t *delivery)
{
    const at_hand_t *at_hand = &delivery->at_hand;
    const bool is_reply = at_hand->turn == OUTBOX_REPLY;
    const int64_t thread = is_reply ? at_hand->question.thread : delivery->setup.thread;
    const telegram_message_t message = {
        .chat = chat_address(delivery->setup.chat),
        .thread = delivery->outbox.no_thread ? 0 : thread,
        .reply_to = is_reply ? at_hand->question.message : 0,
        .text = at_hand->text,
        .is_html = !delivery->outbox.plain,
        .is_silent = at_hand->is_silent,
    };
    char *body = tellpoint(telegram_message_body(&message), at_hand->alerts,
                           is_reply ? 0 : at_hand->count, get_event, delivery);
    const bot_api_call_t call = {.method = "sendMessage",
                                 .body = body,
                                 .timeout_ms = BOT_API_TIMEOUT_MS,
                                 .answer_max = TELEGRAM_ANSWER_MAX};

    delivery->busy = true;
    bot_api_call(&delivery->caller, &call);
    free(body);
}

/* --- writing --- */

static text_form_t form_of(const delivery_t *delivery)
{
    return delivery->outbox.plain ? TEXT_PLAIN : TEXT_HTML;
}

static bool write_alert(delivery_t *delivery, int64_t wall)
{
    at_hand_t *at_hand = &delivery->at_hand;
    const alert_t *alert = at_hand->alerts;
    const message_options_t options = {
        .form = form_of(delivery),
        .now = wall,
        .repeats = outbox_is_flap(&delivery->outbox, alert) ? alert->repeats : 0,
        .window = OUTBOX_FLAP_WINDOW,
    };

    if (!get_event(delivery, alert->message, &at_hand->event)) {
        return false;
    }
    at_hand->mute = 0;
    at_hand->is_silent = message_is_good((event_kind_t)at_hand->event.kind);
    (void)message_text(at_hand->text, &at_hand->event, &options);
    return true;
}

static uint32_t length_of_mute(const mute_t *mute, int64_t wall)
{
    const int64_t length = mute_is_over(mute, wall) ? mute->until - mute->since : 0;

    return length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
}

static bool write_digest(delivery_t *delivery, int64_t wall)
{
    const mute_t *mute = delivery->setup.mute;
    at_hand_t *at_hand = &delivery->at_hand;
    census_t census;
    const bool is_counted = delivery->setup.count(delivery->setup.ctx, &census);
    const digest_t digest = {
        .entries = at_hand->alerts,
        .count = at_hand->count,
        .get = get_event,
        .ctx = delivery,
        .now = wall,
        .muted = length_of_mute(mute, wall),
        .census = is_counted ? &census : NULL,
    };

    at_hand->mute = mute_is_over(mute, wall) ? mute->since : 0;
    at_hand->is_silent = digest_is_good(at_hand->alerts, at_hand->count);
    return digest_text(at_hand->text, &digest, form_of(delivery)) != NULL;
}

static bool write_reply(delivery_t *delivery)
{
    at_hand_t *at_hand = &delivery->at_hand;

    at_hand->is_silent = false;
    return delivery->setup.answer(delivery->setup.ctx, at_hand->text, &at_hand->question,
                                  form_of(delivery)) != NULL;
}

/* --- what is next --- */

/* Those that the plan takes, at the front. */
static void take_alerts(delivery_t *delivery, alert_t *alerts, size_t count)
{
    at_hand_t *at_hand = &delivery->at_hand;

    at_hand->alerts = alerts;
    at_hand->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (alerts[i].is_taken) {
            alerts[at_hand->count++] = alerts[i];
        }
    }
}

static void send_next(delivery_t *delivery, outbox_turn_t turn, const outbox_moment_t *moment)
{
    bool is_written;

    delivery->at_hand.turn = turn;
    switch (turn) {
    case OUTBOX_ALERT:
        is_written = write_alert(delivery, moment->wall);
        break;
    case OUTBOX_DIGEST:
        is_written = write_digest(delivery, moment->wall);
        break;
    default:
        is_written = write_reply(delivery);
        break;
    }
    if (is_written) {
        send_text(delivery);
    } else {
        delivery->outbox.not_before = moment->now + STORE_RETRY;
    }
}

/* The disk may have failed when it was to be removed, and show it again when it is back. */
static bool is_answered(const delivery_t *delivery, const question_t *question)
{
    return question->message != 0 && question->message == delivery->answered;
}

/* From too far ahead, too: the clock was set back, and it would not expire as long as that. */
static bool is_stale(const question_t *question, int64_t wall)
{
    return question->asked < wall - QUESTION_AGE_MAX || question->asked > wall + QUESTION_AHEAD_MAX;
}

/* The oldest question that is worth an answer; false = none, or another one has to go first. */
static bool find_question(delivery_t *delivery, int64_t wall)
{
    question_t *question = &delivery->at_hand.question;

    if (!store_next_question(delivery->setup.store, question)) {
        return false;
    }
    if (is_stale(question, wall) || is_answered(delivery, question)) {
        remove_question(delivery);
        return false;
    }
    return true;
}

static outbox_moment_t take_moment(delivery_t *delivery, int64_t now)
{
    const mute_t *mute = delivery->setup.mute;
    outbox_moment_t moment = {.now = now, .wall = clock_wall() / CLOCK_SECOND};

    moment.is_muted = mute_is_on(mute, moment.wall);
    moment.is_after_mute = mute_is_over(mute, moment.wall);
    moment.muted_until = moment.is_muted ? mute->until : 0;
    moment.is_asked = find_question(delivery, moment.wall);
    return moment;
}

/* Look at what waits, and send what is next. */
static void look(delivery_t *delivery, const outbox_moment_t *moment)
{
    outbox_plan_t plan;
    size_t count;
    alert_t *alerts = waiting_look(delivery->waiting, &count);

    if (waiting_has_accepted(delivery->waiting)) {
        remove_alerts(delivery);
        return;
    }
    if (count == 0 && moment->is_after_mute) { /* there is nothing to be told of it */
        mute_clear(delivery->setup.mute, delivery->setup.store);
        commit(delivery);
        return;
    }
    outbox_plan(&plan, &delivery->outbox, alerts, count, moment);
    delivery->due = plan.due;
    delivery->look_not_before = count > MANY ? moment->now + MANY_PAUSE : 0;
    if (plan.turn != OUTBOX_WAIT) {
        delivery->due = 0;
        delivery->look_not_before = 0;
        take_alerts(delivery, alerts, count);
        send_next(delivery, plan.turn, moment);
    }
}

static bool is_changed(const delivery_t *delivery)
{
    return store_changes(delivery->setup.store) != delivery->changes;
}

/* What it has changed in the store itself is looked at again, too. */
static int64_t next_call(const delivery_t *delivery)
{
    const bool is_due = is_changed(delivery) || delivery->due < delivery->outbox.not_before;

    return delivery->busy ? INT64_MAX : is_due ? delivery->outbox.not_before : delivery->due;
}

/* While many are held, each thing that happens would have all of them read again. */
static int64_t look_due(const delivery_t *delivery)
{
    return is_changed(delivery) && delivery->look_not_before < delivery->due
               ? delivery->look_not_before
               : delivery->due;
}

int64_t delivery_tend(delivery_t *delivery, int64_t now)
{
    outbox_moment_t moment;

    if (!delivery_is_on(delivery) || delivery->busy) {
        return INT64_MAX;
    }
    if (now < look_due(delivery)) {
        return look_due(delivery);
    }
    delivery->changes = store_changes(delivery->setup.store);
    moment = take_moment(delivery, now);
    delivery->due = outbox_due(&delivery->outbox, &moment);
    if (!delivery->busy && now >= delivery->due) {
        look(delivery, &moment);
    }
    return next_call(delivery);
}
