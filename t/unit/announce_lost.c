/*
 * mod_vpnsentinel/announce.h: the monitor killed at every point, and what it worked on does not wait
 * for the next one: clients change, one comes back that was about to be forgotten, or all processes
 * die and the registry with them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "monitor_scenarios.h"

/* --- clients go on without a monitor --- */

/* Things happen while there is no monitor. */
static void go_on_late(world_t *world, const scenario_t *scenario)
{
    monitor_t monitor;

    scenario->second(world);
    assert_true(monitor_open(&monitor, world));
    assert_true(monitor_work(&monitor));
    assert_outcome(world, monitor.store, scenario->expected, EXPECTED_MAX);
    monitor_close(&monitor);
}

static void test_killed_and_gone_on_late(void **state)
{
    const scenario_t *const scenarios[] = {&changes, &silence};

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        kill_everywhere(scenarios[i], go_on_late);
    }
}

/* --- a client that comes back while it is forgotten --- */

static bool is_told(const ledger_t *ledger, const char *client_id, event_kind_t kind)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->event[i].kind == kind && strcmp(ledger->event[i].client_id, client_id) == 0) {
            return true;
        }
    }
    return false;
}

/* It was forgotten or not, and is another client then or not; it is there and told of once. */
static void come_back(world_t *world, const scenario_t *scenario)
{
    expected_t expected[EXPECTED_MAX];
    static ledger_t ledger;
    monitor_t monitor;

    world->second += 10;
    is_fine(world, "c", 'C');
    assert_true(monitor_open(&monitor, world));
    assert_true(monitor_work(&monitor));
    world->second += 10;
    says(world, "c", 'C', "DE", "FR", 'y');
    assert_true(monitor_work(&monitor));
    ledger_read(&ledger, monitor.store);
    memcpy(expected, scenario->expected, sizeof expected);
    expected[1] = (expected_t){"a", "connected offline forgotten", NULL};
    expected[3] = (expected_t){"c", "connected offline connected dns_leak", "FL"};
    if (is_told(&ledger, "c", EVENT_FORGOTTEN)) {
        expected[3].told = "connected offline forgotten connected dns_leak";
    }
    assert_outcome(world, monitor.store, expected, EXPECTED_MAX);
    monitor_close(&monitor);
}

static void test_killed_and_come_back(void **state)
{
    (void)state;
    kill_everywhere(&forgetting, come_back);
}

/* --- the registry is lost, too --- */

/* The first events of b are those of a. */
static void assert_begins_as(const ledger_t *b, const ledger_t *a)
{
    assert_true(b->count >= a->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(b->event[i].id, a->event[i].id);
        assert_int_equal(b->event[i].uid, a->event[i].uid);
        assert_int_equal(b->event[i].number, a->event[i].number);
    }
}

/* Look and see. */
static void assert_told_nothing(monitor_t *monitor, ledger_t *ledger)
{
    const size_t count = ledger->count;

    assert_true(monitor_work(monitor));
    ledger_read(ledger, monitor->store);
    assert_int_equal(ledger->count, count);
}

static void assert_forgotten_are_gone(world_t *world, const ledger_t *ledger)
{
    client_view_t view;

    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->event[i].kind == EVENT_FORGOTTEN) {
            assert_int_equal(
                registry_get(&world->memory.registry, ledger->event[i].client_id, &view),
                REGISTRY_ABSENT);
        }
    }
}

/* What was recorded is not told again, and each client is as it was stored. */
static void recover(world_t *world, monitor_t *monitor)
{
    static ledger_t before, after;

    world_lose(world);
    assert_true(monitor_open(monitor, world));
    ledger_read(&before, monitor->store);
    assert_forgotten_are_gone(world, &before);
    assert_stored(world, monitor->store);
    assert_true(monitor_work(monitor));
    ledger_read(&after, monitor->store);
    assert_begins_as(&after, &before);
    assert_int_equal(after.event[before.count].kind, EVENT_STARTED);
    for (size_t i = before.count + 1; i < after.count; i++) {
        assert_int_equal(after.event[i].kind, EVENT_FORGOTTEN); /* what was due */
    }
}

static void assert_consistent(world_t *world, const monitor_t *monitor)
{
    static ledger_t ledger;

    ledger_read(&ledger, monitor->store);
    assert_transitions(&ledger);
    assert_marked(world, &ledger);
    assert_ring(world->ring, &ledger);
    assert_stored(world, monitor->store);
}

/* All clients say once more what was the truth before, and a second time. */
static void lose_everything(world_t *world, const scenario_t *scenario)
{
    static ledger_t ledger;
    monitor_t monitor;

    recover(world, &monitor);
    scenario->first(world);
    assert_true(monitor_work(&monitor));
    ledger_read(&ledger, monitor.store);
    scenario->first(world);
    assert_told_nothing(&monitor, &ledger);
    assert_consistent(world, &monitor);
    monitor_close(&monitor);
}

/* No client says anything, and nothing comes up again. */
static void lose_and_wait(world_t *world, const scenario_t *scenario)
{
    static ledger_t ledger;
    monitor_t monitor;

    (void)scenario;
    recover(world, &monitor);
    ledger_read(&ledger, monitor.store);
    world->second += 100;
    assert_told_nothing(&monitor, &ledger);
    assert_consistent(world, &monitor);
    monitor_close(&monitor);
}

static void test_everything_killed(void **state)
{
    (void)state;
    kill_everywhere(&changes, lose_everything);
    kill_everywhere(&one_address, lose_everything);
    kill_everywhere(&forgetting, lose_and_wait);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_and_gone_on_late),
        TEST(test_killed_and_come_back),
        TEST(test_everything_killed),
    };

    return cmocka_run_group_tests_name("announce_lost", tests, disk_start, NULL);
}
