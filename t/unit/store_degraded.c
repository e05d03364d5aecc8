/*
 * mod_vpnsentinel/store.h: a disk that is full, taken away, locked or forbidden for a time.
 * Alerting goes on from memory; when the disk is back, nothing is lost and nothing there twice.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "store_folder.h"

/* --- what is on the disk --- */

static int syncs; /* of files, so far */
static bool sync_fails;

static int sync_file(long call, int fd)
{
    syncs++;
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

/* SQLite calls these instead of the C library's. */
int fdatasync(int fd)
{
    return sync_file(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return sync_file(SYS_fsync, fd);
}

static void test_what_must_last_is_on_the_disk(void **state)
{
    client_t client = full_client(1);
    store_t *store = open_store();
    event_t event = full_event(1, 1);

    (void)state;
    store_put_setting(store, "name", "value");
    assert_durable(store);
    syncs = 0;
    store_put_client(store, &client);
    store_put_seen(store, &client);
    assert_durable(store);
    assert_int_equal(syncs, 0);
    store_put_seen(store, &client);
    store_put_announced(store, &client);
    assert_durable(store);
    assert_int_equal(syncs, 1);
    store_put_event(store, &event, true);
    assert_durable(store);
    assert_int_equal(syncs, 2);
    store_remove_message(store, 1);
    assert_durable(store);
    assert_int_equal(syncs, 3);
    store_remove_client(store, 1);
    assert_durable(store);
    assert_int_equal(syncs, 4);
    store_close(store);
}

/* Whether the transaction happened is not known then: the memory has what can be read. */
static void test_a_disk_that_fails_to_sync(void **state)
{
    client_t client = full_client(1);
    announced_t announced;
    store_t *store = open_store();

    (void)state;
    put_events(store, 1, 1, 1);
    assert_durable(store);
    sync_fails = true;
    store_put_announced(store, &client);
    put_events(store, 1, 2, 2);
    assert_int_equal(commit(store), STORE_FAILED);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    assert_true(store_get_announced(store, 1, &announced));
    assert_memory_equal(&announced, &client.announced, sizeof(announced));
    put_events(store, 1, 2, 3);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_waiting(store, 1, 3);
    assert_false(tend(store));
    sync_fails = false;
    assert_true(tend(store));
    assert_waiting(store, 1, 3);
    store_close(store);
}

/* --- a disk without room --- */

/* The limit stands for a full disk: nothing is written beyond it. */
static void limit_files(rlim_t size)
{
    const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_a_full_disk_when_the_file_is_made(void **state)
{
    store_t *store;

    (void)state;
    limit_files(10000);
    store = open_store();
    limit_files(RLIM_INFINITY);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    assert_string_not_equal(store_error(store), "");
    put_events(store, 1, 1, 2);
    assert_int_equal(commit(store), STORE_VOLATILE);
    run_sql(FILE_NAME, "SELECT 1 / (SELECT 1 FROM pragma_user_version WHERE user_version = 0)");
    assert_true(tend(store));
    assert_string_equal(store_error(store), "");
    assert_waiting(store, 1, 2);
    store_close(store);
}

/* Events from first on, until the disk takes no more. Returns the number that failed. */
static uint64_t fill_disk(store_t *store, uint64_t first)
{
    uint64_t number = first;

    for (;; number++) {
        put_events(store, 1, number, number);
        if (commit(store) == STORE_FAILED) {
            return number;
        }
    }
}

static void test_a_full_disk_later(void **state)
{
    client_t client = full_client(1);
    announced_t announced;
    history_t history;
    store_t *store = open_store();
    uint64_t failed;
    char value[8];

    (void)state;
    store_put_client(store, &client);
    store_put_setting(store, "name", "disk");
    put_events(store, 1, 1, 3);
    assert_durable(store);
    deliver(store, 1, STORE_DURABLE);
    limit_files((rlim_t)size_of(FILE_NAME "-wal") + 40000);
    failed = fill_disk(store, 4);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    assert_false(store_keeps_clients(store));
    assert_string_not_equal(store_error(store), "");

    /* Alerting goes on. */
    assert_waiting(store, 2, failed - 1);
    assert_true(store_get_announced(store, 1, &announced));
    assert_memory_equal(&announced, &client.announced, sizeof(announced));
    assert_true(store_get_setting(store, "name", value, sizeof(value)));
    client.announced.number = 1000;
    history_set(&client.history, 1700090000, LIGHT_GREY);
    store_put_announced(store, &client);
    put_events(store, 1, failed, failed + 1);
    store_put_setting(store, "name", "memory");
    store_put_client(store, &client); /* what was announced and history, only */
    assert_int_equal(commit(store), STORE_VOLATILE);
    deliver(store, 2, STORE_VOLATILE);
    assert_false(tend(store)); /* still full */
    assert_int_equal(store_state(store), STORE_DEGRADED);
    deliver(store, 3, STORE_VOLATILE);
    limit_files(RLIM_INFINITY);

    assert_false(store_tend(store, now + 1)); /* not yet */
    assert_true(tend(store));
    assert_string_equal(store_error(store), "");
    store_close(store);
    store = open_store();
    assert_int_equal(store_state(store), STORE_OK);
    assert_waiting(store, 4, failed + 1);
    assert_int_equal(read_events(store).count, failed + 1);
    assert_int_equal(read_clients(store).count, 1);
    assert_true(store_get_announced(store, 1, &announced));
    assert_int_equal(announced.number, 1000);
    history = read_clients(store).client[0].history;
    assert_memory_equal(&history, &client.history, sizeof(history));
    assert_true(store_get_setting(store, "name", value, sizeof(value)));
    assert_string_equal(value, "memory");
    store_close(store);
}

/* A message keeps its id, and no other gets one that was in use. */
static void test_ids_over_a_time_in_memory(void **state)
{
    store_t *store = open_store();
    uint64_t before, during, after;
    event_t event;

    (void)state;
    put_events(store, 1, 1, 1);
    assert_durable(store);
    assert_true(store_next_message(store, 0, &before, &event));
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
    put_events(store, 1, 2, 2);
    assert_int_equal(commit(store), STORE_FAILED);
    put_events(store, 1, 2, 2);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_true(store_next_message(store, 0, &during, &event));
    assert_int_equal(during, before);
    deliver(store, 1, STORE_VOLATILE);
    assert_true(store_next_message(store, 0, &during, &event));
    assert_true(during > before);
    const uint64_t id = event.id;

    assert_true(tend(store));
    assert_true(store_next_message(store, 0, &after, &event));
    assert_int_equal(after, during);
    assert_int_equal(event.id, id);
    event = full_event(1, 3);
    store_put_event(store, &event, true);
    assert_true(event.id > id);
    assert_durable(store);
    assert_waiting(store, 2, 3);

    deliver(store, 2, STORE_DURABLE); /* nothing of the first time is there the second time */
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
    assert_true(tend(store));
    assert_waiting(store, 3, 3);
    store_close(store);
}

static void rename_file(const char *from, const char *to)
{
    char *old = strdup(path_of(from));

    assert_int_equal(rename(old, path_of(to)), 0);
    free(old);
}

/* Those of the disk wait there; those of the memory join them when it is back. */
static void test_questions_over_a_time_in_memory(void **state)
{
    static const char *const expected[] = {"/on-disk", "/in-memory", "/later"};
    question_t question = {.asked = 1700000000, .message = 1, .text = "/on-disk"};
    store_t *store = open_store();

    (void)state;
    store_put_question(store, &question);
    assert_durable(store);
    rename_file(FILE_NAME, "away");
    snprintf(question.text, sizeof(question.text), "/in-memory");
    store_put_question(store, &question);
    assert_int_equal(commit(store), STORE_FAILED);
    store_put_question(store, &question);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_true(store_next_question(store, &question));
    assert_string_equal(question.text, "/in-memory");

    rename_file("away", FILE_NAME);
    assert_true(tend(store));
    snprintf(question.text, sizeof(question.text), "/later");
    store_put_question(store, &question);
    assert_durable(store);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(store_next_question(store, &question));
        assert_string_equal(question.text, expected[i]);
        store_remove_question(store, question.id);
        assert_durable(store);
    }
    rename_file(FILE_NAME, "away");
    assert_true(tend(store));
    assert_false(store_next_question(store, &question)); /* nothing of the first time is there */
    store_close(store);
}

/* The disk has more of a client than the memory: a second monitor has been at work. */
static void test_the_further_announced_state_wins(void **state)
{
    client_t client = full_client(1), other = full_client(2);
    announced_t announced;
    store_t *store;

    (void)state;
    make_store(2);
    assert_int_equal(remove(path_of(FILE_NAME "-wal")), 0);
    assert_int_equal(mkdir(path_of(FILE_NAME "-wal"), 0700), 0); /* cannot be opened */
    store = open_store();
    assert_int_equal(store_state(store), STORE_DEGRADED);
    client.announced.number--;
    store_put_announced(store, &client);
    other.announced.seq++;
    store_put_announced(store, &other);
    put_events(store, 1, 1, 2); /* the first one is recorded there */
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_int_equal(rmdir(path_of(FILE_NAME "-wal")), 0);
    assert_true(tend(store));
    assert_true(store_get_announced(store, 1, &announced));
    assert_int_equal(announced.number, client.announced.number + 1);
    assert_true(store_get_announced(store, 2, &announced));
    assert_int_equal(announced.seq, other.announced.seq);
    assert_int_equal(read_events(store).count, 3);
    store_close(store);
}

/* --- a file that is taken away --- */

static void test_a_removed_file(void **state)
{
    store_t *store = open_store();

    (void)state;
    put_events(store, 1, 1, 2);
    assert_durable(store);
    assert_false(tend(store));
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
    assert_true(tend(store));
    assert_int_equal(store_state(store), STORE_OK);
    assert_non_null(strstr(store_error(store), "removed"));
    assert_waiting(store, 1, 2);
    assert_int_equal(remove(path_of(FILE_NAME "-wal")), 0);
    assert_true(tend(store));
    assert_waiting(store, 1, 2);
    store_close(store);
    assert_true(size_of(FILE_NAME) > 0);
}

static void test_a_removed_folder(void **state)
{
    store_t *store = open_store();

    (void)state;
    put_events(store, 1, 1, 2);
    assert_durable(store);
    empty_folder();
    assert_int_equal(rmdir(folder), 0);
    put_events(store, 1, 3, 3);
    assert_int_equal(commit(store), STORE_FAILED);
    put_events(store, 1, 3, 3);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_false(tend(store));
    assert_string_equal(store_error(store), FILE_NAME " was removed or replaced");
    assert_waiting(store, 1, 3);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_true(tend(store));
    assert_string_equal(store_error(store), "");
    assert_waiting(store, 1, 3);
    store_close(store);
}

/* By a backup, say: nothing of the old one may get into it. */
static void test_a_replaced_file(void **state)
{
    char backup[600];
    store_t *store;

    (void)state;
    make_store(3);
    snprintf(backup, sizeof(backup), "%s", path_of("backup"));
    assert_int_equal(rename(path_of(FILE_NAME), backup), 0);
    store = open_store();
    put_events(store, 1, 5, 6);
    assert_durable(store);
    assert_int_equal(rename(backup, path_of(FILE_NAME)), 0);
    assert_true(tend(store));
    assert_int_equal(read_clients(store).count, 3);
    assert_int_equal(read_events(store).count, 5);
    store_close(store);
    run_sql(FILE_NAME, "SELECT 1 / (SELECT 1 FROM pragma_integrity_check"
                       " WHERE integrity_check = 'ok')");
}

/* --- other processes, permissions --- */

static int ready[2], leave[2]; /* pipes to and from the one that holds the file */

static void hold_file(void)
{
    store_t *store = open_store();
    char byte;

    put_events(store, 1, 1, 1);
    (void)commit(store);
    (void)!write(ready[1], "", 1);
    (void)close(leave[1]);
    (void)!read(leave[0], &byte, 1);
    _exit(0);
}

static void test_a_file_that_another_process_has_open(void **state)
{
    store_t *store;
    pid_t holder;
    char byte;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(leave), 0);
    holder = fork();
    if (holder == 0) {
        hold_file();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    store = open_store();
    assert_int_equal(store_state(store), STORE_DEGRADED);
    put_events(store, 1, 2, 2);
    assert_int_equal(commit(store), STORE_VOLATILE);
    assert_false(tend(store));
    assert_false(tend(store));
    assert_string_equal(store_error(store), FILE_NAME " is in use by another process");
    assert_string_equal(find_file(FILE_NAME "."), ""); /* not touched */
    (void)close(leave[0]);
    (void)close(leave[1]);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_true(tend(store));
    assert_string_equal(store_error(store), "");
    assert_waiting(store, 1, 2);
    store_close(store);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* Each destination has in memory what it had on the disk, and on the disk what is left in memory. */
static void test_destinations_without_a_disk(void **state)
{
    store_t *store = open_store();

    (void)state;
    put_events_to(store, 7, 1, 1, 3);
    assert_durable(store);
    rename_file(FILE_NAME, "away");
    rename_file(FILE_NAME "-wal", "away-wal");
    store_put_setting(store, "name", "value");
    assert_int_equal(commit(store), STORE_FAILED);
    assert_int_equal(store_state(store), STORE_DEGRADED);
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 123);
    assert_int_equal(waiting_for(store, 7), 123);
    put_events_to(store, 9, 1, 4, 5);
    deliver_to(store, STORE_TELEGRAM);
    deliver_to(store, 7);
    deliver_to(store, 7);
    assert_int_equal(commit(store), STORE_VOLATILE);
    rename_file("away", FILE_NAME);
    rename_file("away-wal", FILE_NAME "-wal");
    assert_true(tend(store));
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 2345);
    assert_int_equal(waiting_for(store, 7), 3);
    assert_int_equal(waiting_for(store, 9), 45);
    store_close(store);
    store = open_store();
    assert_int_equal(waiting_for(store, STORE_TELEGRAM), 2345);
    assert_int_equal(waiting_for(store, 7), 3);
    assert_int_equal(waiting_for(store, 9), 45);
    store_close(store);
}

static void test_a_file_without_permission(void **state)
{
    const uid_t nobody = 65534;
    const bool is_root = geteuid() == 0;
    store_t *store;

    (void)state;
    make_store(1);
    assert_int_equal(chmod(path_of(FILE_NAME), 0400), 0);
    if (is_root) { /* whom permissions do not concern */
        assert_int_equal(chown(folder, nobody, (gid_t)-1), 0);
        assert_int_equal(chown(path_of(FILE_NAME), nobody, (gid_t)-1), 0);
        (void)remove(path_of(FILE_NAME "-wal"));
        assert_int_equal(seteuid(nobody), 0);
    }
    store = open_store();
    const store_state_t found = store_state(store);
    const bool is_told = strstr(store_error(store), strerror(EACCES)) != NULL;

    put_events(store, 1, 2, 2);
    const int result = commit(store);

    (void)chmod(path_of(FILE_NAME), 0600);
    const bool is_back = tend(store);

    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(found, STORE_DEGRADED);
    assert_true(is_told);
    assert_int_equal(result, STORE_VOLATILE);
    assert_true(is_back);
    assert_waiting(store, 1, 2);
    store_close(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_must_last_is_on_the_disk),
        TEST(test_a_disk_that_fails_to_sync),
        TEST(test_a_full_disk_when_the_file_is_made),
        TEST(test_a_full_disk_later),
        TEST(test_ids_over_a_time_in_memory),
        TEST(test_questions_over_a_time_in_memory),
        TEST(test_the_further_announced_state_wins),
        TEST(test_a_removed_file),
        TEST(test_a_removed_folder),
        TEST(test_a_replaced_file),
        TEST(test_a_file_that_another_process_has_open),
        TEST(test_a_file_without_permission),
        TEST(test_destinations_without_a_disk),
    };

    return cmocka_run_group_tests_name("store_degraded", tests, NULL, NULL);
}
