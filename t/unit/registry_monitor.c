/*
 * What the monitor does to the registry besides bringing clients back: marks what is announced,
 * removes stale clients, tells that it runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_memory.h"

/* --- announced --- */

/* A client with six changes, of which this much has been announced. */
static client_view_t client_with_changes(memory_t *memory, uint32_t seq, uint32_t number)
{
    announced_t announced = {.seq = seq, .number = number, .state = ANNOUNCED_FIRST};
    client_view_t view;
    int i;

    for (i = 0; i < 6; i++) {
        vps_record_t report = report_of("a", "");

        strcpy(report.location, i % 2 == 0 ? "DE" : "FR");
        assert_in_range(report_at(memory, &report, 1001 + i), REGISTRY_OK, REGISTRY_CREATED);
    }
    view = view_of(memory, "a");
    assert_int_equal(view.client.seq, 6);
    assert_int_equal(registry_announced(&memory->registry, view.slot, view.client.uid, &announced),
                     REGISTRY_OK);
    return view_of(memory, "a");
}

static registry_result_t mark(memory_t *memory, const client_view_t *view,
                              const announced_t *announced)
{
    return registry_announced(&memory->registry, view->slot, view->client.uid, announced);
}

static registry_result_t restore_mark(memory_t *memory, const client_view_t *view,
                                      const announced_t *announced)
{
    client_t stored = view->client; /* an old row */
    uint32_t slot = UINT32_MAX;
    registry_result_t result;

    memset(stored.changes, 0, sizeof stored.changes);
    strcpy(stored.report.city, "Old");
    stored.keepalives = 1;
    stored.seq = announced->seq;
    stored.announced = *announced;
    result = registry_restore(&memory->registry, &stored, &slot);
    assert_int_equal(slot, view->slot);
    return result;
}

/* By the monitor of this registry or by a store that got further than the one before. */
static void test_announced_never_goes_back(void **state)
{
    static registry_result_t (*const ways[])(memory_t *, const client_view_t *,
                                             const announced_t *) = {mark, restore_mark};
    static const struct {
        uint32_t seq, number; /* announced are 4 and 20 */
        bool further;
    } cases[] = {{4, 20, false}, {4, 21, true},  {5, 20, true},  {5, 22, true}, {3, 20, false},
                 {4, 19, false}, {5, 19, false}, {3, 19, false}, {0, 0, false}};
    size_t i;

    (void)state;
    for (i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        announced_t given = {.seq = cases[i / 2].seq,
                             .number = cases[i / 2].number,
                             .down_since = 99,
                             .state = ANNOUNCED_DOWN};
        memory_t memory;
        client_view_t before, after;

        memory_open(&memory, 1024);
        before = client_with_changes(&memory, 4, 20);
        assert_int_equal(ways[i % 2](&memory, &before, &given), REGISTRY_OK);
        after = view_of(&memory, "a");
        if (cases[i / 2].further) {
            assert_memory_equal(&after.client.announced, &given, sizeof given);
            after.client.announced = before.client.announced;
        }
        assert_memory_equal(&after, &before, sizeof before); /* the revision, too */
        assert_valid(&memory);
        memory_close(&memory);
    }
}

static void test_announced_of_another_client(void **state)
{
    announced_t announced = {.seq = 5, .number = 21};
    memory_t memory;
    client_view_t view;

    (void)state;
    memory_open(&memory, 1024);
    view = client_with_changes(&memory, 4, 20);
    view.client.uid++;
    assert_int_equal(mark(&memory, &view, &announced), REGISTRY_ABSENT);
    view.client.uid--;
    view.slot = 1;
    assert_int_equal(mark(&memory, &view, &announced), REGISTRY_ABSENT);
    assert_int_equal(view_of(&memory, "a").client.announced.seq, 4);
    view.slot = 0;
    assert_int_equal(registry_remove(&memory.registry, "a"), REGISTRY_OK);
    assert_int_equal(mark(&memory, &view, &announced),
                     REGISTRY_ABSENT); /* freed, uid still in it */
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    assert_int_equal(mark(&memory, &view, &announced), REGISTRY_ABSENT);
    assert_int_equal(view_of(&memory, "a").client.announced.seq, 0);
    memory_close(&memory);
}

/* --- lights --- */

static registry_result_t set_history(memory_t *memory, const client_view_t *view,
                                     uint32_t *revision)
{
    return registry_set_history(&memory->registry, view->slot, view->client.uid,
                                &view->client.history, revision);
}

/* The slot changes by it, and whoever did it knows as what; unless more has changed. */
static void test_lights_are_a_change(void **state)
{
    memory_t memory;
    client_view_t view, after;
    uint32_t known, since;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    view = view_of(&memory, "a");
    known = view.revision;
    history_set(&view.client.history, 1700000000, LIGHT_YELLOW);
    assert_int_equal(set_history(&memory, &view, &known), REGISTRY_OK);
    after = view_of(&memory, "a");
    assert_memory_equal(&after.client, &view.client, sizeof after.client);
    assert_true(after.revision > view.revision);
    assert_int_equal(known, after.revision);

    assert_int_equal(keepalive(&memory, "a", "Rome"), REGISTRY_OK);
    since = registry_newest_revision(&memory.registry);
    history_set(&view.client.history, 1700000001, LIGHT_RED);
    assert_int_equal(set_history(&memory, &view, &known), REGISTRY_OK);
    assert_int_equal(known, after.revision); /* the keepalive has to be looked at */
    assert_true(registry_changed_since(&memory.registry, view.slot, since));
    after = view_of(&memory, "a");
    assert_memory_equal(&after.client.history, &view.client.history, sizeof(history_t));
    assert_string_equal(after.client.report.city, "Rome");
    assert_valid(&memory);
    memory_close(&memory);
}

static void test_lights_of_another_client(void **state)
{
    memory_t memory;
    client_view_t view, before;
    uint32_t revision;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    before = view = view_of(&memory, "a");
    revision = view.revision;
    history_set(&view.client.history, 1700000000, LIGHT_RED);
    view.client.uid++;
    assert_int_equal(set_history(&memory, &view, &revision), REGISTRY_ABSENT);
    assert_int_equal(revision, before.revision);
    view = view_of(&memory, "a");
    assert_memory_equal(&view, &before, sizeof view);
    assert_int_equal(registry_remove(&memory.registry, "a"), REGISTRY_OK);
    assert_int_equal(set_history(&memory, &view, &revision), REGISTRY_ABSENT);
    memory_close(&memory);
}

/* --- when monitors lived --- */

#define QUARTER HISTORY_CELL_SECONDS
#define NOW (INT64_C(1900000) * QUARTER)

static const char *gaps_of(memory_t *memory)
{
    static char text[HISTORY_TEXT_SIZE];
    history_gaps_t gaps;

    assert_int_equal(registry_gaps(&memory->registry, &gaps), REGISTRY_OK);
    return history_gaps_format(text, &gaps);
}

static void test_gaps(void **state)
{
    history_gaps_t stored = {0};
    memory_t memory;

    (void)state;
    memory_open(&memory, 1024);
    assert_string_equal(gaps_of(&memory), "");
    history_live(&stored, NOW - 9 * QUARTER);
    history_live(&stored, NOW - 8 * QUARTER);
    assert_true(registry_live(&memory.registry, NOW - 3 * QUARTER));
    assert_false(registry_live(&memory.registry, NOW - 2 * QUARTER - 1));
    assert_true(registry_live(&memory.registry, NOW));
    assert_string_equal(strrchr(gaps_of(&memory), ' ') + 1 + HISTORY_CELLS - 11, "11111110110");
    assert_int_equal(registry_join_gaps(&memory.registry, &stored), REGISTRY_OK);
    assert_string_equal(strrchr(gaps_of(&memory), ' ') + 1 + HISTORY_CELLS - 11, "10011110110");
    assert_true(registry_live(&memory.registry, NOW + QUARTER));
    assert_string_equal(strrchr(gaps_of(&memory), ' ') + 1 + HISTORY_CELLS - 11, "00111101100");
    assert_valid(&memory);
    memory_close(&memory);
}

/* --- stale clients --- */

static void test_remove_stale(void **state)
{
    memory_t memory;
    registry_t *registry = &memory.registry;
    vps_record_t report = report_of("a", "");
    sighting_t sighting = sighting_of(&report, 1001);
    const uint64_t uid = MEMORY_FIRST_UID;
    client_view_t view;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(registry_register(registry, &sighting), REGISTRY_CREATED);
    assert_int_equal(registry_remove_stale(registry, 0, uid + 1, CLIENT_NEVER_SEEN),
                     REGISTRY_ABSENT);
    assert_int_equal(registry_remove_stale(registry, 1, uid, CLIENT_NEVER_SEEN), REGISTRY_ABSENT);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_OK); /* just in time */
    assert_int_equal(registry_remove_stale(registry, 0, uid, CLIENT_NEVER_SEEN), REGISTRY_ABSENT);
    view = view_of(&memory, "a");
    assert_int_equal(registry_remove_stale(registry, 0, uid, view.seen), REGISTRY_OK);
    assert_true(registry_revision(registry, 0) > view.revision);
    assert_int_equal(registry_get(registry, "a", &view), REGISTRY_ABSENT);
    assert_int_equal(registry_remove_stale(registry, 0, uid, view.seen), REGISTRY_ABSENT);
    assert_int_equal(registry_remove_stale(registry, 0, uid, 0), REGISTRY_ABSENT);
    assert_valid(&memory);
    memory_close(&memory);
}

/* --- a pause of the whole machine --- */

static void test_pause(void **state)
{
    static const struct {
        int64_t due;  /* sec; 0 = no monitor */
        int64_t busy; /* a keepalive every 5 s, from second 1050 to this one */
        int64_t now;  /* usec */
        bool paused;
    } cases[] = {
        {1100, 1050, 1100 * SECOND, false},    {1100, 1050, 1105 * SECOND, false},
        {1100, 1050, 1105 * SECOND + 1, true}, {1100, 1050, 2000 * SECOND, true},
        {1100, 1995, 2000 * SECOND, false}, /* only the monitor was late */
        {1100, 1995, 2000 * SECOND + 1, true}, {0, 1050, 2000 * SECOND, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memory_t memory;
        vps_record_t report = report_of("a", "");
        int64_t second, since;

        memory_open(&memory, 1024);
        registry_breathe(&memory.registry, 1040 * SECOND, cases[i].due * SECOND);
        for (second = 1050; second <= cases[i].busy; second += 5) {
            assert_in_range(report_at(&memory, &report, second), REGISTRY_OK, REGISTRY_CREATED);
        }
        registry_breathe(&memory.registry, cases[i].now, cases[i].now + SECOND);
        since = registry_serving_since(&memory.registry);
        if (since != (cases[i].paused ? cases[i].now : 1000 * SECOND)) {
            fail_msg("case %zu: serving since %lld", i, (long long)since);
        }
        memory_close(&memory);
    }
}

/* Who reports first after a pause has not been silent; nor have the others. */
static void test_keepalive_recognises_a_pause(void **state)
{
    memory_t memory;
    vps_record_t report = report_of("a", "");

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "b", ""), REGISTRY_CREATED);
    registry_breathe(&memory.registry, 1040 * SECOND, 1100 * SECOND);
    assert_int_equal(report_at(&memory, &report, 2000), REGISTRY_OK);
    assert_int_equal(registry_serving_since(&memory.registry), 2000 * SECOND);
    assert_int_equal(view_of(&memory, "a").client.seq, 1); /* no return */
    assert_false(is_offline_at(&memory, "b", 2299));
    assert_true(is_offline_at(&memory, "b", 2300));
    registry_breathe(&memory.registry, 2010 * SECOND, 2070 * SECOND); /* it is over already */
    assert_int_equal(registry_serving_since(&memory.registry), 2000 * SECOND);
    registry_breathe(&memory.registry, 2090 * SECOND, 2100 * SECOND); /* a new one */
    assert_int_equal(registry_serving_since(&memory.registry), 2090 * SECOND);
    memory_close(&memory);
}

/* A monitor that says that it ends is not late. */
static void test_no_pause_without_a_monitor(void **state)
{
    memory_t memory;
    vps_record_t report = report_of("a", "");

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    registry_breathe(&memory.registry, 1040 * SECOND, 1100 * SECOND);
    registry_breathe(&memory.registry, 1090 * SECOND, 0);
    assert_int_equal(report_at(&memory, &report, 2000), REGISTRY_OK);
    assert_int_equal(registry_serving_since(&memory.registry), 1000 * SECOND);
    assert_int_equal(view_of(&memory, "a").client.changes[1].marks, CHANGE_RETURN);
    memory_close(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announced_never_goes_back),
        cmocka_unit_test(test_announced_of_another_client),
        cmocka_unit_test(test_lights_are_a_change),
        cmocka_unit_test(test_lights_of_another_client),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_remove_stale),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_keepalive_recognises_a_pause),
        cmocka_unit_test(test_no_pause_without_a_monitor),
    };

    return cmocka_run_group_tests_name("registry_monitor", tests, NULL, NULL);
}
