/*
 * What the tests of the poller share: a bot that hears. Include after cmocka.h.
 */
#ifndef POLLER_WORLD_H
#define POLLER_WORLD_H

#include "poller.h"
#include "command.h"
#include "bot_world.h"

#define OFFSET "telegram_offset 7654321"
#define POLL_PACE SEC
#define RESULT(result) HTTP("200 OK", "{\"ok\":true,\"result\":" result "}")
#define NAME RESULT("{\"id\":7654321,\"is_bot\":true,\"username\":\"SentinelBot\"}")
#define TOLD RESULT("true")
#define EMPTY RESULT("[]")
#define UPDATE(id, text)                                                                           \
    "{\"update_id\":" #id ",\"message\":{\"message_id\":5,\"chat\":{\"id\":-100,\"type\":"         \
    "\"group\"},\"text\":\"" text "\"}}"
#define UNAUTHORIZED ERROR(401, "Unauthorized")
#define CONFLICT ERROR(409, "Conflict: terminated by other getUpdates request")

static bot_t *bot;
static poller_t *poller;

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
    if (open_world(state, "-100") != 0) {
        return -1;
    }
    create_poller();
    return 0;
}

static int stop(void **state)
{
    assert_null(strstr(poller_error(poller), SECRET));
    return close_world(state);
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

#endif
