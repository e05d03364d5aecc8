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
    {"clients", "client_id", 0},   {"clients", "first_seen", 0},   {"clients", "last_change", 0},
    {"clients", "observed_ip", 0}, {"clients", "report", 0},       {"seen", "last_seen", 0},
    {"seen", "keepalives", 0},     {"announced", "seq", 0},        {"announced", "number", 0},
    {"announced", "state", 0},     {"announced", "down_since", 0}, {"announced", "public_ip", 0},
    {"announced", "place", 0},     {"announced", "dns", 0},        {"announced", "vpn", 0},
    {"events", "uid", 1},          {"events", "number", 2},        {"events", "kind", 0},
    {"events", "at", 0},           {"events", "client_id", 3},     {"events", "detail", 0},
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
        TEST(test_a_time_beyond_all_years_is_unknown),
        TEST(test_a_hostile_schema_does_nothing),
    };

    return cmocka_run_group_tests_name("store_hostile", tests, NULL, NULL);
}
