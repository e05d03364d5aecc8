/*
 * mod_vpnsentinel/store.h: the file itself. What cannot be used is set aside, never overwritten.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"
#include "store_folder.h"

/* --- a good file --- */

static void test_only_the_owner_can_read_it(void **state)
{
    struct stat found;
    const mode_t before = umask(0);
    store_t *store;

    (void)state;
    write_file(FILE_NAME, 0, "", 0); /* made by somebody else, for all to read */
    store = open_store();
    put_events(store, 1, 1, 1);
    assert_durable(store);
    assert_int_equal(stat(path_of(FILE_NAME), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_int_equal(stat(path_of(FILE_NAME "-wal"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    store_close(store);
    umask(before);
    assert_int_equal(size_of(FILE_NAME "-wal"), 0);
}

static void test_an_empty_file_is_migrated(void **state)
{
    (void)state;
    write_file(FILE_NAME, 0, "", 0);
    make_store(1);
    run_sql(FILE_NAME, "SELECT 1 / (SELECT 1 FROM pragma_user_version WHERE user_version = 5)");
    assert_string_equal(find_file(FILE_NAME "."), "");
}

#define ANNOUNCED_OF_VERSION_2                                                                     \
    "CREATE TEMP TABLE newer AS SELECT * FROM announced; DROP TABLE announced;"                    \
    "CREATE TABLE announced (uid INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"                       \
    " number INTEGER NOT NULL, state INTEGER NOT NULL, down_since INTEGER NOT NULL,"               \
    " public_ip TEXT NOT NULL, place TEXT NOT NULL, dns TEXT NOT NULL,"                            \
    " vpn INTEGER NOT NULL);"

/* Messages were for one destination only. */
#define OUTBOX_OF_VERSION_4                                                                        \
    "CREATE TEMP TABLE messages AS SELECT id, event FROM outbox; DROP TABLE outbox;"               \
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT,"                                   \
    " event INTEGER NOT NULL UNIQUE REFERENCES events (id));"                                      \
    "INSERT INTO outbox SELECT * FROM messages; DROP TABLE messages;"

static void go_back_to_version_4(void)
{
    run_sql(FILE_NAME, OUTBOX_OF_VERSION_4 "PRAGMA user_version = 4");
}

/* Without what later versions added; the text of a table is compared to the letter. */
static void go_back_to_version_3(void)
{
    run_sql(FILE_NAME, OUTBOX_OF_VERSION_4 ANNOUNCED_OF_VERSION_2
            "ALTER TABLE announced ADD COLUMN dns_verdict INTEGER NOT NULL DEFAULT 0;"
            "ALTER TABLE announced ADD COLUMN ipv6_verdict INTEGER NOT NULL DEFAULT 0;"
            "ALTER TABLE announced ADD COLUMN servers_ipv6 INTEGER NOT NULL DEFAULT 0;"
            "ALTER TABLE announced ADD COLUMN leak_since INTEGER NOT NULL DEFAULT 0;"
            "ALTER TABLE announced ADD COLUMN ipv6_leak_since INTEGER NOT NULL DEFAULT 0;"
            "ALTER TABLE announced ADD COLUMN bypass_since INTEGER NOT NULL DEFAULT 0;"
            "INSERT INTO announced SELECT uid, seq, number, state, down_since, public_ip, place,"
            " dns, vpn, dns_verdict, ipv6_verdict, servers_ipv6, leak_since, ipv6_leak_since,"
            " bypass_since FROM newer; PRAGMA user_version = 3");
}

static void go_back_to_version_2(void)
{
    run_sql(FILE_NAME, OUTBOX_OF_VERSION_4 ANNOUNCED_OF_VERSION_2
            "INSERT INTO announced SELECT uid, seq, number, state, down_since, public_ip, place,"
            " dns, vpn FROM newer; PRAGMA user_version = 2");
}

/* As version 2 left it: what was announced is known, of verdicts nothing is. */
static void test_a_file_of_version_2_is_migrated(void **state)
{
    const client_t client = full_client(2);
    announced_t expected = client.announced, found;
    store_t *store;

    (void)state;
    make_store(3);
    go_back_to_version_2();
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    assert_int_equal(read_clients(store).count, 3);
    expected.facts.dns_verdict = VPS_DNS_VERDICT_UNKNOWN;
    expected.facts.ipv6_verdict = VPS_IPV6_VERDICT_UNKNOWN;
    expected.facts.is_servers_ipv6 = VPS_UNKNOWN;
    expected.leak_since = expected.ipv6_leak_since = expected.bypass_since = 0;
    assert_true(store_get_announced(store, 2, &found));
    assert_memory_equal(&found, &expected, sizeof(found));
    store_put_announced(store, &client);
    assert_durable(store);
    assert_true(store_get_announced(store, 2, &found));
    assert_memory_equal(&found, &client.announced, sizeof(found));
    store_close(store);
    assert_string_equal(find_file(FILE_NAME "."), "");
}

/* Version 3 knew no history: nothing of it is known. */
static void test_a_file_of_version_3_is_migrated(void **state)
{
    client_t expected = full_client(2);
    visited_t visited;
    store_t *store;

    (void)state;
    make_store(3);
    go_back_to_version_3();
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    visited = read_clients(store);
    memset(&expected.history, 0, sizeof(expected.history));
    assert_int_equal(visited.count, 3);
    assert_memory_equal(&visited.client[1], &expected, sizeof(expected));
    expected = full_client(2);
    store_put_announced(store, &expected);
    assert_durable(store);
    visited = read_clients(store);
    assert_memory_equal(&visited.client[1], &expected, sizeof(expected));
    store_close(store);
    assert_string_equal(find_file(FILE_NAME "."), "");
}

/* What version 4 had not delivered waits for Telegram, in its order and under its ids. */
static void test_a_file_of_version_4_is_migrated(void **state)
{
    store_t *store = open_store();
    uint64_t message, before[3];
    int64_t oldest;
    event_t event;

    (void)state;
    put_events(store, 1, 1, 3);
    assert_durable(store);
    message = 0;
    for (size_t i = 0; i < COUNT(before); i++) {
        assert_true(store_next_message(store, message, &message, &event));
        before[i] = message;
    }
    store_close(store);
    go_back_to_version_4();
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    assert_string_equal(store_error(store), "");
    message = 0;
    for (size_t i = 0; i < COUNT(before); i++) {
        assert_true(store_next_message(store, message, &message, &event));
        assert_int_equal(message, before[i]);
        assert_int_equal(event.number, i + 1);
    }
    assert_false(store_next_destination(store, STORE_TELEGRAM, &message));
    put_events(store, 1, 4, 4);
    assert_durable(store);
    assert_int_equal(store_queue(store, &oldest), 4);
    store_close(store);
    assert_string_equal(find_file(FILE_NAME "."), "");
}

/* As version 1 left it. */
static void test_a_file_of_version_1_is_migrated(void **state)
{
    const question_t question = {.asked = 1700000000, .message = 7, .text = "/ping"};
    question_t out;
    store_t *store;

    (void)state;
    make_store(3);
    go_back_to_version_2();
    run_sql(FILE_NAME, "DROP TABLE questions; PRAGMA user_version = 1");
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    assert_string_equal(store_error(store), "");
    assert_int_equal(read_clients(store).count, 3);
    store_put_question(store, &question);
    assert_int_equal(commit(store), STORE_DURABLE);
    assert_true(store_next_question(store, &out));
    store_close(store);
    assert_string_equal(find_file(FILE_NAME "."), "");
}

/* --- files that are set aside --- */

static void make_foreign(void)
{
    run_sql(FILE_NAME, "CREATE TABLE mine (x); INSERT INTO mine VALUES (7)");
}

static void make_utf16(void)
{
    run_sql(FILE_NAME, "PRAGMA encoding = 'UTF-16'; CREATE TABLE mine (x)");
}

static void make_text(void)
{
    char text[5000];

    memset(text, 'x', sizeof(text));
    write_file(FILE_NAME, 0, text, sizeof(text));
}

static void make_directory(void)
{
    assert_int_equal(mkdir(path_of(FILE_NAME), 0755), 0);
}

static void make_newer(void)
{
    make_store(1);
    run_sql(FILE_NAME, "PRAGMA user_version = 6");
}

static void make_unversioned(void)
{
    make_store(1);
    run_sql(FILE_NAME, "PRAGMA user_version = 0");
}

static void make_negative(void)
{
    make_store(1);
    run_sql(FILE_NAME, "PRAGMA user_version = -1");
}

static void make_other_tables(void)
{
    make_store(1);
    run_sql(FILE_NAME, "DROP TABLE seen; CREATE TABLE seen (uid)");
}

static void make_last_id(void)
{
    make_store(1);
    run_sql(FILE_NAME, "UPDATE sqlite_sequence SET seq = 9223372036854775807");
}

/* Of a table alone: what counts its ids says nothing. */
static void make_last_question(void)
{
    make_store(1);
    run_sql(FILE_NAME, "INSERT INTO questions VALUES (9223372036854775807, 1, -1, 0, 'x');"
                       "DELETE FROM sqlite_sequence");
}

/* Of version 1, with a table that only version 2 makes. */
static void make_early_table(void)
{
    make_store(1);
    run_sql(FILE_NAME, "PRAGMA user_version = 1");
}

static void make_bad_head(void)
{
    make_store(1);
    write_file(FILE_NAME, 0, "damage", 6);
}

static void make_bad_schema(void)
{
    char junk[3900];

    memset(junk, 0xA5, sizeof(junk));
    make_store(1);
    write_file(FILE_NAME, 100, junk, sizeof(junk));
}

static void make_unwritable_format(void)
{
    make_store(1);
    write_file(FILE_NAME, 18, "\xFF", 1);
}

static void make_truncated(void)
{
    make_store(20);
    assert_int_equal(truncate(path_of(FILE_NAME), 4096 + 100), 0);
}

static void test_what_cannot_be_used_is_set_aside(void **state)
{
    static const struct {
        void (*make)(void);
        const char *suffix;
    } cases[] = {
        {make_foreign, "foreign"},     {make_utf16, "foreign"},
        {make_text, "foreign"},        {make_directory, "foreign"},
        {make_bad_head, "foreign"},    {make_unwritable_format, "foreign"},
        {make_newer, "newer"},         {make_unversioned, "damaged"},
        {make_negative, "damaged"},    {make_other_tables, "damaged"},
        {make_last_id, "damaged"},     {make_bad_schema, "damaged"},
        {make_truncated, "damaged"},   {make_last_question, "damaged"},
        {make_early_table, "damaged"},
    };
    char start[80];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        store_t *store;

        empty_folder();
        cases[i].make();
        const off_t size = size_of(FILE_NAME);

        store = open_store();
        snprintf(start, sizeof(start), FILE_NAME ".%s-", cases[i].suffix);
        if (find_file(start)[0] == '\0' || store_state(store) != STORE_OK) {
            fail_msg("case %zu: %s", i, store_error(store));
        }
        assert_int_equal(size_of(find_file(start)), size);
        assert_non_null(strstr(store_error(store), find_file(start)));
        put_events(store, 1, 1, 1);
        assert_durable(store);
        store_close(store);
    }
}

static void test_set_aside_with_its_log_and_beside_an_earlier_one(void **state)
{
    char value[8];
    store_t *store;

    (void)state;
    for (int i = 0; i < 3; i++) { /* in the same second, most likely */
        make_text();
        store_close(open_store());
        assert_int_equal(remove(path_of(FILE_NAME)), 0);
        (void)remove(path_of(FILE_NAME "-wal"));
    }
    for (int i = 0; i < 3; i++) {
        assert_string_not_equal(find_file(FILE_NAME ".foreign-"), "");
        assert_int_equal(remove(path_of(find_file(FILE_NAME ".foreign-"))), 0);
    }
    /* What a newer version had in its log only is still there for it. */
    run_sql(FILE_NAME, "PRAGMA journal_mode = WAL; PRAGMA user_version = 99; CREATE TABLE t (x)");
    store = open_store();
    store_put_setting(store, "name", "value");
    assert_durable(store);
    store_close(store);
    store = open_store();
    assert_true(store_get_setting(store, "name", value, sizeof(value)));
    store_close(store);
}

/* In a process of its own, which dies with the log full. */
static void write_newer_log(void)
{
    sqlite3 *db;

    (void)sqlite3_open(path_of(FILE_NAME), &db);
    (void)sqlite3_exec(db,
                       "PRAGMA journal_mode = WAL; PRAGMA user_version = 99; CREATE TABLE t (x)",
                       NULL, NULL, NULL);
}

static void test_the_log_goes_with_the_file(void **state)
{
    (void)state;
    in_child(write_newer_log);
    assert_true(size_of(FILE_NAME "-wal") > 0);
    store_close(open_store());
    assert_string_not_equal(find_file(FILE_NAME ".foreign-"), "");
    run_sql(find_file(FILE_NAME ".foreign-"), "INSERT INTO t VALUES (1)");
}

static void test_any_damage_is_survived(void **state)
{
    static uint8_t junk[6000];

    (void)state;
    for (int round = 0; round < 60; round++) {
        store_t *store;

        empty_folder();
        make_store(40);
        for (uint32_t i = 0; i <= random_below(3); i++) {
            for (size_t j = 0; j < sizeof(junk); j++) {
                junk[j] = (uint8_t)random_below(256);
            }
            write_file(FILE_NAME, random_below((uint32_t)size_of(FILE_NAME)), junk,
                       1 + random_below(sizeof(junk)));
        }
        store = open_store();
        (void)read_clients(store);
        (void)read_events(store);
        put_events(store, 1, 2, 3);
        (void)commit(store);
        for (int i = 0; i < 3; i++) {
            (void)tend(store);
            put_events(store, 2, 2, 3);
            (void)commit(store);
        }
        if (store_state(store) != STORE_OK) {
            fail_msg("round %d: %s", round, store_error(store));
        }
        store_close(store);
    }
}

/* --- damage that is found late --- */

#define MANY 5000 /* clients: more than the cache holds */

static void spoil_clients(void)
{
    char junk[4096];
    const int fd = open(path_of(FILE_NAME), O_WRONLY);

    memset(junk, 0xA5, sizeof(junk));
    for (off_t at = 1000 * 1024; at < 1400 * 1024; at += 4096) {
        (void)!pwrite(fd, junk, sizeof(junk), at);
    }
}

static void test_damage_found_late(void **state)
{
    store_t *store = open_store();

    (void)state;
    put_events(store, 1, 1, 3); /* in the first pages */
    for (uint64_t uid = 1; uid <= MANY; uid++) {
        client_t client = full_client(uid);

        store_put_client(store, &client);
    }
    assert_durable(store);
    store_close(store);
    store = open_store();
    in_child(spoil_clients);
    assert_true(read_clients(store).count < MANY);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    assert_non_null(strstr(store_error(store), find_file(FILE_NAME ".damaged-")));
    assert_waiting(store, 1, 3);
    assert_true(tend(store));
    assert_int_equal(store_state(store), STORE_OK);
    assert_waiting(store, 1, 3);
    assert_int_equal(read_clients(store).count, 0);
    store_close(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_the_owner_can_read_it),
        TEST(test_an_empty_file_is_migrated),
        TEST(test_a_file_of_version_1_is_migrated),
        TEST(test_a_file_of_version_3_is_migrated),
        TEST(test_a_file_of_version_2_is_migrated),
        TEST(test_a_file_of_version_4_is_migrated),
        TEST(test_what_cannot_be_used_is_set_aside),
        TEST(test_set_aside_with_its_log_and_beside_an_earlier_one),
        TEST(test_the_log_goes_with_the_file),
        TEST(test_any_damage_is_survived),
        TEST(test_damage_found_late),
    };

    return cmocka_run_group_tests_name("store_file", tests, NULL, NULL);
}
