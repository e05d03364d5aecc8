/*
 * mod_vpnsentinel/poller.h: what it asks Telegram, and that each update is heard once, whatever
 * Telegram and the store do. When it asks: poller_when.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "poller_world.h"

/* --- the order --- */

static void test_order(void **state)
{
    size_t count;
    const command_help_t *table = command_table(&count);

    (void)state;
    ask(NAME);
    assert_asked("POST /bot" TOKEN "/getMe HTTP/1.1\r\n");
    assert_string_equal(bot_name(bot), "SentinelBot");
    assert_int_equal(count_lines(VPS_INFO, "[telegram] 🤖 The bot is @SentinelBot"), 1);
    assert_true(due <= clock_monotonic());
    ask(TOLD);
    assert_asked("/setMyCommands HTTP/1.1\r\n");
    for (size_t i = 0; i < count; i++) {
        char command[64];

        (void)snprintf(command, sizeof(command), "{\"command\":\"%s\",", table[i].name);
        assert_asked(command);
    }
    assert_true(due <= clock_monotonic());
    for (int i = 0; i < 3; i++) {
        ask(EMPTY);
        assert_asked("/getUpdates HTTP/1.1\r\n");
        assert_asked("\"timeout\":25");
        assert_asked("\"limit\":10");
        assert_not_asked("\"offset\"");
    }
    assert_string_equal(poller_error(poller), "");
    assert_int_equal(store.commits, 0);
    assert_int_equal(store.changes, 0);
    assert_int_equal(log_lines.count, 1);
}

/* What was learnt of updates goes into the next request, and into the store with the questions. */
static void test_offset(void **state)
{
    (void)state;
    begin_polling();
    ask(RESULT("[" UPDATE(41, "/status") "," UPDATE(42, "/mute 1h") "]"));
    assert_int_equal(store.commits, 1);
    assert_string_equal(setting(OFFSET), "43");
    assert_int_equal(store.is.question_count, 2);
    assert_string_equal(store.is.questions[1].text, "/mute 1h");
    assert_true(mute_is_on(&mute, wall_seconds()));
    ask(RESULT("[" UPDATE(50, "/ping") "]")); /* at once */
    assert_asked("\"offset\":43,");
    assert_int_equal(store.is.question_count, 3);
    create_poller();
    begin_polling();
    ask(EMPTY);
    assert_asked("\"offset\":51,");
    assert_int_equal(store.commits, 2);
}

/* An update that is for nobody counts all the same. */
static void test_offset_of_what_is_not_heard(void **state)
{
    (void)state;
    begin_polling();
    ask(RESULT("[{\"update_id\":7,\"poll\":{}},{\"update_id\":8,\"message\":5},{},5]"));
    assert_string_equal(setting(OFFSET), "9");
    assert_int_equal(store.is.question_count, 0);
    ask(EMPTY);
    assert_asked("\"offset\":9,");
}

static void test_whatever_the_setting_says(void **state)
{
    static const struct {
        const char *value, *asked; /* asked: NULL = without an offset */
    } cases[] = {
        {"43", "\"offset\":43,"},
        {"4503599627370496", "\"offset\":4503599627370496,"}, /* behind the highest there is */
        {"4503599627370497", NULL},
        {"99999999999999999999999", NULL},
        {"-5", NULL},
        {"", NULL},
        {"0", NULL},
        {"12x", NULL},
        {" 12", NULL},
        {"x", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        store_put_setting(&store, OFFSET, cases[i].value);
        store_put_setting(&store, "telegram_offset 76543210", "77"); /* another bot's */
        keep_changes();
        create_poller();
        begin_polling();
        ask(EMPTY);
        if (cases[i].asked != NULL) {
            assert_asked(cases[i].asked);
        } else {
            assert_not_asked("offset");
        }
    }
}

/* --- each once --- */

/* They are asked for again, from where the store knows, and heard once in the end. */
static void test_store_fails(void **state)
{
    static const char *const before[] = {NULL, "40"}; /* the offset in the store */

    for (size_t i = 0; i < COUNT(before); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        if (before[i] != NULL) {
            store_put_setting(&store, OFFSET, before[i]);
            keep_changes();
            create_poller();
        }
        begin_polling();
        store.failures = 2;
        for (int round = 0; round < 3; round++) {
            ask(RESULT("[" UPDATE(41, "/mute 1h") "]"));
            if (before[i] != NULL) {
                assert_asked("\"offset\":40,");
            } else {
                assert_not_asked("offset");
            }
            assert_int_equal(store.is.question_count, round == 2);
            assert_int_equal(mute_is_on(&mute, wall_seconds()), round == 2);
            if (round < 2) {
                assert_due_in(SEC);
            }
        }
        ask(EMPTY);
        assert_asked("\"offset\":42,");
        assert_int_equal(store.is.question_count, 1);
    }
}

static bool is_committing(void)
{
    return store.done != NULL;
}

/* While the commit takes its time, nothing is asked for. */
static void test_slow_store(void **state)
{
    (void)state;
    begin_polling();
    store.is_slow = true;
    script = (const char *const[]){RESULT("[" UPDATE(41, "/status") "]"), NULL};
    begin_request();
    run_until(transfers, is_committing);
    clock_ahead += 100;
    assert_int_equal(poller_tend(poller, clock_monotonic()), INT64_MAX);
    assert_int_equal(server.connections, 3);
    store.is_slow = false;
    finish_commit();
    ask(EMPTY);
    assert_asked("\"offset\":42,");
}

/* A server that tells what it has told before. */
static void test_told_again(void **state)
{
    static const struct {
        const char *answer;
        const char *offset; /* afterwards */
        unsigned heard;     /* of this answer */
        unsigned commits;
    } cases[] = {
        {RESULT("[" UPDATE(41, "/status") "]"), "42", 0, 0},
        {RESULT("[" UPDATE(40, "/status") "," UPDATE(41, "/status") "]"), "42", 0, 0},
        {RESULT("[" UPDATE(41, "/status") "," UPDATE(42, "/ping") "]"), "43", 1, 1},
        {RESULT("[" UPDATE(42, "/ping") "," UPDATE(41, "/status") "]"), "43", 1, 1},
        {RESULT("[" UPDATE(5, "/status") "," UPDATE(6, "/status") "]"), "7", 2,
         1}, /* counts anew */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        store_put_setting(&store, OFFSET, "42");
        keep_changes();
        create_poller();
        begin_polling();
        ask(cases[i].answer);
        assert_int_equal(store.is.question_count, cases[i].heard);
        assert_int_equal(store.commits, cases[i].commits);
        assert_string_equal(setting(OFFSET), cases[i].offset);
        ask(cases[i].answer);
        assert_int_equal(store.is.question_count, cases[i].heard);
        assert_due_in(POLL_PACE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, start, stop),
        cmocka_unit_test_setup_teardown(test_offset, start, stop),
        cmocka_unit_test_setup_teardown(test_offset_of_what_is_not_heard, start, stop),
        cmocka_unit_test_setup_teardown(test_whatever_the_setting_says, start, stop),
        cmocka_unit_test_setup_teardown(test_store_fails, start, stop),
        cmocka_unit_test_setup_teardown(test_slow_store, start, stop),
        cmocka_unit_test_setup_teardown(test_told_again, start, stop),
    };

    return cmocka_run_group_tests_name("poller", tests, start_all, stop_all);
}
