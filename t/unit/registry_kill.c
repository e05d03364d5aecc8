/*
 * The registry and processes that die: killed at every point of every operation while they hold the
 * lock, and many processes at once of which some are killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "killpoint.h"
#include "registry_memory.h"

#define CLIENTS 130 /* beyond two rounds of bucket splits */

static void fill(memory_t *memory, unsigned int clients)
{
    char id[32];
    unsigned int i;

    for (i = 0; i < clients; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        assert_int_equal(keepalive(memory, id, "Before"), REGISTRY_CREATED);
    }
}

/* --- the operations --- */

static void update(memory_t *memory)
{
    vps_record_t report = report_of("client-7", "After");

    (void)vps_addr_parse(&report.public_ip, "203.0.113.2", 11);
    memset(report.provider, 'p', VPS_PROVIDER_MAX);
    report.vpn_connected = VPS_NO;
    (void)report_at(memory, &report, 1500); /* a return, too */
}

static void create(memory_t *memory)
{
    (void)keepalive(memory, "fresh", "After");
}

static void announce(memory_t *memory)
{
    vps_record_t report = report_of("fresh", "After");
    sighting_t sighting = sighting_of(&report, 1500);

    (void)registry_register(&memory->registry, &sighting);
}

static void take_away(memory_t *memory)
{
    (void)registry_remove(&memory->registry, "client-7");
}

/* Killed between another's change and its undoing, as often as it takes. */
static void repair(memory_t *memory)
{
    client_view_t view;

    (void)registry_get(&memory->registry, "client-7", &view);
}

typedef struct operation_t {
    void (*run)(memory_t *memory);
    unsigned int clients; /* there before */
    bool with_freed_slot;
} operation_t;

/*
 * Run the operation in a child that dies at the given point. Returns false when it came to its end.
 */
static bool dies_at(memory_t *memory, void (*run)(memory_t *), unsigned int point)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        killpoint_countdown = point;
        run(memory);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* The whole content but the undo log's, which keeps what it no longer needs. */
static void assert_as_before(memory_t *memory, const client_view_t *before, bool fresh_exists)
{
    client_view_t view;

    assert_int_equal(registry_get(&memory->registry, "client-7", &view), REGISTRY_OK);
    assert_memory_equal(&view, before, sizeof view);
    assert_int_equal(registry_get(&memory->registry, "fresh", &view),
                     fresh_exists ? REGISTRY_OK : REGISTRY_ABSENT);
}

static void prepare(memory_t *memory, const operation_t *operation, client_view_t *before)
{
    memory_open(memory, 1024);
    fill(memory, operation->clients);
    if (operation->with_freed_slot) {
        assert_int_equal(registry_remove(&memory->registry, "client-3"), REGISTRY_OK);
        assert_int_equal(registry_remove(&memory->registry, "client-5"), REGISTRY_OK);
    }
    assert_int_equal(registry_get(&memory->registry, "client-7", before), REGISTRY_OK);
}

/* A killed change is undone whole or, once it is complete, there whole; the lock is free either
 * way. */
static void kill_everywhere(const operation_t *operation)
{
    unsigned int point, undone = 0;
    bool died = true;

    for (point = 1; died; point++) {
        memory_t memory;
        client_view_t before;

        prepare(&memory, operation, &before);
        died = dies_at(&memory, operation->run, point);
        assert_valid(&memory);
        if (memory.repaired > 0) {
            undone++;
            assert_as_before(&memory, &before, false);
        }
        operation->run(&memory); /* goes on as if nothing had been */
        assert_valid(&memory);
        memory_close(&memory);
    }
    print_message("# %u points, %u undone\n", point - 2, undone);
    assert_true(undone >= 10);
    assert_true(undone < point - 1);
}

static void test_killed_while_it_updates(void **state)
{
    const operation_t operation = {update, 40, false};

    (void)state;
    kill_everywhere(&operation);
}

static void test_killed_while_it_creates(void **state)
{
    const operation_t operations[] = {
        {create, 40, false}, {create, CLIENTS, false}, {create, CLIENTS, true}};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        kill_everywhere(&operations[i]);
    }
}

static void test_killed_while_it_registers(void **state)
{
    const operation_t operation = {announce, CLIENTS, true};

    (void)state;
    kill_everywhere(&operation);
}

static void test_killed_while_it_removes(void **state)
{
    const operation_t operations[] = {{take_away, 40, false}, {take_away, CLIENTS, true}};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        kill_everywhere(&operations[i]);
    }
}

static void test_killed_while_it_repairs(void **state)
{
    const operation_t operation = {update, 40, false};
    memory_t memory;
    client_view_t before;
    unsigned int point;

    (void)state;
    prepare(&memory, &operation, &before);
    assert_true(dies_at(&memory, update, 14));
    for (point = 1; dies_at(&memory, repair, point); point++) {
    }
    assert_true(point > 3);
    assert_valid(&memory);
    assert_as_before(&memory, &before, false);
    memory_close(&memory);
}

/* --- many at once --- */

/* Reports and removals of few clients by random, with texts that show a torn record; dies at some
 * point. */
static void churn(memory_t *memory, unsigned int seed)
{
    char id[32], text[VPS_CITY_MAX + 1];
    client_view_t view;
    vps_record_t report;
    int round;

    killpoint_countdown = seed % 3 == 0 ? 20000 + seed % 977 : 0;
    for (round = 0; round < 4000; round++) {
        unsigned int letter = (unsigned int)rand_r(&seed) % 26;

        (void)snprintf(id, sizeof id, "churn-%u", (unsigned int)rand_r(&seed) % 200);
        if (rand_r(&seed) % 4 == 0) {
            (void)registry_remove(&memory->registry, id);
            continue;
        }
        memset(text, (int)('a' + letter), VPS_CITY_MAX);
        text[VPS_CITY_MAX] = '\0';
        report = report_of(id, text);
        memcpy(report.client_version, text, VPS_CLIENT_VERSION_MAX);
        (void)report_at(memory, &report, 1001 + round);
        if (registry_get(&memory->registry, id, &view) == REGISTRY_OK &&
            memcmp(view.client.report.city, view.client.report.client_version,
                   VPS_CLIENT_VERSION_MAX) != 0) {
            _exit(3);
        }
    }
}

static void test_many_processes(void **state)
{
    enum { PROCESSES = 9 };
    memory_t memory;
    unsigned int n, killed = 0;
    int status;

    (void)state;
    memory_open(&memory, 1024);
    for (n = 0; n < PROCESSES; n++) {
        if (fork() == 0) {
            churn(&memory, n);
            _exit(0);
        }
    }
    for (n = 0; n < PROCESSES; n++) {
        assert_true(wait(&status) > 0);
        if (WIFSIGNALED(status)) {
            killed++;
        } else {
            assert_int_equal(WEXITSTATUS(status), 0);
        }
    }
    assert_int_equal(killed, PROCESSES / 3);
    assert_valid(&memory);
    memory_close(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_while_it_updates),
        cmocka_unit_test(test_killed_while_it_creates),
        cmocka_unit_test(test_killed_while_it_registers),
        cmocka_unit_test(test_killed_while_it_removes),
        cmocka_unit_test(test_killed_while_it_repairs),
        cmocka_unit_test(test_many_processes),
    };

    return cmocka_run_group_tests_name("registry_kill", tests, NULL, NULL);
}
