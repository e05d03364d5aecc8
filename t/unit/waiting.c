/*
 * mod_vpnsentinel/waiting.h: what waits in a real store, less what Telegram has, whatever becomes of
 * the disk meanwhile.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "outbox.h"
#include "store_folder.h"
#include "waiting.h"

static store_t *store;
static waiting_t *waiting;

static int start(void **state)
{
    if (folder_start(state) != 0) {
        return -1;
    }
    store = store_open(folder, pool);
    waiting = waiting_create(store, pool);
    return store != NULL && waiting != NULL ? 0 : -1;
}

static int stop(void **state)
{
    store_close(store);
    return folder_stop(state);
}

/* What a look shows: alerts of uid 1 with these numbers, in this order. */
static void assert_shown(const uint64_t *numbers, size_t expected)
{
    size_t count;
    const alert_t *alerts = waiting_look(waiting, &count);

    assert_int_equal(count, expected);
    for (size_t i = 0; i < expected; i++) {
        assert_int_equal(alerts[i].uid, 1);
        assert_int_equal(alerts[i].number, numbers[i]);
    }
}

#define ASSERT_SHOWN(...)                                                                          \
    assert_shown((const uint64_t[]){__VA_ARGS__},                                                  \
                 sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void assert_nothing_shown(void)
{
    assert_shown(NULL, 0);
}

/* Telegram takes these of uid 1; what their ids are does not count. */
static void take(uint64_t first, uint64_t last)
{
    for (uint64_t number = last; number >= first; number--) {
        const alert_t alert = {.message = 1, .uid = 1, .number = number};

        waiting_accept(waiting, &alert, 1);
    }
}

static store_result_t remove_accepted(void)
{
    waiting_remove_accepted(waiting);
    return (store_result_t)commit(store);
}

/* --- looking --- */

static void test_nothing_waits(void **state)
{
    (void)state;
    assert_nothing_shown();
    assert_false(waiting_has_accepted(waiting));
    assert_int_equal(remove_accepted(), STORE_DURABLE);
}

static void test_what_is_shown(void **state)
{
    static const struct {
        uint64_t uid, number;
        event_kind_t kind;
        int64_t when;
        unsigned repeats;
        bool waits;
    } cases[] = {
        {1, 1, EVENT_OFFLINE, 1700000000, 0, true},
        {1, 2, EVENT_CONNECTED, 1700000010, 0, true},
        {1, 3, EVENT_OFFLINE, 1700000020, 1, false},
        {2, 1, EVENT_OFFLINE, 1700000020, 0, true},
        {1, 4, EVENT_OFFLINE, 1700000030, 2, true},
        {0, 5, EVENT_STARTED, 1700000031, 0, true},
        {0, 6, EVENT_STARTED, 1700000032, 0, true}, /* the server does not flap */
        {1, 5, EVENT_OFFLINE, 1700000020 + OUTBOX_FLAP_WINDOW, 2, true},
        {1, 6, EVENT_OFFLINE, 1700000031 + OUTBOX_FLAP_WINDOW, 1, true},
        {UINT64_C(1) << 62, UINT64_MAX - 1, EVENT_BYPASS, 1700000040, 0, true},
    };
    const alert_t *alert;
    size_t count, expected = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        event_t event = full_event(cases[i].uid, cases[i].number);

        event.kind = (uint8_t)cases[i].kind;
        event.when = cases[i].when;
        event.client_id[0] = cases[i].uid == 0 ? '\0' : event.client_id[0];
        store_put_event(store, &event, cases[i].waits);
    }
    assert_durable(store);
    alert = waiting_look(waiting, &count);
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].waits) {
            assert_true(expected++ < count);
            assert_int_equal(alert->uid, cases[i].uid);
            assert_int_equal(alert->number, cases[i].number);
            assert_int_equal(alert->when, cases[i].when);
            assert_int_equal(alert->kind, cases[i].kind);
            assert_int_equal(alert->repeats, cases[i].repeats);
            assert_int_equal(alert->message, expected);
            assert_false(alert->is_taken);
            alert++;
        }
    }
    assert_int_equal(count, expected);
}

/* --- what Telegram has --- */

static void test_accepted_is_not_shown(void **state)
{
    (void)state;
    put_events(store, 1, 1, 6);
    assert_durable(store);
    take(2, 3);
    take(5, 5);
    ASSERT_SHOWN(1, 4, 6);
    assert_true(waiting_has_accepted(waiting));
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    ASSERT_SHOWN(1, 4, 6);
    assert_false(waiting_has_accepted(waiting));
    waiting_forget_accepted(waiting);
    put_events(store, 1, 7, 7);
    assert_durable(store);
    ASSERT_SHOWN(1, 4, 6, 7);
    take(7, 7);
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    ASSERT_SHOWN(1, 4, 6);
}

/* Before there was any look, too. */
static void test_accepted_is_removed_without_a_look(void **state)
{
    (void)state;
    put_events(store, 1, 1, 8);
    assert_durable(store);
    take(3, 8);
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    ASSERT_SHOWN(1, 2);
    assert_false(waiting_has_accepted(waiting));
}

/* Neither number nor client alone make it what Telegram has. */
static void test_identity(void **state)
{
    const alert_t others[] = {{.message = 1, .uid = 2, .number = 1},
                              {.message = 2, .uid = 1, .number = 9},
                              {.message = 3, .uid = 0, .number = 2},
                              {.message = 3, .uid = UINT64_MAX, .number = UINT64_MAX}};

    (void)state;
    put_events(store, 1, 1, 3);
    assert_durable(store);
    waiting_accept(waiting, others, COUNT(others));
    ASSERT_SHOWN(1, 2, 3);
    assert_false(waiting_has_accepted(waiting));
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    ASSERT_SHOWN(1, 2, 3);
}

static void test_forgotten_is_shown(void **state)
{
    (void)state;
    put_events(store, 1, 1, 2);
    assert_durable(store);
    take(1, 2);
    assert_nothing_shown();
    waiting_forget_accepted(waiting);
    assert_false(waiting_has_accepted(waiting));
    ASSERT_SHOWN(1, 2);
}

/* --- the disk --- */

/* Removing fails, goes in memory, and the disk comes back with all of it. */
static void test_disk_fails_and_recovers(void **state)
{
    uint64_t message;
    event_t event;

    (void)state;
    put_events(store, 1, 1, 3);
    assert_durable(store);
    take(1, 2);
    waiting_remove_accepted(waiting);
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
    assert_int_equal(commit(store), STORE_FAILED);
    ASSERT_SHOWN(3);
    assert_true(waiting_has_accepted(waiting));
    assert_int_equal(remove_accepted(), STORE_VOLATILE);
    ASSERT_SHOWN(3);
    assert_false(waiting_has_accepted(waiting));
    put_events(store, 1, 4, 4);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_true(tend(store));
    ASSERT_SHOWN(3, 4);
    assert_false(waiting_has_accepted(waiting));
    assert_true(store_next_message(store, 0, &message, &event));
    assert_int_equal(event.number, 3);
}

/* The memory never knew of it: the disk shows it, under whatever id. */
static void test_disk_comes_back_with_it(void **state)
{
    (void)state;
    put_events(store, 1, 1, 3);
    assert_durable(store);
    store_close(store);
    assert_int_equal(remove(path_of(FILE_NAME "-wal")), 0);      /* it is empty */
    assert_int_equal(mkdir(path_of(FILE_NAME "-wal"), 0700), 0); /* cannot be opened */
    store = open_store();
    waiting = waiting_create(store, pool);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    put_events(store, 1, 2, 2);
    assert_int_equal(commit(store), STORE_VOLATILE);
    ASSERT_SHOWN(2);
    take(1, 2); /* the first one by an earlier life of the store in this process */
    assert_int_equal(remove_accepted(), STORE_VOLATILE);
    assert_nothing_shown();
    assert_int_equal(rmdir(path_of(FILE_NAME "-wal")), 0);
    assert_true(tend(store));
    ASSERT_SHOWN(3);
    assert_true(waiting_has_accepted(waiting));
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    waiting_forget_accepted(waiting);
    ASSERT_SHOWN(3);
}

/* --- many --- */

#define MANY 20000u

static void test_many(void **state)
{
    alert_t *alerts;
    size_t count;
    int64_t oldest;

    (void)state;
    put_events(store, 1, 1, MANY);
    assert_durable(store);
    alerts = waiting_look(waiting, &count);
    assert_int_equal(count, OUTBOX_DIGEST_MAX);
    assert_int_equal(alerts[0].number, 1);
    assert_int_equal(alerts[count - 1].number, OUTBOX_DIGEST_MAX);
    assert_int_equal(alerts[count - 1].repeats, STORE_REPEATS_MAX);
    waiting_accept(waiting, alerts, count);
    alerts = waiting_look(waiting, &count);
    assert_int_equal(count, MANY - OUTBOX_DIGEST_MAX);
    assert_int_equal(alerts[0].number, OUTBOX_DIGEST_MAX + 1);
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    assert_int_equal(store_queue(store, &oldest), MANY - OUTBOX_DIGEST_MAX);
    waiting_forget_accepted(waiting);
    alerts = waiting_look(waiting, &count);
    assert_int_equal(count, MANY - OUTBOX_DIGEST_MAX);
    assert_int_equal(alerts[0].number, OUTBOX_DIGEST_MAX + 1);
}

/* Processor time that it takes to deliver the oldest so many. */
static clock_t deliver_all(size_t wanted)
{
    const clock_t before = clock();
    size_t count;
    alert_t *alerts = waiting_look(waiting, &count);

    assert_true(count >= wanted);
    waiting_accept(waiting, alerts, wanted);
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    waiting_forget_accepted(waiting);
    return clock() - before;
}

/* Eight times as many take about eight times as long; in a square it were 64. */
static void test_time_is_linear(void **state)
{
    clock_t few, many;

    (void)state;
    put_events(store, 1, 1, 2000);
    assert_durable(store);
    few = deliver_all(2000);
    put_events(store, 1, 2001, 18000);
    assert_durable(store);
    many = deliver_all(16000);
    assert_in_range(many, 0, 30 * (few + CLOCKS_PER_SEC / 100));
}

/* Without a disk nothing is ever forgotten but for this bound. */
static void test_what_is_remembered_is_bounded(void **state)
{
    (void)state;
    put_events(store, 1, 1, 3);
    assert_durable(store);
    take(1, 1);
    take(1000001, 1065535);
    ASSERT_SHOWN(2, 3);
    take(2, 2);
    ASSERT_SHOWN(1, 3);
    assert_int_equal(remove_accepted(), STORE_DURABLE);
    ASSERT_SHOWN(1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_waits, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_shown, start, stop),
        cmocka_unit_test_setup_teardown(test_accepted_is_not_shown, start, stop),
        cmocka_unit_test_setup_teardown(test_accepted_is_removed_without_a_look, start, stop),
        cmocka_unit_test_setup_teardown(test_identity, start, stop),
        cmocka_unit_test_setup_teardown(test_forgotten_is_shown, start, stop),
        cmocka_unit_test_setup_teardown(test_disk_fails_and_recovers, start, stop),
        cmocka_unit_test_setup_teardown(test_disk_comes_back_with_it, start, stop),
        cmocka_unit_test_setup_teardown(test_many, start, stop),
        cmocka_unit_test_setup_teardown(test_time_is_linear, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_remembered_is_bounded, start, stop),
    };

    return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
