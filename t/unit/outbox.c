/* mod_vpnsentinel/outbox.h: when the next message goes, after each kind of answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECOND INT64_C(1000000) /* usec */
#define NOW (1000 * SECOND)

static const telegram_answer_t ok = {.kind = TELEGRAM_OK};
static const telegram_answer_t later = {.kind = TELEGRAM_LATER};
static const telegram_answer_t unparsable = {.kind = TELEGRAM_UNPARSABLE};
static const telegram_answer_t refused = {.kind = TELEGRAM_REFUSED};

static void test_accepted(void **state)
{
    outbox_t outbox = {.failures = 7, .plain = true};

    (void)state;
    assert_true(outbox_answered(&outbox, &ok, NOW, UINT32_MAX));
    assert_int_equal(outbox.not_before, NOW + OUTBOX_PACE);
    assert_int_equal(outbox.failures, 0);
    assert_false(outbox.plain);
}

static void test_back_off(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    outbox_t outbox = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(seconds); i++) {
        assert_false(outbox_answered(&outbox, &later, NOW, 0));
        assert_int_equal(outbox.not_before, NOW + seconds[i] * SECOND);
    }
    outbox.failures = UINT32_MAX;
    assert_false(outbox_answered(&outbox, &later, NOW, 0));
    outbox.failures = UINT32_MAX / 2;
    assert_false(outbox_answered(&outbox, &later, NOW, 0));
    assert_int_equal(outbox.not_before, NOW + 60 * SECOND);
    assert_true(outbox_answered(&outbox, &ok, NOW, 0));
    assert_false(outbox_answered(&outbox, &later, NOW, 0));
    assert_int_equal(outbox.not_before, NOW + 1 * SECOND);
}

/* What they ask for, when it is longer than the back-off; that grows all the same. */
static void test_asked_to_wait(void **state)
{
    static const struct {
        unsigned failures;
        int64_t asked, seconds;
    } cases[] = {{0, 34, 34}, {0, 1, 1}, {3, 3, 8}, {3, 9, 9}, {9, 59, 60}, {9, 3600, 3600}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const telegram_answer_t answer = {.kind = TELEGRAM_LATER, .retry_after = cases[i].asked};
        outbox_t outbox = {.failures = cases[i].failures};

        assert_false(outbox_answered(&outbox, &answer, NOW, 0));
        assert_int_equal(outbox.not_before, NOW + cases[i].seconds * SECOND);
        assert_int_equal(outbox.failures, cases[i].failures + 1);
    }
}

static void test_refused(void **state)
{
    outbox_t outbox = {0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_false(outbox_answered(&outbox, &refused, NOW, 0));
        assert_int_equal(outbox.not_before, NOW + OUTBOX_REFUSED_RETRY);
    }
    assert_false(outbox.plain);
}

/* At once again as plain text; when that cannot be read either, there is no other way. */
static void test_unparsable(void **state)
{
    outbox_t outbox = {0};

    (void)state;
    assert_false(outbox_answered(&outbox, &unparsable, NOW, UINT32_MAX));
    assert_true(outbox.plain);
    assert_true(outbox.not_before <= NOW);
    assert_false(outbox_answered(&outbox, &later, NOW, 0));
    assert_true(outbox.plain);
    assert_int_equal(outbox.not_before, NOW + SECOND);
    assert_false(outbox_answered(&outbox, &unparsable, NOW, 0));
    assert_true(outbox.plain);
    assert_int_equal(outbox.not_before, NOW + OUTBOX_REFUSED_RETRY);
    assert_true(outbox_answered(&outbox, &ok, NOW, 0));
    assert_false(outbox.plain);
}

/* Random numbers make a wait up to a fifth longer, never shorter, and different. */
static void test_spread(void **state)
{
    static const telegram_answer_t hour = {.kind = TELEGRAM_LATER, .retry_after = 3600};
    static const struct {
        const telegram_answer_t *answer;
        int64_t wait;
    } cases[] = {{&later, SECOND}, {&refused, OUTBOX_REFUSED_RETRY}, {&hour, 3600 * SECOND}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t previous = -1;

        for (uint64_t random = 0; random <= UINT32_MAX; random += UINT32_MAX / 5) {
            outbox_t outbox = {0};
            int64_t added;

            assert_false(outbox_answered(&outbox, cases[i].answer, NOW, (uint32_t)random));
            added = outbox.not_before - NOW - cases[i].wait;
            assert_in_range(added, 0, cases[i].wait / 5);
            assert_true(added > previous);
            previous = added;
        }
        assert_int_equal(previous, cases[i].wait / 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),      cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_asked_to_wait), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unparsable),    cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
