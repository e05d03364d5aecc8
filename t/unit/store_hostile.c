/*
 * mod_vpnsentinel/store.h: what a file holds is not trusted. A row that is not as it should be is
 * left out, and spoils nothing else.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_folder.h"

/* Values that most columns must not have. */
static const char *const bad_values[] = {
    "-1",      "9223372036854775807",   "1.5",        "'x'",
    "x'00ff'", "'DE' || char(0)",       "char(7,65)", "zeroblob(70000)",
    "x'4445'", "printf('%20000s', 'a')"};

static const struct {
    const char *table, *column;
    size_t spared; /* how many of the bad values it may have */
} columns[] = {
    {"clients", "client_id", 0},
    {"clients", "first_seen", 0},
    {"clients", "last_change", 0},
    {"clients", "observed_ip", 0},
    {"clients", "report", 0},
    {"seen", "last_seen", 0},
    {"seen", "keepalives", 0},
    {"announced", "seq", 0},
    {"announced", "number", 0},
    {"announced", "state", 0},
    {"announced", "down_since", 0},
    {"announced", "public_ip", 0},
    {"announced", "place", 0},
    {"announced", "dns", 0},
    {"announced", "vpn", 0},
    {"announced", "dns_verdict", 0},
    {"announced", "ipv6_verdict", 0},
    {"announced", "servers_ipv6", 0},
    {"announced", "leak_since", 0},
    {"announced", "ipv6_leak_since", 0},
    {"announced", "bypass_since", 0},
    {"announced", "history", 0},
    {"events", "uid", 1},
    {"events", "number", 2},
    {"events", "kind", 0},
    {"events", "at", 0},
    {"events", "client_id", 3},
    {"events", "detail", 0},
};

/* A store with a good row behind the one that is spoilt. */
static void make_good_store(void)
{
    store_t *store;

    empty_folder();
    store = open_store();
    for (uint64_t uid = 1; uid <= 2; uid++) {
        client_t client = full_client(uid);

        store_put_client(store, &client);
        put_events(store, uid, 1, 1);
    }
    assert_durable(store);
    store_close(store);
}

/* Returns whether the spoilt row was left out; the other must be there. */
static bool is_left_out(bool of_client)
{
    store_t *store = open_store();
    uint64_t message, last, rows;
    visited_t clients = {.count = 0}, events;
    event_t event;

    assert_int_equal(store_state(store), STORE_OK);
    rows = store_read_clients(store, 0, 10, &last, visit_client, &clients);
    assert_int_equal(rows, 2);
    assert_int_equal(last, 2);
    events = read_events(store);
    assert_true(store_next_message(store, 0, &message, &event));
    assert_int_equal(event.uid, events.event[0].uid);
    store_close(store);
    assert_int_equal(clients.client[clients.count - 1].uid, 2);
    assert_int_equal(events.event[events.count - 1].uid, 2);
    return (of_client ? clients.count : events.count) == 1;
}

static void test_bad_rows_are_left_out(void **state)
{
    char sql[300];

    (void)state;
    for (size_t i = 0; i < COUNT(columns); i++) {
        size_t spared = 0;

        for (size_t j = 0; j < COUNT(bad_values); j++) {
            make_good_store();
            snprintf(sql, sizeof(sql), "UPDATE %s SET %s = %s WHERE uid = 1", columns[i].table,
                     columns[i].column, bad_values[j]);
            run_sql(FILE_NAME, sql);
            spared += !is_left_out(strcmp(columns[i].table, "events") != 0);
        }
        if (spared != columns[i].spared) {
            fail_msg("%s.%s: %zu values were taken", columns[i].table, columns[i].column, spared);
        }
    }
}

static void test_bad_links_are_left_out(void **state)
{
    static const char *const sql[] = {
        "DELETE FROM seen WHERE uid = 1; DELETE FROM outbox WHERE event = 1",
        "DELETE FROM announced WHERE uid = 1; DELETE FROM events WHERE uid = 1",
        ("UPDATE clients SET report = replace(report, 'client-1', 'client-2') WHERE uid = 1;"
         "UPDATE outbox SET event = 77 WHERE event = 1"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sql); i++) {
        visited_t visited = {.count = 0};
        uint64_t message, last;
        store_t *store;
        event_t event;

        make_good_store();
        run_sql(FILE_NAME, sql[i]);
        store = open_store();
        assert_int_equal(store_read_clients(store, 0, 10, &last, visit_client, &visited), 2);
        assert_int_equal(visited.count, 1);
        assert_true(store_next_message(store, 0, &message, &event));
        assert_int_equal(event.uid, 2);
        put_events(store, 1, 2, 90); /* takes the id of the event that is missing, too */
        (void)commit(store);
        (void)store_tend(store, 1);
        assert_int_equal(store_state(store), STORE_OK);
        store_close(store);
    }
}

/* --- what waits for ever --- */

static int count_rows(const char *table)
{
    char sql[100];
    sqlite3 *db;
    sqlite3_stmt *statement;

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_open(path_of(FILE_NAME), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const int count = sqlite3_column_int(statement, 0);

    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return count;
}

/* One of client 1 that nobody can be told; the other must wait on as it did. */
static void assert_message_is_taken_out(void)
{
    store_t *store = open_store();
    uint64_t message;
    int64_t oldest;
    event_t event;

    assert_int_equal(store_state(store), STORE_OK);
    assert_non_null(strstr(store_error(store), "unreadable messages removed: 1"));
    assert_int_equal(store_queue(store, &oldest), 1);
    assert_int_equal(oldest, full_event(2, 1).when);
    assert_true(store_is_settled(store, 1));
    assert_false(store_is_settled(store, 2));
    assert_true(store_next_message(store, 0, &message, &event));
    assert_int_equal(message, 2);
    store_close(store);
    store = open_store();
    assert_string_equal(store_error(store), ""); /* once */
    store_close(store);
}

static void test_messages_that_nobody_can_read_do_not_wait(void **state)
{
    static const char *const sql[] = {
        "UPDATE events SET at = 60000000000000000 WHERE uid = 1",
        "UPDATE events SET kind = 'x' WHERE uid = 1",
        "UPDATE events SET detail = zeroblob(70000) WHERE uid = 1",
        "UPDATE events SET client_id = char(7) WHERE uid = 1",
        "UPDATE events SET uid = -1 WHERE uid = 1",
        "UPDATE outbox SET event = 77 WHERE event = 1",
        "UPDATE outbox SET event = 'x' WHERE event = 1",
        "UPDATE outbox SET destination = 'x' WHERE event = 1",
        "UPDATE outbox SET destination = -1 WHERE event = 1",
        "UPDATE outbox SET destination = 1e300 WHERE event = 1",
        "UPDATE outbox SET id = -9223372036854775808 WHERE event = 1",
        "UPDATE outbox SET id = 0 WHERE event = 1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sql); i++) {
        make_good_store();
        run_sql(FILE_NAME, sql[i]);
        assert_message_is_taken_out();
        assert_int_equal(count_rows("outbox"), 1);
        assert_int_equal(count_rows("events"), 2); /* whatever they are */
        assert_int_equal(count_rows("clients"), 2);
    }
}

/* Unusual, and good: between as many that are bad. */
static void test_only_what_is_unreadable_is_taken_out(void **state)
{
    store_t *store = open_store();
    uint64_t message = 0, numbers = 0;
    event_t event;

    (void)state;
    for (uint64_t number = 1; number <= 6; number++) {
        memset(&event, 0, sizeof(event)); /* the server, as bare as can be, at 1970 */
        event.number = number;
        event.when = number % 2 == 0 ? -1 : 0;
        store_put_event(store, &event, true);
    }
    assert_durable(store);
    store_close(store);
    store = open_store();
    assert_non_null(strstr(store_error(store), "unreadable messages removed: 3"));
    while (store_next_message(store, message, &message, &event)) {
        numbers = numbers * 10 + event.number;
    }
    assert_int_equal(numbers, 135);
    assert_int_equal(message, 5);
    store_close(store);
}

/* As another process has it. */
static sqlite3 *hold_file(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path_of(FILE_NAME), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE", NULL, NULL, NULL),
        SQLITE_OK);
    return db;
}

/* What the memory brings to the disk is looked at as well. */
static void test_unreadable_messages_of_a_time_in_memory(void **state)
{
    store_t *store;
    event_t event = full_event(1, 1);
    int64_t oldest;

    (void)state;
    make_good_store();
    sqlite3 *other = hold_file();

    store = open_store();
    assert_int_equal(store_state(store), STORE_DEGRADED);
    event.number = 2;
    event.when = -1;
    store_put_event(store, &event, true);
    put_events(store, 2, 2, 2);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_true(tend(store));
    assert_non_null(strstr(store_error(store), "unreadable messages removed: 1"));
    assert_int_equal(store_queue(store, &oldest), 3);
    store_close(store);
}

static sqlite3_mem_methods memory; /* SQLite's own */
static int until_failure;          /* allocations; the one after them fails, 0 = none does */

static void *allocate(int size)
{
    return until_failure > 0 && --until_failure == 0 ? NULL : memory.xMalloc(size);
}

static int shorten_memory(void)
{
    sqlite3_mem_methods shortened;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK) {
        return -1;
    }
    shortened = memory;
    shortened.xMalloc = allocate;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &shortened) == SQLITE_OK &&
                   sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK
               ? 0
               : -1;
}

/* A good row that no memory was there for is not taken for a bad one. */
static void test_short_memory_takes_nothing_out(void **state)
{
    const question_t question = {.asked = 1, .text = "/ping"};
    store_t *store;
    bool failed = true;

    (void)state;
    make_good_store();
    store = open_store();
    store_put_question(store, &question);
    assert_durable(store);
    store_close(store);
    for (int at = 1; failed; at += 7) { /* thousands: some of them, all over */
        until_failure = at;
        store = store_open(folder, pool);
        failed = until_failure == 0;
        until_failure = 0;
        if (store != NULL) {
            assert_null(strstr(store_error(store), "removed"));
            store_close(store);
        }
        assert_int_equal(count_rows("outbox"), 2);
        assert_int_equal(count_rows("questions"), 1);
    }
}

static void test_questions_that_nobody_can_read_are_removed(void **state)
{
    const question_t good = {.asked = 1700000000, .thread = 3, .message = 7, .text = "/ping"};
    question_t out;
    store_t *store = open_store();

    (void)state;
    store_put_question(store, &good);
    assert_durable(store);
    store_close(store);
    run_sql(FILE_NAME, "INSERT INTO questions VALUES (-5, -1, 0, 0, 'x'), (7, 1, -1, 0, 'x'),"
                       " (8, 1, 0, 'y', 'x'), (9, 1, 0, 0, x'00'), (10, 1, 0, 0, char(7)),"
                       " (11, 1, 0, 0, printf('%20000s', 'a'))");
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    assert_non_null(strstr(store_error(store), "unreadable questions removed: 6"));
    assert_true(store_next_question(store, &out));
    assert_int_equal(out.id, 1);
    assert_int_equal(out.thread, 3);
    assert_string_equal(out.text, "/ping");
    store_close(store);
    assert_int_equal(count_rows("questions"), 1);
}

/* The oldest message was recorded at no time of this calendar: that is not handed out. */
static void test_a_time_beyond_all_years_is_unknown(void **state)
{
    static const struct {
        int64_t when, expected;
    } cases[] = {
        {-1, 0},
        {INT64_C(253402300800), 0},
        {INT64_C(60000000000000000), 0},
        {INT64_MAX, 0},
        {INT64_C(253402300799), INT64_C(253402300799)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        store_t *store = open_store();
        event_t event = full_event(1, i + 1);
        int64_t oldest = 77;

        event.when = cases[i].when;
        store_put_event(store, &event, true);
        assert_durable(store);
        assert_int_equal(store_queue(store, &oldest), 1);
        assert_int_equal(oldest, cases[i].expected);
        store_close(store);
        empty_folder();
    }
}

/* Triggers do not run; a setting that is none is not read. */
static void test_a_hostile_schema_does_nothing(void **state)
{
    store_t *store;
    char value[8];

    (void)state;
    make_good_store();
    run_sql(FILE_NAME,
            "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM clients; END;"
            "INSERT INTO settings VALUES ('blob', x'4100'), ('nul', 'a' || char(0) || 'b')");
    store = open_store();
    put_events(store, 1, 2, 2);
    assert_durable(store);
    assert_int_equal(read_clients(store).count, 2);
    assert_false(store_get_setting(store, "blob", value, sizeof(value)));
    assert_false(store_get_setting(store, "nul", value, sizeof(value)));
    store_close(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bad_rows_are_left_out),
        TEST(test_bad_links_are_left_out),
        TEST(test_messages_that_nobody_can_read_do_not_wait),
        TEST(test_only_what_is_unreadable_is_taken_out),
        TEST(test_unreadable_messages_of_a_time_in_memory),
        TEST(test_short_memory_takes_nothing_out),
        TEST(test_questions_that_nobody_can_read_are_removed),
        TEST(test_a_time_beyond_all_years_is_unknown),
        TEST(test_a_hostile_schema_does_nothing),
    };

    if (shorten_memory() != 0) {
        return 1;
    }
    return cmocka_run_group_tests_name("store_hostile", tests, NULL, NULL);
}
