/*
 * shared/http.h: what a prepared handle sends and takes, against a server that runs between the
 * steps of libcurl.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http.h"
#include "http_exchange.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define AGENT "vps-test/1.2"
#define CHUNKED_OK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static vps_http_request_t request_to(const char *where)
{
    return (vps_http_request_t){.url = where, .timeout_ms = 30000, .answer_max = 1000};
}

/* Until the only transfer of multi has ended. */
static CURLcode drive(CURLM *multi)
{
    const time_t deadline = time(NULL) + EXCHANGE_SECONDS;

    for (;;) {
        struct curl_waitfd wait = {.events = CURL_WAIT_POLLIN};
        const CURLMsg *message;
        int count;

        assert_int_equal(curl_multi_perform(multi, &count), CURLM_OK);
        message = curl_multi_info_read(multi, &count);
        if (message != NULL) {
            return message->data.result;
        }
        assert_true(time(NULL) < deadline);
        wait.fd = server.peer >= 0 ? server.peer : server.listener;
        assert_int_equal(curl_multi_poll(multi, &wait, 1, 1000, NULL), CURLM_OK);
        if (wait.revents != 0) {
            serve();
        }
    }
}

/* The caller closes *http. */
static CURLcode run(vps_http_t *http, const vps_http_request_t *request)
{
    CURLM *multi = curl_multi_init();
    CURLcode result;

    memset(server.request, 0, sizeof(server.request));
    server.request_size = 0;
    assert_true(vps_http_open(http, request, AGENT));
    assert_int_equal(curl_multi_add_handle(multi, http->easy), CURLM_OK);
    result = drive(multi);
    curl_multi_remove_handle(multi, http->easy);
    curl_multi_cleanup(multi);
    return result;
}

static void assert_sent(const char *text)
{
    assert_non_null(strstr(server.request, text));
}

/* --- tests --- */

static void test_get(void **state)
{
    vps_http_request_t request = request_to(url);
    vps_http_t http;

    (void)state;
    server.answer = OK_HELLO;
    assert_int_equal(run(&http, &request), CURLE_OK);
    assert_ptr_equal(strstr(server.request, "GET /path?a=b HTTP/1.1\r\n"), server.request);
    assert_sent("\r\nUser-Agent: " AGENT "\r\n");
    assert_null(strstr(server.request, "Content-Length"));
    assert_int_equal(vps_http_status(&http), 200);
    assert_int_equal(http.answer_size, 5);
    assert_string_equal(http.answer, "hello");
    vps_http_close(&http);
}

static void test_header_lines(void **state)
{
    vps_http_request_t request = request_to(url);
    vps_http_t http;

    (void)state;
    server.answer = OK_HELLO;
    request.header = curl_slist_append(NULL, "X-API-Key: s3cret");
    request.header = curl_slist_append(request.header, "Accept: application/json");
    assert_int_equal(run(&http, &request), CURLE_OK);
    assert_sent("\r\nX-API-Key: s3cret\r\n");
    assert_sent("\r\nAccept: application/json\r\n");
    assert_null(strstr(server.request, "*/*"));
    vps_http_close(&http);
    curl_slist_free_all(request.header);
}

/* The body counts by its size: it may hold NUL, be part of a larger text, or be empty. */
static void test_post(void **state)
{
    static const char body[] = "{\"a\":\0\"\xff\"} and more";
    static const size_t sizes[] = {0, 1, 9, 4000};
    char large[4000];

    (void)state;
    memset(large, 'x', sizeof(large));
    memcpy(large, body, sizeof(body));
    server.answer = OK_HELLO;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        vps_http_request_t request = request_to(url);
        vps_http_t http;
        char length[40];
        const char *sent;

        request.body = large;
        request.body_size = sizes[i];
        assert_int_equal(run(&http, &request), CURLE_OK);
        assert_ptr_equal(strstr(server.request, "POST /path?a=b HTTP/1.1\r\n"), server.request);
        (void)snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", sizes[i]);
        assert_sent(length);
        sent = strstr(server.request, "\r\n\r\n") + 4;
        assert_int_equal(server.request + server.request_size - sent, sizes[i]);
        assert_memory_equal(sent, large, sizes[i]);
        vps_http_close(&http);
    }
}

static void test_answers(void **state)
{
    static const struct {
        const char *answer;
        long status;
        const char *body; /* NULL = none */
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, NULL},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204, NULL},
        {"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", 404, "gone"},
        {CHUNKED_OK "3\r\none\r\n4\r\n two\r\n0\r\n\r\n", 200, "one two"},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        vps_http_request_t request = request_to(url);
        vps_http_t http;

        server.answer = cases[i].answer;
        assert_int_equal(run(&http, &request), CURLE_OK);
        assert_int_equal(vps_http_status(&http), cases[i].status);
        if (cases[i].body == NULL) {
            assert_null(http.answer);
            assert_int_equal(http.answer_size, 0);
        } else {
            assert_string_equal(http.answer, cases[i].body);
            assert_int_equal(http.answer_size, strlen(cases[i].body));
        }
        vps_http_close(&http);
    }
}

/* The cap is on all parts together, told of beforehand or not. */
static void test_answer_cap(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789",
        "HTTP/1.0 200 OK\r\n\r\n123456789",
        CHUNKED_OK "4\r\n1234\r\n4\r\n5678\r\n1\r\n9\r\n0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        for (size_t max = 0; max <= 10; max++) {
            vps_http_request_t request = request_to(url);
            vps_http_t http;

            server.answer = answers[i];
            request.answer_max = max;
            assert_int_equal(run(&http, &request), max >= 9 ? CURLE_OK : CURLE_WRITE_ERROR);
            assert_true(http.answer_size <= max);
            vps_http_close(&http);
        }
    }
}

/* A redirect is an answer like any other: nothing travels to where it points. */
static void test_redirect_is_not_followed(void **state)
{
    static const int statuses[] = {301, 302, 303, 307, 308};

    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        vps_http_request_t request = request_to(url);
        vps_http_t http;
        char answer[200];

        (void)snprintf(answer, sizeof(answer),
                       "HTTP/1.1 %d Elsewhere\r\nContent-Length: 0\r\n"
                       "Location: http://127.0.0.1:%u/other\r\n\r\n",
                       statuses[i], server.port);
        server.answer = answer;
        server.connections = 0;
        assert_int_equal(run(&http, &request), CURLE_OK);
        assert_int_equal(vps_http_status(&http), statuses[i]);
        assert_int_equal(server.connections, 1);
        vps_http_close(&http);
    }
}

/* With a proxy the whole URL is asked for there; the environment counts only when nobody says. */
static void test_proxy(void **state)
{
    static const struct {
        bool environment; /* names the server as proxy */
        bool exempt;      /* but for every host */
        const char *proxy;
        bool used;
    } cases[] = {
        {true, false, NULL, true},   {true, true, NULL, false}, {true, false, "", false},
        {false, false, NULL, false}, {false, true, url, true},
    };

    (void)state;
    server.answer = OK_HELLO;
    for (size_t i = 0; i < COUNT(cases); i++) {
        vps_http_request_t request = request_to(url);
        vps_http_t http;
        const char *expected = cases[i].used ? "GET http://127.0.0.1:" : "GET /path?a=b ";

        request.proxy = cases[i].proxy;
        setenv("no_proxy", cases[i].exempt ? "*" : "", 1);
        setenv("http_proxy", cases[i].environment ? url : "", 1);
        assert_int_equal(run(&http, &request), CURLE_OK);
        assert_ptr_equal(strstr(server.request, expected), server.request);
        vps_http_close(&http);
    }
    unsetenv("http_proxy");
    setenv("no_proxy", "*", 1);
}

static void test_other_protocols_are_refused(void **state)
{
    static const char *const schemes[] = {"file", "ftp", "gopher", "dict", "telnet", "ws", "none"};

    (void)state;
    server.answer = OK_HELLO;
    for (size_t i = 0; i < COUNT(schemes); i++) {
        char where[64];
        vps_http_request_t request = request_to(where);
        vps_http_t http;

        /* file: the one file that is there on every machine */
        (void)snprintf(where, sizeof(where), "%s://127.0.0.1:%u/dev/null", schemes[i], server.port);
        if (i == 0) {
            (void)snprintf(where, sizeof(where), "file:///dev/null");
        }
        assert_int_equal(run(&http, &request), CURLE_UNSUPPORTED_PROTOCOL);
        assert_int_equal(vps_http_status(&http), 0);
        assert_int_equal(server.connections, 0);
        vps_http_close(&http);
    }
}

/* What is to be trusted or shown is missing: nothing else is taken instead, and nothing is asked. */
static void test_tls_files_are_missing(void **state)
{
    static const struct {
        vps_http_tls_t tls;
        CURLcode result;
    } cases[] = {
        {{.ca_file = "/nowhere/ca.pem"}, CURLE_SSL_CACERT_BADFILE},
        {{.cert_file = "/nowhere/cert.pem"}, CURLE_SSL_CERTPROBLEM},
        {{.cert_file = "/nowhere/cert.pem", .insecure = true}, CURLE_SSL_CERTPROBLEM},
    };
    char where[64];

    (void)state;
    (void)snprintf(where, sizeof(where), "https://127.0.0.1:%u/", server.port);
    for (size_t i = 0; i < COUNT(cases); i++) {
        vps_http_request_t request = request_to(where);
        vps_http_t http;

        request.tls = &cases[i].tls;
        assert_int_equal(run(&http, &request), cases[i].result);
        assert_int_equal(server.request_size, 0);
        vps_http_close(&http);
        hang_up();
    }
}

/* A server that takes the request and says nothing. */
static void test_time_limit(void **state)
{
    vps_http_request_t request = request_to(url);
    vps_http_t http;

    (void)state;
    request.timeout_ms = 50;
    assert_int_equal(run(&http, &request), CURLE_OPERATION_TIMEDOUT);
    assert_int_equal(vps_http_status(&http), 0);
    assert_string_not_equal(http.error, "");
    vps_http_close(&http);
}

static void test_nobody_there(void **state)
{
    vps_http_request_t request = request_to(url);
    vps_http_t http;

    (void)state;
    shutdown(server.listener, SHUT_RDWR); /* the port stays ours, closed */
    assert_int_equal(run(&http, &request), CURLE_COULDNT_CONNECT);
    assert_string_not_equal(http.error, "");
    assert_null(http.answer);
    vps_http_close(&http);
}

static void test_handle(void **state)
{
    static const vps_http_t zero;
    vps_http_request_t request = request_to(url);
    vps_http_t http;
    char *owner = NULL;

    (void)state;
    memset(&http, 'x', sizeof(http));
    assert_true(vps_http_open(&http, &request, AGENT));
    assert_int_equal(curl_easy_getinfo(http.easy, CURLINFO_PRIVATE, &owner), CURLE_OK);
    assert_ptr_equal(owner, &http);
    assert_int_equal(vps_http_status(&http), 0);
    assert_null(http.answer);
    assert_string_equal(http.error, "");
    vps_http_close(&http);
    assert_memory_equal(&http, &zero, sizeof(http));
    vps_http_close(&http);
}

/* What libcurl does not take is no half-open handle. */
static void test_refused_request(void **state)
{
    char *endless = endless_text();
    vps_http_request_t request = request_to(endless);
    vps_http_t http;

    (void)state;
    assert_false(vps_http_open(&http, &request, AGENT));
    assert_null(http.easy);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_header_lines, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_post, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_answers, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_answer_cap, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_redirect_is_not_followed, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_proxy, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_other_protocols_are_refused, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_tls_files_are_missing, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_time_limit, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_nobody_there, start_server, stop_server),
        cmocka_unit_test(test_handle),
        cmocka_unit_test(test_refused_request),
    };

    return cmocka_run_group_tests_name("http", tests, start_curl, stop_curl);
}
