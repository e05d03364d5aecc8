#include "bot.h"

#include <inttypes.h>
#include <string.h>

#include "apr_strings.h"

#include "clock.h"
#include "command.h"
#include "log.h"

#define COMPONENT "telegram"
#define STRANGERS_MAX 16u          /* chats that are remembered as told of */
#define HOUR (3600 * CLOCK_SECOND) /* usec */
#define STRANGER_LINES_MAX 20u     /* within it, for a ring of chats may be gone round */
#define TALK_PAUSE HOUR            /* usec between two answers to talk in a group */
#define DOUBT_PAUSE HOUR           /* usec between two lines on a clock that may be wrong */
#define MINUTE (60 * CLOCK_SECOND) /* usec */
#define QUESTIONS_MAX 20u          /* within it; there are no more answers in it, either */

_Static_assert(QUESTION_TEXT_SIZE >= TELEGRAM_TEXT_SIZE, "a question holds what was written");

/* So many within so long, counted from the first one. */
typedef struct quota_t {
    int64_t begun; /* monotonic usec */
    unsigned int used;
} quota_t;

struct bot_t {
    bot_setup_t setup;
    char name[TELEGRAM_NAME_SIZE];
    int64_t strangers[STRANGERS_MAX]; /* a ring */
    size_t strangers_told;            /* ever */
    quota_t stranger_lines;           /* an hour */
    int64_t talk_due;                 /* monotonic usec: talk in a group is answered again */
    int64_t unknown_due;              /* the same: an unknown command is */
    int64_t doubt_due;                /* the same: the clock is doubted again */
    unsigned int doubts;              /* since it was */
    quota_t questions;                /* a minute */
};

bot_t *bot_create(const bot_setup_t *setup, apr_pool_t *pool)
{
    bot_t *bot = apr_pcalloc(pool, sizeof(*bot));

    bot->setup = *setup;
    return bot;
}

const char *bot_name(const bot_t *bot)
{
    return bot->name;
}

void bot_set_name(bot_t *bot, const char *name)
{
    apr_cpystrn(bot->name, name, sizeof(bot->name));
}

/* Use one more, if there is one left. */
static bool use(quota_t *quota, unsigned int most, int64_t length, int64_t now)
{
    if (now >= quota->begun + length) {
        *quota = (quota_t){.begun = now};
    }
    if (quota->used == most) {
        return false;
    }
    quota->used++;
    return true;
}

/* --- who is answered --- */

static bool was_told_of(const bot_t *bot, int64_t chat)
{
    for (size_t i = 0; i < STRANGERS_MAX && i < bot->strangers_told; i++) {
        if (bot->strangers[i] == chat) {
            return true;
        }
    }
    return false;
}

/* Once each: it is how one finds out the number of one's own chat. */
static void tell_stranger(bot_t *bot, const telegram_update_t *update)
{
    if (was_told_of(bot, update->chat) ||
        !use(&bot->stranger_lines, STRANGER_LINES_MAX, HOUR, clock_monotonic())) {
        return;
    }
    bot->strangers[bot->strangers_told++ % STRANGERS_MAX] = update->chat;
    log_server(VPS_WARN, COMPONENT,
               "⚠️ Chat %" PRId64
               " writes to the bot, but is not VPNSentinelTelegramChatID: it "
               "gets no answer",
               update->chat);
    if (bot->stranger_lines.used == STRANGER_LINES_MAX) {
        log_server(VPS_WARN, COMPONENT, "🔇 More such chats are not told of within this hour");
    }
}

/* In a group people talk to each other, and give commands to other bots. */
static bool may_answer(bot_t *bot, const telegram_update_t *update, command_kind_t kind,
                       int64_t now)
{
    int64_t *due = kind == COMMAND_TALK ? &bot->talk_due : &bot->unknown_due;

    if (update->is_private || (kind != COMMAND_TALK && kind != COMMAND_UNKNOWN)) {
        return true;
    }
    if (now < *due) {
        return false;
    }
    *due = now + TALK_PAUSE;
    return true;
}

/* With a clock that is too far ahead nobody would be heard, and nobody would know why. */
static void doubt_clock(bot_t *bot, int64_t age)
{
    const int64_t moment = clock_monotonic();

    bot->doubts++;
    if (moment >= bot->doubt_due) {
        log_server(VPS_WARN, COMPONENT,
                   "⚠️ Is the clock right? By it what has just been written is %" PRId64
                   " s old, and gets no answer (%u since the last such line)",
                   age, bot->doubts);
        bot->doubt_due = moment + DOUBT_PAUSE;
        bot->doubts = 0;
    }
}

/* Old is what was written when nobody listened. */
static bool is_old(bot_t *bot, const telegram_update_t *update, int64_t now, bool is_prompt)
{
    const int64_t age = update->date != 0 ? now - update->date : 0;

    if (age <= QUESTION_AGE_MAX) {
        return false;
    }
    log_server(VPS_INFO, COMPONENT, "What was written %" PRId64 " s ago gets no answer", age);
    if (is_prompt) {
        doubt_clock(bot, age);
    }
    return true;
}

static bool is_heard(bot_t *bot, const telegram_update_t *update, int64_t now, bool is_prompt)
{
    if (update->chat == 0 || update->is_from_bot || update->text[0] == '\0') {
        return false;
    }
    if (!chat_is(bot->setup.chat, update->chat, update->chat_name)) {
        tell_stranger(bot, update);
        return false;
    }
    return !is_old(bot, update, now, is_prompt);
}

/* --- what is done --- */

static void mute(bot_t *bot, const command_t *command, int64_t now)
{
    const uint32_t seconds = command_mute_length(command);

    if (seconds > 0) {
        mute_begin(bot->setup.mute, bot->setup.store, now, now + seconds);
        log_server(VPS_INFO, COMPONENT, "🔕 Alerts are muted for %" PRIu32 " s", seconds);
    }
}

static void unmute(bot_t *bot, int64_t now)
{
    if (mute_is_on(bot->setup.mute, now)) {
        mute_end(bot->setup.mute, bot->setup.store, now);
        log_server(VPS_INFO, COMPONENT, "🔔 Alerts are not muted any more");
    }
}

static void keep_question(bot_t *bot, const telegram_update_t *update, int64_t now)
{
    question_t question = {
        .asked = now,
        .thread = update->thread,
        .message = update->message,
    };

    apr_cpystrn(question.text, update->text, sizeof(question.text));
    store_put_question(bot->setup.store, &question);
    log_server(VPS_DEBUG, COMPONENT, "Asked: %s", question.text);
}

bool bot_hear(bot_t *bot, const telegram_update_t *update, int64_t now, bool is_prompt)
{
    const int64_t moment = clock_monotonic();
    command_t command;

    if (!is_heard(bot, update, now, is_prompt)) {
        return false;
    }
    command_parse(&command, update->text, bot->name);
    if (command.kind == COMMAND_NONE || !may_answer(bot, update, command.kind, moment) ||
        !use(&bot->questions, QUESTIONS_MAX, MINUTE, moment)) {
        return false;
    }
    if (command.kind == COMMAND_MUTE) {
        mute(bot, &command, now);
    } else if (command.kind == COMMAND_UNMUTE) {
        unmute(bot, now);
    }
    keep_question(bot, update, now);
    return true;
}

void bot_take_back(bot_t *bot)
{
    mute_recall(bot->setup.mute, bot->setup.store);
}
