/*
 * mod_vpnsentinel/recall.h: what a store brings back, into a new registry and into one that knows
 * better.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "monitor_ledger.h"
#include "registry_head.h"

static world_t world;
static monitor_t monitor;

/* Of each state, announced by a monitor that has ended. */
static void begin(void)
{
    const vps_record_t report = report_of("registered", "");
    sighting_t sighting;

    world_open(&world);
    world.second = 1001;
    sighting = sighting_of(&report, world.second);
    is_fine(&world, "fine", 'A');
    says(&world, "bad", 'S', "DE", "FR", 'n');
    is_fine(&world, "silent", 'C');
    assert_int_equal(registry_register(&world.memory.registry, &sighting), REGISTRY_CREATED);
    monitor_lives(&world);
    world.second = 1301;
    is_fine(&world, "fine", 'A');
    says(&world, "bad", 'S', "DE", "FR", 'n');
    monitor_lives(&world);
    world.second = 1400;
}

/* All processes died, and a monitor began. */
static void begin_anew(void)
{
    begin();
    world_lose(&world);
    assert_true(monitor_open(&monitor, &world));
}

static void end(void)
{
    assert_valid(&world.memory);
    monitor_close(&monitor);
    world_close(&world);
}

/* Slots that need a look now. */
static unsigned int count_looks(void)
{
    const announce_moment_t moment = moment_of(&world);
    int64_t deadline = INT64_MAX;
    unsigned int looks = 0;
    uint32_t slot;

    assert_true(tracking_grow(&monitor.tracking));
    for (slot = 0; tracking_next(&monitor.tracking, &moment.facts, &slot, &deadline); slot++) {
        looks++;
    }
    return looks;
}

static client_t client_of(const char *client_id)
{
    return view_of(&world.memory, client_id).client;
}

static bool is_there(const char *client_id)
{
    client_view_t view;

    return registry_get(&world.memory.registry, client_id, &view) == REGISTRY_OK;
}

static uint32_t clients_there(void)
{
    return world.memory.registry.head->counts.clients;
}

/* --- a new registry --- */

static void test_a_new_registry_gets_everything(void **state)
{
    static ledger_t ledger;

    (void)state;
    begin_anew();
    assert_int_equal(read_clients(monitor.store).count, 4);
    assert_stored(&world, monitor.store);
    assert_int_equal(client_of("bad").announced.state,
                     ANNOUNCED_FIRST | ANNOUNCED_LEAK | ANNOUNCED_BYPASS | ANNOUNCED_DOWN);
    assert_int_equal(client_of("bad").keepalives, 2);
    assert_int_equal(client_of("bad").last_seen, WALL_AT_0 + 1301);
    assert_int_equal(view_of(&world.memory, "fine").seen, CLIENT_RESTORED);
    assert_int_equal(view_of(&world.memory, "silent").seen, CLIENT_WAS_OFFLINE);
    assert_int_equal(view_of(&world.memory, "registered").seen, CLIENT_NEVER_SEEN);
    ledger_read(&ledger, monitor.store);
    assert_true(ledger.count > 4);
    assert_ring(world.ring, &ledger);
    assert_marked(&world, &ledger);
    assert_true(world.shared->loaded);
    end();
}

/* Its last_seen is stored. */
static bool is_saved(const char *client_id)
{
    const client_view_t view = view_of(&world.memory, client_id);

    return monitor.tracking.slots[view.slot].saved_seen == view.seen;
}

static void test_what_is_as_stored_needs_no_look(void **state)
{
    off_t size;

    (void)state;
    begin_anew();
    assert_int_equal(count_looks(), 0);
    assert_true(is_saved("fine") && is_saved("bad") && is_saved("silent"));
    world.shared->start_told = true;
    set_server(&world, 'S');
    size = size_of(FILE_NAME "-wal");
    assert_true(monitor_work(&monitor));
    assert_int_equal(size_of(FILE_NAME "-wal"), size);
    assert_int_equal(monitor.deadline, 1700 * SECOND); /* from the start of service on */
    world.second = 1700;
    assert_int_equal(count_looks(), 2);
    end();
}

/* Clients that were offline or never seen have no deadline, and are forgotten all the same. */
static void test_the_silent_are_forgotten(void **state)
{
    (void)state;
    begin_anew();
    assert_true(monitor_look(&monitor));
    world.forget_after = 399;
    assert_true(monitor_go_round(&monitor));
    assert_true(is_there("fine") && is_there("silent") && is_there("registered"));
    world.forget_after = 398;
    assert_true(monitor_go_round(&monitor));
    assert_true(is_there("fine") && !is_there("silent") && !is_there("registered"));
    end();
}

/* It reported before the store could be read. */
static void test_a_client_that_was_faster(void **state)
{
    client_t before, after;

    (void)state;
    begin();
    before = client_of("fine");
    world_lose(&world);
    is_fine(&world, "fine", 'G');
    is_fine(&world, "fresh", 'F');
    assert_true(monitor_open(&monitor, &world));
    assert_int_equal(count_looks(), 2);
    assert_true(monitor_work(&monitor));
    after = client_of("fine");
    assert_int_equal(after.uid, before.uid);
    assert_int_equal(after.first_seen, before.first_seen);
    assert_int_equal(after.keepalives, before.keepalives + 1);
    assert_int_equal(after.announced.number, before.announced.number + 1); /* its address */
    assert_stored(&world, monitor.store);
    assert_int_equal(read_clients(monitor.store).count, 5);
    end();
}

/* Announced by a monitor that had no store: the row is of a client that is no more. */
static void test_a_client_that_was_announced_anew(void **state)
{
    uint64_t uid;

    (void)state;
    begin();
    world_lose(&world);
    is_fine(&world, "fine", 'A');
    is_fine(&world, "silent", 'C');
    disk.fails = true;
    assert_true(monitor_open(&monitor, &world));
    assert_true(monitor_work(&monitor));
    uid = client_of("fine").uid;
    assert_int_equal(client_of("fine").announced.seq, 0); /* nothing is delivered yet */
    disk.fails = false;
    monitor_tend(&monitor);
    assert_int_equal(client_of("fine").uid, uid);
    assert_true(monitor_work(&monitor));
    assert_int_equal(client_of("fine").announced.number, 1);
    assert_int_equal(client_of("silent").announced.number, 1);
    assert_stored(&world, monitor.store);
    assert_int_equal(read_clients(monitor.store).count, 4);
    end();
}

/* --- a registry that has been filled --- */

static void test_a_registry_that_knows_better(void **state)
{
    client_t before;
    off_t size;

    (void)state;
    begin();
    leaves(&world, "silent");
    before = client_of("fine");
    assert_true(monitor_open(&monitor, &world));
    assert_false(is_there("silent"));
    assert_int_equal(read_clients(monitor.store).count, 3);
    assert_memory_equal(&(client_t[]){client_of("fine")}, &before, sizeof before);
    assert_int_equal(count_looks(), 1); /* its slot, which is free */
    assert_true(monitor_work(&monitor));
    assert_int_equal(count_looks(), 0);
    size = size_of(FILE_NAME "-wal");
    assert_true(monitor_work(&monitor));
    assert_int_equal(size_of(FILE_NAME "-wal"), size);
    end();
}

/* What changed without a monitor is looked at, and nothing else. */
static void test_changes_without_a_monitor(void **state)
{
    (void)state;
    begin();
    is_fine(&world, "bad", 'B');
    is_fine(&world, "fine", 'A'); /* as ever */
    assert_true(monitor_open(&monitor, &world));
    assert_int_equal(count_looks(), 1);
    assert_true(monitor_work(&monitor));
    assert_stored(&world, monitor.store);
    assert_int_equal(client_of("bad").announced.state, ANNOUNCED_FIRST);
    end();
}

/* There and back again within a second: the report says nothing of it. */
static void test_changes_that_do_not_show(void **state)
{
    (void)state;
    begin();
    is_fine(&world, "fine", 'B');
    monitor_lives(&world);
    is_fine(&world, "fine", 'A');
    is_fine(&world, "fine", 'B');
    assert_true(monitor_open(&monitor, &world));
    assert_int_equal(count_looks(), 1);
    assert_true(monitor_work(&monitor));
    assert_int_equal(client_of("fine").announced.number, 6);
    end();
}

/* The registry was marked with more than the store holds. */
static void test_a_row_that_is_behind(void **state)
{
    client_view_t view;

    (void)state;
    begin();
    view = view_of(&world.memory, "fine");
    view.client.announced.number++;
    assert_int_equal(registry_announced(&world.memory.registry, view.slot, view.client.uid,
                                        &view.client.announced),
                     REGISTRY_OK);
    assert_true(monitor_open(&monitor, &world));
    assert_int_equal(count_looks(), 1);
    assert_true(monitor_work(&monitor));
    assert_stored(&world, monitor.store);
    end();
}

/* Removed and registered again without a monitor: another client, though nobody announced it. */
static void test_another_client_of_the_same_id(void **state)
{
    uint64_t uid;

    (void)state;
    begin();
    leaves(&world, "fine");
    is_fine(&world, "fine", 'G');
    uid = client_of("fine").uid;
    assert_true(monitor_open(&monitor, &world));
    assert_int_equal(client_of("fine").uid, uid);
    assert_int_equal(client_of("fine").keepalives, 1);
    assert_true(monitor_work(&monitor));
    assert_int_equal(client_of("fine").announced.number, 1);
    assert_stored(&world, monitor.store);
    end();
}

/* --- rows of somebody else's making --- */

static void test_hostile_rows(void **state)
{
    static const char *const rows[] = {
        "INSERT INTO clients VALUES (-1, 'minus', 1, 1, '', '{\"client_id\":\"minus\"}')",
        "INSERT INTO clients VALUES (1, 'no row of announced', 1, 1, '', '{}')",
        "INSERT INTO clients VALUES (2, '<b>', 1, 1, '', '{\"client_id\":\"<b>\"}')",
        "INSERT INTO clients VALUES (3, 'another', 1, 1, '', '{\"client_id\":\"one\"}')",
        "INSERT INTO clients VALUES (4, 'number', 'x', 1, '', '{\"client_id\":\"number\"}')",
        "INSERT INTO seen SELECT uid, 1, 1 FROM clients WHERE uid < 100",
        ("INSERT INTO announced SELECT uid, 1, 1, 1, 0, '', '', '', 0, 0, 0, 0, 0, 0, 0, ''"
         " FROM clients WHERE uid IN (-1, 2, 3, 4)"),
        "UPDATE announced SET state = 255 WHERE uid ="
        " (SELECT uid FROM clients WHERE client_id = 'silent')",
    };

    (void)state;
    begin();
    for (size_t i = 0; i < COUNT(rows); i++) {
        run_sql(FILE_NAME, rows[i]);
    }
    world_lose(&world);
    assert_true(monitor_open(&monitor, &world));
    assert_true(is_there("fine") && is_there("bad") && is_there("registered"));
    assert_int_equal(clients_there(), 3);
    assert_int_equal(count_looks(), 0);
    assert_true(monitor_work(&monitor));
    assert_valid(&world.memory);
    is_fine(&world, "silent", 'C'); /* in the way of nobody */
    assert_true(monitor_work(&monitor));
    assert_stored(&world, monitor.store);
    end();
}

/* --- many --- */

#define SLOTS 1024u
#define MANY 1000u
#define TOO_MANY (SLOTS + 6)

static unsigned int pages, pages_left;
static bool breaks; /* the disk fails behind the first page */

static bool count_pages(void *ctx)
{
    (void)ctx;
    pages++;
    disk.fails = breaks;
    return --pages_left > 0;
}

/* At most so many pages. Returns what recall_all() returns. */
static bool recall_pages(unsigned int most)
{
    const recall_t recall = {.registry = &world.memory.registry,
                             .ring = world.ring,
                             .store = monitor.store,
                             .tracking = &monitor.tracking,
                             .go_on = count_pages};

    pages = 0;
    pages_left = most;
    return recall_all(&recall);
}

/* A monitor that has not recalled anything. */
static void begin_with(unsigned int clients)
{
    make_store(clients);
    world_open(&world);
    memset(&monitor, 0, sizeof monitor);
    monitor.world = &world;
    monitor.tracking.registry = &world.memory.registry;
    (void)apr_pool_create(&monitor.pool, pool);
    monitor.store = store_open(folder, monitor.pool);
    assert_int_equal(store_state(monitor.store), STORE_OK);
}

/* More than a page: it can be stopped in between, and begun again. */
static void test_many_clients(void **state)
{
    (void)state;
    begin_with(MANY);
    assert_false(recall_pages(1));
    assert_in_range(clients_there(), 1, MANY - 1);
    assert_true(recall_pages(100));
    assert_in_range(pages, 2, 10);
    assert_int_equal(clients_there(), MANY);
    assert_int_equal(read_clients(monitor.store).count, MANY);
    assert_int_equal(count_looks(), 0);
    end();
}

/* A registry that is too small loses nobody: the rows wait for a larger one. */
static void test_more_than_there_is_room_for(void **state)
{
    (void)state;
    begin_with(TOO_MANY);
    assert_true(recall_pages(100));
    assert_int_equal(clients_there(), SLOTS);
    assert_int_equal(read_clients(monitor.store).count, TOO_MANY);
    end();
}

/* What could not be read comes when the disk is back. */
static void test_a_disk_that_fails_meanwhile(void **state)
{
    (void)state;
    begin_with(MANY);
    breaks = true;
    assert_false(recall_pages(100));
    breaks = false;
    disk.fails = false;
    assert_int_equal(store_state(monitor.store), STORE_DEGRADED);
    assert_in_range(clients_there(), 1, MANY - 1);
    monitor_tend(&monitor);
    assert_true(world.shared->loaded);
    assert_int_equal(clients_there(), MANY);
    assert_int_equal(read_clients(monitor.store).count, MANY);
    end();
}

static void keep_event(void *ctx, const event_t *event)
{
    *(event_t *)ctx = *event;
}

/* A monitor without a disk showed it under an id of its own. */
static void test_an_event_that_is_shown(void **state)
{
    event_t newest = {0};

    (void)state;
    begin_with(MANY);
    store_read_events(monitor.store, 0, 1, keep_event, &newest);
    assert_int_not_equal(newest.id, 0);
    newest.id = 1;
    event_ring_append(world.ring, &newest);
    assert_true(recall_pages(100));
    assert_no_doubles(world.ring);
    end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_registry_gets_everything),
        TEST(test_what_is_as_stored_needs_no_look),
        TEST(test_the_silent_are_forgotten),
        TEST(test_a_client_that_was_faster),
        TEST(test_a_client_that_was_announced_anew),
        TEST(test_a_registry_that_knows_better),
        TEST(test_changes_without_a_monitor),
        TEST(test_changes_that_do_not_show),
        TEST(test_a_row_that_is_behind),
        TEST(test_another_client_of_the_same_id),
        TEST(test_hostile_rows),
        TEST(test_many_clients),
        TEST(test_more_than_there_is_room_for),
        TEST(test_a_disk_that_fails_meanwhile),
        TEST(test_an_event_that_is_shown),
    };

    return cmocka_run_group_tests_name("recall", tests, disk_start, NULL);
}
