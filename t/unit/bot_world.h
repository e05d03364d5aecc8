/*
 * What the tests of delivery and of the poller share: a Telegram that says what it is told to, a
 * store that is played, a chat. Include after cmocka.h.
 */
#ifndef BOT_WORLD_H
#define BOT_WORLD_H

#include "bot_api.h"
#include "chat.h"
#include "http_exchange.h"
#include "httpd_log.h"
#include "mute.h"
#include "pool.h"
#include "transfers_exchange.h"
#include "clock_ahead.h"
#include "store_played.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECRET "AAtest"
#define TOKEN "7654321:" SECRET "-token_0123456789"
#define SEC CLOCK_SECOND
#define HTTP(status, body) "HTTP/1.0 " status "\r\n\r\n" body
#define ERROR(code, description)                                                                   \
    HTTP(#code " Error",                                                                           \
         "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" description "\"}")
#define GARBAGE HTTP("200 OK", "<html>")

static transfers_t *transfers;
static bot_api_t api;
static chat_t chat;
static mute_t mute;
static int64_t due; /* of the last call */

static int open_world(void **state, const char *configured_chat)
{
    static char base[64];

    if (start_server(state) != 0) {
        return -1;
    }
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", server.port);
    empty_store();
    forget_lines();
    memset(requests, 0, sizeof(requests));
    transfers = transfers_open(NULL, pool);
    api = (bot_api_t){base, TOKEN, transfers};
    chat = (chat_t){.configured = configured_chat};
    mute = (mute_t){0};
    return 0;
}

static int close_world(void **state)
{
    assert_not_logged(SECRET);
    assert_false(store.begun); /* nothing is left half done */
    transfers_close(transfers);
    return stop_server(state);
}

static int start_all(void **state)
{
    return start_curl(state) == 0 ? pool_start(state) : -1;
}

static int stop_all(void **state)
{
    return pool_stop(state) == 0 ? stop_curl(state) : -1;
}

#endif
