#include "chat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "telegram.h"

/* One for each configured chat: who configures another one does not get where the last one moved. */
#define SETTING_SIZE 128

static void name_setting(char name[SETTING_SIZE], const chat_t *chat)
{
    (void)snprintf(name, SETTING_SIZE, "telegram_chat %s", chat->configured);
}

/* What a group becomes has a number below 0. */
static bool is_group(const char *text)
{
    return text[0] == '-' && telegram_is_chat(text);
}

void chat_recall(chat_t *chat, const char *configured, store_t *store)
{
    char name[SETTING_SIZE];

    chat->configured = configured;
    name_setting(name, chat);
    if (!store_get_setting(store, name, chat->moved, sizeof(chat->moved)) ||
        !is_group(chat->moved)) {
        chat->moved[0] = '\0';
    }
}

void chat_move(chat_t *chat, int64_t to, store_t *store)
{
    char name[SETTING_SIZE];

    name_setting(name, chat);
    (void)snprintf(chat->moved, sizeof(chat->moved), "%" PRId64, to);
    store_put_setting(store, name, chat->moved);
}

const char *chat_address(const chat_t *chat)
{
    return chat->moved[0] != '\0' ? chat->moved : chat->configured;
}

bool chat_is(const chat_t *chat, int64_t id, const char *name)
{
    char number[CHAT_ADDRESS_SIZE];

    (void)snprintf(number, sizeof(number), "%" PRId64, id);
    return strcmp(number, chat->configured) == 0 || strcmp(number, chat->moved) == 0 ||
           (chat->configured[0] == '@' && strcasecmp(name, chat->configured + 1) == 0);
}
