/*
 * What the tests of the poller share: a bot that hears, a store that is played, a Telegram that says
 * what it is told to. Include after cmocka.h.
 */
#ifndef POLLER_WORLD_H
#define POLLER_WORLD_H

#include "poller.h"
#include "command.h"
#include "http_exchange.h"
#include "httpd_log.h"
#include "pool.h"
#include "transfers_exchange.h"
#include "clock_ahead.h"
#include "store_played.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TOKEN "7654321:AAtest-token_0123456789"
#define OFFSET "telegram_offset 7654321"
#define SEC CLOCK_SECOND
#define POLL_PACE SEC
#define HTTP(status, body) "HTTP/1.0 " status "\r\n\r\n" body
#define RESULT(result) HTTP("200 OK", "{\"ok\":true,\"result\":" result "}")
#define ERROR(code, description)                                                                   \
    HTTP(#code " Error",                                                                           \
         "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" description "\"}")
#define NAME RESULT("{\"id\":7654321,\"is_bot\":true,\"username\":\"SentinelBot\"}")
#define TOLD RESULT("true")
#define EMPTY RESULT("[]")
#define UPDATE(id, text)                                                                           \
    "{\"update_id\":" #id ",\"message\":{\"message_id\":5,\"chat\":{\"id\":-100,\"type\":"         \
    "\"group\"},\"text\":\"" text "\"}}"
#define GARBAGE HTTP("200 OK", "<html>")
#define UNAUTHORIZED ERROR(401, "Unauthorized")
#define CONFLICT ERROR(409, "Conflict: terminated by other getUpdates request")

static transfers_t *transfers;
static bot_api_t api;
static chat_t chat;
static mute_t mute;
static bot_t *bot;
static poller_t *poller;
static int64_t due; /* after the last request */

static void create_poller(void)
{
    const bot_setup_t setup = {&chat, &mute, &store};
    poller_setup_t poller_setup = {.api = &api, .store = &store};

    bot = bot_create(&setup, pool);
    poller_setup.bot = bot;
    poller = poller_create(&poller_setup, pool);
}

static int start(void **state)
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
    chat = (chat_t){.configured = "-100"};
    mute = (mute_t){0};
    create_poller();
    return 0;
}

static int stop(void **state)
{
    for (size_t i = 0; i < log_lines.count; i++) {
        assert_null(strstr(log_lines.line[i], "AAtest"));
    }
    for (size_t i = 0; i < error_log_lines.count; i++) {
        assert_null(strstr(error_log_lines.line[i], "AAtest"));
    }
    assert_null(strstr(poller_error(poller), "AAtest"));
    assert_false(store.begun); /* nothing is left half done */
    transfers_close(transfers);
    return stop_server(state);
}

/* Never calls: there is no such time. */
static int64_t next_due(void)
{
    return poller_tend(poller, -1);
}

static bool is_idle(void)
{
    return next_due() != INT64_MAX;
}

/* Begin the next request, when it is time. */
static void begin_request(void)
{
    while (next_due() > clock_monotonic()) {
        clock_ahead += (next_due() - clock_monotonic()) / SEC + 1;
    }
    assert_int_equal(poller_tend(poller, clock_monotonic()), INT64_MAX);
}

/* The next request; Telegram says this. */
static void ask(const char *answer)
{
    const char *const answers[] = {answer, NULL};
    const unsigned before = server.connections;

    script = answers;
    begin_request();
    run_until(transfers, is_idle);
    assert_int_equal(server.connections, before + 1);
    due = next_due();
}

/* Is the next request wanted so long after now? */
static inline void assert_due_in(int64_t wait)
{
    const int64_t now = clock_monotonic();

    assert_in_range(due, now + wait - SEC, now + wait);
    assert_int_equal(poller_tend(poller, now), due);
}

static inline void assert_asked(const char *text)
{
    const char *request = requests[server.connections - 1];

    if (strstr(request, text) == NULL) {
        fail_msg("no '%s': %s", text, request);
    }
}

static inline void assert_not_asked(const char *text)
{
    assert_null(strstr(requests[server.connections - 1], text));
}

/* Up to the first poll. */
static inline void begin_polling(void)
{
    ask(NAME);
    ask(TOLD);
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
