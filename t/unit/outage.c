/*
 * client/outage.h: told at the start, at each new kind of failure, and at the end with its length.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "outage.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_nothing_to_end(void **state)
{
    outage_t outage = {0};
    char length[OUTAGE_LENGTH_SIZE] = "untouched";

    (void)state;
    assert_false(outage_end(&outage, 1000, length));
    assert_string_equal(length, "untouched");
}

static void test_each_kind_is_news_once(void **state)
{
    outage_t outage = {0};
    char length[OUTAGE_LENGTH_SIZE];

    (void)state;
    for (unsigned kind = 0; kind < 32; kind++) {
        assert_true(outage_fail(&outage, kind, kind));
        for (unsigned known = 0; known <= kind; known++) {
            assert_false(outage_fail(&outage, known, 100));
        }
    }
    assert_true(outage_end(&outage, 100, length));

    /* The next outage is told from the start again. */
    assert_true(outage_fail(&outage, 3, 200));
    assert_false(outage_fail(&outage, 3, 200));
}

/* Who asks to repeat is told again, of the same outage. */
static void test_repeat(void **state)
{
    outage_t outage = {0};
    char length[OUTAGE_LENGTH_SIZE];

    (void)state;
    outage_repeat(&outage);
    assert_false(outage_end(&outage, 500, length));

    (void)outage_fail(&outage, 3, 1000);
    outage_repeat(&outage);
    assert_true(outage_fail(&outage, 3, 2000));
    assert_false(outage_fail(&outage, 3, 3000));
    outage_repeat(&outage);
    assert_true(outage_end(&outage, 6000, length));
    assert_string_equal(length, "5 s");
}

static void test_ends_once(void **state)
{
    outage_t outage = {0};
    char length[OUTAGE_LENGTH_SIZE];

    (void)state;
    assert_true(outage_fail(&outage, 31, 5000));
    assert_true(outage_end(&outage, 7000, length));
    assert_false(outage_end(&outage, 9000, length));
    assert_string_equal(length, "2 s");
}

/* Counted from the first failure, not from that of a new kind. */
static void test_length_counts_from_the_start(void **state)
{
    static const int64_t starts[] = {0, 1, 123456789, INT64_C(1) << 40};

    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        outage_t outage = {0};
        char length[OUTAGE_LENGTH_SIZE];

        (void)outage_fail(&outage, 2, starts[i]);
        (void)outage_fail(&outage, 0, starts[i] + 10000);
        (void)outage_fail(&outage, 2, starts[i] + 20000);
        assert_true(outage_end(&outage, starts[i] + 30000, length));
        assert_string_equal(length, "30 s");
    }
}

static void test_length_as_text(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {999, "0 s"},
        {1000, "1 s"},
        {59999, "59 s"},
        {60000, "1 min 0 s"},
        {61000, "1 min 1 s"},
        {3599999, "59 min 59 s"},
        {3600000, "1 h 0 min"},
        {3659999, "1 h 0 min"},
        {86399999, "23 h 59 min"},
        {86400000, "1 d 0 h"},
        {INT64_C(1122000000), "12 d 23 h"},
        {INT64_C(86400000) * 36500, "36500 d 0 h"},
        {INT64_MAX, "106751991167 d 7 h"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        outage_t outage = {0};
        char length[OUTAGE_LENGTH_SIZE];

        memset(length, 'x', sizeof(length));
        (void)outage_fail(&outage, 0, 0);
        assert_true(outage_end(&outage, cases[i].ms, length));
        assert_string_equal(length, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_end),
        cmocka_unit_test(test_each_kind_is_news_once),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_ends_once),
        cmocka_unit_test(test_length_counts_from_the_start),
        cmocka_unit_test(test_length_as_text),
    };

    return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
