/*
 * mod_vpnsentinel/webhook.h and webhooks.h on a real store: order, repeats, what is given up, what becomes
 * of accepted events when the disk fails; requests are played.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock_ahead.h"
#include "httpd_log.h"
#include "store_folder.h"
#include "webhook_retry.h"
#include "webhooks.h"

#define SENT_MAX 64

/* What was sent, oldest first: numbers of events, and ids. */
static struct {
    unsigned count;
    int number[SENT_MAX];
    char id[SENT_MAX][WEBHOOK_ID_SIZE];
    transfer_done_t *done; /* of the request under way, NULL = none is */
    void *ctx;
    bool is_signed;
} sent;

static store_t *store;
static webhook_t *webhook;
static webhook_target_t target, second;
static counters_t counters;
static unsigned delivered;

/* Instead of transfer.c's. The number of an event is in its body, as its time is. */
bool transfers_start(transfers_t *transfers, const vps_http_request_t *request, const char *secret,
                     transfer_done_t *done, void *ctx)
{
    json_object *body = json_tokener_parse(request->body), *when;

    (void)transfers;
    assert_null(sent.done); /* one at a time */
    assert_true(sent.count < SENT_MAX);
    assert_string_equal(request->url, target.url);
    assert_string_equal(secret, "/secret");
    assert_int_equal(request->body_size, strlen(request->body));
    assert_true(json_object_object_get_ex(body, "note", &when));
    sent.number[sent.count] = json_object_get_int(when);
    sent.is_signed = false;
    for (const struct curl_slist *line = request->header; line != NULL; line = line->next) {
        if (sscanf(line->data, "webhook-id: %36s", sent.id[sent.count]) == 1) {
            continue;
        }
        sent.is_signed = sent.is_signed || strncmp(line->data, "webhook-signature: v1,", 22) == 0;
    }
    json_object_put(body);
    sent.count++;
    sent.done = done;
    sent.ctx = ctx;
    return true;
}

static void answer_with(const transfer_answer_t *answer)
{
    transfer_done_t *done = sent.done;

    assert_non_null(done);
    sent.done = NULL;
    done(sent.ctx, answer);
}

static void answer(long status)
{
    transfer_answer_t with = {.status = status, .body = ""};

    snprintf(with.reason, sizeof(with.reason), "HTTP %ld", status);
    answer_with(&with);
}

static void note_delivered(void *ctx)
{
    assert_ptr_equal(ctx, &delivered);
    delivered++;
}

static const webhook_setup_t *setup(void)
{
    static webhook_setup_t all;

    all = (webhook_setup_t){.store = store,
                            .counters = &counters,
                            .server = {"vpn.example.org", 1},
                            .delivered = note_delivered,
                            .ctx = &delivered};
    return &all;
}

static int start(void **state)
{
    if (folder_start(state) != 0) {
        return -1;
    }
    memset(&sent, 0, sizeof(sent));
    memset(&counters, 0, sizeof(counters));
    forget_lines();
    delivered = 0;
    clock_ahead = 0;
    assert_null(webhook_target_read(&target, "https://hooks.example.org/secret", pool));
    assert_null(webhook_target_read(&second, "https://other.example.org/secret", pool));
    store = open_store();
    webhook = webhook_create(&target, setup(), pool);
    return 0;
}

static int stop(void **state)
{
    assert_not_logged("/secret");
    store_close(store);
    return folder_stop(state);
}

static void put_at(uint64_t first, uint64_t last, int64_t when)
{
    for (uint64_t number = first; number <= last; number++) {
        event_t event = full_event(1, number);

        event.when = when;
        snprintf(event.note, sizeof(event.note), "%d", (int)number);
        store_put_event(store, &event, false);
        store_put_message(store, event.id, target.destination);
    }
}

static void put(uint64_t first, uint64_t last)
{
    put_at(first, last, wall_seconds());
    assert_durable(store);
}

/* Do all that is due now. Returns when something is due. */
static int64_t tend_webhook(void)
{
    const int64_t at = clock_monotonic();
    int64_t due;

    do {
        due = webhook_tend(webhook, at);
    } while (due <= at);
    return due;
}

static webhook_vitals_t told(void)
{
    webhook_vitals_t vitals = {0};

    webhook_count(webhook);
    webhook_tell(webhook, &vitals);
    return vitals;
}

#define ASSERT_SENT(...)                                                                           \
    do {                                                                                           \
        const int expected[] = {__VA_ARGS__};                                                      \
        assert_int_equal(sent.count, COUNT(expected));                                             \
        assert_memory_equal(sent.number, expected, sizeof(expected));                              \
    } while (0)

/* --- order --- */

static void test_one_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(tend_webhook(), INT64_MAX);
    put(1, 3);
    for (int number = 1; number <= 3; number++) {
        assert_int_equal(tend_webhook(), INT64_MAX); /* it waits for the answer */
        assert_true(webhook_is_busy(webhook));
        assert_int_equal(sent.number[number - 1], number);
        assert_false(sent.is_signed);
        answer(200);
    }
    assert_int_equal(tend_webhook(), INT64_MAX);
    ASSERT_SENT(1, 2, 3);
    assert_int_equal(delivered, 3);
    assert_int_equal(counters_get(&counters, COUNT_WEBHOOK_SENT), 3);
    assert_int_equal(told().queued, 0);
    assert_true(told().last_success > 0);
    assert_string_equal(told().host, "hooks.example.org");
    put(4, 4);
    (void)tend_webhook();
    ASSERT_SENT(1, 2, 3, 4);
    answer(204);
}

static void test_signed_with_a_secret(void **state)
{
    (void)state;
    assert_null(webhook_target_read_secret(&target, "0123456789abcdef", pool));
    put(1, 1);
    (void)tend_webhook();
    assert_true(sent.is_signed);
    answer(200);
}

static void test_again_until_it_is_accepted(void **state)
{
    static const long statuses[] = {500, 0, 302, 429};

    (void)state;
    put(1, 2);
    for (size_t i = 0; i < COUNT(statuses); i++) {
        (void)tend_webhook();
        assert_int_equal(sent.count, i + 1);
        answer(statuses[i]);
        assert_true(tend_webhook() > clock_monotonic()); /* not at once */
        assert_int_equal(sent.count, i + 1);
        clock_ahead += 60;
    }
    assert_string_equal(told().error, "HTTP 429");
    assert_int_equal(told().queued, 2);
    (void)tend_webhook();
    answer(200);
    (void)tend_webhook();
    ASSERT_SENT(1, 1, 1, 1, 1, 2);
    assert_string_equal(sent.id[4], sent.id[0]);
    assert_string_not_equal(sent.id[5], sent.id[0]);
    assert_string_equal(told().error, "");
    assert_int_equal(counters_get(&counters, COUNT_WEBHOOK_FAILED), COUNT(statuses));
    assert_int_equal(count_lines(VPS_INFO, "again"), 1);
    answer(200);
}

static void test_refused(void **state)
{
    (void)state;
    put(1, 1);
    (void)tend_webhook();
    answer(410);
    assert_true(tend_webhook() > clock_monotonic());
    clock_ahead += 60;
    (void)tend_webhook();
    ASSERT_SENT(1);
    clock_ahead += 720;
    (void)tend_webhook();
    ASSERT_SENT(1, 1);
    answer(410);
    assert_int_equal(count_lines(VPS_ERROR, "HTTP 410"), 1); /* told once */
    assert_int_equal(error_log_lines.count, 1);
}

/* A monitor that ends waits for the answer, and does nothing behind it. */
static void test_what_is_accepted_leaves_the_store_at_once(void **state)
{
    (void)state;
    put(1, 2);
    (void)tend_webhook();
    answer(200);
    assert_int_equal(waiting_for(store, target.destination), 2);
    assert_false(webhook_is_busy(webhook));
    ASSERT_SENT(1);
}

/* The receiver said 200 before the connection broke. */
static void test_an_answer_that_breaks_off(void **state)
{
    const transfer_answer_t broken = {.begun = 200, .body = "", .reason = "reset"},
                            refused = {.begun = 500, .body = "", .reason = "reset"};

    (void)state;
    put(1, 1);
    (void)tend_webhook();
    answer_with(&refused);
    clock_ahead += 60;
    (void)tend_webhook();
    answer_with(&broken);
    (void)tend_webhook();
    ASSERT_SENT(1, 1);
    assert_int_equal(told().queued, 0);
}

/* --- giving up --- */

static void test_too_old(void **state)
{
    (void)state;
    put_at(1, 300, wall_seconds() - WEBHOOK_AGE_MAX + 60);
    put(301, 302);
    (void)tend_webhook();
    answer(500);
    (void)tend_webhook();
    assert_int_equal(told().queued, 302); /* not yet too old */
    clock_ahead += 120;
    (void)tend_webhook();
    ASSERT_SENT(1, 301);
    assert_int_equal(told().queued, 2);
    assert_int_equal(counters_get(&counters, COUNT_WEBHOOK_DROPPED), 300);
    assert_int_equal(count_lines(VPS_ERROR, "Gave up"), 2); /* 256 at once */
    assert_int_equal(delivered, 2);
    answer(200);
}

/* A clock that is set forward makes no event old while all is well. */
static void test_nothing_is_given_up_without_a_failure(void **state)
{
    (void)state;
    put_at(1, 2, wall_seconds() - 2 * WEBHOOK_AGE_MAX);
    assert_durable(store);
    (void)tend_webhook();
    answer(200);
    (void)tend_webhook();
    answer(200);
    ASSERT_SENT(1, 2);
    assert_int_equal(counters_get(&counters, COUNT_WEBHOOK_DROPPED), 0);
}

static void test_too_many(void **state)
{
    (void)state;
    put(1, WEBHOOK_QUEUE_MAX + 300);
    (void)tend_webhook();
    answer(0);
    (void)tend_webhook();
    assert_int_equal(told().queued, WEBHOOK_QUEUE_MAX);
    clock_ahead += 60;
    (void)tend_webhook();
    ASSERT_SENT(1, 301);
    assert_int_equal(counters_get(&counters, COUNT_WEBHOOK_DROPPED), 300);
    answer(200);
}

/* --- a disk that fails --- */

static void lose_disk(void)
{
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
}

/* What was accepted while the disk went is not sent again. */
static void test_accepted_when_the_disk_fails(void **state)
{
    (void)state;
    put(1, 3);
    (void)tend_webhook();
    lose_disk();
    answer(200); /* the removal fails */
    (void)tend_webhook();
    ASSERT_SENT(1); /* the store is given a moment */
    clock_ahead += 2;
    (void)tend_webhook();
    ASSERT_SENT(1, 2);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    answer(200);
    now = clock_monotonic();
    assert_true(tend(store));
    (void)tend_webhook();
    ASSERT_SENT(1, 2, 3);
    answer(200);
    (void)tend_webhook();
    assert_int_equal(told().queued, 0);
}

/* Killed between the answer and the removal: again, under the same id. */
static void test_another_monitor(void **state)
{
    (void)state;
    put(1, 1);
    (void)tend_webhook();
    webhook = webhook_create(&target, setup(), pool);
    sent.done = NULL;
    (void)tend_webhook();
    ASSERT_SENT(1, 1);
    assert_string_equal(sent.id[0], sent.id[1]);
    answer(200);
}

/* What an earlier monitor told of the same destination goes on, of another one nothing. */
static void test_vitals_go_on(void **state)
{
    webhook_vitals_t vitals = {.destination = target.destination, .last_success = 7};

    (void)state;
    webhook_tell(webhook, &vitals);
    assert_int_equal(vitals.last_success, 7);
    vitals.destination = second.destination;
    webhook_tell(webhook, &vitals);
    assert_int_equal(vitals.last_success, 0);
    assert_int_equal(vitals.destination, target.destination);
}

/* --- all of them --- */

static void test_a_webhook_that_is_gone(void **state)
{
    config_t config = {.webhooks = apr_array_make(pool, 1, sizeof(webhook_target_t))};
    const uint64_t *destination;
    webhooks_t *webhooks;
    event_t event = full_event(2, 1);

    (void)state;
    APR_ARRAY_PUSH(config.webhooks, webhook_target_t) = target;
    put(1, 2);
    store_put_event(store, &event, true);
    store_put_message(store, event.id, second.destination);
    assert_durable(store);
    webhooks = webhooks_create(&config, setup(), pool);
    assert_int_equal(webhooks_destinations(webhooks, &destination), 1);
    assert_int_equal(destination[0], target.destination);
    assert_int_equal(waiting_for(store, target.destination), 12);
    assert_int_equal(waiting_for(store, second.destination), 0);
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 1);
    assert_int_equal(counters_get(&counters, COUNT_WEBHOOK_DROPPED), 1);
    assert_int_equal(count_lines(VPS_WARN, "not configured any more"), 1);
    (void)webhooks_create(&(config_t){.webhooks = NULL}, setup(), pool);
    assert_int_equal(waiting_for(store, target.destination), 0);
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_after_the_other),
        TEST(test_signed_with_a_secret),
        TEST(test_again_until_it_is_accepted),
        TEST(test_refused),
        TEST(test_an_answer_that_breaks_off),
        TEST(test_what_is_accepted_leaves_the_store_at_once),
        TEST(test_too_old),
        TEST(test_nothing_is_given_up_without_a_failure),
        TEST(test_too_many),
        TEST(test_accepted_when_the_disk_fails),
        TEST(test_another_monitor),
        TEST(test_vitals_go_on),
        TEST(test_a_webhook_that_is_gone),
    };

    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
