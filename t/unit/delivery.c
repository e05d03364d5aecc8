/*
 * mod_vpnsentinel/delivery.h: every alert to Telegram until it is accepted, in order, none twice,
 * whatever Telegram and the store do. Whose turn it is: delivery_turns.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery_world.h"

static void test_off(void **state)
{
    delivery_setup_t nobody = setup;
    delivery_t *off;
    vitals_t vitals = {.telegram_enabled = true, .last_success = 1};

    (void)state;
    nobody.api = NULL;
    off = delivery_create(&nobody, pool);
    put_offline(1);
    assert_false(delivery_is_on(off));
    assert_true(delivery_is_on(delivery));
    assert_int_equal(delivery_tend(off, clock_monotonic()), INT64_MAX);
    assert_false(delivery_is_busy(off));
    assert_int_equal(store.is.message_count, 1);
    mute = (mute_t){1, wall_seconds() + 100};
    delivery_tell(off, &vitals);
    assert_false(vitals.telegram_enabled);
    assert_int_equal(vitals.muted_until, 0);
    assert_int_equal(vitals.last_success, 1); /* an earlier monitor's */
}

static void test_an_alert(void **state)
{
    (void)state;
    tend(TAKEN);
    assert_int_equal(due, INT64_MAX);
    put_offline(1);
    tend(TAKEN);
    assert_int_equal(server.connections, 1);
    assert_sent(0, "POST /bot" TOKEN "/sendMessage HTTP/1.1\r\n");
    assert_sent(0, "\r\nContent-Type: application/json\r\n");
    assert_sent(0, "{\"chat_id\":" CHAT ",\"text\":\"");
    assert_sent(0, "\"parse_mode\":\"HTML\"");
    assert_sent(0, message_title(EVENT_OFFLINE));
    assert_sent(0, "client-1-1");
    assert_not_sent(0, "message_thread_id");
    assert_not_sent(0, "reply_parameters");
    assert_int_equal(store.is.message_count, 0);
    assert_int_equal(store.commits, 1);
    assert_int_equal(delivered, 1);
    assert_true(told().telegram_enabled);
    assert_string_equal(told().telegram_error, "");
    assert_in_range(told().last_success, wall_seconds() - 20, wall_seconds());
    assert_int_equal(log_lines.count, 1);
    assert_int_equal(count_lines(VPS_DEBUG, "[telegram] Delivered: "), 1);
    tend_in(1, TAKEN);
    assert_int_equal(due, INT64_MAX);
}

/* It goes into its topic, and good news make no sound. */
static void test_where_and_how_loud(void **state)
{
    (void)state;
    setup.thread = THREAD;
    create_delivery();
    put(EVENT_CONNECTED, 1, 1);
    put(EVENT_BYPASS, 2, 1);
    tend(TAKEN);
    tend_in(1, TAKEN);
    assert_sent(0, "\"message_thread_id\":7");
    assert_sent(0, "\"disable_notification\":true");
    assert_sent(1, "\"message_thread_id\":7");
    assert_not_sent(1, "disable_notification");
}

static void test_few_go_one_by_one(void **state)
{
    (void)state;
    put(EVENT_OFFLINE, 1, 1);
    put(EVENT_STARTED, 0, 1);
    put(EVENT_CONNECTED, 1, 2);
    for (unsigned i = 0; i < 3; i++) {
        tend_in(i, TAKEN);
        assert_int_equal(server.connections, i + 1);
        assert_int_equal(store.is.message_count, 2 - i);
        assert_int_equal(delivered, i + 1);
        if (i < 2) {
            assert_due_in(OUTBOX_PACE, OUTBOX_PACE);
        }
    }
    assert_sent(0, "client-1-1");
    assert_sent(1, message_title(EVENT_STARTED));
    assert_sent(2, "client-1-2");
}

/* While a message is on its way nothing else goes, and nothing leaves the store. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    put_offline(2);
    assert_int_equal(delivery_tend(delivery, clock_monotonic()), INT64_MAX);
    assert_true(delivery_is_busy(delivery));
    pass(5);
    assert_int_equal(delivery_tend(delivery, clock_monotonic()), INT64_MAX);
    assert_int_equal(store.is.message_count, 2);
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_int_equal(store.is.message_count, 1);
    assert_int_equal(server.connections, 1);
}

static void test_more_are_a_digest(void **state)
{
    static const struct {
        event_kind_t first, last;
        bool is_silent;
    } cases[] = {
        {EVENT_OFFLINE, EVENT_OFFLINE, false},
        {EVENT_CONNECTED, EVENT_LEAK, false},
        {EVENT_CONNECTED, EVENT_CONNECTED, true},
    };

    (void)state;
    for (unsigned i = 0; i < COUNT(cases); i++) {
        put(cases[i].first, 1, 1);
        put(cases[i].first, 2, 1);
        put(cases[i].first, 3, 1);
        put(cases[i].last, 4, 1);
        tend_in(60, TAKEN);
        assert_int_equal(server.connections, i + 1);
        assert_sent(i, "client-1-1");
        assert_sent(i, "client-2-1");
        assert_sent(i, "client-4-1");
        assert_sent(i, "4711 clients");
        if (cases[i].is_silent) {
            assert_sent(i, "\"disable_notification\":true");
        } else {
            assert_not_sent(i, "disable_notification");
        }
        assert_int_equal(store.is.message_count, 0);
        assert_int_equal(store.commits, i + 1); /* all in one */
        assert_int_equal(delivered, i + 1);
        assert_int_equal(counters_get(&counters, COUNT_SENT), 4 * (i + 1));
    }
    assert_int_equal(counters_get(&counters, COUNT_SEND_FAILED), 0);
    assert_int_equal(count_lines(VPS_DEBUG, "Delivered: a digest of 4 alerts"), COUNT(cases));
}

/* What comes while a digest is on its way is not in it, and stays. */
static void test_digest_takes_what_it_tells(void **state)
{
    (void)state;
    put_offline(4);
    (void)delivery_tend(delivery, clock_monotonic());
    put(EVENT_BYPASS, 9, 1);
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_not_sent(0, "client-9-1");
    assert_int_equal(store.is.message_count, 1);
    tend_in(10, TAKEN);
    assert_sent(1, "client-9-1");
    assert_int_equal(store.is.message_count, 0);
}

/* --- answers --- */

/* Nothing but "ok":true ends it. */
static void test_until_it_is_accepted(void **state)
{
    static const struct {
        const char *answer, *error;
        int64_t wait; /* at least, sec */
    } cases[] = {
        {HTTP("500 Error", ""), "HTTP 500", 1},
        {GARBAGE, "HTTP 200, but not from the Bot API", 2},
        {HTTP("429 Limit", "{\"ok\":false,\"parameters\":{\"retry_after\":34}}"), "HTTP 429", 34},
        {"HTTP/1.0 429 Limit\r\nRetry-After: 40\r\n\r\n", "HTTP 429", 40},
        {"", "Empty reply from server", 16},
        {"garbage", NULL, 32},
        {REFUSED, "HTTP 403: Forbidden: bot was kicked", 300},
        {HTTP("502 " TOKEN, TOKEN), "HTTP 502", 60},
        {ERROR(404, "no bot " TOKEN), "HTTP 404: no bot ***", 300},
    };

    (void)state;
    put_offline(2);
    for (size_t i = 0; i < COUNT(cases); i++) {
        tend(cases[i].answer);
        assert_int_equal(server.connections, i + 1);
        assert_sent(server.connections - 1, "client-1-1");
        assert_int_equal(store.is.message_count, 2);
        assert_int_equal(store.commits, 0);
        assert_int_equal(counters_get(&counters, COUNT_SEND_FAILED), i + 1);
        assert_int_equal(counters_get(&counters, COUNT_SENT), 0);
        assert_due_in(cases[i].wait * SEC, (cases[i].wait + cases[i].wait / 5) * SEC);
        if (cases[i].error != NULL) {
            assert_string_equal(told().telegram_error, cases[i].error);
        }
        pass(cases[i].wait + cases[i].wait / 5 + 1);
    }
    assert_int_equal(delivered, 0);
    assert_int_equal(told().last_success, 0);
    tend(TAKEN);
    assert_sent(server.connections - 1, "client-1-1");
    assert_int_equal(store.is.message_count, 1);
    assert_string_equal(told().telegram_error, "");
}

/* Each reason once, its end once; a refusal is the administrator's business too. */
static void test_log(void **state)
{
    (void)state;
    put_offline(2);
    for (int i = 0; i < 3; i++) {
        tend_in(100, HTTP("429 Limit", ""));
    }
    assert_int_equal(count_lines(VPS_ERROR, "[telegram] ❌ Failed to send message: HTTP 429"), 1);
    assert_int_equal(count_lines(VPS_DEBUG, "[telegram] ❌ Failed to send message: HTTP 429"), 2);
    assert_int_equal(error_log_lines.count, 0);
    for (int i = 0; i < 3; i++) {
        tend_in(400, ERROR(401, "Unauthorized"));
    }
    assert_int_equal(count_lines(VPS_ERROR, "HTTP 401: Unauthorized"), 1);
    assert_int_equal(error_log_lines.count, 1);
    assert_int_equal(error_log_lines.level[0], APLOG_ERR);
    assert_non_null(strstr(error_log_lines.line[0], "VPNS0060: "));
    assert_non_null(strstr(error_log_lines.line[0], "HTTP 401: Unauthorized"));
    tend_in(400, HTTP("429 Limit", ""));
    assert_int_equal(count_lines(VPS_ERROR, "HTTP 429"), 2);
    assert_int_equal(count_lines(VPS_INFO, ""), 0);
    tend_in(400, TAKEN);
    assert_int_equal(count_lines(VPS_INFO, "[telegram] ✅ Messages are delivered again"), 1);
    tend_in(10, TAKEN);
    assert_int_equal(count_lines(VPS_INFO, ""), 1);
    assert_int_equal(count_lines(VPS_DEBUG, "Delivered: "), 2);
}

/* What they cannot take in one way goes in another at once; the next message in the usual one. */
static void test_another_way(void **state)
{
    static const struct {
        const char *answer;
        const char *usual, *other; /* in the request; "" = not looked for */
    } cases[] = {
        {UNPARSABLE, "parse_mode", ""},
        {ERROR(400, "Bad Request: message is too long"), "parse_mode", ""},
        {NO_THREAD, "message_thread_id", ""},
        {ERROR(400, "Bad Request: TOPIC_CLOSED"), "message_thread_id", ""},
        {MIGRATED(MOVED), "\"chat_id\":" CHAT, "\"chat_id\":" MOVED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const bool is_migration = cases[i].other[0] != '\0';

        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        setup.thread = THREAD;
        create_delivery();
        put_offline(2);
        tend(cases[i].answer);
        tend(TAKEN); /* at once */
        assert_int_equal(server.connections, 2);
        assert_sent(0, cases[i].usual);
        assert_not_sent(1, cases[i].usual);
        assert_sent(1, cases[i].other);
        assert_sent(1, "client-1-1");
        assert_int_equal(store.is.message_count, 1);
        tend_in(1, TAKEN);
        assert_sent(2, "client-2-1");
        assert_sent(2, is_migration ? cases[i].other : cases[i].usual);
        assert_int_equal(store.is.message_count, 0);
    }
}

/* Who says the same again refuses. */
static void test_no_third_way(void **state)
{
    static const char *const answers[] = {UNPARSABLE, NO_THREAD, MIGRATED("-1005555")};

    for (size_t i = 0; i < COUNT(answers); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        setup.thread = THREAD;
        create_delivery();
        put_offline(1);
        tend(i < 2 ? answers[i] : MIGRATED(MOVED));
        tend(answers[i]);
        assert_int_equal(server.connections, 2);
        assert_due_in(TELEGRAM_REFUSED_RETRY, TELEGRAM_REFUSED_RETRY + TELEGRAM_REFUSED_RETRY / 5);
        assert_string_not_equal(told().telegram_error, "");
        assert_non_null(strstr(error_log_lines.line[error_log_lines.count - 1], "VPNS0060"));
        assert_int_equal(store.is.message_count, 1);
        assert_string_equal(chat_address(&chat), i < 2 ? CHAT : MOVED);
        tend_in(400, TAKEN);
        assert_int_equal(store.is.message_count, 0);
    }
}

/* All the ways together. */
static void test_every_way(void **state)
{
    (void)state;
    setup.thread = THREAD;
    create_delivery();
    put_offline(1);
    tend(NO_THREAD);
    tend(MIGRATED(MOVED));
    tend(UNPARSABLE);
    tend(TAKEN);
    assert_int_equal(server.connections, 4);
    assert_not_sent(3, "message_thread_id");
    assert_not_sent(3, "parse_mode");
    assert_sent(3, MOVED);
    assert_int_equal(store.is.message_count, 0);
}

static void test_migration_is_remembered(void **state)
{
    (void)state;
    put_offline(1);
    tend(MIGRATED(MOVED));
    assert_string_equal(setting("telegram_chat " CHAT), MOVED);
    assert_int_equal(store.commits, 1);
    assert_int_equal(error_log_lines.count, 1);
    assert_int_equal(error_log_lines.level[0], APLOG_WARNING);
    assert_non_null(strstr(error_log_lines.line[0], "VPNS0061: "));
    assert_non_null(strstr(error_log_lines.line[0], MOVED));
    assert_non_null(strstr(error_log_lines.line[0], CHAT));
    tend(TAKEN);
    assert_string_equal(told().telegram_error, "");
    assert_int_equal(error_log_lines.count, 1);
}

/* The store does not take it: the message goes to the new chat all the same. */
static void test_migration_is_not_stored(void **state)
{
    (void)state;
    put_offline(1);
    store.failures = 1;
    tend(MIGRATED(MOVED));
    tend_in(1, TAKEN);
    assert_sent(1, MOVED);
    assert_int_equal(store.is.message_count, 0);
}

/* What cannot even be begun is tried again like everything else. */
static void test_request_cannot_begin(void **state)
{
    char *endless = endless_text();

    (void)state;
    api.base = endless;
    put_offline(1);
    tend(TAKEN);
    assert_int_equal(server.connections, 0);
    assert_int_equal(store.is.message_count, 1);
    assert_due_in(TELEGRAM_RETRY_MIN, TELEGRAM_RETRY_MIN + TELEGRAM_RETRY_MIN / 5);
    assert_string_equal(told().telegram_error, "out of memory");
    free(endless);
}

/* --- the store --- */

/* A removal that fails is done again, whatever the ids are by then; nothing is sent again. */
static void test_failed_removal(void **state)
{
    (void)state;
    put_offline(2);
    store.failures = 3;
    store.renumbers = true;
    tend(TAKEN);
    assert_int_equal(store.commits, 1);
    assert_int_equal(delivered, 0);
    for (unsigned i = 2; i <= 3; i++) {
        assert_due_in(SEC, SEC);
        tend_in(1, TAKEN);
        assert_int_equal(store.commits, i);
        assert_int_equal(store.is.message_count, 2);
    }
    store.success = STORE_VOLATILE;
    tend_in(1, TAKEN);
    assert_int_equal(store.is.message_count, 1);
    assert_int_equal(delivered, 1);
    assert_int_equal(server.connections, 1);
    tend_in(1, TAKEN);
    assert_int_equal(server.connections, 2);
    assert_sent(1, "client-2-1");
    assert_int_equal(store.is.message_count, 0);
}

static void test_failed_removal_of_a_digest(void **state)
{
    (void)state;
    put_offline(5);
    store.failures = 1;
    store.renumbers = true;
    tend(TAKEN);
    put(EVENT_BYPASS, 9, 1);
    tend_in(1, TAKEN);
    assert_int_equal(server.connections, 1);
    assert_int_equal(store.is.message_count, 1);
    assert_int_equal(delivered, 1);
    tend_in(5, TAKEN);
    assert_sent(1, "client-9-1");
    assert_not_sent(1, "client-1-1");
}

/* Removed from the memory, and the disk comes back with it. */
static void test_disk_shows_it_again(void **state)
{
    (void)state;
    store.success = STORE_VOLATILE;
    put_offline(1);
    tend(TAKEN);
    assert_int_equal(store.is.message_count, 0);
    store.success = STORE_DURABLE;
    put_offline(1);
    put(EVENT_OFFLINE, 1, 2);
    tend_in(1, TAKEN);
    assert_int_equal(server.connections, 1);
    assert_int_equal(store.is.message_count, 1);
    tend_in(1, TAKEN);
    assert_sent(1, "client-1-2");
    assert_int_equal(store.is.message_count, 0);
}

/* The store loses sight of it while it is on its way. */
static void test_store_loses_it(void **state)
{
    (void)state;
    put_offline(1);
    (void)delivery_tend(delivery, clock_monotonic());
    store.is.message_count = 0;
    put(EVENT_BYPASS, 2, 1);
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_int_equal(store.is.message_count, 1);
    assert_int_equal(delivered, 1);
    tend_in(1, TAKEN);
    assert_sent(1, "client-2-1");
}

static bool is_committing(void)
{
    return store.done != NULL;
}

/* A commit takes its time: nothing goes meanwhile. */
static void test_slow_store(void **state)
{
    (void)state;
    put_offline(2);
    store.is_slow = true;
    (void)delivery_tend(delivery, clock_monotonic());
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_committing);
    assert_true(delivery_is_busy(delivery));
    pass(10);
    tend(TAKEN);
    assert_int_equal(server.connections, 1);
    assert_int_equal(delivered, 0);
    store.is_slow = false;
    finish_commit();
    assert_int_equal(delivered, 1);
    tend(TAKEN);
    assert_int_equal(server.connections, 2);
    assert_sent(1, "client-2-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_off, start, stop),
        cmocka_unit_test_setup_teardown(test_an_alert, start, stop),
        cmocka_unit_test_setup_teardown(test_where_and_how_loud, start, stop),
        cmocka_unit_test_setup_teardown(test_few_go_one_by_one, start, stop),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, start, stop),
        cmocka_unit_test_setup_teardown(test_more_are_a_digest, start, stop),
        cmocka_unit_test_setup_teardown(test_digest_takes_what_it_tells, start, stop),
        cmocka_unit_test_setup_teardown(test_until_it_is_accepted, start, stop),
        cmocka_unit_test_setup_teardown(test_log, start, stop),
        cmocka_unit_test_setup_teardown(test_another_way, start, stop),
        cmocka_unit_test_setup_teardown(test_no_third_way, start, stop),
        cmocka_unit_test_setup_teardown(test_every_way, start, stop),
        cmocka_unit_test_setup_teardown(test_migration_is_remembered, start, stop),
        cmocka_unit_test_setup_teardown(test_migration_is_not_stored, start, stop),
        cmocka_unit_test_setup_teardown(test_request_cannot_begin, start, stop),
        cmocka_unit_test_setup_teardown(test_failed_removal, start, stop),
        cmocka_unit_test_setup_teardown(test_failed_removal_of_a_digest, start, stop),
        cmocka_unit_test_setup_teardown(test_disk_shows_it_again, start, stop),
        cmocka_unit_test_setup_teardown(test_store_loses_it, start, stop),
        cmocka_unit_test_setup_teardown(test_slow_store, start, stop),
    };

    return cmocka_run_group_tests_name("delivery", tests, start_all, stop_all);
}
