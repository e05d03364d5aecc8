/*
 * mod_vpnsentinel/delivery.h: whose turn it is (questions between alerts, clients that flap), and when
 * it wants to be called.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery_world.h"

/* --- questions --- */

static void test_a_question(void **state)
{
    (void)state;
    setup.thread = THREAD;
    create_delivery();
    ask("/status", 0);
    ask("/ping", 0);
    tend(TAKEN);
    assert_sent(0, "\"message_thread_id\":12");
    assert_sent(0, "\"reply_parameters\":{\"message_id\":34,");
    assert_sent(0, "\"text\":\"HTML answer to /status\"");
    assert_not_sent(0, "disable_notification");
    assert_int_equal(store.is.question_count, 1);
    assert_int_equal(delivered, 0); /* no alerts */
    assert_int_equal(count_lines(VPS_DEBUG, "[telegram] Answered: /status"), 1);
    assert_in_range(told().last_success, wall_seconds() - 20, wall_seconds());
    assert_due_in(OUTBOX_PACE, OUTBOX_PACE);
    tend_in(1, TAKEN);
    assert_sent(1, "answer to /ping");
    assert_int_equal(store.is.question_count, 0);
    tend_in(1, TAKEN);
    assert_int_equal(due, INT64_MAX);
}

static void test_they_take_turns(void **state)
{
    (void)state;
    ask("/status", 0);
    ask("/ping", 0);
    put(EVENT_CONNECTED, 1, 1);
    tend(TAKEN);
    assert_sent(0, "answer to /status");
    tend_in(1, TAKEN);
    assert_sent(1, "client-1-1");
    assert_sent(1, "disable_notification");
    assert_not_sent(1, "reply_parameters");
    tend_in(1, TAKEN);
    assert_sent(2, "answer to /ping");
    assert_not_sent(2, "disable_notification");
}

/* What nobody can be given is dropped; what is only delayed is not. */
static void test_answers_to_answers(void **state)
{
    static const struct {
        const char *first, *second; /* what Telegram says */
        const char *text;           /* in the second request */
        unsigned left;              /* questions after it */
    } cases[] = {
        {HTTP("500 Error", ""), TAKEN, "HTML answer", 0},
        {HTTP("429 Limit", ""), HTTP("429 Limit", ""), "HTML answer", 1},
        {GARBAGE, TAKEN, "HTML answer", 0},
        {UNPARSABLE, TAKEN, "\"text\":\"plain answer", 0},
        {UNPARSABLE, UNPARSABLE, "\"text\":\"plain answer", 0},
        {NO_THREAD, TAKEN, "HTML answer", 0},
        {MIGRATED(MOVED), TAKEN, "\"chat_id\":" MOVED, 0},
        {MIGRATED(MOVED), MIGRATED("-1005555"), "\"chat_id\":" MOVED, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        ask("/status", 0);
        tend(cases[i].first);
        assert_int_equal(store.is.question_count, 1);
        tend_in(2, cases[i].second);
        assert_int_equal(server.connections, 2);
        assert_sent(1, cases[i].text);
        assert_int_equal(store.is.question_count, cases[i].left);
        assert_int_equal(error_log_lines.count, i >= 6); /* VPNS0061, once */
    }
}

static void test_refused_answer(void **state)
{
    (void)state;
    ask("/status", 0);
    put_offline(1);
    tend(REFUSED);
    assert_int_equal(store.is.question_count, 0);
    assert_int_equal(count_lines(VPS_WARN, "An answer cannot be given: HTTP 403"), 1);
    assert_non_null(strstr(told().telegram_error, "HTTP 403")); /* the alert would be, too */
    assert_int_equal(error_log_lines.count, 1);
    assert_non_null(strstr(error_log_lines.line[0], "VPNS0060: "));
    tend_in(1, TAKEN);
    assert_string_equal(told().telegram_error, "");
    assert_int_equal(server.connections, 2);
    assert_int_equal(due, INT64_MAX);
    put(EVENT_BYPASS, 2, 1);
    tend_in(1, TAKEN); /* alerts are not held up by it */
    assert_sent(2, "client-2-1");
}

/* Nobody waits for an answer any more; the next question does. */
static void test_stale_questions(void **state)
{
    (void)state;
    ask("/help", QUESTION_AGE_MAX + 5);
    ask("/ping", QUESTION_AGE_MAX + 1);
    ask("/status", QUESTION_AGE_MAX - 5);
    for (int calls = 0; server.connections == 0; calls++) {
        assert_in_range(calls, 0, 3);
        tend(TAKEN);
        assert_true(due <= clock_monotonic() || server.connections > 0);
    }
    assert_sent(0, "answer to /status");
    assert_int_equal(store.is.question_count, 0);
    tend_in(1, TAKEN);
    assert_int_equal(due, INT64_MAX);
}

/* The clock was set back: nobody waits for an answer until it is there again. */
static void test_questions_from_ahead(void **state)
{
    (void)state;
    ask("/help", -3600);
    ask("/ping", -70);
    ask("/status", -50);
    for (int calls = 0; server.connections == 0; calls++) {
        assert_in_range(calls, 0, 3);
        tend(GARBAGE);
    }
    assert_sent(0, "answer to /status");
    assert_int_equal(store.is.question_count, 1);
    put_offline(1);
    tend_in(QUESTION_AGE_MAX + 60, TAKEN); /* not even that one holds the alert up for ever */
    assert_int_equal(store.is.question_count, 0);
    assert_sent(1, "client-1-1");
}

/* It is not there yet; asked for too long, it is dropped. */
static void test_no_answer_yet(void **state)
{
    (void)state;
    ask("/status", 0);
    can_answer = false;
    tend(TAKEN);
    assert_int_equal(server.connections, 0);
    assert_due_in(SEC, SEC);
    can_answer = true;
    tend_in(1, TAKEN);
    assert_sent(0, "answer to /status");
    ask("/ping", 0);
    can_answer = false;
    tend_in(1, TAKEN);
    assert_int_equal(store.is.question_count, 1);
    tend_in(QUESTION_AGE_MAX + 1, TAKEN);
    assert_int_equal(store.is.question_count, 0);
    assert_int_equal(server.connections, 1);
}

/* A question that cannot be removed: nothing spins, and alerts go on. */
static void test_question_stays(void **state)
{
    (void)state;
    ask("/status", QUESTION_AGE_MAX + 1);
    store.failures = 1;
    tend(TAKEN);
    assert_int_equal(store.is.question_count, 1);
    assert_true(due > clock_monotonic());
    tend_in(1, TAKEN);
    assert_int_equal(store.is.question_count, 0);
    assert_int_equal(server.connections, 0);
}

/* Answered, and not removed: it is not answered again, whatever its id is by then. */
static void test_answered_question_stays(void **state)
{
    (void)state;
    ask("/status", 0);
    put_offline(1);
    store.failures = 2;
    tend(TAKEN);
    assert_int_equal(store.is.question_count, 1);
    store.is.questions[0].id = ++store.newest;
    tend_in(1, TAKEN);
    assert_int_equal(store.is.question_count, 1);
    tend_in(1, TAKEN);
    assert_int_equal(store.is.question_count, 0);
    ask("/status", 0); /* another one */
    tend_in(1, TAKEN);
    tend_in(1, TAKEN);
    assert_int_equal(server.connections, 3);
    assert_sent(0, "answer to /status");
    assert_int_equal(store.is.question_count + store.is.message_count, 0);
}

/* What is counted are alerts. */
static void test_answers_do_not_count(void **state)
{
    (void)state;
    ask("/status", 0);
    tend(HTTP("500 Error", ""));
    assert_int_equal(server.connections, 1);
    assert_int_equal(counters_get(&counters, COUNT_SEND_FAILED), 0);
    tend_in(60, TAKEN);
    assert_sent(1, "answer to /status");
    assert_int_equal(store.is.question_count, 0);
    assert_int_equal(counters_get(&counters, COUNT_SENT), 0);
    put_offline(1);
    tend_in(60, TAKEN);
    assert_int_equal(counters_get(&counters, COUNT_SENT), 1);
}

/* Its removal takes its time: nothing goes meanwhile. */
static void test_slow_store(void **state)
{
    (void)state;
    ask("/status", QUESTION_AGE_MAX + 1);
    put_offline(1);
    store.is_slow = true;
    tend(TAKEN);
    assert_true(delivery_is_busy(delivery));
    tend_in(5, TAKEN);
    assert_int_equal(server.connections, 0);
    store.is_slow = false;
    finish_commit();
    tend(TAKEN);
    assert_sent(0, "client-1-1");
}

/* --- flapping --- */

static void test_flapping(void **state)
{
    (void)state;
    setup.flap_threshold = 3;
    create_delivery();
    store.repeats = 2;
    put_offline(1);
    tend(TAKEN);
    assert_sent(0, "Flapping: 3 times in 15 min");
    store.repeats = 3;
    put(EVENT_OFFLINE, 1, 2);
    tend_in(1, TAKEN);
    assert_int_equal(server.connections, 1); /* held */
    assert_true(due > clock_monotonic() && due <= clock_monotonic() + 60 * SEC);
    put(EVENT_CONNECTED, 1, 3);
    store.repeats = 3;
    tend_in(60, TAKEN);
    assert_int_equal(server.connections, 1);
    tend_in(OUTBOX_FLAP_CALM, TAKEN);
    assert_int_equal(server.connections, 2); /* gathered */
    assert_sent(1, "client-1-3");
    assert_not_sent(1, "Flapping: 3 times");
    assert_int_equal(store.is.message_count, 0);
    assert_int_equal(count_lines(VPS_DEBUG, "a digest of 2 alerts"), 1);
}

/* Others' alerts pass those that are held, which stay. */
static void test_flapping_holds_up_nobody(void **state)
{
    (void)state;
    setup.flap_threshold = 1;
    create_delivery();
    store.repeats = 1;
    put_offline(1);
    put(EVENT_STARTED, 0, 1); /* the server does not flap */
    tend(TAKEN);
    assert_int_equal(server.connections, 1);
    assert_sent(0, message_title(EVENT_STARTED));
    assert_int_equal(store.is.message_count, 1);
    assert_int_equal(store.is.messages[0].event.uid, 1);
}

/* --- when it wants to be called --- */

static void test_nothing_is_walked_twice(void **state)
{
    unsigned walks;

    (void)state;
    setup.flap_threshold = 1;
    create_delivery();
    tend(TAKEN);
    assert_int_equal(store.walks, 1);
    assert_int_equal(due, INT64_MAX);
    tend_in(1000, TAKEN);
    assert_int_equal(store.walks, 1);
    store.repeats = 1;
    put_offline(20); /* all held */
    tend(TAKEN);
    walks = store.walks;
    assert_int_equal(walks, 2);
    assert_true(due > clock_monotonic() && due < INT64_MAX);
    tend_in(1, TAKEN);
    assert_int_equal(store.walks, walks);
    put(EVENT_OFFLINE, 21, 1);
    tend(TAKEN);
    assert_int_equal(store.walks, walks + 1);
    assert_int_equal(server.connections, 0);
}

/* Many are held: whatever happens, they are read once a second; a new trouble waits as long. */
static void test_many_are_walked_rarely(void **state)
{
    unsigned walks;

    (void)state;
    setup.flap_threshold = 1;
    create_delivery();
    store.repeats = 1;
    put_offline(300);
    tend(TAKEN);
    walks = store.walks;
    for (uint64_t uid = 301; uid <= 310; uid++) {
        put(EVENT_OFFLINE, uid, 1);
        tend(TAKEN);
        assert_in_range(due, clock_monotonic() + 1, clock_monotonic() + SEC);
    }
    assert_int_equal(store.walks, walks);
    tend_in(1, TAKEN);
    assert_int_equal(store.walks, walks + 1);
    put(EVENT_STARTED, 0, 1);
    tend(TAKEN);
    assert_int_equal(server.connections, 0);
    tend_in(1, TAKEN);
    assert_sent(0, message_title(EVENT_STARTED));
    tend(TAKEN); /* nothing new */
    tend_in(OUTBOX_FLAP_CALM + 1, TAKEN);
    assert_int_equal(server.connections, 2); /* all that were held */
    assert_int_equal(store.is.message_count, 0);
}

/* While it is muted, or waits after a failure, not at all. */
static void test_nothing_is_walked_while_waiting(void **state)
{
    unsigned walks;

    (void)state;
    put_offline(1);
    tend(REFUSED);
    walks = store.walks;
    for (uint64_t number = 2; number < 10; number++) {
        put(EVENT_OFFLINE, 1, number);
        tend_in(10, TAKEN);
        assert_true(due > clock_monotonic() + 100 * SEC);
    }
    assert_int_equal(store.walks, walks);
    tend_in(300, TAKEN);
    begin_mute(3600);
    walks = store.walks;
    tend_in(10, TAKEN);
    tend_in(70, TAKEN);
    assert_int_equal(store.walks, walks);
}

/* Called whenever it wants to be, it gets by on a few calls. */
static void test_few_calls(void **state)
{
    unsigned calls = 0;

    (void)state;
    put_offline(3);
    ask("/status", 0);
    ask("/ping", QUESTION_AGE_MAX + 1);
    for (; calls == 0 || due < INT64_MAX; calls++) {
        assert_in_range(calls, 0, 16);
        tend(TAKEN);
        if (due < INT64_MAX && due > clock_monotonic()) {
            pass((due - clock_monotonic()) / SEC + 1);
        } else if (due == INT64_MAX && store.is.message_count + store.is.question_count > 0) {
            due = 0; /* it was busy */
        }
    }
    assert_int_equal(server.connections, 4);
    assert_int_equal(store.is.question_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_question, start, stop),
        cmocka_unit_test_setup_teardown(test_they_take_turns, start, stop),
        cmocka_unit_test_setup_teardown(test_answers_to_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_refused_answer, start, stop),
        cmocka_unit_test_setup_teardown(test_stale_questions, start, stop),
        cmocka_unit_test_setup_teardown(test_questions_from_ahead, start, stop),
        cmocka_unit_test_setup_teardown(test_no_answer_yet, start, stop),
        cmocka_unit_test_setup_teardown(test_question_stays, start, stop),
        cmocka_unit_test_setup_teardown(test_answered_question_stays, start, stop),
        cmocka_unit_test_setup_teardown(test_answers_do_not_count, start, stop),
        cmocka_unit_test_setup_teardown(test_slow_store, start, stop),
        cmocka_unit_test_setup_teardown(test_flapping, start, stop),
        cmocka_unit_test_setup_teardown(test_flapping_holds_up_nobody, start, stop),
        cmocka_unit_test_setup_teardown(test_nothing_is_walked_twice, start, stop),
        cmocka_unit_test_setup_teardown(test_many_are_walked_rarely, start, stop),
        cmocka_unit_test_setup_teardown(test_nothing_is_walked_while_waiting, start, stop),
        cmocka_unit_test_setup_teardown(test_few_calls, start, stop),
    };

    return cmocka_run_group_tests_name("delivery_turns", tests, start_all, stop_all);
}
