/*
 * mod_vpnsentinel/delivery.h: every message to Telegram until it is accepted, in order, none twice,
 * whatever Telegram and the store do. The store is played here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery.h"
#include "http_exchange.h"
#include "httpd_log.h"
#include "message.h"
#include "outbox.h"
#include "pool.h"
#include "transfers_exchange.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TOKEN "7654321:AAtest-token_0123456789"
#define CHAT "-1001234567890"
#define HTTP(status, body) "HTTP/1.0 " status "\r\n\r\n" body
#define TAKEN HTTP("200 OK", "{\"ok\":true,\"result\":{\"message_id\":7}}")
#define ERROR(code, description)                                                                   \
    HTTP(#code " Error",                                                                           \
         "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" description "\"}")
#define GARBAGE HTTP("200 OK", "<html>")
#define UNPARSABLE ERROR(400, "Bad Request: can't parse entities: at byte 7")

/* --- the store --- */

#define MESSAGES_MAX 8

struct store_t {
    struct {
        uint64_t id;
        event_t event;
    } messages[MESSAGES_MAX]; /* oldest first */
    size_t count;
    uint64_t next_id;
    uint64_t to_remove;     /* id, 0 = none */
    unsigned failures;      /* commits that fail before one succeeds */
    store_result_t success; /* what it says then */
    unsigned commits;
};

static struct store_t store;

static void drop_message(size_t index)
{
    assert_true(index < store.count);
    store.count--;
    memmove(&store.messages[index], &store.messages[index + 1],
            (store.count - index) * sizeof(store.messages[0]));
}

bool store_next_message(store_t *self, uint64_t after, uint64_t *message, event_t *event)
{
    assert_ptr_equal(self, &store);
    assert_int_equal(after, 0);
    assert_int_equal(store.to_remove, 0);
    if (store.count > 0) {
        *message = store.messages[0].id;
        *event = store.messages[0].event;
    }
    return store.count > 0;
}

bool store_is_settled(store_t *self, uint64_t uid)
{
    bool waits = false;

    assert_ptr_equal(self, &store);
    for (size_t i = 0; i < store.count; i++) {
        waits = waits || store.messages[i].event.uid == uid;
    }
    return !waits;
}

void store_remove_message(store_t *self, uint64_t message)
{
    assert_ptr_equal(self, &store);
    assert_int_equal(store.to_remove, 0);
    store.to_remove = message;
}

void store_commit(store_t *self, store_done_t *done, void *ctx)
{
    const bool fails = store.failures > 0;

    assert_ptr_equal(self, &store);
    for (size_t i = 0; !fails && i < store.count; i++) {
        if (store.messages[i].id == store.to_remove) {
            drop_message(i);
        }
    }
    store.commits++;
    store.failures -= fails;
    store.to_remove = 0;
    done(ctx, fails ? STORE_FAILED : store.success);
}

/* --- what is delivered --- */

static delivery_settings_t settings;
static transfers_t *transfers;
static delivery_t *delivery;
static int64_t due;
static uint64_t delivered[MESSAGES_MAX]; /* uids, as told */
static size_t delivered_count;

static void note_delivered(void *ctx, uint64_t uid)
{
    assert_ptr_equal(ctx, &delivered_count);
    assert_true(delivered_count < MESSAGES_MAX);
    assert_true(store_is_settled(&store, uid));
    delivered[delivered_count++] = uid;
}

/* Of a client, or of the server (uid 0). */
static event_t event_of(uint64_t uid, uint64_t number)
{
    event_t event = {.uid = uid, .number = number, .when = 1700000000, .kind = EVENT_STARTED};

    if (uid != 0) {
        event.kind = EVENT_CONNECTED;
        (void)snprintf(event.client_id, sizeof(event.client_id), "client-%u-%u", (unsigned)uid,
                       (unsigned)number);
    }
    return event;
}

/* A message that waits; its text has "client-UID-NUMBER" in it. */
static void put(uint64_t uid, uint64_t number)
{
    assert_true(store.count < MESSAGES_MAX);
    store.messages[store.count].id = store.next_id++;
    store.messages[store.count++].event = event_of(uid, number);
}

static int start(void **state)
{
    static char base[64];

    if (start_server(state) != 0) {
        return -1;
    }
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", server.port);
    settings = (delivery_settings_t){.base = base, .token = TOKEN, .chat = CHAT};
    store = (struct store_t){.next_id = 100, .success = STORE_DURABLE};
    delivered_count = 0;
    forget_lines();
    memset(requests, 0, sizeof(requests));
    transfers = transfers_open(NULL, pool);
    delivery =
        delivery_create(&settings, &store, transfers, note_delivered, &delivered_count, pool);
    return delivery != NULL ? 0 : -1;
}

/* Wherever the token went, it is in no log. */
static void assert_no_token(const kept_t *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        assert_null(strstr(kept->line[i], "AAtest"));
    }
}

static int stop(void **state)
{
    vitals_t vitals = {0};

    assert_no_token(&log_lines);
    assert_no_token(&error_log_lines);
    delivery_tell(delivery, &vitals);
    assert_null(strstr(vitals.telegram_error, "AAtest"));
    transfers_close(transfers);
    return stop_server(state);
}

static bool is_idle(void)
{
    return !delivery_is_busy(delivery);
}

/* One call when it is time; Telegram says this when it is asked. */
static void tend(const char *answer)
{
    const char *const answers[] = {answer, NULL};

    script = answers;
    due = delivery_tend(delivery, INT64_MAX - 1);
    assert_true(due == INT64_MAX || !delivery_is_busy(delivery));
    run_until(transfers, is_idle);
}

/* Is the next call wanted so long after now? */
static void assert_due_in(int64_t least, int64_t most)
{
    const int64_t now = clock_monotonic();

    due = delivery_tend(delivery, 0);
    assert_in_range(due, now - 20 * CLOCK_SECOND + least, now + most);
}

static void assert_sent(unsigned index, const char *text)
{
    assert_true(index < server.connections);
    assert_non_null(strstr(requests[index], text));
}

/* --- tests --- */

static void test_off(void **state)
{
    delivery_t *off = delivery_create(NULL, &store, transfers, note_delivered, NULL, pool);
    vitals_t vitals = {.telegram_enabled = true, .last_success = 1};

    (void)state;
    put(1, 1);
    assert_non_null(off);
    assert_false(delivery_is_on(off));
    assert_true(delivery_is_on(delivery));
    assert_int_equal(delivery_tend(off, INT64_MAX - 1), INT64_MAX);
    assert_false(delivery_is_busy(off));
    assert_int_equal(store.count, 1);
    delivery_tell(off, &vitals);
    assert_false(vitals.telegram_enabled);
    assert_int_equal(vitals.last_success, 1); /* an earlier monitor's */
}

static void test_delivery(void **state)
{
    vitals_t vitals = {0};

    (void)state;
    assert_int_equal(delivery_tend(delivery, 1), INT64_MAX);
    put(1, 1);
    tend(TAKEN);
    assert_int_equal(server.connections, 1);
    assert_sent(0, "POST /bot" TOKEN "/sendMessage HTTP/1.1\r\n");
    assert_sent(0, "\r\nContent-Type: application/json\r\n");
    assert_sent(0, "{\"chat_id\":" CHAT ",\"text\":\"");
    assert_sent(0, "\"parse_mode\":\"HTML\"");
    assert_sent(0, message_title(EVENT_CONNECTED));
    assert_sent(0, "client-1-1");
    assert_int_equal(store.count, 0);
    assert_int_equal(delivered_count, 1);
    assert_int_equal(delivered[0], 1);
    delivery_tell(delivery, &vitals);
    assert_true(vitals.telegram_enabled);
    assert_string_equal(vitals.telegram_error, "");
    assert_in_range(vitals.last_success, time(NULL) - 20, time(NULL));
    assert_int_equal(log_lines.count, count_lines(VPS_DEBUG, "[telegram] "));
}

/* In order, paced; a client has its messages when the last one is there, and so has the server. */
static void test_several(void **state)
{
    (void)state;
    put(1, 1);
    put(0, 1);
    put(2, 1);
    put(1, 2);
    for (unsigned i = 0; i < 4; i++) {
        tend(TAKEN);
        if (i < 3) {
            assert_due_in(OUTBOX_PACE, OUTBOX_PACE);
        }
    }
    assert_sent(0, "client-1-1");
    assert_sent(1, message_title(EVENT_STARTED));
    assert_sent(2, "client-2-1");
    assert_sent(3, "client-1-2");
    assert_int_equal(server.connections, 4);
    assert_int_equal(delivered_count, 3);
    assert_int_equal(delivered[0], 0);
    assert_int_equal(delivered[1], 2);
    assert_int_equal(delivered[2], 1);
}

/* While a message is on its way nothing else goes, and nothing leaves the store. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    put(1, 1);
    put(2, 1);
    assert_int_equal(delivery_tend(delivery, INT64_MAX - 1), INT64_MAX);
    assert_true(delivery_is_busy(delivery));
    assert_int_equal(delivery_tend(delivery, INT64_MAX - 1), INT64_MAX);
    assert_int_equal(store.count, 2);
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_int_equal(store.count, 1);
    assert_int_equal(server.connections, 1);
}

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
        {ERROR(403, "Forbidden: bot was blocked by the user"),
         "HTTP 403: Forbidden: bot was blocked by the user", 300},
        {HTTP("502 " TOKEN, TOKEN), "HTTP 502", 60},
        {ERROR(404, "no bot " TOKEN), "HTTP 404: no bot ***", 300},
    };
    vitals_t vitals;

    (void)state;
    put(1, 1);
    put(2, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        tend(cases[i].answer);
        assert_sent(server.connections - 1, "client-1-1");
        assert_int_equal(store.count, 2);
        assert_int_equal(delivered_count, 0);
        assert_due_in(cases[i].wait * CLOCK_SECOND,
                      (cases[i].wait + cases[i].wait / 5 + 1) * CLOCK_SECOND);
        if (cases[i].error != NULL) {
            delivery_tell(delivery, &vitals);
            assert_string_equal(vitals.telegram_error, cases[i].error);
        }
    }
    tend(TAKEN);
    assert_sent(server.connections - 1, "client-1-1");
    assert_int_equal(store.count, 1);
    delivery_tell(delivery, &vitals);
    assert_string_equal(vitals.telegram_error, "");
}

/* Each reason once, its end once; a refusal is the administrator's business too. */
static void test_log(void **state)
{
    (void)state;
    put(1, 1);
    put(2, 1);
    for (int i = 0; i < 3; i++) {
        tend(HTTP("429 Limit", ""));
    }
    assert_int_equal(count_lines(VPS_ERROR, "[telegram] ❌ Failed to send message: HTTP 429"), 1);
    assert_int_equal(count_lines(VPS_DEBUG, "[telegram] ❌ Failed to send message: HTTP 429"), 2);
    assert_int_equal(error_log_lines.count, 0);
    for (int i = 0; i < 3; i++) {
        tend(ERROR(401, "Unauthorized"));
    }
    assert_int_equal(count_lines(VPS_ERROR, "HTTP 401: Unauthorized"), 1);
    assert_int_equal(error_log_lines.count, 1);
    assert_int_equal(error_log_lines.level[0], APLOG_ERR);
    assert_non_null(strstr(error_log_lines.line[0], "VPNS0060: "));
    assert_non_null(strstr(error_log_lines.line[0], "HTTP 401: Unauthorized"));
    tend(HTTP("429 Limit", ""));
    assert_int_equal(count_lines(VPS_ERROR, "HTTP 429"), 2);
    assert_int_equal(count_lines(VPS_INFO, ""), 0);
    tend(TAKEN);
    assert_int_equal(count_lines(VPS_INFO, "[telegram] ✅ Messages are delivered again"), 1);
    tend(TAKEN);
    assert_int_equal(count_lines(VPS_INFO, ""), 1);
    assert_int_equal(count_lines(VPS_DEBUG, "Delivered: "), 2);
}

/* HTML that they cannot read goes at once as plain text, the next message in HTML again. */
static void test_unparsable(void **state)
{
    (void)state;
    put(1, 1);
    put(2, 1);
    tend(UNPARSABLE);
    assert_due_in(0, 0);
    tend(TAKEN);
    assert_int_equal(server.connections, 2);
    assert_sent(1, "client-1-1");
    assert_null(strstr(requests[1], "parse_mode"));
    assert_int_equal(store.count, 1);
    tend(TAKEN);
    assert_sent(2, "client-2-1");
    assert_sent(2, "parse_mode");
}

/* A removal that fails is done again; the message is not sent again. */
static void test_failed_removal(void **state)
{
    (void)state;
    put(1, 1);
    put(2, 1);
    store.failures = 3;
    tend(TAKEN);
    assert_int_equal(store.commits, 1);
    assert_int_equal(store.count, 2);
    assert_int_equal(delivered_count, 0);
    store.messages[0].id = store.next_id++; /* the store has degraded meanwhile */
    for (unsigned i = 2; i <= 3; i++) {
        const int64_t before = clock_monotonic();

        tend(TAKEN);
        assert_true(due >= before + OUTBOX_RETRY_MIN);
        assert_int_equal(store.commits, i);
        assert_int_equal(store.count, 2);
    }
    store.success = STORE_VOLATILE;
    tend(TAKEN);
    assert_int_equal(store.count, 1);
    assert_int_equal(delivered_count, 1);
    assert_int_equal(delivered[0], 1);
    assert_int_equal(server.connections, 1);
    tend(TAKEN);
    assert_int_equal(server.connections, 2);
    assert_sent(1, "client-2-1");
}

/* The store loses sight of the disk while the message is on its way, and shows it again later. */
static void test_store_changes_meanwhile(void **state)
{
    (void)state;
    put(1, 1);
    due = delivery_tend(delivery, INT64_MAX - 1);
    drop_message(0);
    put(2, 1);
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_int_equal(store.count, 1);
    assert_int_equal(store.commits, 0);
    assert_int_equal(delivered_count, 1);
    assert_int_equal(delivered[0], 1);
    tend(TAKEN);
    assert_sent(1, "client-2-1");
    put(1, 1);
    put(1, 2);
    put(2, 1);
    tend(TAKEN);
    assert_int_equal(server.connections, 2);
    assert_int_equal(store.count, 2);
    tend(TAKEN);
    assert_int_equal(server.connections, 3);
    assert_sent(2, "client-1-2");
    tend(TAKEN);
    assert_int_equal(server.connections, 3);
    assert_int_equal(store.count, 0);
}

/* What cannot even be begun is tried again like everything else. */
static void test_request_cannot_begin(void **state)
{
    enum { TOO_LONG = 8000001 }; /* bytes; libcurl's limit of a text */
    char *endless = malloc(TOO_LONG + 1);
    vitals_t vitals;

    (void)state;
    assert_non_null(endless);
    memset(endless, 'x', TOO_LONG);
    endless[TOO_LONG] = '\0';
    settings.base = endless;
    delivery =
        delivery_create(&settings, &store, transfers, note_delivered, &delivered_count, pool);
    put(1, 1);
    due = delivery_tend(delivery, INT64_MAX - 1);
    assert_false(delivery_is_busy(delivery));
    assert_int_equal(store.count, 1);
    assert_due_in(OUTBOX_RETRY_MIN, OUTBOX_RETRY_MIN + OUTBOX_RETRY_MIN / 5);
    delivery_tell(delivery, &vitals);
    assert_string_equal(vitals.telegram_error, "out of memory");
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
        cmocka_unit_test_setup_teardown(test_off, start, stop),
        cmocka_unit_test_setup_teardown(test_delivery, start, stop),
        cmocka_unit_test_setup_teardown(test_several, start, stop),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, start, stop),
        cmocka_unit_test_setup_teardown(test_until_it_is_accepted, start, stop),
        cmocka_unit_test_setup_teardown(test_log, start, stop),
        cmocka_unit_test_setup_teardown(test_unparsable, start, stop),
        cmocka_unit_test_setup_teardown(test_failed_removal, start, stop),
        cmocka_unit_test_setup_teardown(test_store_changes_meanwhile, start, stop),
        cmocka_unit_test_setup_teardown(test_request_cannot_begin, start, stop),
    };

    return cmocka_run_group_tests_name("delivery", tests, start_all, stop_all);
}
