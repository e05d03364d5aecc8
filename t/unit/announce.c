/*
 * mod_vpnsentinel/announce.h: deadlines, many clients at once, slots that change hands, the minute's
 * round.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "announce_world.h"

/* --- deadlines --- */

static void test_the_earliest_deadline(void **state)
{
    (void)state;
    begin(1024);
    assert_true(look_at(1000));
    assert_int_equal(monitor.deadline, INT64_MAX);
    world.second = 1010;
    is_fine(&world, "a", 'A');
    world.second = 1005;
    is_fine(&world, "b", 'B');
    assert_true(look_at(1020)); /* of clients that are looked at */
    assert_int_equal(monitor.deadline, 1305 * SECOND);
    assert_true(look_at(1021)); /* and that are not */
    assert_int_equal(monitor.deadline, 1305 * SECOND);
    world.second = 1030;
    is_fine(&world, "b", 'B');
    assert_true(look_at(1031));
    assert_int_equal(monitor.deadline, 1310 * SECOND);
    assert_true(look_at(1310));
    assert_int_equal(view_of(&world.memory, "a").client.announced.state,
                     ANNOUNCED_FIRST | ANNOUNCED_OFFLINE);
    assert_int_equal(monitor.deadline, 1330 * SECOND);
    assert_true(look_at(1330));
    assert_int_equal(monitor.deadline, INT64_MAX);
    world.second = 1400;
    is_fine(&world, "a", 'A');
    assert_true(look_at(1400));
    assert_int_equal(monitor.deadline, 1700 * SECOND);
    end();
}

static void test_deadlines_of_a_new_monitor(void **state)
{
    (void)state;
    begin(1024);
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'B');
    assert_true(look_at(1000));
    world.second = 1200;
    is_fine(&world, "b", 'B');
    assert_true(look_at(1300));
    monitor_close(&monitor);
    assert_true(monitor_open(&monitor, &world));
    assert_true(look_at(1301));
    assert_int_equal(monitor.deadline, 1500 * SECOND);
    end();
}

/* --- many at once --- */

#define MANY 3000u

static unsigned int commits, commits_left; /* of one look; 0 left = stop */

static bool count_commits(void *ctx)
{
    (void)ctx;
    commits++;
    return --commits_left > 0;
}

/* In place of the monitor's own: it can be stopped. */
static void open_stoppable(void)
{
    const announce_setup_t setup = {.registry = &world.memory.registry,
                                    .ring = world.ring,
                                    .store = monitor.store,
                                    .tracking = &monitor.tracking,
                                    .delivers = true,
                                    .tell = monitor_tell,
                                    .go_on = count_commits,
                                    .ctx = &monitor};

    monitor.announcer = announcer_create(&setup, monitor.pool);
}

/* Returns how many events were told; commits: at most so many. */
static size_t tell_until(unsigned int commits_most)
{
    const size_t before = world.shared->logged.count;

    commits = 0;
    commits_left = commits_most;
    assert_true(look_at(world.second));
    return world.shared->logged.count - before;
}

static void assert_all_offline(void)
{
    for (unsigned int i = 0; i < MANY; i++) {
        const announced_t announced = view_of(&world.memory, name_of(i)).client.announced;

        assert_int_equal(announced.state, ANNOUNCED_FIRST | ANNOUNCED_OFFLINE);
        assert_int_equal(announced.number, 2);
    }
}

static void test_many_in_several_transactions(void **state)
{
    int64_t oldest;
    size_t told;

    (void)state;
    begin(4096);
    open_stoppable();
    for (unsigned int i = 0; i < MANY; i++) {
        is_fine(&world, name_of(i), 'A');
    }
    assert_int_equal(tell_until(100), 1 + MANY);
    assert_in_range(commits, 2, 12);
    world.second += 300;
    told = tell_until(2);
    assert_in_range(told, 100, 2000);
    assert_int_equal(commits, 2);
    assert_int_equal(told + tell_until(100), MANY); /* goes on where it was stopped */
    assert_all_offline();
    assert_int_equal(store_queue(monitor.store, &oldest), 1 + 2 * MANY);
    assert_int_equal(tell_until(100), 0);
    assert_int_equal(commits, 0);
    end();
}

/* Clients of whom there is nothing to tell are many as well. */
static void test_many_without_events(void **state)
{
    (void)state;
    begin(4096);
    open_stoppable();
    for (unsigned int i = 0; i < MANY; i++) {
        const vps_record_t report = report_of(name_of(i), "");
        const sighting_t sighting = sighting_of(&report, world.second);

        assert_int_equal(registry_register(&world.memory.registry, &sighting), REGISTRY_CREATED);
    }
    assert_int_equal(tell_until(100), 1); /* the start */
    assert_in_range(commits, 1, 12);
    assert_int_equal(read_clients(monitor.store).count, MANY);
    end();
}

/* --- slots that change hands --- */

static void test_a_slot_with_another_client(void **state)
{
    (void)state;
    begin(1024);
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'B');
    assert_true(look_at(1000));
    leaves(&world, "b");
    leaves(&world, "a");
    is_fine(&world, "c", 'C');
    assert_true(look_at(1001));
    assert_stored(&world, monitor.store);
    is_fine(&world, "b", 'B');
    assert_true(look_at(1002));
    assert_stored(&world, monitor.store);
    assert_int_equal(read_events(monitor.store).count, 5);
    end();
}

/* --- a commit that fails --- */

/* What failed is not taken for done because an older event was recorded before. */
static void test_a_failed_commit_behind_an_old_event(void **state)
{
    visited_t told;
    event_t old;

    (void)state;
    begin(1024);
    assert_true(look_at(1000));
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'B');
    memset(&old, 0, sizeof old);
    old.kind = EVENT_CONNECTED;
    old.uid = view_of(&world.memory, "a").client.uid;
    old.number = 1;
    strcpy(old.client_id, "a");
    store_put_event(monitor.store, &old, true);
    assert_durable(monitor.store);
    disk.countdown = 1;
    assert_false(look_at(1000));
    assert_int_equal(view_of(&world.memory, "b").client.announced.number, 0);
    assert_true(look_at(1001));
    monitor_tend(&monitor);
    assert_true(look_at(1002));
    told = read_events(monitor.store);
    assert_int_equal(told.count, 3);
    assert_string_equal(told.event[2].client_id, "b");
    assert_int_equal(view_of(&world.memory, "b").client.announced.number, 1);
    end();
}

/* --- the minute's round --- */

static int64_t wall(int64_t second)
{
    return WALL_AT_0 + second;
}

static bool go_round(int64_t stale_before, uint32_t *slot)
{
    announce_moment_t moment = moment_of(&world);

    return announce_round(monitor.announcer, &moment, stale_before, slot);
}

static void go_whole_round(int64_t stale_before)
{
    uint32_t slot = 0;

    assert_true(go_round(stale_before, &slot));
    assert_int_equal(slot, 0);
}

/* Clients whose last_seen is not stored yet. */
static unsigned int count_unsaved(void)
{
    unsigned int unsaved = 0;

    for (uint32_t slot = 0; slot < tracking_slots(&monitor.tracking); slot++) {
        unsaved +=
            monitor.tracking.slots[slot].saved_seen != registry_seen(&world.memory.registry, slot);
    }
    return unsaved;
}

static void test_the_round_stores_last_seen(void **state)
{
    visited_t stored;

    (void)state;
    begin(1024);
    go_whole_round(0); /* over nobody */
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'B');
    assert_true(look_at(1000));
    world.second = 1060;
    is_fine(&world, "b", 'B');
    go_whole_round(0);
    stored = read_clients(monitor.store);
    assert_int_equal(stored.count, 2);
    assert_int_equal(stored.client[0].last_seen, wall(1000));
    assert_int_equal(stored.client[1].last_seen, wall(1060));
    assert_int_equal(stored.client[1].keepalives, 2);
    assert_int_equal(count_unsaved(), 0);
    is_fine(&world, "b", 'B');
    world.second = 1070;
    is_fine(&world, "a", 'A');
    assert_int_equal(count_unsaved(), 1); /* what has not moved is not written */
    end();
}

static void test_the_round_in_parts(void **state)
{
    uint32_t slot = 0;

    (void)state;
    begin(16384);
    for (unsigned int i = 0; i < 9000; i++) {
        is_fine(&world, name_of(i), 'A');
    }
    assert_true(look_at(1000));
    assert_true(go_round(0, &slot));
    assert_in_range(slot, 1, 8999);
    assert_true(go_round(0, &slot));
    assert_int_equal(slot, 0);
    end();
}

static bool is_there(const char *client_id)
{
    client_view_t view;

    return registry_get(&world.memory.registry, client_id, &view) == REGISTRY_OK;
}

static void test_stale_clients_are_forgotten(void **state)
{
    const vps_record_t report = report_of("registered", "");
    sighting_t sighting;
    visited_t told;

    (void)state;
    begin(1024);
    is_fine(&world, "old", 'A');
    is_fine(&world, "new", 'B');
    sighting = sighting_of(&report, world.second);
    assert_int_equal(registry_register(&world.memory.registry, &sighting), REGISTRY_CREATED);
    assert_true(look_at(1000));
    world.second = 1250;
    is_fine(&world, "new", 'B');
    assert_true(look_at(1400));
    go_whole_round(wall(1000)); /* their last sign is not before that */
    go_whole_round(0);
    assert_true(is_there("old") && is_there("new") && is_there("registered"));
    world.second = 1500;
    is_fine(&world, "new", 'B');
    go_whole_round(wall(2000)); /* one is online */
    assert_true(!is_there("old") && is_there("new") && !is_there("registered"));
    assert_true(look_at(1501));
    assert_int_equal(read_clients(monitor.store).count, 1);
    told = read_events(monitor.store);
    assert_int_equal(told.count, 6);
    assert_int_equal(told.event[4].kind, EVENT_FORGOTTEN);
    assert_int_equal(told.event[4].light, LIGHT_GREY + 1);
    assert_string_equal(told.event[4].client_id, "old");
    assert_int_equal(told.event[4].seconds, 500);
    assert_int_equal(told.event[5].kind, EVENT_FORGOTTEN);
    assert_int_equal(told.event[5].seconds, 0);
    end();
}

/* In the middle of the transaction, as another process. */
static void report_now(void)
{
    disk.on_sync = NULL;
    is_fine(&world, "a", 'A');
}

static void test_a_client_that_reports_while_it_is_forgotten(void **state)
{
    uint64_t uid;

    (void)state;
    begin(1024);
    is_fine(&world, "a", 'A');
    assert_true(look_at(1000));
    assert_true(look_at(1300));
    uid = view_of(&world.memory, "a").client.uid;
    world.second = 90000;
    disk.on_sync = report_now;
    go_whole_round(wall(80000));
    assert_ptr_equal(disk.on_sync, NULL);
    assert_true(is_there("a"));
    assert_int_equal(view_of(&world.memory, "a").client.uid, uid);
    assert_true(look_at(90000));
    assert_stored(&world, monitor.store);
    assert_int_equal(view_of(&world.memory, "a").client.announced.state, ANNOUNCED_FIRST);
    assert_int_equal(read_events(monitor.store).event[4].kind, EVENT_CONNECTED);
    go_whole_round(wall(80000));
    assert_true(is_there("a"));
    end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_earliest_deadline),
        TEST(test_deadlines_of_a_new_monitor),
        TEST(test_many_in_several_transactions),
        TEST(test_many_without_events),
        TEST(test_a_slot_with_another_client),
        TEST(test_a_failed_commit_behind_an_old_event),
        TEST(test_the_round_stores_last_seen),
        TEST(test_the_round_in_parts),
        TEST(test_stale_clients_are_forgotten),
        TEST(test_a_client_that_reports_while_it_is_forgotten),
    };

    return cmocka_run_group_tests_name("announce", tests, disk_start, NULL);
}
