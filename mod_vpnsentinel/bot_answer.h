/*
 * The texts that the bot answers with: read from the registry, the vitals and the newest events, when
 * they are sent.
 *
 * In the monitor only: may take the registry's lock, chunk by chunk.
 */
#ifndef BOT_ANSWER_H
#define BOT_ANSWER_H

#include "apr_pools.h"

#include "fleet.h"
#include "mute.h"
#include "question.h"
#include "text.h"

typedef struct bot_answer_t bot_answer_t;

/* mute outlives it. */
bot_answer_t *bot_answer_create(const mute_t *mute, apr_pool_t *pool);

/*
 * Write the answer to what was asked. bot_name: as in command.h; now: sec since epoch. Returns out; NULL
 * when there is none, because the registry cannot be read now.
 */
char *bot_answer_write(bot_answer_t *bot, char out[TEXT_SIZE], const question_t *question,
                       const char *bot_name, text_form_t form, int64_t now);

/* How the fleet is, for whoever else writes to the chat. Returns false when it cannot be read. */
bool bot_answer_count(bot_answer_t *bot, census_t *out);

#endif
