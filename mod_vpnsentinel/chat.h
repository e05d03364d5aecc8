/*
 * The one chat that alerts go to and that the bot listens to: what VPNSentinelTelegramChatID says,
 * or what that group has become when it was upgraded. The latter is a setting of the store.
 *
 * In the monitor only.
 */
#ifndef CHAT_H
#define CHAT_H

#include "store.h"

#define CHAT_ADDRESS_SIZE 24 /* bytes of a number, with the NUL */

typedef struct chat_t {
    const char *configured;        /* a number, or "@" and a name; outlives the chat_t */
    char moved[CHAT_ADDRESS_SIZE]; /* "" = it has not */
} chat_t;

/* configured: the chat; where it moved to is read from the store. */
void chat_recall(chat_t *chat, const char *configured, store_t *store);

/* It has become another one; put into the store's transaction. */
void chat_move(chat_t *chat, int64_t to, store_t *store);

/* Where messages go: a number, or "@" and a name. */
const char *chat_address(const chat_t *chat);

/* Is this the chat? id is not 0; name: its user name without "@", or "". Case does not count. */
bool chat_is(const chat_t *chat, int64_t id, const char *name);

#endif
