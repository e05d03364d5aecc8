/* mod_vpnsentinel/webhook_retry.h: what each answer means, and how long each wait is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "webhook_retry.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECOND INT64_C(1000000) /* usec */

static void test_verdicts(void **state)
{
    static const struct {
        long status;
        webhook_verdict_t verdict;
    } cases[] = {
        {0, WEBHOOK_LATER},       {199, WEBHOOK_LATER},     {200, WEBHOOK_DELIVERED},
        {202, WEBHOOK_DELIVERED}, {204, WEBHOOK_DELIVERED}, {299, WEBHOOK_DELIVERED},
        {300, WEBHOOK_LATER},     {302, WEBHOOK_LATER},     {400, WEBHOOK_REFUSED},
        {401, WEBHOOK_REFUSED},   {404, WEBHOOK_REFUSED},   {407, WEBHOOK_REFUSED},
        {408, WEBHOOK_LATER},     {409, WEBHOOK_REFUSED},   {410, WEBHOOK_REFUSED},
        {425, WEBHOOK_LATER},     {429, WEBHOOK_LATER},     {499, WEBHOOK_REFUSED},
        {500, WEBHOOK_LATER},     {503, WEBHOOK_LATER},     {999, WEBHOOK_LATER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(webhook_verdict(cases[i].status), cases[i].verdict);
    }
}

static void test_back_off(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};

    (void)state;
    for (unsigned int i = 0; i < COUNT(seconds); i++) {
        assert_int_equal(webhook_wait(WEBHOOK_LATER, i, 0, 0), seconds[i] * SECOND);
        assert_int_equal(webhook_wait(WEBHOOK_REFUSED, i, 0, 0), WEBHOOK_REFUSED_RETRY);
    }
    assert_int_equal(webhook_wait(WEBHOOK_LATER, UINT32_MAX, 0, 0), WEBHOOK_RETRY_MAX);
}

/* What is asked for counts where it is longer. */
static void test_asked_to_wait(void **state)
{
    (void)state;
    assert_int_equal(webhook_wait(WEBHOOK_LATER, 0, 34, 0), 34 * SECOND);
    assert_int_equal(webhook_wait(WEBHOOK_LATER, 3, 3, 0), 8 * SECOND);
    assert_int_equal(webhook_wait(WEBHOOK_LATER, 9, 86400, 0), 86400 * SECOND);
    assert_int_equal(webhook_wait(WEBHOOK_REFUSED, 0, 3600, 0), 3600 * SECOND);
    assert_int_equal(webhook_wait(WEBHOOK_REFUSED, 0, 1, 0), WEBHOOK_REFUSED_RETRY);
}

static void test_spread(void **state)
{
    int64_t before = -1;

    (void)state;
    for (uint64_t random = 0; random <= UINT32_MAX; random += UINT32_MAX / 5) {
        const int64_t wait = webhook_wait(WEBHOOK_LATER, 9, 0, (uint32_t)random);

        assert_true(wait > before && wait >= WEBHOOK_RETRY_MAX);
        assert_true(wait <= WEBHOOK_RETRY_MAX / 5 * 6);
        before = wait;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_asked_to_wait),
        cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests_name("webhook_retry", tests, NULL, NULL);
}
