/*
 * mod_vpnsentinel/announce.h: a store in memory, which dies with the monitor. A new one announces
 * again what was not delivered, and never what was: but for the message that was being delivered.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "monitor_scenarios.h"

/* What had been delivered when the monitor was killed. */
typedef struct death_t {
    told_t delivered;
    uint64_t accepting; /* uid of the message that was being delivered; 0 = none */
} death_t;

static size_t count_told(const told_t *told, uint64_t uid, uint64_t number)
{
    size_t count = 0;

    for (size_t i = 0; i < told->count; i++) {
        count += told->event[i].uid == uid && told->event[i].number == number;
    }
    return count;
}

/* Had all that was recorded of this client been delivered? Then the registry was marked. */
static bool was_settled(const world_t *world, const death_t *death, uint64_t uid, size_t recorded)
{
    const told_t *logged = &world->shared->logged;

    for (size_t i = 0; i < recorded; i++) {
        if (logged->event[i].uid == uid &&
            count_told(&death->delivered, uid, logged->event[i].number) == 0) {
            return false;
        }
    }
    return death->accepting != uid;
}

/* What is told of one client, without what is told again. */
static void take_told(ledger_t *ledger, const told_t *told, const char *client_id, uint64_t uid)
{
    ledger->count = 0;
    for (size_t i = 0; i < told->count; i++) {
        event_t *event = &ledger->event[ledger->count];

        if (told->event[i].uid == uid &&
            (ledger->count == 0 || event[-1].number < told->event[i].number)) {
            memset(event, 0, sizeof *event);
            event->uid = uid;
            event->number = told->event[i].number;
            event->kind = told->event[i].kind;
            snprintf(event->client_id, sizeof event->client_id, "%s", client_id);
            ledger->count++;
        }
    }
}

static void assert_delivered_again(const world_t *world, const death_t *death, size_t recorded)
{
    const told_t *delivered = &world->shared->delivered;

    for (size_t i = 0; i < death->delivered.count; i++) {
        const uint64_t uid = death->delivered.event[i].uid;
        const uint64_t number = death->delivered.event[i].number;

        if (uid != 0 && was_settled(world, death, uid, recorded)) {
            assert_int_equal(count_told(delivered, uid, number), 1);
        }
    }
}

static void assert_client(world_t *world, const expected_t *expected)
{
    const client_view_t view = view_of(&world->memory, expected->client_id);
    static ledger_t ledger;

    take_told(&ledger, &world->shared->delivered, expected->client_id, view.client.uid);
    assert_told(&ledger, expected);
    assert_state(world, expected);
    assert_int_equal(view.client.announced.number, ledger.event[ledger.count - 1].number);
}

/* All monitors after the first one live. */
static void go_on(world_t *world, const scenario_t *scenario)
{
    static death_t death;
    const size_t recorded = world->shared->logged.count;

    death.delivered = world->shared->delivered;
    death.accepting = 0;
    if (world->shared->is_accepting) {
        death.accepting = death.delivered.event[death.delivered.count - 1].uid;
    }
    world->shared->is_accepting = false;
    monitor_lives(world);
    scenario->second(world);
    monitor_lives(world);
    assert_delivered_again(world, &death, recorded);
    for (size_t i = 1; i < EXPECTED_MAX && scenario->expected[i].client_id != NULL; i++) {
        assert_client(world, &scenario->expected[i]);
    }
    assert_no_doubles(world->ring);
    assert_valid(&world->memory);
}

static void test_killed_with_a_store_in_memory(void **state)
{
    const scenario_t *const scenarios[] = {&changes, &silence, &one_address};

    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        scenario_t scenario = *scenarios[i];

        scenario.delivers_from_memory = true;
        kill_everywhere(&scenario, go_on);
    }
}

/* --- one message for several clients --- */

static size_t count_kind(const told_t *told, event_kind_t kind)
{
    size_t count = 0;

    for (size_t i = 0; i < told->count; i++) {
        count += told->event[i].kind == kind;
    }
    return count;
}

/* The message of the server's address marks all clients that it tells of. */
static void be_told_together(world_t *world, const scenario_t *scenario)
{
    static const expected_t expected[] = {
        {"a", "", "F"}, {"b", "", "FB"}, {"c", "", "FB"}, {"d", "", "FB"}, {"e", "", "F"}};
    const told_t *delivered = &world->shared->delivered;
    const bool was_told = count_kind(delivered, EVENT_SERVER_ADDRESS) > 0;
    const bool is_between = world->shared->is_accepting;

    (void)scenario;
    monitor_lives(world);
    monitor_lives(world);
    if (!was_told || !is_between) {
        assert_int_equal(count_kind(delivered, EVENT_SERVER_ADDRESS), 1);
        assert_int_equal(count_kind(delivered, EVENT_BYPASS), 1); /* e, long before */
    }
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_state(world, &expected[i]);
    }
    assert_valid(&world->memory);
}

static void test_killed_with_one_message_for_several(void **state)
{
    scenario_t scenario = several_addresses;

    (void)state;
    scenario.delivers_from_memory = true;
    kill_everywhere(&scenario, be_told_together);
}

/* --- delivered late --- */

static announced_t announced_of(world_t *world, const char *client_id)
{
    return view_of(&world->memory, client_id).client.announced;
}

/* The registry is marked when the last message of a client is delivered, not before. */
static void test_marked_when_delivered(void **state)
{
    vps_record_t report;
    world_t world;
    monitor_t monitor;
    uint64_t message;
    event_t event;

    (void)state;
    world_open(&world);
    world.is_in_memory = true;
    says(&world, "a", 'A', "DE", "FR", 'y');
    is_fine(&world, "b", 'B');
    assert_true(monitor_open(&monitor, &world));
    assert_true(monitor_work(&monitor));
    world.second += 10;
    report = report_of("b", "Another city"); /* a change of which there is nothing to tell */
    (void)report_at(&world.memory, &report, world.second);
    assert_true(monitor_work(&monitor)); /* tells nothing again */
    for (int messages = 4; messages > 0; messages--) {
        assert_int_equal(announced_of(&world, "a").state,
                         messages > 1 ? 0 : ANNOUNCED_FIRST | ANNOUNCED_LEAK);
        assert_int_equal(announced_of(&world, "b").state, 0);
        assert_true(store_next_message(monitor.store, 0, &message, &event));
        store_remove_message(monitor.store, message);
        assert_int_equal(commit(monitor.store), STORE_VOLATILE);
        announce_delivered(monitor.announcer);
    }
    assert_int_equal(announced_of(&world, "b").state, ANNOUNCED_FIRST);
    assert_false(store_next_message(monitor.store, 0, &message, &event));
    monitor_close(&monitor);
    world_close(&world);
}

/* The journal folds what the registry does not know to be announced; the monitor knows better. */
static void test_more_changes_than_the_journal_holds(void **state)
{
    world_t world;
    monitor_t monitor;

    (void)state;
    world_open(&world);
    world.is_in_memory = true;
    is_fine(&world, "a", 'A');
    assert_true(monitor_open(&monitor, &world));
    for (char letter = 'A'; letter <= 'M'; letter++) {
        world.second++;
        is_fine(&world, "a", letter);
        assert_true(monitor_work(&monitor));
    }
    world.is_deaf = false;
    assert_true(monitor_work(&monitor));
    assert_int_equal(world.shared->delivered.count, 14);
    assert_int_equal(announced_of(&world, "a").number, 13);
    assert_int_equal(announced_of(&world, "a").facts.public_ip.bytes[3], 'M');
    monitor_close(&monitor);
    world_close(&world);
}

/* A client that is removed meanwhile is not missed. */
static void test_removed_before_it_is_delivered(void **state)
{
    world_t world;
    monitor_t monitor;

    (void)state;
    world_open(&world);
    world.is_in_memory = true;
    is_fine(&world, "a", 'A');
    assert_true(monitor_open(&monitor, &world));
    assert_true(monitor_work(&monitor));
    leaves(&world, "a");
    is_fine(&world, "b", 'B'); /* in its slot */
    world.is_deaf = false;
    assert_true(monitor_work(&monitor));
    assert_int_equal(world.shared->delivered.count, 3);
    assert_int_equal(announced_of(&world, "b").state, ANNOUNCED_FIRST);
    monitor_close(&monitor);
    world_close(&world);
}

/* Where nothing is to be delivered, to be recorded is enough. */
static void test_marked_at_once_without_delivery(void **state)
{
    world_t world;
    monitor_t monitor;

    (void)state;
    world_open(&world);
    world.is_in_memory = true;
    world.has_no_channel = true;
    is_fine(&world, "a", 'A');
    assert_true(monitor_open(&monitor, &world));
    assert_true(monitor_work(&monitor));
    assert_int_equal(announced_of(&world, "a").state, ANNOUNCED_FIRST);
    monitor_close(&monitor);
    world_close(&world);
}

/* A webhook counts as Telegram does: what only that waits for is not marked before. */
static void test_marked_when_a_webhook_has_it(void **state)
{
    world_t world;
    monitor_t monitor;
    uint64_t message;
    event_t event;

    (void)state;
    world_open(&world);
    world.is_in_memory = true;
    world.has_no_channel = true;
    world.webhook = 7;
    is_fine(&world, "a", 'A');
    assert_true(monitor_open(&monitor, &world));
    assert_true(monitor_work(&monitor));
    assert_int_equal(waiting_for(monitor.store, STORE_TELEGRAM), 0);
    assert_int_equal(announced_of(&world, "a").state, 0);
    while (store_next_message_to(monitor.store, 7, 0, &message, &event)) {
        store_remove_message(monitor.store, message);
    }
    assert_int_equal(commit(monitor.store), STORE_VOLATILE);
    announce_delivered(monitor.announcer);
    assert_int_equal(announced_of(&world, "a").state, ANNOUNCED_FIRST);
    monitor_close(&monitor);
    world_close(&world);
}

/* An event that is recorded again, as after a commit of which nothing is known, waits once. */
static void test_recorded_again(void **state)
{
    world_t world;
    monitor_t monitor;
    announce_moment_t moment;
    int64_t oldest;

    (void)state;
    world_open(&world);
    world.webhook = 7;
    assert_true(monitor_open(&monitor, &world));
    moment = moment_of(&world);
    assert_true(announce_start(monitor.announcer, &moment));
    assert_true(announce_start(monitor.announcer, &moment));
    assert_int_equal(store_queue_to(monitor.store, 7, &oldest), 1);
    assert_int_equal(store_queue(monitor.store, &oldest), 1);
    monitor_close(&monitor);
    world_close(&world);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_with_a_store_in_memory),  TEST(test_killed_with_one_message_for_several),
        TEST(test_marked_when_delivered),          TEST(test_more_changes_than_the_journal_holds),
        TEST(test_removed_before_it_is_delivered), TEST(test_marked_at_once_without_delivery),
        TEST(test_marked_when_a_webhook_has_it),   TEST(test_recorded_again),
    };

    return cmocka_run_group_tests_name("announce_memory", tests, disk_start, NULL);
}
