/*
 * mod_vpnsentinel/server_ip_lookup.h: whom it asks, when, and what it makes of the answers of two
 * services that behave and misbehave.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_exchange.h"
#include "httpd_log.h"
#include "pool.h"
#include "server_ip_lookup.h"
#include "transfers_exchange.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TOKEN "ipinfo-token-0123"
#define HTTP(status, lines, body) "HTTP/1.0 " status "\r\n" lines "\r\n" body
#define IPINFO(addr) HTTP("200 OK", "", "{\"ip\":\"" addr "\",\"country\":\"RO\"}")
#define IPAPI(addr) HTTP("200 OK", "", "{\"status\":\"success\",\"query\":\"" addr "\"}")
#define GARBAGE HTTP("200 OK", "", "<html>")
#define A "203.0.113.1"
#define B "203.0.113.2"
#define C "203.0.113.3"
#define MINUTE (60 * CLOCK_SECOND)

static transfers_t *transfers;
static server_ip_lookup_t *lookup;
static server_ip_lookup_settings_t settings;
static char ipinfo_url[64], ipapi_url[64];
static int64_t now, due;
static unsigned changes;
static char in_force[SERVER_IP_TEXT_SIZE]; /* what was told last */

static void changed(void *ctx, const server_ip_t *ip)
{
    assert_ptr_equal(ctx, &changes);
    changes++;
    server_ip_format(in_force, ip);
}

static int start(void **state)
{
    if (start_server(state) != 0) {
        return -1;
    }
    (void)snprintf(ipinfo_url, sizeof(ipinfo_url), "http://127.0.0.1:%u/ipinfo", server.port);
    (void)snprintf(ipapi_url, sizeof(ipapi_url), "http://127.0.0.1:%u/ipapi", server.port);
    settings = (server_ip_lookup_settings_t){.ipinfo_url = ipinfo_url, .ipapi_url = ipapi_url};
    changes = 0;
    in_force[0] = '\0';
    forget_lines();
    now = clock_monotonic();
    transfers = transfers_open(NULL, pool);
    return transfers != NULL ? 0 : -1;
}

static int stop(void **state)
{
    transfers_close(transfers);
    return stop_server(state);
}

static void create(const char *known)
{
    server_ip_t ip = {0};

    if (known[0] != '\0') {
        assert_true(server_ip_parse(&ip, known));
    }
    lookup = server_ip_lookup_create(&settings, &ip, transfers, changed, &changes, pool);
    assert_non_null(lookup);
}

/* Is the round over? Then due says when the next one is. The time is one at which none begins. */
static bool round_is_over(void)
{
    due = server_ip_lookup_tend(lookup, 0);
    return due != INT64_MAX;
}

/* Run a round. Returns how many were asked. */
static unsigned run_round(const char *first, const char *second)
{
    const char *const answers[] = {first, second, NULL};

    script = answers;
    server.connections = 0;
    (void)server_ip_lookup_tend(lookup, now);
    run_until(transfers, round_is_over);
    return server.connections;
}

/* The round that is due now; later rounds are run without waiting for them. */
static unsigned next_round(const char *first, const char *second)
{
    now = due;
    return run_round(first, second);
}

/* Was the last round ended at most so long ago that the next one is due in wait? */
static void assert_due_in(int64_t wait)
{
    assert_in_range(due - wait, clock_monotonic() - 20 * CLOCK_SECOND, clock_monotonic());
}

static void assert_asked(unsigned index, const char *line)
{
    assert_ptr_equal(strstr(requests[index], line), requests[index]);
}

/* --- tests --- */

static void test_two_services_agree(void **state)
{
    (void)state;
    create("");
    assert_int_equal(run_round(IPINFO(A), IPAPI(A)), 2);
    assert_asked(0, "GET /ipinfo/json HTTP/1.1\r\n");
    assert_asked(1, "GET /ipapi/json/ HTTP/1.1\r\n");
    assert_int_equal(changes, 1);
    assert_string_equal(in_force, "ipinfo " A);
    assert_due_in(SERVER_IP_REFRESH);
    assert_int_equal(count_lines(VPS_INFO, "[server-ip] 🌐 The server's public IP is " A), 1);
    assert_int_equal(count_lines(VPS_WARN, ""), 0);
}

/* While nothing is in doubt one answer is enough, and nothing comes before its time. */
static void test_refresh(void **state)
{
    (void)state;
    create("ip-api " A);
    assert_int_equal(run_round(IPINFO(A), IPAPI(A)), 1);
    assert_due_in(SERVER_IP_REFRESH);
    assert_int_equal(server_ip_lookup_tend(lookup, due - 1), due);
    assert_int_equal(server.connections, 1);
    assert_int_equal(changes, 0);
    assert_int_equal(log_lines.count, count_lines(VPS_DEBUG, ""));
}

static void test_one_service_twice(void **state)
{
    (void)state;
    create("");
    assert_int_equal(run_round(IPINFO(A), HTTP("500 No", "", "")), 2);
    assert_int_equal(changes, 0);
    assert_due_in(SERVER_IP_RETRY_MIN);
    assert_int_equal(next_round(IPINFO(A), IPAPI(A)), 1);
    assert_int_equal(changes, 1);
    assert_string_equal(in_force, "ipinfo " A);
    assert_due_in(SERVER_IP_REFRESH);
}

/* A single other answer changes nothing. */
static void test_another_address(void **state)
{
    (void)state;
    create("ipinfo " A);
    assert_int_equal(run_round(IPINFO(B), IPAPI(A)), 2);
    assert_due_in(SERVER_IP_REFRESH);
    assert_int_equal(changes, 0);
    assert_int_equal(next_round(IPINFO(B), IPAPI(B)), 2);
    assert_int_equal(changes, 1);
    assert_string_equal(in_force, "ipinfo " B);
}

static void test_disagreement(void **state)
{
    (void)state;
    create("");
    assert_int_equal(run_round(IPINFO(A), IPAPI(B)), 2);
    assert_due_in(SERVER_IP_RETRY_MIN);
    assert_int_equal(next_round(IPINFO(A), IPAPI(B)), 2);
    assert_due_in(2 * SERVER_IP_RETRY_MIN);
    assert_int_equal(changes, 0);
    assert_int_equal(count_lines(VPS_WARN, ""), 0);
}

/* Nobody answers: what is known stays, the next tries come ever later, the log says it once. */
static void test_no_answer(void **state)
{
    static const char *const answers[] = {HTTP("500 No", "", IPINFO(B)), GARBAGE, "", "garbage"};
    int64_t wait = SERVER_IP_RETRY_MIN;

    (void)state;
    create("ipinfo " A);
    due = now;
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(next_round(answers[i % 4], answers[(i + 1) % 4]), 2);
        assert_due_in(wait);
        wait = wait * 2 < SERVER_IP_RETRY_MAX ? wait * 2 : SERVER_IP_RETRY_MAX;
    }
    assert_int_equal(changes, 0);
    assert_int_equal(count_lines(VPS_WARN, "in force: ipinfo " A), 1);
    assert_int_equal(count_lines(VPS_WARN, ""), 1);
    assert_int_equal(next_round(GARBAGE, IPAPI(A)), 2);
    assert_due_in(SERVER_IP_REFRESH);
    assert_int_equal(count_lines(VPS_INFO, "can be looked up again"), 1);
    assert_int_equal(next_round(GARBAGE, GARBAGE), 2);
    assert_due_in(SERVER_IP_RETRY_MIN);
    assert_int_equal(count_lines(VPS_WARN, ""), 2);
}

static void test_nothing_known(void **state)
{
    (void)state;
    create("");
    assert_int_equal(run_round(GARBAGE, HTTP("200 OK", "", "{\"status\":\"fail\"}")), 2);
    assert_int_equal(changes, 0);
    assert_int_equal(count_lines(VPS_WARN, "(ip-api: no usable answer); in force: none"), 1);
}

/* A service that refuses is left alone, the other one is asked. */
static void test_rest(void **state)
{
    static const struct {
        const char *answer;
        int64_t rest;
    } cases[] = {
        {HTTP("429 Limit", "", ""), SERVER_IP_REST},
        {HTTP("403 No", "", ""), SERVER_IP_REST},
        {HTTP("429 Limit", "Retry-After: 7\r\n", ""), SERVER_IP_REST},
        {HTTP("429 Limit", "Retry-After: 7200\r\n", ""), 120 * MINUTE},
        {HTTP("429 Limit", "X-Rl: 0\r\nX-Ttl: 1200\r\n", ""), 20 * MINUTE},
        {HTTP("200 OK", "X-Rl: 0\r\nX-Ttl: 30\r\n", "{\"ip\":\"" C "\"}"), SERVER_IP_REST},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const int64_t begin = clock_monotonic();

        now = begin;
        create("ipinfo " A);
        assert_int_equal(run_round(cases[i].answer, IPAPI(B)), 2);
        now = begin + cases[i].rest - 1;
        assert_int_equal(run_round(IPAPI(A), IPAPI(A)), 1);
        assert_asked(0, "GET /ipapi/json/ ");
        now = clock_monotonic() + cases[i].rest + SERVER_IP_REFRESH;
        assert_int_equal(run_round(IPINFO(A), IPAPI(A)), 1);
        assert_asked(0, "GET /ipinfo/json ");
    }
}

static void test_all_rest(void **state)
{
    (void)state;
    create("");
    assert_int_equal(run_round(HTTP("429 Limit", "", ""), HTTP("403 No", "", "")), 2);
    assert_int_equal(next_round(IPINFO(A), IPAPI(A)), 0);
    assert_true(due > now && due <= now + 2 * SERVER_IP_RETRY_MIN);
    assert_int_equal(count_lines(VPS_WARN, ""), 1);
}

static void test_ipv6(void **state)
{
    (void)state;
    create("");
    assert_int_equal(run_round(IPINFO("2001:DB8::0:1"), IPAPI("2001:db8::1")), 2);
    assert_string_equal(in_force, "ipinfo 2001:db8::1");
}

/* The token goes to ipinfo alone, and into no log. */
static void test_token(void **state)
{
    (void)state;
    settings.ipinfo_token = TOKEN;
    create("");
    assert_int_equal(run_round(IPINFO(A), HTTP("500 " TOKEN, "", TOKEN)), 2);
    assert_non_null(strstr(requests[0], "\r\nAuthorization: Bearer " TOKEN "\r\n"));
    assert_non_null(strstr(requests[0], "\r\nAccept: application/json\r\n"));
    assert_null(strstr(requests[1], TOKEN));
    assert_non_null(strstr(requests[1], "\r\nAccept: application/json\r\n"));
    assert_int_equal(next_round(HTTP("403 " TOKEN, "", TOKEN), GARBAGE), 2);
    assert_not_logged(TOKEN);
}

/* What cannot even be begun is a service that does not answer. */
static void test_request_cannot_begin(void **state)
{
    char *endless = endless_text();

    (void)state;
    settings.ipinfo_url = endless;
    create("");
    assert_int_equal(run_round(IPAPI(A), IPAPI(A)), 1);
    assert_asked(0, "GET /ipapi/json/ ");
    assert_due_in(SERVER_IP_RETRY_MIN);
    free(endless);
}

static int start_all(void **state)
{
    return start_curl(state) == 0 ? pool_start(state) : -1;
}

static int stop_all(void **state)
{
    return pool_stop(state) == 0 ? stop_curl(state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_services_agree, start, stop),
        cmocka_unit_test_setup_teardown(test_refresh, start, stop),
        cmocka_unit_test_setup_teardown(test_one_service_twice, start, stop),
        cmocka_unit_test_setup_teardown(test_another_address, start, stop),
        cmocka_unit_test_setup_teardown(test_disagreement, start, stop),
        cmocka_unit_test_setup_teardown(test_no_answer, start, stop),
        cmocka_unit_test_setup_teardown(test_nothing_known, start, stop),
        cmocka_unit_test_setup_teardown(test_rest, start, stop),
        cmocka_unit_test_setup_teardown(test_all_rest, start, stop),
        cmocka_unit_test_setup_teardown(test_ipv6, start, stop),
        cmocka_unit_test_setup_teardown(test_token, start, stop),
        cmocka_unit_test_setup_teardown(test_request_cannot_begin, start, stop),
    };

    return cmocka_run_group_tests_name("server_ip_lookup", tests, start_all, stop_all);
}
