/*
 * mod_vpnsentinel/mute.h: how long alerts are muted, and that the store remembers it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mute.h"
#include "store_folder.h"

#define NOW INT64_C(1700000000)

static store_t *store;
static mute_t mute;

static int start(void **state)
{
    mute = (mute_t){0};
    if (folder_start(state) != 0) {
        return -1;
    }
    store = store_open(folder, pool);
    return store != NULL ? 0 : -1;
}

static int stop(void **state)
{
    store_close(store);
    return folder_stop(state);
}

static void assert_mute(const mute_t *found, int64_t since, int64_t until)
{
    assert_int_equal(found->since, since);
    assert_int_equal(found->until, until);
}

/* So it is here, and for the next process. */
static void assert_stored(int64_t since, int64_t until)
{
    mute_t recalled = {77, 77};

    assert_mute(&mute, since, until);
    assert_durable(store);
    store_close(store);
    store = open_store();
    mute_recall(&recalled, store);
    assert_mute(&recalled, since, until);
}

static void test_is_it_on(void **state)
{
    static const struct {
        mute_t mute;
        bool is_on, is_over;
    } cases[] = {
        {{0, 0}, false, false},
        {{NOW - 10, NOW + 1}, true, false},
        {{NOW - 10, NOW}, false, true},
        {{NOW - 10, NOW - 5}, false, true},
        {{NOW, NOW}, false, true},
        {{NOW + 5, NOW + 10}, true, false}, /* the clock was set back */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(mute_is_on(&cases[i].mute, NOW), cases[i].is_on);
        assert_int_equal(mute_is_over(&cases[i].mute, NOW), cases[i].is_over);
    }
}

static void test_a_mute(void **state)
{
    (void)state;
    assert_stored(0, 0);
    mute_begin(&mute, store, NOW, NOW + 3600);
    assert_stored(NOW, NOW + 3600);
    mute_begin(&mute, store, NOW + 60, NOW + 7200); /* prolonged */
    assert_stored(NOW, NOW + 7200);
    mute_begin(&mute, store, NOW + 120, NOW + 180); /* shortened */
    assert_stored(NOW, NOW + 180);
    mute_begin(&mute, store, NOW + 200, NOW + 300); /* another one */
    assert_stored(NOW + 200, NOW + 300);
    mute_clear(&mute, store);
    assert_stored(0, 0);
}

static void test_its_end(void **state)
{
    static const struct {
        mute_t mute;
        int64_t until; /* after it was ended at NOW */
    } cases[] = {
        {{0, 0}, 0},
        {{NOW - 100, NOW + 100}, NOW},
        {{NOW - 100, NOW - 50}, NOW - 50}, /* it is over */
        {{NOW, NOW + 100}, NOW},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        mute = (mute_t){0};
        if (cases[i].mute.since != 0) {
            mute_begin(&mute, store, cases[i].mute.since, cases[i].mute.until);
        }
        mute_end(&mute, store, NOW);
        assert_stored(cases[i].mute.since, cases[i].until);
        assert_false(mute_is_on(&mute, NOW));
        mute_clear(&mute, store);
        assert_stored(0, 0);
    }
}

/* It is as long as it was, and can be ended, prolonged and shortened. */
static void test_clock_set_back(void **state)
{
    enum { HOUR = 3600, DAY = 86400 };

    (void)state;
    mute_begin(&mute, store, NOW + DAY, NOW + DAY + HOUR);
    assert_true(mute_follow_clock(&mute, store, NOW));
    assert_stored(NOW, NOW + HOUR);
    assert_false(mute_follow_clock(&mute, store, NOW));
    assert_false(mute_follow_clock(&mute, store, NOW + DAY));
    assert_stored(NOW, NOW + HOUR);

    mute_begin(&mute, store, NOW - DAY, NOW - DAY + 60);
    assert_stored(NOW - DAY, NOW - DAY + 60);
    mute_end(&mute, store, NOW - 2 * DAY);
    assert_stored(NOW - 2 * DAY, NOW - 2 * DAY);
    mute_clear(&mute, store);
    assert_false(mute_follow_clock(&mute, store, NOW - 3 * DAY));
    assert_stored(0, 0);
}

/* What changes nothing is no change of the store. */
static void test_nothing_is_written_for_nothing(void **state)
{
    const uint64_t before = store_changes(store);

    (void)state;
    mute_clear(&mute, store);
    mute_end(&mute, store, NOW);
    mute = (mute_t){NOW - 100, NOW - 50};
    mute_end(&mute, store, NOW);
    assert_int_equal(store_changes(store), before);
}

static void test_whatever_the_setting_says(void **state)
{
    static const struct {
        const char *value;
        int64_t since, until;
    } cases[] = {
        {"1700000000 1700003600", 1700000000, 1700003600},
        {"1 1", 1, 1},
        {"1 253402300799", 1, 253402300799},
        {"", 0, 0},
        {" ", 0, 0},
        {"1700000000", 0, 0},
        {"1700000000 ", 0, 0},
        {"1700000000 1700003600 ", 0, 0},
        {"1700000000 1700003600x", 0, 0},
        {"1700000000 1700003600 1", 0, 0},
        {"x 1700003600", 0, 0},
        {"1700003600 1700000000", 0, 0},
        {"0 1700000000", 0, 0},
        {"-5 1700000000", 0, 0},
        {"-5 -1", 0, 0},
        {"1 253402300800", 0, 0},
        {"1 9223372036854775807", 0, 0},
        {"1 99999999999999999999999", 0, 0},
        {"99999999999999999999999 99999999999999999999999", 0, 0},
        {"0x10 0x20", 0, 0},
        {"1.5 2.5", 0, 0},
        {"11111111111111111111111111111111111111111111111111", 0, 0},
        {"%s %n", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        mute = (mute_t){77, 77};
        store_put_setting(store, "mute", cases[i].value);
        assert_durable(store);
        mute_recall(&mute, store);
        assert_mute(&mute, cases[i].since, cases[i].until);
    }
}

/* Over the time without a disk, and what is changed in it. */
static void test_disk_fails_and_recovers(void **state)
{
    mute_t recalled;

    (void)state;
    mute_begin(&mute, store, NOW, NOW + 3600);
    assert_durable(store);
    assert_int_equal(remove(path_of(FILE_NAME)), 0);
    mute_end(&mute, store, NOW + 10);
    assert_int_equal(commit(store), STORE_FAILED);
    mute_recall(&recalled, store);
    assert_mute(&recalled, NOW, NOW + 3600);
    mute_begin(&recalled, store, NOW + 20, NOW + 600);
    assert_int_equal(commit(store), STORE_VOLATILE);
    mute_recall(&mute, store);
    assert_mute(&mute, NOW, NOW + 600);
    assert_true(tend(store));
    assert_stored(NOW, NOW + 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_it_on),
        cmocka_unit_test_setup_teardown(test_a_mute, start, stop),
        cmocka_unit_test_setup_teardown(test_its_end, start, stop),
        cmocka_unit_test_setup_teardown(test_clock_set_back, start, stop),
        cmocka_unit_test_setup_teardown(test_nothing_is_written_for_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_whatever_the_setting_says, start, stop),
        cmocka_unit_test_setup_teardown(test_disk_fails_and_recovers, start, stop),
    };

    return cmocka_run_group_tests_name("mute", tests, NULL, NULL);
}
