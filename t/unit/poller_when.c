/*
 * mod_vpnsentinel/poller.h: when it asks, how it waits after failures, what it tells of them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "poller_world.h"

/* --- when --- */

/* Telegram waits; who does not is not asked all the time. */
static void test_pace(void **state)
{
    (void)state;
    begin_polling();
    for (int i = 0; i < 3; i++) {
        ask(EMPTY);
        assert_due_in(POLL_PACE);
    }
    ask(RESULT("[" UPDATE(41, "/status") "]"));
    assert_true(due <= clock_monotonic()); /* there may be more */
}

#define STRANGER(id)                                                                               \
    "{\"update_id\":" #id ",\"message\":{\"chat\":{\"id\":5,\"type\":\"group\"},\"text\":\"x\"}}"

/* What others write is gathered for a moment, since each answer is a commit; never what is ours, or
 * may be. */
static void test_pace_among_strangers(void **state)
{
    (void)state;
    begin_polling();
    ask(RESULT("[" STRANGER(41) "]"));
    assert_due_in(POLL_PACE);
    assert_int_equal(store.commits, 1);
    ask(RESULT("[" STRANGER(42) "," UPDATE(43, "/status") "," STRANGER(44) "]"));
    assert_true(due <= clock_monotonic());
    ask(RESULT("[" STRANGER(45) "," UPDATE(46, "/status@OtherBot") "]"));
    assert_due_in(POLL_PACE);
    ask(RESULT("[" STRANGER(51) "," STRANGER(52) "," STRANGER(53) "," STRANGER(54) "," STRANGER(
        55) "," STRANGER(56) "," STRANGER(57) "," STRANGER(58) "," STRANGER(59) "," STRANGER(60) "]"));
    assert_true(due <= clock_monotonic()); /* there is more */
    assert_string_equal(setting(OFFSET), "61");
}

static bool is_asked(void)
{
    return server.connections == 3 && request_is_complete();
}

/* A poll may take as long as Telegram waits, and a bit. */
static void test_long_poll(void **state)
{
    (void)state;
    begin_polling();
    script = (const char *const[]){hang, NULL};
    begin_request();
    run_until(transfers, is_asked);
    clock_ahead += 40;
    (void)transfers_wait(transfers, server.listener, SEC / 1000);
    assert_int_equal(poller_tend(poller, clock_monotonic()), INT64_MAX);
    clock_ahead += 6;
    (void)transfers_wait(transfers, server.listener, SEC / 1000);
    assert_int_not_equal(next_due(), INT64_MAX);
    assert_string_equal(poller_error(poller), "Timeout was reached");
}

static void test_failures(void **state)
{
    static const struct {
        const char *answer, *error;
        int64_t wait; /* sec */
    } cases[] = {
        {HTTP("500 Error", ""), "HTTP 500", 1},
        {GARBAGE, "HTTP 200, but not from the Bot API", 2},
        {RESULT("true"), "no updates in the answer", 4},
        {RESULT("{}"), "no updates in the answer", 8},
        {"", "Empty reply from server", 16},
        {HTTP("429 Limit", "{\"ok\":false,\"parameters\":{\"retry_after\":45}}"), "HTTP 429", 45},
        {HTTP("502 " TOKEN, TOKEN), "HTTP 502", 60},
        {HTTP("429 Limit", "{\"ok\":false,\"parameters\":{\"retry_after\":600}}"), "HTTP 429", 600},
        {CONFLICT, "HTTP 409: Conflict: terminated by other getUpdates request", 60},
    };

    (void)state;
    begin_polling();
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask(cases[i].answer);
        assert_asked(i == 0 ? "\"limit\":10," : "\"limit\":1,");
        assert_string_equal(poller_error(poller), cases[i].error);
        assert_due_in(cases[i].wait * SEC);
    }
    assert_int_equal(count_lines(VPS_ERROR, "❌ The bot hears nothing: getUpdates: "), 8);
    assert_int_equal(count_lines(VPS_DEBUG, "❌ The bot hears nothing: "), 1); /* twice the same */
    ask(EMPTY);
    assert_string_equal(poller_error(poller), "");
    assert_int_equal(count_lines(VPS_INFO, "✅ The bot hears again"), 1);
    ask(EMPTY);
    assert_asked("\"limit\":10,");
    assert_int_equal(count_lines(VPS_INFO, "✅ The bot hears again"), 1);
    ask(HTTP("500 Error", "")); /* counts from the beginning */
    assert_due_in(SEC);
    assert_int_equal(store.commits, 0);
}

/* Somebody else polls: that is told once an hour, however often they take turns with us. */
static void test_conflict(void **state)
{
    (void)state;
    begin_polling();
    for (int i = 0; i < 3; i++) {
        ask(CONFLICT);
        assert_due_in(60 * SEC);
    }
    assert_int_equal(error_log_lines.count, 1);
    assert_int_equal(error_log_lines.level[0], APLOG_ERR);
    assert_non_null(strstr(error_log_lines.line[0], "VPNS0062: "));
    assert_int_equal(count_lines(VPS_ERROR, "The bot hears nothing"), 1);
    ask(EMPTY);
    assert_asked("/getUpdates"); /* the name is known */
    assert_int_equal(count_lines(VPS_INFO, "✅ The bot hears again"), 1);
    for (int i = 0; i < 3; i++) {
        ask(CONFLICT);
        assert_due_in(60 * SEC);
        ask(EMPTY);
    }
    assert_int_equal(error_log_lines.count, 1);
    assert_int_equal(count_lines(VPS_ERROR, "The bot hears nothing"), 1);
    assert_int_equal(count_lines(VPS_INFO, "✅ The bot hears again"), 1);
    ask(HTTP("500 Error", "")); /* that is another matter */
    assert_int_equal(count_lines(VPS_ERROR, "The bot hears nothing"), 2);
    ask(EMPTY);
    clock_ahead += 3600;
    ask(CONFLICT);
    assert_int_equal(error_log_lines.count, 2);
}

/* In a child: answer one connection with so many spaces and the update 41. */
static void serve_long_answer(size_t spaces, const char *wanted)
{
    static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";
    static const char tail[] = "{\"ok\":true,\"result\":[" UPDATE(41, "/status") "]}";
    char request[4096] = "", *padding = malloc(spaces);
    const int peer = accept(server.listener, NULL, NULL);

    assert_non_null(padding);
    while (strstr(request, "allowed_updates") == NULL &&
           recv(peer, request + strlen(request), sizeof(request) - 1 - strlen(request), 0) > 0) {
    }
    memset(padding, ' ', spaces);
    (void)send(peer, head, sizeof(head) - 1, MSG_NOSIGNAL);
    (void)send(peer, padding, spaces, MSG_NOSIGNAL);
    (void)send(peer, tail, sizeof(tail) - 1, MSG_NOSIGNAL);
    _exit(strstr(request, wanted) != NULL ? 0 : 1);
}

/* The next request is asked with this in it. */
static void ask_for_long_answer(size_t spaces, const char *wanted)
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        serve_long_answer(spaces, wanted);
    }
    begin_request();
    while (!is_idle()) {
        (void)transfers_wait(transfers, server.listener, SEC / 10);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    due = next_due();
}

/* An answer that is longer than what is read: one update is asked for, which fits. */
static void test_too_long_an_answer(void **state)
{
    (void)state;
    begin_polling();
    ask_for_long_answer(TELEGRAM_UPDATES_MAX, "\"limit\":10,");
    assert_string_equal(poller_error(poller), "the answer is too long");
    assert_due_in(SEC);
    ask_for_long_answer(TELEGRAM_UPDATES_MAX - 1000, "\"limit\":1,");
    assert_string_equal(poller_error(poller), "");
    assert_string_equal(setting(OFFSET), "42");
}

#define OLD(id)                                                                                    \
    "{\"update_id\":" #id ",\"message\":{\"date\":1000,\"chat\":{\"id\":-100,\"type\":\"group\"}," \
    "\"text\":\"/status\"}}"

static unsigned doubts(void)
{
    return count_lines(VPS_WARN, "Is the clock right?");
}

/* What waited for us may be old, what comes while we listen may not. */
static void test_old_ones(void **state)
{
    (void)state;
    begin_polling();
    ask(RESULT("[" OLD(1) "," OLD(2) "," OLD(3) "," OLD(4) "," OLD(5) "," OLD(6) "," OLD(7) "," OLD(
        8) "," OLD(9) "," OLD(10) "]"));
    ask(RESULT("[" OLD(11) "]")); /* that was not all */
    assert_int_equal(doubts(), 0);
    ask(RESULT("[" OLD(12) "]"));
    assert_int_equal(doubts(), 1);
    clock_ahead += 3601; /* as after an outage */
    ask(HTTP("500 Error", ""));
    ask(RESULT("[" OLD(13) "]")); /* one was asked for */
    ask(RESULT("[" OLD(14) "]"));
    assert_int_equal(doubts(), 1);
    ask(RESULT("[" OLD(15) "]"));
    assert_int_equal(doubts(), 2);
    assert_int_equal(store.is.question_count, 0);
}

/* They are told again because the store failed, for as long as it takes. */
static void test_old_ones_that_are_not_stored(void **state)
{
    (void)state;
    begin_polling();
    ask(EMPTY);
    store.failures = 2;
    ask(RESULT("[" OLD(12) "]"));
    assert_int_equal(doubts(), 1);
    clock_ahead += 3601;
    ask(RESULT("[" OLD(12) "]"));
    ask(RESULT("[" OLD(12) "]"));
    assert_int_equal(doubts(), 1);
    ask(RESULT("[" OLD(13) "]"));
    assert_int_equal(doubts(), 2);
}

/* --- name and commands --- */

/* Without them it listens all the same; until somebody changes something only now and then. */
static void test_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ask(UNAUTHORIZED);
        assert_asked("/getMe");
        assert_true(due <= clock_monotonic());
        ask(UNAUTHORIZED);
        assert_asked("/setMyCommands");
        assert_true(due <= clock_monotonic());
        ask(UNAUTHORIZED);
        assert_asked("/getUpdates");
        assert_due_in(TELEGRAM_REFUSED_RETRY);
    }
    assert_string_equal(bot_name(bot), "");
    assert_string_equal(poller_error(poller), "HTTP 401: Unauthorized");
    assert_int_equal(count_lines(VPS_ERROR, "HTTP 401: Unauthorized"), 1);
    assert_int_equal(error_log_lines.count, 1);
    assert_int_equal(error_log_lines.level[0], APLOG_ERR);
    assert_non_null(strstr(error_log_lines.line[0], "VPNS0063: "));
    assert_non_null(strstr(error_log_lines.line[0], "HTTP 401: Unauthorized"));
    ask(NAME);
    assert_string_equal(bot_name(bot), "SentinelBot");
    assert_string_equal(poller_error(poller), "HTTP 401: Unauthorized"); /* it hears nothing yet */
    ask(TOLD);
    ask(EMPTY);
    assert_string_equal(poller_error(poller), "");
    assert_int_equal(count_lines(VPS_INFO, "✅ The bot hears again"), 1);
}

/* The administrator is told once, until it has worked again. */
static void test_refused_again(void **state)
{
    (void)state;
    begin_polling();
    ask(UNAUTHORIZED);
    assert_int_equal(error_log_lines.count, 1);
    begin_polling();
    ask(HTTP("500 Error", ""));
    ask(ERROR(404, "Not Found"));
    assert_int_equal(count_lines(VPS_ERROR, "The bot hears nothing"), 3);
    assert_int_equal(error_log_lines.count, 1);
    begin_polling();
    ask(EMPTY);
    ask(UNAUTHORIZED);
    assert_int_equal(error_log_lines.count, 2);
}

/* The name only is refused, or is none. */
static void test_no_name(void **state)
{
    static const char *const answers[] = {ERROR(404, "Not Found"), RESULT("{}"),
                                          RESULT("{\"username\":\"<b>\"}"), CONFLICT};

    for (size_t i = 0; i < COUNT(answers); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        ask(answers[i]);
        assert_string_equal(bot_name(bot), "");
        ask(TOLD);
        ask(RESULT("[" UPDATE(41, "/status") "," UPDATE(42, "/ping@SentinelBot") "]"));
        assert_int_equal(store.is.question_count, 1);
        assert_string_equal(store.is.questions[0].text, "/status");
        assert_string_equal(poller_error(poller), "");
        assert_int_equal(error_log_lines.count, 0);
    }
}

/* They are asked for again when that is soon; else a poll goes first. */
static void test_later(void **state)
{
    (void)state;
    ask(HTTP("502 Bad", ""));
    assert_int_equal(count_lines(VPS_ERROR, "❌ The bot hears nothing: getMe: HTTP 502"), 1);
    assert_due_in(SEC);
    ask(GARBAGE);
    assert_due_in(2 * SEC);
    ask(NAME);
    assert_asked("/getMe");
    ask(HTTP("429 Limit", "{\"ok\":false,\"parameters\":{\"retry_after\":5}}"));
    assert_asked("/setMyCommands");
    assert_due_in(5 * SEC);
    ask(HTTP("429 Limit", "{\"ok\":false,\"parameters\":{\"retry_after\":3000}}"));
    assert_asked("/setMyCommands");
    assert_true(due <= clock_monotonic());
    ask(EMPTY);
    assert_asked("/getUpdates");
    assert_string_equal(poller_error(poller), "");
}

/* Something on the way lets them never through: it listens all the same, after a few tries. */
static void test_never(void **state)
{
    static const char *const answers[] = {HTTP("403 Forbidden", "<html>"), GARBAGE,
                                          HTTP("500 Error", "")};

    for (size_t i = 0; i < COUNT(answers); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        for (int step = 0; step < 2; step++) {
            for (int try = 0; try < 3; try++) {
                ask(answers[i]);
                assert_asked(step == 0 ? "/getMe" : "/setMyCommands");
                assert_due_in(SEC << try);
            }
        }
        ask(RESULT("[" UPDATE(41, "/status") "]"));
        assert_asked("/getUpdates");
        assert_asked("\"limit\":10,");
        assert_int_equal(store.is.question_count, 1);
        assert_string_equal(poller_error(poller), "");
        ask(EMPTY);
        assert_asked("/getUpdates"); /* and does not insist */
    }
}

/* An outage that began before name and commands were had: they are, when it is over. */
static void test_later_than_an_outage(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        ask(HTTP("502 Bad", ""));
    }
    assert_asked("/getUpdates");
    ask(EMPTY);
    ask(NAME);
    assert_asked("/getMe");
    ask(TOLD);
    assert_asked("/setMyCommands");
    assert_string_equal(bot_name(bot), "SentinelBot");
    ask(HTTP("502 Bad", ""));
    ask(EMPTY);
    ask(EMPTY);
    assert_asked("/getUpdates"); /* they are known */
}

/* What cannot even be begun is tried again like everything else. */
static void test_request_cannot_begin(void **state)
{
    char *endless = endless_text();

    (void)state;
    api.base = endless;
    due = poller_tend(poller, clock_monotonic());
    assert_due_in(SEC);
    assert_string_equal(poller_error(poller), "out of memory");
    for (int i = 0; i < 70; i++) { /* however often, a minute is the longest wait */
        forget_lines();
        clock_ahead += 61;
        due = poller_tend(poller, clock_monotonic());
        assert_in_range(due, clock_monotonic(), clock_monotonic() + 60 * SEC);
    }
    assert_due_in(60 * SEC);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pace, start, stop),
        cmocka_unit_test_setup_teardown(test_pace_among_strangers, start, stop),
        cmocka_unit_test_setup_teardown(test_long_poll, start, stop),
        cmocka_unit_test_setup_teardown(test_failures, start, stop),
        cmocka_unit_test_setup_teardown(test_conflict, start, stop),
        cmocka_unit_test_setup_teardown(test_too_long_an_answer, start, stop),
        cmocka_unit_test_setup_teardown(test_old_ones, start, stop),
        cmocka_unit_test_setup_teardown(test_old_ones_that_are_not_stored, start, stop),
        cmocka_unit_test_setup_teardown(test_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_refused_again, start, stop),
        cmocka_unit_test_setup_teardown(test_no_name, start, stop),
        cmocka_unit_test_setup_teardown(test_later, start, stop),
        cmocka_unit_test_setup_teardown(test_never, start, stop),
        cmocka_unit_test_setup_teardown(test_later_than_an_outage, start, stop),
        cmocka_unit_test_setup_teardown(test_request_cannot_begin, start, stop),
    };

    return cmocka_run_group_tests_name("poller_when", tests, start_all, stop_all);
}
