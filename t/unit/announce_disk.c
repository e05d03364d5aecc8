/*
 * mod_vpnsentinel/announce.h: a disk that fails at any write, for once or for a while, and a file
 * that is taken away or locked. Announcing goes on, and when the disk is back nothing is lost and
 * nothing there twice.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "monitor_scenarios.h"

/* As watch.c does: what could not be recorded is repeated. */
static void work(monitor_t *monitor)
{
    for (int tries = 0; tries < 3; tries++) {
        if (monitor_work(monitor)) {
            return;
        }
        monitor->world->second++;
    }
    fail_msg("nothing can be recorded");
}

static bool is_recorded(const ledger_t *ledger, uint64_t uid, uint64_t number)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->event[i].uid == uid && ledger->event[i].number == number) {
            return true;
        }
    }
    return false;
}

/* Each event was delivered once, those of a client in their order, and nothing else. */
static void assert_delivered(const world_t *world, store_t *store)
{
    const told_t *delivered = &world->shared->delivered;
    static ledger_t ledger;

    ledger_read(&ledger, store);
    assert_int_equal(delivered->count, ledger.count);
    for (size_t i = 0; i < ledger.count; i++) {
        assert_true(is_recorded(&ledger, delivered->event[i].uid, delivered->event[i].number));
        for (size_t j = 0; j < i; j++) {
            assert_true(delivered->event[i].uid != delivered->event[j].uid ||
                        delivered->event[i].number > delivered->event[j].number);
        }
    }
    assert_outbox(store, &(ledger_t){.count = 0});
}

/* --- writes that fail --- */

typedef struct failing_t {
    bool stays;                   /* until the disk is repaired */
    bool is_deaf, has_no_channel; /* see world_t */
} failing_t;

/* The n-th write fails, and all behind it if that stays until the disk is repaired. Returns false
 * when there are not so many. */
static bool fail_at(world_t *world, const scenario_t *scenario, unsigned int n, bool stays)
{
    monitor_t monitor;
    bool failed;

    disk.countdown = n;
    disk.stays = stays;
    scenario->first(world);
    assert_true(monitor_open(&monitor, world));
    work(&monitor);
    failed = disk.countdown == 0;
    disk.countdown = 0;
    disk.fails = false;
    monitor_tend(&monitor);
    assert_int_equal(store_state(monitor.store), STORE_OK);
    work(&monitor);
    scenario->second(world);
    work(&monitor);
    assert_outcome(world, monitor.store, scenario->expected, EXPECTED_MAX);
    if (!world->is_deaf && !world->has_no_channel) {
        assert_delivered(world, monitor.store);
    }
    monitor_close(&monitor);
    return failed;
}

static void fail_everywhere(const scenario_t *scenario, const failing_t *failing)
{
    bool failed = true;
    unsigned int n;
    world_t world;
    saved_t saved;

    world_open(&world);
    world.is_deaf = failing->is_deaf;
    world.has_no_channel = failing->has_no_channel;
    world.is_summed_up = scenario->is_summed_up;
    scenario->before(&world);
    world_save(&world, &saved);
    for (n = 1; failed; n++) {
        world_restore(&world, &saved);
        failed = fail_at(&world, scenario, n, failing->stays);
    }
    print_message("# %u writes\n", n - 2);
    assert_true(n > 4);
    saved_free(&saved);
    world_close(&world);
}

static void test_a_disk_that_fails_for_a_while(void **state)
{
    const scenario_t *const scenarios[] = {&changes,     &silence,           &removal,  &forgetting,
                                           &one_address, &several_addresses, &beginning};

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        fail_everywhere(scenarios[i], &(failing_t){.stays = true, .is_deaf = true});
    }
}

/* Messages are delivered out of memory, too. */
static void test_a_disk_that_fails_while_it_delivers(void **state)
{
    const scenario_t *const scenarios[] = {&changes, &forgetting, &several_addresses};

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        fail_everywhere(scenarios[i], &(failing_t){.stays = true});
    }
}

/* A transaction may come through that is said to have failed. */
static void test_a_disk_that_fails_once(void **state)
{
    const scenario_t *const scenarios[] = {&changes, &forgetting, &several_addresses};

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        fail_everywhere(scenarios[i], &(failing_t){.stays = false});
    }
    fail_everywhere(&one_address, &(failing_t){.has_no_channel = true});
    fail_everywhere(&several_addresses, &(failing_t){.has_no_channel = true});
}

/* --- killed while it works from memory --- */

/* Nothing of it was recorded or delivered: it is announced anew. */
static void go_on(world_t *world)
{
    static ledger_t ledger;
    monitor_t monitor;

    assert_true(monitor_open(&monitor, world));
    work(&monitor);
    changes.second(world);
    work(&monitor);
    ledger_read(&ledger, monitor.store);
    for (size_t i = 0; i < EXPECTED_MAX && changes.expected[i].client_id != NULL; i++) {
        assert_told(&ledger, &changes.expected[i]);
    }
    assert_transitions(&ledger);
    assert_marked(world, &ledger);
    assert_outbox(monitor.store, &ledger);
    monitor_close(&monitor);
}

static void test_killed_while_the_disk_fails(void **state)
{
    bool died = true;
    world_t world;
    saved_t saved;

    (void)state;
    world_open(&world);
    changes.before(&world);
    world_save(&world, &saved);
    for (unsigned int point = 1; died; point++) {
        world_restore(&world, &saved);
        changes.first(&world);
        disk.fails = true;
        died = monitor_dies_at(&world, point);
        disk.fails = false;
        go_on(&world);
    }
    saved_free(&saved);
    world_close(&world);
}

/* --- a file that is not there --- */

static void remove_file(void)
{
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
}

/* The new file gets everything that registry and ring know, and no message that was delivered. */
static void take_file_away(const scenario_t *scenario, bool is_deaf)
{
    monitor_t monitor;
    world_t world;

    world_open(&world);
    world.is_deaf = is_deaf;
    scenario->before(&world);
    assert_true(monitor_open(&monitor, &world));
    remove_file();
    scenario->first(&world);
    work(&monitor);
    assert_int_equal(store_state(monitor.store), STORE_DEGRADED);
    monitor_tend(&monitor);
    work(&monitor);
    scenario->second(&world);
    work(&monitor);
    assert_outcome(&world, monitor.store, scenario->expected, EXPECTED_MAX);
    if (!is_deaf) {
        assert_delivered(&world, monitor.store);
    }
    monitor_close(&monitor);
    world_close(&world);
}

static void test_a_file_that_is_taken_away(void **state)
{
    (void)state;
    take_file_away(&changes, true);
    take_file_away(&changes, false);
    take_file_away(&removal, true);
}

/* The registry knows what has been announced; what changes meanwhile comes to the file in the end. */
static void test_a_file_that_is_locked(void **state)
{
    const scenario_t *const scenarios[] = {&changes, &removal};
    world_t world;

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        monitor_t holder, monitor;

        world_open(&world);
        scenarios[i]->before(&world);
        assert_true(monitor_open(&holder, &world));
        assert_true(monitor_open(&monitor, &world));
        assert_int_equal(store_state(monitor.store), STORE_DEGRADED);
        scenarios[i]->first(&world);
        work(&monitor);
        monitor_close(&holder);
        scenarios[i]->second(&world);
        work(&monitor);
        monitor_tend(&monitor);
        assert_int_equal(store_state(monitor.store), STORE_OK);
        work(&monitor);
        assert_outcome(&world, monitor.store, scenarios[i]->expected, EXPECTED_MAX);
        monitor_close(&monitor);
        world_close(&world);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_disk_that_fails_for_a_while), TEST(test_a_disk_that_fails_while_it_delivers),
        TEST(test_a_disk_that_fails_once),        TEST(test_killed_while_the_disk_fails),
        TEST(test_a_file_that_is_taken_away),     TEST(test_a_file_that_is_locked),
    };

    return cmocka_run_group_tests_name("announce_disk", tests, disk_start, NULL);
}
