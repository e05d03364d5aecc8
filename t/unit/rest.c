/* client/rest.h: how long somebody is left alone, and what may be spent in all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rest.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOW (1000 * CLOCK_HOUR)

static int64_t length(const rest_t *rest, int64_t now)
{
    if (rest->until > now) {
        assert_false(rest_is_over(rest, rest->until - 1));
    }
    assert_true(rest_is_over(rest, rest->until));
    return rest->until - now;
}

static const transfer_kind_t unreached[] = {TRANSFER_UNREACHABLE, TRANSFER_TLS, TRANSFER_REDIRECT,
                                            TRANSFER_FAILING, TRANSFER_FOREIGN};
static const transfer_kind_t refusals[] = {TRANSFER_UNAUTHORIZED, TRANSFER_FORBIDDEN,
                                           TRANSFER_LIMITED, TRANSFER_REFUSED};

static void test_zeroed(void **state)
{
    const rest_t rest = {0};

    (void)state;
    assert_true(rest_is_over(&rest, 0));
    assert_true(rest_is_over(&rest, NOW));
}

/* Fail count times in a row; the lengths of the rests are in minutes. */
static void check_doubling(transfer_kind_t kind, const int *minutes, size_t count)
{
    rest_t rest = {0};

    for (size_t i = 0; i < count; i++) {
        rest_after(&rest, kind, 0, NOW);
        assert_int_equal(length(&rest, NOW), minutes[i] * CLOCK_MINUTE);
    }
    for (unsigned i = 0; i < 100; i++) {
        rest_after(&rest, kind, 0, NOW);
        assert_int_equal(length(&rest, NOW), minutes[count - 1] * CLOCK_MINUTE);
    }
    rest_after(&rest, TRANSFER_OK, 0, NOW);
    assert_int_equal(length(&rest, NOW), 0);
    rest_after(&rest, kind, 0, NOW);
    assert_int_equal(length(&rest, NOW), minutes[0] * CLOCK_MINUTE);
}

static void test_doubling(void **state)
{
    static const int short_ones[] = {1, 2, 4, 8, 16, 32, 60};
    static const int long_ones[] = {15, 30, 60, 120, 180};

    (void)state;
    for (size_t i = 0; i < COUNT(unreached); i++) {
        check_doubling(unreached[i], short_ones, COUNT(short_ones));
    }
    for (size_t i = 0; i < COUNT(refusals); i++) {
        check_doubling(refusals[i], long_ones, COUNT(long_ones));
    }
}

/* Whoever asks for a rest gets it, but is not believed again when it proves too short. */
static void test_asked(void **state)
{
    rest_t rest = {0};

    (void)state;
    rest_after(&rest, TRANSFER_LIMITED, CLOCK_SECOND, NOW);
    assert_int_equal(length(&rest, NOW), CLOCK_SECOND);
    rest_after(&rest, TRANSFER_LIMITED, CLOCK_SECOND, NOW);
    assert_int_equal(length(&rest, NOW), 30 * CLOCK_MINUTE);
    rest_after(&rest, TRANSFER_LIMITED, 2 * CLOCK_HOUR, NOW);
    assert_int_equal(length(&rest, NOW), 2 * CLOCK_HOUR);
    rest_after(&rest, TRANSFER_LIMITED, 24 * CLOCK_HOUR, NOW);
    assert_int_equal(length(&rest, NOW), REST_REFUSED_MAX);

    /* also with an answer that is well */
    rest_after(&rest, TRANSFER_OK, CLOCK_MINUTE, NOW);
    assert_int_equal(length(&rest, NOW), CLOCK_MINUTE);
    rest_after(&rest, TRANSFER_OK, 0, NOW);
    assert_int_equal(length(&rest, NOW), 0);
}

static void test_retry(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unreached); i++) {
        rest_t rest = {0};

        rest_after(&rest, unreached[i], 0, NOW);
        rest_after(&rest, unreached[i], 0, NOW);
        rest_retry(&rest);
        assert_true(rest_is_over(&rest, NOW));
        rest_after(&rest, unreached[i], 0, NOW);
        assert_int_equal(length(&rest, NOW), REST_UNREACHED);
    }
    for (size_t i = 0; i < COUNT(refusals); i++) {
        rest_t rest = {0};

        rest_after(&rest, refusals[i], 0, NOW);
        rest_retry(&rest);
        assert_int_equal(length(&rest, NOW), REST_REFUSED);
    }
}

/* How many calls are possible in this time, trying each second. */
static int spend(rest_t *rest, int64_t start, int64_t end)
{
    int calls = 0;

    for (int64_t now = start; now < end; now += CLOCK_SECOND) {
        if (rest_is_over(rest, now)) {
            rest_spend(rest, now);
            calls++;
        }
    }
    return calls;
}

static void test_budget(void **state)
{
    rest_t rest = {0};

    (void)state;
    assert_int_equal(spend(&rest, NOW, NOW + CLOCK_MINUTE), REST_BURST);
    assert_int_equal(spend(&rest, NOW + CLOCK_MINUTE, NOW + CLOCK_HOUR), 5);
    rest_retry(&rest);
    assert_int_equal(spend(&rest, NOW + CLOCK_HOUR, NOW + 24 * CLOCK_HOUR), 6 * 23);
    assert_int_equal(spend(&rest, NOW + 48 * CLOCK_HOUR, NOW + 48 * CLOCK_HOUR + CLOCK_MINUTE),
                     REST_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed), cmocka_unit_test(test_doubling),
        cmocka_unit_test(test_asked),  cmocka_unit_test(test_retry),
        cmocka_unit_test(test_budget),
    };

    return cmocka_run_group_tests_name("rest", tests, NULL, NULL);
}
