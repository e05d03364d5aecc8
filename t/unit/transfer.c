/*
 * mod_vpnsentinel/transfer.h: requests side by side, everything that can become of one, and that
 * closing never waits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netdb.h>
#include <semaphore.h>

#include "http_exchange.h"
#include "pool.h"
#include "transfers_exchange.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define TOKEN "7654321:AAtest-token"
#define SECOND CLOCK_SECOND

/* --- a resolver that does what its names say --- */

static sem_t released, resolving, resolved;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)service, (void)hints;
    *result = NULL;
    if (strstr(node, "hang") != NULL) {
        sem_post(&resolving);
        sem_wait(&released);
        sem_post(&resolved);
    }
    return EAI_NONAME;
}

/* --- requests --- */

static transfers_t *transfers;
static unsigned ended; /* completions */

/* A copy of what a completion was given. */
typedef struct outcome_t {
    transfer_answer_t answer;
    char body[64];
    unsigned place; /* in the order of completions, from 1; 0 = none yet */
} outcome_t;

static void note(void *ctx, const transfer_answer_t *answer)
{
    outcome_t *outcome = ctx;

    assert_int_equal(outcome->place, 0);
    outcome->answer = *answer;
    assert_int_equal(strlen(answer->body), answer->size);
    assert_true(answer->size < sizeof(outcome->body));
    (void)strcpy(outcome->body, answer->body);
    outcome->place = ++ended;
}

static bool one_ended(void)
{
    return ended >= 1;
}

static bool two_ended(void)
{
    return ended >= 2;
}

static vps_http_request_t request_to(const char *where)
{
    return (vps_http_request_t){.url = where, .timeout_ms = 30000, .answer_max = 50};
}

static int start(void **state)
{
    ended = 0;
    transfers = transfers_open(NULL, pool);
    return transfers != NULL ? start_server(state) : -1;
}

static int stop(void **state)
{
    transfers_close(transfers);
    return stop_server(state);
}

/* Run one request against a server that says this. */
static outcome_t exchange(const vps_http_request_t *request, const char *answer)
{
    const char *const answers[] = {answer, NULL};
    outcome_t outcome = {0};

    script = answers;
    ended = 0;
    assert_true(transfers_start(transfers, request, TOKEN, note, &outcome));
    assert_int_equal(outcome.place, 0);
    run_until(transfers, one_ended);
    hang_up();
    return outcome;
}

/* --- tests --- */

/* Body and header are copied: the caller's may go at once. */
static void test_request(void **state)
{
    static const char *const answers[] = {OK_HELLO, NULL};
    char body[] = "{\"a\":1}";
    vps_http_request_t request = request_to(url);
    outcome_t outcome = {0};

    (void)state;
    script = answers;
    request.header = curl_slist_append(NULL, "Content-Type: application/json");
    request.header = curl_slist_append(request.header, "Authorization: Bearer x");
    request.body = body;
    request.body_size = strlen(body);
    assert_true(transfers_start(transfers, &request, NULL, note, &outcome));
    curl_slist_free_all(request.header);
    memset(body, 'x', sizeof(body));
    run_until(transfers, one_ended);
    assert_ptr_equal(strstr(server.request, "POST /path?a=b HTTP/1.1\r\n"), server.request);
    assert_non_null(strstr(server.request, "\r\nUser-Agent: mod_vpnsentinel/" VPS_VERSION "\r\n"));
    assert_non_null(strstr(server.request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(server.request, "\r\nAuthorization: Bearer x\r\n"));
    assert_string_equal(strstr(server.request, "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
    assert_int_equal(outcome.answer.status, 200);
    assert_string_equal(outcome.body, "hello");
    assert_string_equal(outcome.answer.reason, "");
    assert_int_equal(outcome.answer.retry_after, 0);
}

#define HEADER(lines) "HTTP/1.1 429 Limit\r\nContent-Length: 2\r\n" lines "\r\nno"

static void test_answers(void **state)
{
    static const struct {
        const char *answer;
        long status;
        const char *body, *reason;
        int64_t retry_after;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", "", 0},
        {"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end", "", 0},
        {"HTTP/1.1 200 OK\r\n", 200, "", "", 0}, /* libcurl does not mind a header without end */
        {"HTTP/1.1 200 OK\r\nX-Rl: 0\r\nX-Ttl: 44\r\n\r\n", 200, "", "", 44},
        {"HTTP/1.1 404 Gone\r\nContent-Length: 4\r\n\r\ngone", 404, "gone", "HTTP 404", 0},
        {"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 302, "", "HTTP 302", 0},
        {HEADER(""), 429, "no", "HTTP 429", 0},
        {HEADER("Retry-After: 34\r\n"), 429, "no", "HTTP 429", 34},
        {HEADER("Retry-After: 86401\r\n"), 429, "no", "HTTP 429", 86400},
        {HEADER("Retry-After: 9223372036854775807\r\n"), 429, "no", "HTTP 429", 86400},
        {HEADER("Retry-After: -1\r\n"), 429, "no", "HTTP 429", 0},
        {HEADER("Retry-After: soon\r\n"), 429, "no", "HTTP 429", 0},
        {HEADER("X-Ttl: 44\r\nX-Rl: 0\r\n"), 429, "no", "HTTP 429", 44},
        {HEADER("X-Ttl: 44\r\nX-Rl: 1\r\n"), 429, "no", "HTTP 429", 0},
        {HEADER("X-Ttl: 44\r\n"), 429, "no", "HTTP 429", 0},
        {HEADER("X-Rl: 0\r\n"), 429, "no", "HTTP 429", 0},
        {HEADER("X-Ttl: 4 4\r\nX-Rl: 0\r\n"), 429, "no", "HTTP 429", 0},
        {HEADER("Retry-After: 7\r\nX-Ttl: 44\r\nX-Rl: 0\r\n"), 429, "no", "HTTP 429", 7},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const vps_http_request_t request = request_to(url);
        const outcome_t outcome = exchange(&request, cases[i].answer);

        assert_int_equal(outcome.answer.status, cases[i].status);
        assert_string_equal(outcome.body, cases[i].body);
        assert_string_equal(outcome.answer.reason, cases[i].reason);
        assert_int_equal(outcome.answer.retry_after, cases[i].retry_after);
    }
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890"

static void assert_no_answer(const outcome_t *outcome)
{
    const char *reason = outcome->answer.reason;

    assert_int_equal(outcome->answer.status, 0);
    assert_int_equal(outcome->answer.retry_after, 0);
    assert_string_equal(outcome->body, "");
    assert_int_not_equal(reason[0], '\0');
    assert_null(strstr(reason, "AAtest"));
    assert_null(strstr(reason, "aatest"));
    for (size_t i = 0; reason[i] != '\0'; i++) {
        assert_in_range(reason[i], ' ', '~');
    }
}

/* What began well and ended badly is no answer either. */
static void test_misbehaviour(void **state)
{
    static const struct {
        const char *answer, *reason; /* reason: NULL = any */
    } cases[] = {
        {hang, "Timeout was reached"},
        {"", NULL},
        {"garbage", NULL},
        {"\xff\xfe\x01\r\n\r\n", NULL},
        {"HTTP/1.1 abc OK\r\n\r\n", NULL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nRetry-After: 7\r\n\r\ncut", NULL},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NULL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 61\r\n\r\n" LONG, "the answer is too long"},
        {"HTTP/1.0 200 OK\r\n\r\n" LONG, "the answer is too long"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char where[128];
        vps_http_request_t request = request_to(where);
        outcome_t outcome;

        (void)snprintf(where, sizeof(where), "http://127.0.0.1:%u/bot" TOKEN "/x", server.port);
        request.timeout_ms = cases[i].answer == hang ? 50 : 30000;
        outcome = exchange(&request, cases[i].answer);
        assert_no_answer(&outcome);
        if (cases[i].reason != NULL) {
            assert_string_equal(outcome.answer.reason, cases[i].reason);
        }
    }
}

/* A byte at a time: taken while the time lasts, and not beyond it. */
static void test_slow_bytes(void **state)
{
    static const char *const answers[] = {hang, NULL};
    static const long limits[] = {30000, 100}; /* ms */

    (void)state;
    script = answers;
    for (size_t i = 0; i < COUNT(limits); i++) {
        vps_http_request_t request = request_to(url);
        const char *next = OK_HELLO;
        outcome_t outcome = {0};

        request.timeout_ms = limits[i];
        ended = 0;
        assert_true(transfers_start(transfers, &request, NULL, note, &outcome));
        while (ended == 0) {
            const int fd = server.peer >= 0 ? server.peer : server.listener;

            if (transfers_wait(transfers, fd, SECOND / 200)) {
                serve_script();
            } else if (server.peer >= 0 && *next != '\0') {
                assert_int_equal(send(server.peer, next++, 1, MSG_NOSIGNAL), 1);
            }
        }
        assert_string_equal(outcome.body, i == 0 ? "hello" : "");
        hang_up();
    }
}

/* No request can be made of these at all, or nobody is there. */
static void test_bad_places(void **state)
{
    static const struct {
        const char *where, *reason; /* reason: NULL = any */
    } cases[] = {
        {"http://127.0.0.1:1/bot" TOKEN "/x", "Couldn't connect to server"},
        {"http://nobody.invalid/bot" TOKEN "/x", "Could not resolve host: nobody.invalid"},
        {"http://" TOKEN "/x", NULL},
        {"http://7654321%3AAAtest-token.invalid/", NULL},
        {"file:///bot" TOKEN "/x", NULL},
        {"http:// " TOKEN "/x", NULL},
        {TOKEN, NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const vps_http_request_t request = request_to(cases[i].where);
        const outcome_t outcome = exchange(&request, NULL);

        assert_no_answer(&outcome);
        if (cases[i].reason != NULL) {
            assert_string_equal(outcome.answer.reason, cases[i].reason);
        }
    }
}

static void test_reason_is_masked(void **state)
{
    static const struct {
        const char *host, *secret, *reason;
    } cases[] = {
        {"s3cret.invalid", "s3cret", "Could not resolve host: ***.invalid"},
        {"s3cret.invalid", "", "Could not resolve host: s3cret.invalid"},
        {"s3cret.invalid", NULL, "Could not resolve host: s3cret.invalid"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char where[64];
        const vps_http_request_t request = request_to(where);
        outcome_t outcome = {0};

        (void)snprintf(where, sizeof(where), "http://%s/", cases[i].host);
        ended = 0;
        assert_true(transfers_start(transfers, &request, cases[i].secret, note, &outcome));
        run_until(transfers, one_ended);
        assert_string_equal(outcome.answer.reason, cases[i].reason);
    }
}

/* One that hangs is in nobody's way. */
static void test_side_by_side(void **state)
{
    static const char *const answers[] = {hang, OK_HELLO, NULL};
    const vps_http_request_t request = request_to(url);
    outcome_t hanging = {0}, quick = {0};
    int peer;

    (void)state;
    script = answers;
    assert_true(transfers_start(transfers, &request, NULL, note, &hanging));
    while (server.request_size == 0) {
        if (transfers_wait(transfers, server.peer >= 0 ? server.peer : server.listener, SECOND)) {
            serve_script();
        }
    }
    peer = server.peer;
    server.peer = -1;
    assert_true(transfers_start(transfers, &request, NULL, note, &quick));
    run_until(transfers, one_ended);
    assert_int_equal(quick.place, 1);
    assert_int_equal(hanging.place, 0);
    assert_int_equal(send(peer, OK_HELLO, strlen(OK_HELLO), MSG_NOSIGNAL), strlen(OK_HELLO));
    run_until(transfers, two_ended);
    assert_int_equal(hanging.place, 2);
    assert_string_equal(hanging.body, "hello");
    close(peer);
}

/* A completion may begin the next request. */
static void note_and_start(void *ctx, const transfer_answer_t *answer)
{
    outcome_t *outcomes = ctx;
    const vps_http_request_t request = request_to(url);

    note(&outcomes[0], answer);
    assert_true(transfers_start(transfers, &request, NULL, note, &outcomes[1]));
}

static void test_start_from_completion(void **state)
{
    static const char *const answers[] = {
        OK_HELLO, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NULL};
    const vps_http_request_t request = request_to(url);
    outcome_t outcomes[2] = {0};

    (void)state;
    script = answers;
    assert_true(transfers_start(transfers, &request, NULL, note_and_start, outcomes));
    run_until(transfers, two_ended);
    assert_int_equal(outcomes[0].answer.status, 200);
    assert_int_equal(outcomes[1].answer.status, 404);
}

static void test_wait(void **state)
{
    const vps_http_request_t request = request_to("http://127.0.0.1:1/");
    outcome_t outcome = {0};
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    assert_false(transfers_wait(transfers, pipe_fds[0], 0));
    assert_false(transfers_wait(transfers, pipe_fds[0], 1));
    assert_false(transfers_wait(transfers, pipe_fds[0], SECOND / 100));
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_true(transfers_wait(transfers, pipe_fds[0], 0));
    assert_true(transfers_wait(transfers, pipe_fds[0], INT64_MAX));
    /* The completion ends the wait; that something else wakes is told along with it. */
    assert_true(transfers_start(transfers, &request, NULL, note, &outcome));
    while (!one_ended()) {
        assert_true(transfers_wait(transfers, pipe_fds[0], INT64_MAX));
    }
    assert_int_equal(read(pipe_fds[0], &(char){0}, 1), 1);
    ended = 0;
    memset(&outcome, 0, sizeof(outcome));
    assert_true(transfers_start(transfers, &request, NULL, note, &outcome));
    assert_false(transfers_wait(transfers, pipe_fds[0], INT64_MAX));
    assert_true(one_ended());
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* Nothing of the environment; through the one that is named, whatever the environment exempts. */
static void test_proxy(void **state)
{
    static const char *const proxies[] = {NULL, "", url};

    (void)state;
    for (size_t i = 0; i < COUNT(proxies); i++) {
        const vps_http_request_t request = request_to(url);
        const bool used = proxies[i] == url;

        transfers_close(transfers);
        transfers = transfers_open(proxies[i], pool);
        setenv("no_proxy", used ? "*" : "", 1);
        setenv("http_proxy", "http://127.0.0.1:1/", 1);
        assert_int_equal(exchange(&request, OK_HELLO).answer.status, 200);
        assert_ptr_equal(strstr(server.request, used ? "GET http://127" : "GET /path"),
                         server.request);
    }
    unsetenv("http_proxy");
    setenv("no_proxy", "*", 1);
}

static void never(void *ctx, const transfer_answer_t *answer)
{
    (void)ctx, (void)answer;
    fail();
}

/* The resolver is released only after the close: had that waited, the alarm would end the test. */
static void test_close_does_not_wait(void **state)
{
    const vps_http_request_t lost = request_to("http://hang.invalid/");
    const vps_http_request_t silent = request_to(url);

    (void)state;
    assert_true(transfers_start(transfers, &lost, NULL, never, NULL));
    assert_true(transfers_start(transfers, &silent, NULL, never, NULL));
    assert_false(transfers_wait(transfers, -1, SECOND / 10));
    sem_wait(&resolving);
    alarm(EXCHANGE_SECONDS);
    transfers_close(transfers);
    alarm(0);
    sem_post(&released);
    sem_wait(&resolved);
    transfers = transfers_open(NULL, pool);
}

/* Nor does a request whose time is over. */
static void test_time_limit_with_dead_resolver(void **state)
{
    vps_http_request_t request = request_to("http://hang.invalid/");
    outcome_t outcome = {0};

    (void)state;
    request.timeout_ms = 50;
    assert_true(transfers_start(transfers, &request, NULL, note, &outcome));
    run_until(transfers, one_ended);
    assert_no_answer(&outcome);
    assert_string_equal(outcome.answer.reason, "Timeout was reached");
    sem_wait(&resolving);
    sem_post(&released);
    sem_wait(&resolved);
}

static int start_all(void **state)
{
    sem_init(&released, 0, 0);
    sem_init(&resolving, 0, 0);
    sem_init(&resolved, 0, 0);
    return start_curl(state) == 0 ? pool_start(state) : -1;
}

static int stop_all(void **state)
{
    return pool_stop(state) == 0 ? stop_curl(state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request, start, stop),
        cmocka_unit_test_setup_teardown(test_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_misbehaviour, start, stop),
        cmocka_unit_test_setup_teardown(test_slow_bytes, start, stop),
        cmocka_unit_test_setup_teardown(test_bad_places, start, stop),
        cmocka_unit_test_setup_teardown(test_reason_is_masked, start, stop),
        cmocka_unit_test_setup_teardown(test_side_by_side, start, stop),
        cmocka_unit_test_setup_teardown(test_start_from_completion, start, stop),
        cmocka_unit_test_setup_teardown(test_wait, start, stop),
        cmocka_unit_test_setup_teardown(test_proxy, start, stop),
        cmocka_unit_test_setup_teardown(test_close_does_not_wait, start, stop),
        cmocka_unit_test_setup_teardown(test_time_limit_with_dead_resolver, start, stop),
    };

    return cmocka_run_group_tests_name("transfer", tests, start_all, stop_all);
}
