/*
 * mod_vpnsentinel/announce.h: the lights of clients, as a look notes them: in the registry at once, in
 * the store with what is announced, and without a look more than that.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "announce_world.h"

#define QUARTER HISTORY_CELL_SECONDS

/* The newest cells of a client as read at the world's second. */
static void assert_cells(const char *client_id, const char *expected)
{
    const announce_moment_t moment = moment_of(&world);
    const client_view_t view = view_of(&world.memory, client_id);
    uint8_t cells[HISTORY_CELLS];
    char text[HISTORY_CELLS + 1] = "";
    history_gaps_t gaps;

    assert_int_equal(registry_gaps(&world.memory.registry, &gaps), REGISTRY_OK);
    history_read(cells, &view.client.history, &gaps, view.client.first_seen, moment.wall / SECOND,
                 assess(&view.client, view.seen, &moment.facts).light);
    for (unsigned int i = 0; i < HISTORY_CELLS; i++) {
        text[i] = "-gyor"[cells[i]];
    }
    assert_string_equal(text + HISTORY_CELLS - strlen(expected), expected);
}

/* Slots that need a look now. */
static unsigned int count_looks(void)
{
    const announce_moment_t moment = moment_of(&world);
    int64_t deadline = INT64_MAX;
    unsigned int looks = 0;
    uint32_t slot;

    for (slot = 0; tracking_next(&monitor.tracking, &moment.facts, &slot, &deadline); slot++) {
        looks++;
    }
    return looks;
}

/* The slots that have changed for readers since the number; which is the newest then. */
static uint32_t changed_since(uint32_t *revision)
{
    const registry_t *registry = &world.memory.registry;
    uint32_t slot, changed = 0, newest = registry_newest_revision(registry);

    for (slot = 0; slot < registry_slots(registry); slot++) {
        changed += registry_changed_since(registry, slot, *revision);
    }
    *revision = newest;
    return changed;
}

/* Nothing is left to do: neither a look nor a write, and readers have seen it all. */
static void assert_quiet(uint32_t revision)
{
    off_t size;

    assert_true(monitor_go_round(&monitor));
    size = size_of(FILE_NAME "-wal");
    assert_int_equal(count_looks(), 0);
    assert_true(look_at(world.second));
    assert_int_equal(size_of(FILE_NAME "-wal"), size);
    assert_int_equal(changed_since(&revision), 0);
    assert_stored(&world, monitor.store);
}

/* What only the monitor finds is a change for readers, once. */
static void test_who_goes_offline(void **state)
{
    uint32_t revision = 0;

    (void)state;
    begin(1024);
    world.second = 1001;
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'B');
    assert_true(look_at(1001));
    (void)changed_since(&revision);
    assert_quiet(revision);
    assert_cells("a", "-g");
    world.second = 1200;
    is_fine(&world, "b", 'B');
    assert_true(look_at(1301));
    assert_int_equal(changed_since(&revision), 1);
    assert_cells("a", "-o");
    assert_cells("b", "-g");
    assert_quiet(revision);
    world.second = 1302;
    is_fine(&world, "a", 'A');
    assert_int_equal(changed_since(&revision), 1);
    assert_true(look_at(1302));
    assert_int_equal(changed_since(&revision), 1); /* its light */
    assert_cells("a", "-o");
    assert_quiet(revision);
    end();
}

static void test_the_servers_address(void **state)
{
    uint32_t revision = 0;

    (void)state;
    begin(1024);
    world.second = 1001;
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'A');
    is_fine(&world, "c", 'C');
    assert_true(look_at(1001));
    (void)changed_since(&revision);
    set_server(&world, 'A');
    assert_true(look_at(1002));
    assert_int_equal(changed_since(&revision), 2);
    assert_cells("a", "-r");
    assert_cells("b", "-r");
    assert_cells("c", "-g");
    assert_quiet(revision);
    set_server(&world, 'S');
    assert_true(look_at(1003));
    assert_int_equal(changed_since(&revision), 2);
    assert_quiet(revision);
    end();
}

/* Without an address of its own that is known nothing is over, but nothing is red, either. */
static void test_an_address_that_the_server_loses(void **state)
{
    const server_ip_t ip = {.addr = {ip_of('T')}, .source = SERVER_IP_IPINFO};
    vps_record_t report = report_of("a", "City");
    uint32_t revision = 0;

    (void)state;
    begin(1024);
    world.second = 1001;
    report.public_ip6 = ip6_of('S');
    report.dns_verdict = VPS_DNS_VERDICT_TUNNEL;
    assert_int_equal(report_at(&world.memory, &report, 1001), REGISTRY_CREATED);
    assert_true(look_at(1001));
    assert_int_equal(view_of(&world.memory, "a").client.history.light, LIGHT_RED);
    (void)changed_since(&revision);
    assert_int_equal(registry_set_server_ip(&world.memory.registry, &ip), REGISTRY_OK);
    assert_true(look_at(1002));
    assert_int_equal(changed_since(&revision), 1);
    assert_int_equal(view_of(&world.memory, "a").client.history.light, LIGHT_GREEN);
    assert_quiet(revision);
    end();
}

static void test_the_store_fails(void **state)
{
    (void)state;
    begin(1024);
    world.second = 1001;
    is_fine(&world, "a", 'A');
    assert_true(look_at(1001));
    disk.fails = true;
    says(&world, "a", 'A', "DE", "FR", 'y');
    assert_false(look_at(1001));
    assert_cells("a", "-y"); /* all the same */
    disk.fails = false;
    assert_true(look_at(1001));
    monitor_tend(&monitor);
    assert_true(look_at(1001));
    assert_int_equal(store_state(monitor.store), STORE_OK);
    assert_cells("a", "-y");
    assert_stored(&world, monitor.store);
    end();
}

/* From a folded entry of the journal. */
static void test_many_changes_at_once(void **state)
{
    (void)state;
    begin(1024);
    world.second = 1001;
    is_fine(&world, "a", 'A');
    assert_true(look_at(1001));
    says(&world, "a", 'A', "DE", "DE", 'n');
    for (int i = 0; i < 9; i++) {
        is_fine(&world, "a", (char)('B' + i));
    }
    assert_true(look_at(1001));
    assert_cells("a", "-r");
    assert_int_equal(view_of(&world.memory, "a").client.history.light, LIGHT_GREEN);
    assert_stored(&world, monitor.store);
    end();
}

/* All processes die; what was is there again, and that nobody lived meanwhile. */
static void test_everything_dies(void **state)
{
    uint32_t revision = 0;

    (void)state;
    begin(1024);
    world.second = 1001;
    says(&world, "a", 'A', "DE", "FR", 'y');
    is_fine(&world, "b", 'B');
    assert_true(look_at(1001));
    world.second = 1300;
    is_fine(&world, "a", 'A');
    assert_true(look_at(1301)); /* b goes offline */
    assert_true(monitor_go_round(&monitor));
    monitor_close(&monitor);
    world.second = 1301 + 2 * QUARTER + 100;
    world_lose(&world);
    assert_true(monitor_open(&monitor, &world));
    assert_true(look_at(world.second));
    assert_cells("a", "-y-g");
    assert_cells("b", "-o-o");
    (void)changed_since(&revision);
    assert_quiet(revision);
    world.second += QUARTER;
    is_fine(&world, "a", 'A');
    assert_true(look_at(world.second));
    assert_cells("a", "-y-oo"); /* nobody heard of it for more than the threshold */
    assert_true(monitor_go_round(&monitor));
    monitor_close(&monitor);
    assert_true(monitor_open(&monitor, &world)); /* only the monitor died */
    assert_true(look_at(world.second + 2 * QUARTER));
    assert_cells("a", "-y-oo-o");
    end();
}

/* What the store had before it knew histories gets one. */
static void test_no_history_yet(void **state)
{
    uint32_t revision = 0;

    (void)state;
    begin(1024);
    world.second = 1001;
    is_fine(&world, "a", 'A');
    assert_true(look_at(1001));
    monitor_close(&monitor);
    run_sql(FILE_NAME, "UPDATE announced SET history = ''");
    world_lose(&world);
    assert_true(monitor_open(&monitor, &world));
    assert_int_equal(count_looks(), 1);
    assert_true(look_at(1001));
    assert_cells("a", "-g");
    assert_int_equal(view_of(&world.memory, "a").client.history.light, LIGHT_GREEN);
    (void)changed_since(&revision);
    assert_quiet(revision);
    end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_goes_offline),
        TEST(test_the_servers_address),
        TEST(test_an_address_that_the_server_loses),
        TEST(test_the_store_fails),
        TEST(test_many_changes_at_once),
        TEST(test_everything_dies),
        TEST(test_no_history_yet),
    };

    return cmocka_run_group_tests_name("announce_lights", tests, disk_start, NULL);
}
