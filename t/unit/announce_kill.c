/*
 * mod_vpnsentinel/announce.h: the monitor killed at every point, and a new one that goes on: each
 * transition is announced exactly once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "monitor_scenarios.h"

/* A new monitor ends it before anything else happens. */
static void go_on(world_t *world, const scenario_t *scenario)
{
    monitor_t monitor;

    assert_true(monitor_open(&monitor, world));
    assert_true(monitor_work(&monitor));
    scenario->second(world);
    assert_true(monitor_work(&monitor));
    assert_outcome(world, monitor.store, scenario->expected, EXPECTED_MAX);
    monitor_close(&monitor);
}

static void test_killed_and_gone_on(void **state)
{
    const scenario_t *const scenarios[] = {&changes,     &silence,           &removal,  &forgetting,
                                           &one_address, &several_addresses, &beginning};

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        kill_everywhere(scenarios[i], go_on);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_and_gone_on),
    };

    return cmocka_run_group_tests_name("announce_kill", tests, disk_start, NULL);
}
