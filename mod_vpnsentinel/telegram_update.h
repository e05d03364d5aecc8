/*
 * What the Bot API's getUpdates and getMe bring. Others write it: anything that is missing, out of
 * range or of another type counts as absent.
 *
 * Pure functions, thread-safe.
 */
#ifndef TELEGRAM_UPDATE_H
#define TELEGRAM_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telegram.h"

#define TELEGRAM_TEXT_SIZE 512 /* bytes of a text that are read, with the NUL: commands are short */
#define TELEGRAM_NAME_SIZE 33  /* bytes of a user name, with the NUL */

/* A message, or a channel's post; of other updates only the id is read. */
typedef struct telegram_update_t {
    int64_t id;                         /* of the update, above 0 */
    int64_t chat;                       /* 0 = nothing that we read: count it, do nothing */
    char chat_name[TELEGRAM_NAME_SIZE]; /* user name of the chat, without "@"; "" = none */
    bool is_private;                    /* a chat with one person */
    int64_t thread;                     /* the forum's topic that it is in, 0 = none */
    int64_t message;                    /* number within the chat, 0 = not given */
    int64_t date;                       /* sec since epoch, 0 = not given */
    bool is_from_bot;                   /* and not by somebody who speaks for a chat */
    char text[TELEGRAM_TEXT_SIZE];      /* valid UTF-8, cut at a character's end, spaces in place
                                           of control characters; "" = none */
} telegram_update_t;

/*
 * Read the answer of a getUpdates that telegram_read_answer() found OK; calls visit(ctx, update)
 * for each update in the order they came. An update without a valid id is skipped. *next: becomes
 * the offset to ask with next, the highest of these ids + 1; stays as it is when there is none.
 * Returns false, visiting nothing, when it is no such answer.
 *
 * *next moves back when all ids are below it: their numbering has begun anew (after a week without
 * updates, or on another server), and who insists on the old offset gets the same updates for ever.
 */
bool telegram_read_updates(const char *body, size_t size, int64_t *next,
                           void (*visit)(void *ctx, const telegram_update_t *update), void *ctx);

/*
 * Read the bot's user name, 4 to 32 of [A-Za-z0-9_], from the answer of a getMe that
 * telegram_read_answer() found OK. out: size bytes, TELEGRAM_NAME_SIZE are enough. Returns false,
 * out "", when there is none or it does not fit.
 */
bool telegram_read_name(char *out, size_t size, const char *body, size_t body_size);

#endif
