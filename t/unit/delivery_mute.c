/*
 * mod_vpnsentinel/delivery.h: a mute keeps alerts back, and its end is told in one digest, once,
 * whatever Telegram and the store do.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery_world.h"

/* Nothing goes, answers do; afterwards there is one digest, of one alert, too. */
static void test_mute(void **state)
{
    static const unsigned counts[] = {1, 3, 8};

    for (size_t i = 0; i < COUNT(counts); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        begin_mute(7200);
        put_offline(counts[i]);
        ask("/status", 0);
        tend(TAKEN);
        assert_sent(0, "answer to /status");
        tend_in(3600, TAKEN);
        assert_int_equal(server.connections, 1);
        assert_in_range(due, clock_monotonic() + SEC, clock_monotonic() + 60 * SEC);
        assert_int_equal(told().muted_until, mute.until);
        assert_int_equal(store.is.message_count, counts[i]);
        tend_in(3600, TAKEN);
        assert_int_equal(server.connections, 2);
        assert_sent(1, "While muted (2 h)");
        assert_sent(1, "client-1-1");
        assert_int_equal(store.is.message_count, 0);
        assert_string_equal(setting("mute"), "");
        assert_int_equal(store.commits, 2); /* of the answer; of alerts and mute */
        assert_int_equal(count_lines(VPS_DEBUG, "Delivered: a digest of "), 1);
        assert_int_equal(told().muted_until, 0);
        put(EVENT_BYPASS, 2, 2);
        tend_in(10, TAKEN);
        assert_not_sent(2, "While muted");
    }
}

static void test_unmute(void **state)
{
    (void)state;
    begin_mute(7200);
    put_offline(2);
    tend(TAKEN);
    pass(1800);
    mute_end(&mute, &store, wall_seconds());
    keep_changes();
    tend(TAKEN);
    assert_sent(0, "While muted (30 min)");
    assert_string_equal(setting("mute"), "");
    assert_int_equal(server.connections, 1);
}

/* Unmuted within a second: there is no length to tell, and it is over all the same. */
static void test_mute_of_no_length(void **state)
{
    (void)state;
    begin_mute(7200);
    put_offline(1);
    mute_end(&mute, &store, mute.since);
    keep_changes();
    tend(TAKEN);
    assert_int_equal(server.connections, 1);
    assert_not_sent(0, "While muted");
    assert_int_equal(mute.since, 0);
    assert_string_equal(setting("mute"), "");
}

/* There is nothing to be told of it. */
static void test_empty_mute(void **state)
{
    (void)state;
    begin_mute(10);
    tend(TAKEN);
    assert_string_not_equal(setting("mute"), "");
    tend_in(11, TAKEN);
    assert_string_equal(setting("mute"), "");
    assert_int_equal(mute.since, 0);
    assert_int_equal(server.connections, 0);
    tend(TAKEN);
    assert_int_equal(due, INT64_MAX);
}

static void test_empty_mute_is_not_stored(void **state)
{
    (void)state;
    begin_mute(10);
    store.failures = 1;
    tend_in(11, TAKEN);
    assert_string_not_equal(setting("mute"), "");
    assert_int_not_equal(mute.since, 0); /* as the store says */
    assert_true(due > clock_monotonic());
    tend_in(1, TAKEN);
    assert_string_equal(setting("mute"), "");
    assert_int_equal(mute.since, 0);
}

/* The disk is lost, and what it knew of the mute with it. */
static void test_mute_outlives_the_disk(void **state)
{
    (void)state;
    begin_mute(600);
    put_offline(1);
    ask("/status", 0);
    store.is.setting_count = 0;
    store.failures = 1;
    tend(TAKEN);
    assert_true(mute_is_on(&mute, wall_seconds()));
    tend_in(2, TAKEN);
    assert_not_sent(server.connections - 1, "client-1-1");
}

/* The digest that ends it is tried until it is accepted, and tells of it each time. */
static void test_digest_of_mute_is_lost(void **state)
{
    (void)state;
    begin_mute(7200);
    put_offline(1);
    tend_in(7200, "");
    assert_string_not_equal(setting("mute"), "");
    tend_in(3, TAKEN);
    assert_sent(1, "While muted (2 h)");
    assert_string_equal(setting("mute"), "");
    assert_int_equal(store.is.message_count, 0);
}

/* Its removal fails: the mute goes with the alerts when that is done again. */
static void test_digest_of_mute_stays(void **state)
{
    (void)state;
    begin_mute(7200);
    put_offline(2);
    store.failures = 1;
    store.renumbers = true;
    tend_in(7200, TAKEN);
    assert_int_equal(store.is.message_count, 2);
    assert_string_not_equal(setting("mute"), "");
    tend_in(1, TAKEN);
    assert_int_equal(store.is.message_count, 0);
    assert_string_equal(setting("mute"), "");
    assert_int_equal(server.connections, 1);
}

/* An alert from before the mute could not be removed: its removal does not end the mute untold. */
static void test_mute_outlives_older_removals(void **state)
{
    (void)state;
    put(EVENT_OFFLINE, 9, 9);
    store.failures = 1;
    tend(TAKEN);
    begin_mute(600);
    put_offline(2);
    tend_in(600, TAKEN); /* removes */
    assert_int_equal(store.is.message_count, 2);
    tend(TAKEN);
    assert_int_equal(server.connections, 2);
    assert_sent(1, "While muted (10 min)");
    assert_not_sent(1, "client-9-9");
    assert_string_equal(setting("mute"), "");
}

/* Muted again while that digest is on its way: what comes now is held. */
static void test_muted_again(void **state)
{
    (void)state;
    begin_mute(600);
    put_offline(1);
    pass(600);
    (void)delivery_tend(delivery, clock_monotonic());
    pass(1);
    begin_mute(1800);
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_true(mute_is_on(&mute, wall_seconds()));
    put(EVENT_BYPASS, 2, 1);
    tend_in(60, TAKEN);
    assert_int_equal(server.connections, 1);
    tend_in(1800, TAKEN);
    assert_sent(1, "While muted (30 min)");
}

/* In the same second, too. */
static void test_muted_again_at_once(void **state)
{
    (void)state;
    begin_mute(600);
    put_offline(1);
    mute_end(&mute, &store, mute.since);
    keep_changes();
    (void)delivery_tend(delivery, clock_monotonic());
    mute_begin(&mute, &store, mute.since, wall_seconds() + 600);
    keep_changes();
    script = (const char *const[]){TAKEN, NULL};
    run_until(transfers, is_idle);
    assert_int_equal(store.is.message_count, 0);
    assert_true(mute_is_on(&mute, wall_seconds()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mute, start, stop),
        cmocka_unit_test_setup_teardown(test_unmute, start, stop),
        cmocka_unit_test_setup_teardown(test_mute_of_no_length, start, stop),
        cmocka_unit_test_setup_teardown(test_empty_mute, start, stop),
        cmocka_unit_test_setup_teardown(test_empty_mute_is_not_stored, start, stop),
        cmocka_unit_test_setup_teardown(test_mute_outlives_the_disk, start, stop),
        cmocka_unit_test_setup_teardown(test_digest_of_mute_is_lost, start, stop),
        cmocka_unit_test_setup_teardown(test_digest_of_mute_stays, start, stop),
        cmocka_unit_test_setup_teardown(test_mute_outlives_older_removals, start, stop),
        cmocka_unit_test_setup_teardown(test_muted_again, start, stop),
        cmocka_unit_test_setup_teardown(test_muted_again_at_once, start, stop),
    };

    return cmocka_run_group_tests_name("delivery_mute", tests, start_all, stop_all);
}
