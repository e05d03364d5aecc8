/*
 * Fuzz entry point: a setting of the store, as each that there is. What is believed comes back the same
 * from its own text.
 */
#include "fuzz.h"

#include "chat.h"
#include "history.h"
#include "mute.h"
#include "server_ip.h"
#include "telegram.h"

/* --- a store that has this text for every setting --- */

static const char *stored;
static char put[256];

bool store_get_setting(store_t *store, const char *name, char *out, size_t size)
{
    (void)store;
    check(strlen(name) > 0);
    out[0] = '\0';
    if (strlen(stored) >= size) {
        return false;
    }
    strcpy(out, stored);
    return true;
}

void store_put_setting(store_t *store, const char *name, const char *value)
{
    (void)store;
    check(strlen(name) > 0 && strlen(value) < sizeof(put));
    strcpy(put, value);
}

/* --- each setting --- */

static void check_mute(void)
{
    mute_t mute = {0}, again = {0};

    mute_recall(&mute, NULL);
    check(mute.since >= 0 && mute.until >= mute.since);
    mute_put(&mute, NULL);
    stored = put;
    mute_recall(&again, NULL);
    check(again.since == mute.since && again.until == mute.until);
}

static void check_chat(void)
{
    chat_t chat;

    chat_recall(&chat, "-1001234567890", NULL);
    check(telegram_is_chat(chat_address(&chat)));
    check(chat.moved[0] == '\0' || chat.moved[0] == '-');
}

static void check_server_ip(const char *text)
{
    char again[SERVER_IP_TEXT_SIZE];
    server_ip_t ip, same;

    if (server_ip_parse(&ip, text)) {
        check(ip.source != SERVER_IP_UNKNOWN && server_ip_source_name(ip.source) != NULL);
        check(ip.addr[0].version == 4 || ip.addr[1].version == 6);
        check(server_ip_parse(&same, server_ip_format(again, &ip)));
        check(memcmp(&same, &ip, sizeof(same)) == 0);
    } else {
        check(ip.source == SERVER_IP_UNKNOWN && ip.addr[0].version == 0);
    }
}

static void check_history(const char *text)
{
    char again[HISTORY_TEXT_SIZE];
    history_t history;
    history_gaps_t gaps;

    if (history_parse(&history, text)) {
        check(history_is_valid(&history) && strcmp(history_format(again, &history), text) == 0);
    }
    if (history_gaps_parse(&gaps, text)) {
        check(history_gaps_are_valid(&gaps) &&
              strcmp(history_gaps_format(again, &gaps), text) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_of(data, size);

    stored = text;
    check_chat();
    check_mute();
    check_server_ip(text);
    check_history(text);
    free(text);
    return 0;
}
