/*
 * mod_vpnsentinel/store.h: what is put comes back, and whole transactions or nothing. What becomes
 * of bad files and disks: store_file.c; of bad content: store_hostile.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>

#include "store_folder.h"

#define BIG_UID (UINT64_C(0x7FFFFFFFFFFFFFFF))

/* --- clients --- */

static void assert_client_returns(const client_t *client)
{
    store_t *store = open_store();
    visited_t visited;

    store_put_client(store, client);
    assert_durable(store);
    store_close(store);
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    visited = read_clients(store);
    store_close(store);
    assert_int_equal(visited.count, 1);
    assert_memory_equal(&visited.client[0], client, sizeof(*client));
}

static void test_every_member_of_a_client_returns(void **state)
{
    client_t client = full_client(BIG_UID);

    (void)state;
    assert_client_returns(&client);
    client.report.vpn_connected = VPS_YES; /* the row is replaced */
    client.report.public_ip = addr("2001:db8::42");
    memset(client.report.city, 0, sizeof(client.report.city));
    client.keepalives++;
    client.announced.number++;
    assert_client_returns(&client);
}

static void test_a_client_that_never_reported_returns(void **state)
{
    client_t client;

    (void)state;
    memset(&client, 0, sizeof(client));
    strcpy(client.report.client_id, "a");
    client.uid = 1;
    client.first_seen = 1700000000u;
    assert_client_returns(&client);
}

/* It is not kept; the client's own clock judges nothing. */
static void test_timestamp_is_dropped(void **state)
{
    client_t client = full_client(1);
    store_t *store = open_store();

    (void)state;
    client.report.timestamp = 1700000000;
    store_put_client(store, &client);
    assert_durable(store);
    assert_int_equal(read_clients(store).client[0].report.timestamp, 0);
    store_close(store);
}

static void test_clients_are_read_in_pages(void **state)
{
    store_t *store = open_store();
    visited_t visited = {.count = 0};
    uint64_t last = 99;

    (void)state;
    assert_int_equal(store_read_clients(store, 0, 2, &last, visit_client, &visited), 0);
    for (uint64_t uid = 5; uid >= 1; uid--) {
        client_t client = full_client(uid);

        store_put_client(store, &client);
    }
    assert_durable(store);
    assert_int_equal(store_read_clients(store, 0, 2, &last, visit_client, &visited), 2);
    assert_int_equal(last, 2);
    assert_int_equal(store_read_clients(store, last, 2, &last, visit_client, &visited), 2);
    assert_int_equal(store_read_clients(store, last, 2, &last, visit_client, &visited), 1);
    assert_int_equal(last, 5);
    assert_int_equal(store_read_clients(store, last, 2, &last, visit_client, &visited), 0);
    assert_int_equal(store_read_clients(store, UINT64_MAX, 2, &last, visit_client, &visited), 0);
    assert_int_equal(visited.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(visited.client[i].uid, i + 1);
    }
    store_close(store);
}

static void test_seen_and_announced_are_put_alone(void **state)
{
    client_t client = full_client(1);
    store_t *store = open_store();
    client_t found;
    announced_t announced;

    (void)state;
    assert_false(store_get_announced(store, 1, &announced));
    store_put_announced(store, &client);
    assert_durable(store);
    assert_true(store_get_announced(store, 1, &announced));
    assert_memory_equal(&announced, &client.announced, sizeof(announced));
    store_put_client(store, &client);
    assert_durable(store);

    client.last_seen = 1;
    client.keepalives = UINT32_MAX;
    strcpy(client.report.city, "elsewhere"); /* which is not put */
    store_put_seen(store, &client);
    client.announced.seq = client.seq = 6;
    history_set(&client.history, 1700090000, LIGHT_GREEN);
    store_put_announced(store, &client);
    assert_durable(store);
    found = read_clients(store).client[0];
    store_close(store);
    assert_int_equal(found.last_seen, 1);
    assert_int_equal(found.keepalives, UINT32_MAX);
    assert_int_equal(found.announced.seq, 6);
    assert_int_equal(found.seq, 6);
    assert_string_not_equal(found.report.city, "elsewhere");
}

static void test_a_removed_client_is_gone_its_events_stay(void **state)
{
    client_t client = full_client(1);
    store_t *store = open_store();
    announced_t announced;

    (void)state;
    store_put_client(store, &client);
    put_events(store, 1, 1, 2);
    assert_durable(store);
    store_remove_client(store, 1);
    assert_durable(store);
    assert_int_equal(read_clients(store).count, 0);
    assert_false(store_get_announced(store, 1, &announced));
    assert_int_equal(read_events(store).count, 2);
    store_close(store);
}

static void test_the_same_client_id_with_another_uid_replaces(void **state)
{
    client_t client = full_client(1);
    store_t *store = open_store();
    announced_t announced;
    visited_t visited;

    (void)state;
    store_put_client(store, &client);
    client.uid = 2;
    store_put_client(store, &client);
    assert_durable(store);
    visited = read_clients(store);
    assert_int_equal(visited.count, 1);
    assert_memory_equal(&visited.client[0], &client, sizeof(client));
    assert_false(store_get_announced(store, 1, &announced));
    store_close(store);
}

/* --- events and messages --- */

static void test_every_member_of_an_event_returns(void **state)
{
    store_t *store = open_store();
    event_t put[EVENT_KINDS + 1];
    uint64_t message;
    event_t event;

    (void)state;
    for (size_t i = 0; i < COUNT(put); i++) {
        put[i] = full_event(BIG_UID, i + 1);
        put[i].kind = (uint8_t)(i % EVENT_KINDS);
    }
    memset(&put[EVENT_KINDS], 0, sizeof(put[0])); /* as bare as can be: the server */
    put[EVENT_KINDS].number = UINT64_MAX;
    for (size_t i = 0; i < COUNT(put); i++) {
        store_put_event(store, &put[i], true);
        assert_int_not_equal(put[i].id, 0);
        assert_true(i == 0 || put[i].id > put[i - 1].id);
    }
    assert_durable(store);
    store_close(store);
    store = open_store();
    for (size_t i = 0; i < COUNT(put); i++) {
        assert_true(store_next_message(store, 0, &message, &event));
        assert_memory_equal(&event, &put[i], sizeof(event));
        store_remove_message(store, message);
        assert_durable(store);
    }
    assert_false(store_next_message(store, 0, &message, &event));
    store_close(store);
}

static void test_an_event_is_recorded_once(void **state)
{
    store_t *store = open_store();
    event_t event = full_event(1, 1);
    int64_t oldest;

    (void)state;
    store_put_event(store, &event, true);
    assert_int_not_equal(event.id, 0);
    store_put_event(store, &event, true); /* in the same transaction */
    assert_int_equal(event.id, 0);
    assert_durable(store);
    store_close(store);
    store = open_store();
    event.kind = EVENT_LEAK;
    store_put_event(store, &event, true); /* and ever after */
    assert_int_equal(event.id, 0);
    event.uid = 2; /* another one */
    store_put_event(store, &event, true);
    assert_int_not_equal(event.id, 0);
    assert_durable(store);
    assert_int_equal(store_queue(store, &oldest), 2);
    assert_int_equal(read_events(store).count, 2);
    assert_int_equal(read_events(store).event[0].kind, EVENT_ADDRESS);
    store_close(store);
}

static void test_messages_wait_in_order(void **state)
{
    store_t *store = open_store();
    event_t event = full_event(3, 1);
    uint64_t message;
    int64_t oldest;

    (void)state;
    assert_int_equal(store_queue(store, &oldest), 0);
    assert_int_equal(oldest, 0);
    put_events(store, 1, 7, 7);
    put_events(store, 2, 1, 1);
    put_events(store, 1, 8, 8);
    store_put_event(store, &event, false); /* recorded only */
    assert_durable(store);
    assert_int_equal(store_queue(store, &oldest), 3);
    assert_int_equal(oldest, 1700000007);
    assert_false(store_is_settled(store, 1));
    assert_false(store_is_settled(store, 2));
    assert_true(store_is_settled(store, 3));
    for (size_t i = 0; i < 3; i++) {
        assert_true(store_next_message(store, 0, &message, &event));
        assert_int_equal(event.uid, i == 1 ? 2 : 1);
        assert_int_equal(event.number, i == 0 ? 7 : i == 1 ? 1 : 8);
        assert_int_equal(store_is_settled(store, 1), false);
        store_remove_message(store, message);
        assert_durable(store);
    }
    assert_true(store_is_settled(store, 1));
    assert_int_equal(store_queue(store, &oldest), 0);
    assert_int_equal(read_events(store).count, 4);
    store_close(store);
}

static void test_messages_are_walked_through(void **state)
{
    store_t *store = open_store();
    uint64_t message = 0, numbers = 0;
    event_t event;

    (void)state;
    put_events(store, 1, 1, 3);
    assert_durable(store);
    while (store_next_message(store, message, &message, &event)) {
        numbers = numbers * 10 + event.number;
    }
    assert_int_equal(numbers, 123);
    assert_false(store_next_message(store, UINT64_MAX, &message, &event));
    store_close(store);
}

static void test_each_destination_has_a_queue(void **state)
{
    const uint64_t one = 1, far = INT64_MAX;
    store_t *store = open_store();
    uint64_t destination;
    int64_t oldest;

    (void)state;
    put_events_to(store, far, 1, 1, 3);
    put_events_to(store, one, 2, 4, 5);
    assert_durable(store);
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 12345);
    assert_int_equal(waiting_for(store, far), 123);
    assert_int_equal(waiting_for(store, one), 45);
    assert_int_equal(waiting_for(store, 2), 0);
    assert_int_equal(store_queue_to(store, one, &oldest), 2);
    assert_int_equal(oldest, 1700000004);
    assert_int_equal(store_queue_to(store, 2, &oldest), 0);
    assert_int_equal(oldest, 0);
    deliver_to(store, far);
    assert_durable(store);
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 12345);
    assert_int_equal(waiting_for(store, far), 23);
    assert_true(store_next_destination(store, STORE_TELEGRAM, &destination));
    assert_int_equal(destination, one);
    assert_true(store_next_destination(store, destination, &destination));
    assert_int_equal(destination, far);
    assert_false(store_next_destination(store, destination, &destination));
    store_remove_queue(store, far);
    store_remove_queue(store, STORE_TELEGRAM);
    assert_durable(store);
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 0);
    assert_int_equal(waiting_for(store, far), 0);
    assert_int_equal(waiting_for(store, one), 45);
    assert_true(store_is_settled(store, 1));
    assert_false(store_is_settled(store, 2));
    store_expire_events(store, INT64_MAX);
    assert_durable(store);
    assert_int_equal(read_events(store).count, 2); /* those that wait stay */
    assert_int_equal(waiting_for(store, one), 45);
    store_close(store);
}

/* Those of the same client and kind, before it, and not too long before. */
static void test_repeats(void **state)
{
    static const struct {
        uint64_t uid, number;
        uint8_t kind;
        int64_t when;
    } put[] = {
        {1, 1, EVENT_OFFLINE, 1000},   {1, 2, EVENT_CONNECTED, 1001}, {1, 3, EVENT_OFFLINE, 1002},
        {1, 4, EVENT_CONNECTED, 1003}, {1, 5, EVENT_OFFLINE, 1900},   {2, 1, EVENT_OFFLINE, 1900},
        {1, 6, EVENT_OFFLINE, 1901},
    };
    static const struct {
        uint64_t number;
        int64_t window;
        uint32_t expected;
    } cases[] = {{5, 900, 2}, {5, 899, 1}, {5, 898, 1},   {5, 897, 0},   {3, 900, 1},  {1, 900, 0},
                 {6, 10, 1},  {7, 10, 2},  {65, 9999, 4}, {66, 9999, 3}, {70, 9999, 1}};
    store_t *store = open_store();
    event_t event;

    (void)state;
    for (size_t i = 0; i < COUNT(put); i++) {
        event = full_event(put[i].uid, put[i].number);
        event.kind = put[i].kind;
        event.when = put[i].when;
        store_put_event(store, &event, i % 2 == 0);
    }
    assert_durable(store);
    for (size_t i = 0; i < COUNT(cases); i++) {
        event = full_event(1, cases[i].number);
        event.kind = EVENT_OFFLINE;
        event.when = cases[i].number == 1 ? 1000 : cases[i].number == 3 ? 1002 : 1900;
        assert_int_equal(store_count_repeats(store, &event, cases[i].window), cases[i].expected);
    }
    store_close(store);
}

static void test_questions_wait_in_order(void **state)
{
    const question_t first = {.asked = 1, .thread = INT64_MAX, .message = 2, .text = "/ping 東京"};
    const question_t second = {.asked = 3, .thread = 0, .message = INT64_MAX, .text = ""};
    store_t *store = open_store();
    question_t out;

    (void)state;
    assert_false(store_next_question(store, &out));
    store_put_question(store, &first);
    store_put_question(store, &second);
    store_put_setting(store, "offset", "9"); /* one transaction */
    assert_durable(store);
    store_close(store);
    store = open_store();
    assert_true(store_next_question(store, &out));
    assert_int_equal(out.asked, first.asked);
    assert_int_equal(out.thread, first.thread);
    assert_int_equal(out.message, first.message);
    assert_string_equal(out.text, first.text);
    store_remove_question(store, out.id);
    assert_durable(store);
    assert_true(store_next_question(store, &out));
    assert_int_equal(out.message, second.message);
    assert_string_equal(out.text, "");
    store_remove_question(store, out.id);
    store_rollback(store);
    assert_true(store_next_question(store, &out));
    store_close(store);
}

/* Whoever waits for something to deliver need not look until it is another number. */
static void test_changes_are_counted(void **state)
{
    const question_t question = {.text = "x"};
    store_t *store = open_store();
    uint64_t before = store_changes(store);
    client_t client = full_client(1);
    event_t event = full_event(1, 1);

    (void)state;
    store_put_client(store, &client);
    store_put_seen(store, &client);
    event.number = 2;
    store_put_event(store, &event, false);
    assert_durable(store);
    assert_int_equal(store_changes(store), before);
    event.number = 3;
    store_put_event(store, &event, true);
    assert_int_not_equal(store_changes(store), before);
    before = store_changes(store);
    store_rollback(store);
    assert_int_not_equal(store_changes(store), before);
    before = store_changes(store);
    store_put_question(store, &question);
    assert_int_not_equal(store_changes(store), before);
    before = store_changes(store);
    store_put_setting(store, "a", "b");
    assert_int_not_equal(store_changes(store), before);
    assert_durable(store);
    store_close(store);
}

static void test_the_newest_events_are_read(void **state)
{
    store_t *store = open_store();
    visited_t all, some = {.count = 0};

    (void)state;
    put_events(store, 1, 1, 7);
    assert_durable(store);
    all = read_events(store);
    assert_int_equal(all.count, 7);
    store_read_events(store, 0, 3, visit_event, &some);
    assert_int_equal(some.count, 3);
    assert_int_equal(some.event[0].number, 5);
    assert_int_equal(some.event[2].number, 7);
    some.count = 0;
    store_read_events(store, all.event[4].id, 3, visit_event, &some);
    assert_int_equal(some.count, 2);
    assert_int_equal(some.event[0].number, 6);
    store_close(store);
}

static void test_old_events_expire_unless_a_message_waits(void **state)
{
    store_t *store = open_store();
    uint64_t message;
    event_t event;

    (void)state;
    put_events(store, 1, 1, 4); /* at 1700000001 … 4 */
    assert_durable(store);
    for (size_t i = 0; i < 2; i++) {
        assert_true(store_next_message(store, 0, &message, &event));
        store_remove_message(store, message);
        assert_durable(store);
    }
    store_expire_events(store, 1700000002);
    assert_durable(store);
    assert_int_equal(read_events(store).count, 3); /* of the old one */
    store_expire_events(store, 1800000000);
    assert_durable(store);
    assert_int_equal(read_events(store).count, 2); /* which wait */
    event = full_event(1, 5);
    store_put_event(store, &event, false);
    assert_true(event.id > read_events(store).event[1].id); /* ids are never used again */
    store_close(store);
}

/* --- settings --- */

static void test_settings(void **state)
{
    store_t *store = open_store();
    char value[8] = "before";

    (void)state;
    assert_false(store_get_setting(store, "name", value, sizeof(value)));
    assert_string_equal(value, "");
    store_put_setting(store, "name", "first");
    store_put_setting(store, "other", "8 bytes!");
    assert_durable(store);
    store_put_setting(store, "name", "7 bytes");
    assert_durable(store);
    store_close(store);
    store = open_store();
    assert_true(store_get_setting(store, "name", value, sizeof(value)));
    assert_string_equal(value, "7 bytes");
    assert_false(store_get_setting(store, "other", value, sizeof(value))); /* has no room */
    assert_string_equal(value, "");
    store_close(store);
}

/* --- transactions --- */

static void test_results(void **state)
{
    store_t *store = open_store();
    client_t client = full_client(1);

    (void)state;
    assert_int_equal(store_state(store), STORE_OK);
    assert_string_equal(store_driver(store), "sqlite");
    assert_string_equal(store_error(store), "");
    assert_true(store_keeps_clients(store));
    assert_durable(store); /* nothing */
    store_put_client(store, &client);
    assert_durable(store);
    put_events(store, 1, 1, 2);
    store_rollback(store);
    store_rollback(store);
    assert_durable(store);
    assert_int_equal(read_events(store).count, 0);
    put_events(store, 1, 1, 1);
    store_close(store); /* rolls back */
    store = open_store();
    assert_int_equal(read_events(store).count, 0);
    assert_int_equal(read_clients(store).count, 1);
    store_close(store);
}

static void test_in_memory(void **state)
{
    store_t *store = store_open(NULL, pool);
    client_t client = full_client(1);
    announced_t announced;
    uint64_t message, newest;
    event_t event;

    (void)state;
    assert_int_equal(store_state(store), STORE_OFF);
    assert_string_equal(store_driver(store), "none");
    assert_string_equal(store_error(store), "");
    assert_false(store_keeps_clients(store));
    assert_int_equal(commit(store), STORE_VOLATILE); /* nothing */
    store_put_seen(store, &client);
    store_put_client(store, &client);
    put_events(store, 1, 1, 2);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_int_equal(read_clients(store).count, 0);
    assert_true(store_get_announced(store, 1, &announced));
    assert_memory_equal(&announced, &client.announced, sizeof(announced));
    assert_true(store_next_message(store, 0, &message, &event));
    assert_int_equal(event.number, 1);
    newest = read_events(store).event[1].id;
    assert_false(store_tend(store, INT64_MAX));
    store_close(store);

    store = store_open(NULL, pool); /* of another process, say */
    assert_int_equal(read_events(store).count, 0);
    put_events(store, 1, 1, 1);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_true(read_events(store).event[0].id > newest);
    store_close(store);
}

/* --- killed --- */

#define PUTS 6

/* A transaction of as many puts, killed before the one at the index; PUTS = behind the commit. */
static void put_and_die(size_t at)
{
    store_t *store = open_store();
    client_t client = full_client(1);

    for (size_t i = 0; i < PUTS; i++) {
        if (i == at) {
            raise(SIGKILL);
        }
        if (i == 0) {
            store_put_client(store, &client);
        } else {
            put_events(store, 1, i, i);
        }
    }
    (void)commit(store);
    raise(SIGKILL);
}

static void test_killed_all_or_nothing(void **state)
{
    (void)state;
    for (size_t at = 0; at <= PUTS; at++) {
        const size_t expected = at == PUTS ? 1 : 0;
        const pid_t child = fork();
        store_t *store;
        int64_t oldest;
        int status;

        if (child == 0) {
            put_and_die(at);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        store = open_store();
        assert_int_equal(store_state(store), STORE_OK);
        assert_int_equal(read_clients(store).count, expected);
        assert_int_equal(read_events(store).count, expected * (PUTS - 1));
        assert_int_equal(store_queue(store, &oldest), expected * (PUTS - 1));
        store_close(store);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_member_of_a_client_returns),
        TEST(test_a_client_that_never_reported_returns),
        TEST(test_timestamp_is_dropped),
        TEST(test_clients_are_read_in_pages),
        TEST(test_seen_and_announced_are_put_alone),
        TEST(test_a_removed_client_is_gone_its_events_stay),
        TEST(test_the_same_client_id_with_another_uid_replaces),
        TEST(test_every_member_of_an_event_returns),
        TEST(test_an_event_is_recorded_once),
        TEST(test_messages_wait_in_order),
        TEST(test_messages_are_walked_through),
        TEST(test_each_destination_has_a_queue),
        TEST(test_repeats),
        TEST(test_questions_wait_in_order),
        TEST(test_changes_are_counted),
        TEST(test_the_newest_events_are_read),
        TEST(test_old_events_expire_unless_a_message_waits),
        TEST(test_settings),
        TEST(test_results),
        TEST(test_in_memory),
        TEST(test_killed_all_or_nothing),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
