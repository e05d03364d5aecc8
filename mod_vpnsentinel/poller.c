#include "poller.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "http_main.h"

#include "clock.h"
#include "command.h"
#include "log.h"
#include "telegram.h"

#define COMPONENT "telegram"
#define POLL_TIMEOUT 25          /* sec that Telegram waits for something to tell */
#define POLL_LIMIT 10            /* updates of an answer; after a failure 1: they may not fit */
#define POLL_PACE CLOCK_SECOND   /* usec between two polls that bring nothing */
#define STORE_RETRY CLOCK_SECOND /* usec before the same is asked again after the store failed */
#define CONFLICT_PAUSE (3600 * CLOCK_SECOND) /* usec between two lines on a conflict */
#define TRIES 3u                             /* for what a poll needs not */
#define COMMANDS_MAX 16u
#define DIGITS "0123456789"
#define SETTING_SIZE 64 /* bytes of the offset's name and value */

/* What is asked, in this order. */
typedef enum step_t { ASK_NAME, TELL_COMMANDS, POLL, STEPS } step_t;

static const char *const methods[STEPS] = {
    [ASK_NAME] = "getMe", [TELL_COMMANDS] = "setMyCommands", [POLL] = "getUpdates"};

struct poller_t {
    poller_setup_t setup;
    bot_api_caller_t caller;
    step_t step;
    bool lacks_some; /* name or commands, which may be had when things are better */
    bool busy;
    int64_t begun;                 /* monotonic usec: when the request under way began */
    int64_t not_before;            /* monotonic usec: of the next one */
    unsigned int failures;         /* in a row */
    int64_t offset;                /* up to where updates are heard and stored */
    int64_t next;                  /* what it will be with those that are being heard */
    char setting[SETTING_SIZE];    /* its name: another bot counts for itself */
    char error[VITALS_ERROR_SIZE]; /* see poller_error() */
    bool is_told;                  /* the log has that, or another one since it heard last */
    bool is_refusal_told;          /* the error log has a refusal since it heard last */
    int64_t conflict_told_until;   /* monotonic usec: a conflict is no news before */
    int64_t now;                   /* sec since epoch: while updates are read */
    bool is_prompt;                /* the same: they are, as in bot.h */
    int updates;                   /* of the answer that is read */
    bool has_more;                 /* there may be others behind them */
    int64_t caught_up;             /* monotonic usec: all before is heard and stored, 0 = never */
    bool is_heard;                 /* something follows of one of them */
};

static bot_api_done_t answered;

/* 0 = whatever they have: with anything above their numbers we would never hear again. */
static int64_t read_offset(const char *text)
{
    const int64_t offset = text[strspn(text, DIGITS)] == '\0' ? strtoll(text, NULL, 10) : 0;

    return offset <= TELEGRAM_ID_MAX + 1 ? offset : 0;
}

static void recall_offset(poller_t *poller)
{
    char text[SETTING_SIZE]; /* "" when there is none */

    (void)snprintf(poller->setting, sizeof(poller->setting), "telegram_offset %.*s",
                   (int)strspn(poller->setup.api->token, DIGITS), poller->setup.api->token);
    (void)store_get_setting(poller->setup.store, poller->setting, text, sizeof(text));
    poller->offset = read_offset(text);
}

poller_t *poller_create(const poller_setup_t *setup, apr_pool_t *pool)
{
    poller_t *poller = apr_pcalloc(pool, sizeof(*poller));

    poller->setup = *setup;
    poller->caller = (bot_api_caller_t){setup->api, answered, poller};
    recall_offset(poller);
    return poller;
}

const char *poller_error(const poller_t *poller)
{
    return poller->error;
}

/* --- telling --- */

/* Two programs that poll at the same time are told of their conflict again and again. */
static bool is_news(poller_t *poller, const telegram_answer_t *answer, int64_t now)
{
    if (strcmp(poller->error, answer->reason) == 0 ||
        (answer->kind == TELEGRAM_CONFLICT && now < poller->conflict_told_until)) {
        return false;
    }
    if (answer->kind == TELEGRAM_CONFLICT) {
        poller->conflict_told_until = now + CONFLICT_PAUSE;
    }
    return true;
}

/* Somebody has to do something about it. */
static void tell_administrator(poller_t *poller, const telegram_answer_t *answer, bool news)
{
    if (news && answer->kind == TELEGRAM_CONFLICT) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                     "VPNS0062: somebody else receives what is written to the bot: a program with "
                     "the same VPNSentinelTelegramToken, or a webhook; alerts are sent all the "
                     "same: %s",
                     answer->reason);
    } else if (answer->kind == TELEGRAM_REFUSED && !poller->is_refusal_told) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                     "VPNS0063: Telegram refuses to tell what is written to the bot, check "
                     "VPNSentinelTelegramToken: %s",
                     answer->reason);
        poller->is_refusal_told = true;
    }
}

static void tell_failure(poller_t *poller, const telegram_answer_t *answer)
{
    const bool news = is_news(poller, answer, clock_monotonic());

    log_server(news ? VPS_ERROR : VPS_DEBUG, COMPONENT, "❌ The bot hears nothing: %s: %s",
               methods[poller->step], answer->reason);
    tell_administrator(poller, answer, news);
    apr_cpystrn(poller->error, answer->reason, sizeof(poller->error));
    poller->is_told = poller->is_told || news;
}

static void tell_success(poller_t *poller)
{
    if (poller->error[0] != '\0') {
        log_server(poller->is_told ? VPS_INFO : VPS_DEBUG, COMPONENT, "✅ The bot hears again");
    }
    poller->error[0] = '\0';
    poller->is_told = false;
    poller->is_refusal_told = false;
}

/* --- failures --- */

static void wait_after_failure(poller_t *poller, const telegram_answer_t *answer, int64_t now)
{
    poller->not_before = now + telegram_retry(answer, poller->failures);
    poller->failures++;
}

/* Name and commands are no reason not to poll, unless they are had soon. */
static bool is_not_soon(const telegram_answer_t *answer)
{
    return answer->kind != TELEGRAM_LATER ||
           answer->retry_after * CLOCK_SECOND > TELEGRAM_RETRY_MAX;
}

static void go_without(poller_t *poller, const telegram_answer_t *answer)
{
    poller->step++;
    poller->failures = 0;
    poller->lacks_some = poller->lacks_some || answer->kind == TELEGRAM_LATER;
}

static void begin_anew(poller_t *poller)
{
    poller->step = ASK_NAME;
    poller->lacks_some = false;
}

/* --- answers --- */

/* The store has what was heard. All that waited when it was asked for was in it, unless it is more
 * than fits. */
static void go_on(poller_t *poller)
{
    poller->offset = poller->next;
    if (!poller->has_more) {
        poller->caught_up = poller->begun;
    }
}

static void stored(void *ctx, store_result_t result)
{
    poller_t *poller = ctx;

    poller->busy = false;
    if (result == STORE_FAILED) { /* they are told again */
        bot_take_back(poller->setup.bot);
        poller->not_before = clock_monotonic() + STORE_RETRY;
    } else {
        go_on(poller);
    }
}

static void hear(void *ctx, const telegram_update_t *update)
{
    poller_t *poller = ctx;
    const bool counts_anew = poller->next < poller->offset;

    poller->updates++;
    if (update->id >= poller->offset || counts_anew) {
        poller->is_heard |= bot_hear(poller->setup.bot, update, poller->now, poller->is_prompt);
    }
}

static void ignore(void *ctx, const telegram_update_t *update)
{
    (void)ctx;
    (void)update;
}

/* How many updates an answer may have. */
static int limit_of(const poller_t *poller)
{
    return poller->failures == 0 ? POLL_LIMIT : 1;
}

/* Should they not wait, or should people elsewhere write all the time, of which each answer is a
 * commit: unless it was for us, or so long that there is more. */
static void keep_pace(poller_t *poller)
{
    if (!poller->is_heard && !poller->has_more) {
        poller->not_before = poller->begun + POLL_PACE;
    }
}

/* Can what comes now not have waited for long? */
static bool is_prompt(const poller_t *poller)
{
    return poller->caught_up != 0 &&
           clock_monotonic() - poller->caught_up < QUESTION_AGE_MAX * CLOCK_SECOND;
}

/* Those of the answer, up to poller->next, and that they were heard. */
static void hear_all(poller_t *poller, const char *body, size_t size)
{
    char text[SETTING_SIZE];

    poller->now = clock_wall() / CLOCK_SECOND;
    poller->is_prompt = is_prompt(poller);
    (void)telegram_read_updates(body, size, &poller->next, hear, poller);
    (void)snprintf(text, sizeof(text), "%" PRId64, poller->next);
    store_put_setting(poller->setup.store, poller->setting, text);
}

/* Returns false when it is no answer of getUpdates. It may bring nothing, or the last ones again. */
static bool take_updates(poller_t *poller, const char *body, size_t size)
{
    poller->next = poller->offset;
    poller->updates = 0;
    poller->is_heard = false;
    if (!telegram_read_updates(body, size, &poller->next, ignore, NULL)) {
        return false;
    }
    if (poller->next != poller->offset) {
        hear_all(poller, body, size);
    }
    poller->has_more = poller->updates >= limit_of(poller);
    keep_pace(poller);
    if (poller->next != poller->offset) {
        poller->busy = true;
        store_commit(poller->setup.store, stored, poller);
    } else {
        go_on(poller);
    }
    return true;
}

static void take_name(poller_t *poller, const char *body, size_t size)
{
    char name[TELEGRAM_NAME_SIZE];

    if (telegram_read_name(name, sizeof(name), body, size)) {
        bot_set_name(poller->setup.bot, name);
        log_server(VPS_INFO, COMPONENT, "🤖 The bot is @%s", name);
    }
}

/* Returns false when it is not what was asked for. */
static bool take(poller_t *poller, const char *body, size_t size)
{
    switch (poller->step) {
    case ASK_NAME:
        take_name(poller, body, size);
        poller->step = TELL_COMMANDS;
        return true;
    case TELL_COMMANDS:
        poller->step = POLL;
        return true;
    default:
        return take_updates(poller, body, size);
    }
}

static void fail(poller_t *poller, const telegram_answer_t *answer)
{
    if (poller->step != POLL && is_not_soon(answer)) {
        go_without(poller, answer);
        return;
    }
    tell_failure(poller, answer);
    wait_after_failure(poller, answer, clock_monotonic());
    if (answer->kind == TELEGRAM_REFUSED) { /* so were name and commands, perhaps */
        begin_anew(poller);
    } else if (poller->step != POLL && poller->failures >= TRIES) {
        go_without(poller, answer);
    }
}

static void succeed(poller_t *poller, step_t step)
{
    const bool is_over = poller->failures > 0;

    poller->failures = 0;
    if (step != POLL) {
        return;
    }
    tell_success(poller);
    if (is_over && poller->lacks_some) { /* what is over may have been why */
        begin_anew(poller);
    }
}

static void answered(void *ctx, const telegram_answer_t *answer, const char *body, size_t size)
{
    static const telegram_answer_t no_updates = {.kind = TELEGRAM_LATER,
                                                 .reason = "no updates in the answer"};
    poller_t *poller = ctx;
    const step_t step = poller->step;

    poller->busy = false;
    if (answer->kind != TELEGRAM_OK) {
        fail(poller, answer);
    } else if (!take(poller, body, size)) {
        fail(poller, &no_updates);
    } else {
        succeed(poller, step);
    }
}

/* --- asking --- */

static char *commands_body(void)
{
    telegram_command_t commands[COMMANDS_MAX];
    size_t count;
    const command_help_t *table = command_table(&count);

    for (size_t i = 0; i < count && i < COMMANDS_MAX; i++) {
        commands[i] = (telegram_command_t){table[i].name, table[i].description};
    }
    return telegram_commands_body(commands, count < COMMANDS_MAX ? count : COMMANDS_MAX);
}

static char *body_of(const poller_t *poller)
{
    switch (poller->step) {
    case ASK_NAME:
        return strdup("{}");
    case TELL_COMMANDS:
        return commands_body();
    default:
        return telegram_poll_body(poller->offset, POLL_TIMEOUT, limit_of(poller));
    }
}

static void call(poller_t *poller)
{
    const bool waits = poller->step == POLL;
    char *body = body_of(poller);
    const bot_api_call_t call = {
        .method = methods[poller->step],
        .body = body,
        .timeout_ms = BOT_API_TIMEOUT_MS + (waits ? POLL_TIMEOUT * 1000L : 0),
        .answer_max = waits ? TELEGRAM_UPDATES_MAX : TELEGRAM_ANSWER_MAX,
    };

    poller->busy = true;
    bot_api_call(&poller->caller, &call);
    free(body);
}

int64_t poller_tend(poller_t *poller, int64_t now)
{
    if (!poller->busy && now >= poller->not_before) {
        poller->begun = now;
        call(poller);
    }
    return poller->busy ? INT64_MAX : poller->not_before;
}
