/*
 * What the tests of delivery share: alerts and questions that wait. Include after cmocka.h.
 */
#ifndef DELIVERY_WORLD_H
#define DELIVERY_WORLD_H

#include "delivery.h"
#include "bot_world.h"
#include "message.h"
#include "outbox.h"

#define CHAT "-1001234567890"
#define MOVED "-1009876543210"
#define THREAD 7
#define TAKEN HTTP("200 OK", "{\"ok\":true,\"result\":{\"message_id\":7}}")
#define UNPARSABLE ERROR(400, "Bad Request: can't parse entities: at byte 7")
#define NO_THREAD ERROR(400, "Bad Request: message thread not found")
#define MIGRATED(to)                                                                               \
    HTTP("400 Error", "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group "     \
                      "chat was upgraded\",\"parameters\":{\"migrate_to_chat_id\":" to "}}")
#define REFUSED ERROR(403, "Forbidden: bot was kicked")

static delivery_setup_t setup;
static delivery_t *delivery;
static unsigned delivered; /* times that it was told */
static bool can_answer;
static int64_t asked; /* questions */

/* --- what it works with --- */

static bool count_fleet(void *ctx, census_t *out)
{
    assert_ptr_equal(ctx, &setup);
    *out = (census_t){.total = 4711, .lights = {[LIGHT_GREEN] = 4711}};
    return true;
}

static char *write_answer(void *ctx, char out[TEXT_SIZE], const question_t *question,
                          text_form_t form)
{
    assert_ptr_equal(ctx, &setup);
    (void)snprintf(out, TEXT_SIZE, "%s answer to %s", form == TEXT_HTML ? "HTML" : "plain",
                   question->text);
    return can_answer ? out : NULL;
}

static void note_delivered(void *ctx)
{
    assert_ptr_equal(ctx, &delivered);
    assert_false(store.begun);
    delivered++;
}

static void create_delivery(void)
{
    delivery = delivery_create(&setup, pool);
    assert_non_null(delivery);
}

static counters_t counters;

static int start(void **state)
{
    if (open_world(state, CHAT) != 0) {
        return -1;
    }
    setup = (delivery_setup_t){.api = &api,
                               .store = &store,
                               .chat = &chat,
                               .mute = &mute,
                               .counters = &counters,
                               .count = count_fleet,
                               .answer = write_answer,
                               .delivered = note_delivered,
                               .delivered_ctx = &delivered,
                               .ctx = &setup};
    counters = (counters_t){0};
    delivered = 0;
    can_answer = true;
    asked = 0;
    create_delivery();
    return 0;
}

static vitals_t told(void)
{
    vitals_t vitals = {0};

    delivery_tell(delivery, &vitals);
    return vitals;
}

static int stop(void **state)
{
    assert_null(strstr(told().telegram_error, SECRET));
    return close_world(state);
}

/* --- what waits --- */

/* Of a client, or of the server (uid 0). Its text has "client-UID-NUMBER" in it. */
static void put(event_kind_t kind, uint64_t uid, uint64_t number)
{
    event_t event = {.uid = uid,
                     .number = number,
                     .when = wall_seconds(),
                     .seconds = 300,
                     .kind = (uint8_t)kind};

    if (uid != 0) {
        (void)snprintf(event.client_id, sizeof(event.client_id), "client-%u-%u", (unsigned)uid,
                       (unsigned)number);
    }
    play_message(&event);
}

/* So many clients that went offline. */
static inline void put_offline(uint64_t count)
{
    for (uint64_t uid = 1; uid <= count; uid++) {
        put(EVENT_OFFLINE, uid, 1);
    }
}

/* A question that was asked so long ago (sec). The first is message 34. */
static inline void ask(const char *text, int64_t ago)
{
    question_t question = {.asked = wall_seconds() - ago, .thread = 12, .message = 34 + asked++};

    (void)snprintf(question.text, sizeof(question.text), "%s", text);
    store_put_question(&store, &question);
    keep_changes();
}

static inline void begin_mute(int64_t seconds)
{
    mute_begin(&mute, &store, wall_seconds(), wall_seconds() + seconds);
    keep_changes();
}

/* --- delivering --- */

static bool is_idle(void)
{
    return !delivery_is_busy(delivery);
}

/* One call; Telegram says this if it is asked. */
static void tend(const char *answer)
{
    const char *const answers[] = {answer, NULL};
    const unsigned changes = (unsigned)store.changes;
    const int64_t now = clock_monotonic();

    script = answers;
    due = delivery_tend(delivery, now);
    /* Either something happens now, or it is told when to call again: the loop never spins. */
    assert_true(delivery_is_busy(delivery) ? due == INT64_MAX
                                           : due > now || store.changes != changes);
    if (store.done == NULL) {
        run_until(transfers, is_idle);
    }
}

/* The same, when it is time. */
static void pass(int64_t seconds)
{
    clock_ahead += seconds;
}

static inline void tend_in(int64_t seconds, const char *answer)
{
    pass(seconds);
    tend(answer);
}

/* Does the next call have nothing to do before so many usec? */
static inline void assert_due_in(int64_t least, int64_t most)
{
    const int64_t now = clock_monotonic();
    const unsigned before = server.connections;

    tend(TAKEN);
    assert_int_equal(server.connections, before);
    assert_in_range(due, now + least - SEC, now + most + SEC);
}

static void assert_sent(unsigned index, const char *text)
{
    assert_true(index < server.connections);
    if (strstr(requests[index], text) == NULL) {
        fail_msg("request %u has no '%s': %s", index, text, requests[index]);
    }
}

static inline void assert_not_sent(unsigned index, const char *text)
{
    assert_true(index < server.connections);
    assert_null(strstr(requests[index], text));
}

#endif
