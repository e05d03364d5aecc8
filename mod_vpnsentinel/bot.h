/*
 * What the bot makes of what people write: it does what a command asks for, and keeps the question
 * until it is answered (bot_answer.h).
 *
 * Only the configured chat is listened to. In the monitor only.
 */
#ifndef BOT_H
#define BOT_H

#include "apr_pools.h"

#include "chat.h"
#include "mute.h"
#include "store.h"
#include "telegram_update.h"

typedef struct bot_t bot_t;

/* What it works on. All outlive it. */
typedef struct bot_setup_t {
    const chat_t *chat;
    mute_t *mute;
    store_t *store;
} bot_setup_t;

bot_t *bot_create(const bot_setup_t *setup, apr_pool_t *pool);

/* Its user name, "" = not known yet. */
const char *bot_name(const bot_t *bot);
void bot_set_name(bot_t *bot, const char *name);

/*
 * Put into the store's transaction what follows of an update. now: sec since epoch; is_prompt: it was
 * written within QUESTION_AGE_MAX, whatever the clocks say. Returns false when nothing does.
 */
bool bot_hear(bot_t *bot, const telegram_update_t *update, int64_t now, bool is_prompt);

/* That transaction has failed: nothing of it was so. What was heard in it is heard again. */
void bot_take_back(bot_t *bot);

#endif
