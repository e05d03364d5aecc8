/*
 * client/health.h: what follows from when the server last accepted a report.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "health.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_ready(void **state)
{
    static const struct {
        int64_t accepted, interval, now;
        bool is_ready;
    } cases[] = {
        {0, 60000, 1000, false}, /* none yet, though the machine is young */
        {0, 60000, 0, false},
        {1, 60000, 1, true},         /* this very moment */
        {1000, 60000, 180999, true}, /* a millisecond before the third interval is over */
        {1000, 60000, 181000, false},
        {1000, 60000, 181001, false},
        {1000, 1000, 3999, true},
        {1000, 1000, 4000, false},
        {1000, 86400000, 259200999, true},
        {1000, 86400000, 259201000, false},
        {5001, 60000, 5000, false}, /* of another boot, or forged */
        {INT64_MAX, 60000, 5000, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const health_t health = {.accepted = cases[i].accepted, .interval = cases[i].interval};

        assert_int_equal(health_is_ready(&health, cases[i].now), cases[i].is_ready);
    }
}

static void test_alive(void **state)
{
    const health_t health = {.promise = 5000};

    (void)state;
    assert_true(health_is_alive(&health, 0));
    assert_true(health_is_alive(&health, 5000));
    assert_false(health_is_alive(&health, 5001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_alive),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
