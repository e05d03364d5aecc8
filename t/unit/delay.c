/* client/delay.h: how long the daemon waits after each kind of round. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "delay.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define YEAR (365 * 24 * CLOCK_HOUR)

/* What the delay is made of. */
typedef enum rule_t { RULE_REST, RULE_ASKED, RULE_BACK_OFF } rule_t;

static const struct {
    transfer_kind_t kind;
    rule_t rule;
} kinds[] = {
    {TRANSFER_OK, RULE_REST},
    {TRANSFER_UNAUTHORIZED, RULE_REST},
    {TRANSFER_FORBIDDEN, RULE_REST},
    {TRANSFER_REFUSED, RULE_REST},
    {TRANSFER_LIMITED, RULE_ASKED},
    {TRANSFER_STOPPED, RULE_BACK_OFF},
    {TRANSFER_UNREACHABLE, RULE_BACK_OFF},
    {TRANSFER_TLS, RULE_BACK_OFF},
    {TRANSFER_REDIRECT, RULE_BACK_OFF},
    {TRANSFER_FAILING, RULE_BACK_OFF},
    {TRANSFER_FOREIGN, RULE_BACK_OFF},
};

/* A first failure that was answered at once, a minute's interval, the least random number. */
static delay_round_t round_of(transfer_kind_t kind)
{
    return (delay_round_t){.kind = kind, .failures = 1, .interval = CLOCK_MINUTE};
}

static void test_each_kind(void **state)
{
    static const int64_t expected[] = {
        [RULE_REST] = 50 * CLOCK_SECOND, [RULE_ASKED] = 20 * CLOCK_SECOND, [RULE_BACK_OFF] = 750};

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        delay_round_t round = round_of(kinds[i].kind);

        round.took = 10 * CLOCK_SECOND;
        round.retry_after = 20 * CLOCK_SECOND;
        assert_int_equal(delay_next(&round), expected[kinds[i].rule]);
    }
}

/* Rounds start an interval apart; a round longer than that is followed at once. */
static void test_rest_of_the_interval(void **state)
{
    static const struct {
        int64_t took, rest;
    } cases[] = {
        {0, CLOCK_MINUTE}, {1, CLOCK_MINUTE - 1}, {CLOCK_MINUTE - 1, 1},
        {CLOCK_MINUTE, 0}, {CLOCK_MINUTE + 1, 0}, {YEAR, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        delay_round_t round = round_of(TRANSFER_OK);

        round.took = cases[i].took;
        round.failures = 0;
        round.random = UINT32_MAX; /* plays no part */
        assert_int_equal(delay_next(&round), cases[i].rest);
    }
}

/* 1, 2, 4 … s, a quarter less to a quarter more. */
static void test_back_off_doubles(void **state)
{
    (void)state;
    for (unsigned failures = 1; failures <= 20; failures++) {
        delay_round_t round = round_of(TRANSFER_UNREACHABLE);
        const int64_t base = CLOCK_SECOND << (failures - 1);

        round.failures = failures;
        round.interval = YEAR;
        assert_int_equal(delay_next(&round), base - base / 4);
        round.random = UINT32_C(1) << 31;
        assert_int_equal(delay_next(&round), base);
        round.random = UINT32_MAX;
        assert_int_equal(delay_next(&round), base + base / 4 - 1);
    }
}

static void test_back_off_of_no_failures(void **state)
{
    delay_round_t round = round_of(TRANSFER_FAILING);

    (void)state;
    round.failures = 0;
    assert_int_equal(delay_next(&round), 750);
}

/* However often it failed, and however long the round took. */
static void test_never_slower_than_the_interval(void **state)
{
    static const unsigned failures[] = {0, 1, 2, 5, 6, 7, 8, 21, 32, 64, 65, 1000, UINT_MAX};
    static const uint32_t randoms[] = {0, 1, UINT32_C(1) << 31, UINT32_MAX};
    static const int64_t took[] = {0, 1, 30 * CLOCK_SECOND, CLOCK_MINUTE, CLOCK_HOUR};

    (void)state;
    for (size_t i = 0; i < COUNT(kinds) * COUNT(failures) * COUNT(randoms) * COUNT(took); i++) {
        delay_round_t round = round_of(kinds[i % COUNT(kinds)].kind);
        size_t rest = i / COUNT(kinds);
        int64_t longest;

        round.failures = failures[rest % COUNT(failures)];
        rest /= COUNT(failures);
        round.random = randoms[rest % COUNT(randoms)];
        round.took = took[rest / COUNT(randoms)];
        longest = round.took < CLOCK_MINUTE ? CLOCK_MINUTE - round.took : 0;
        assert_in_range(delay_next(&round), 0, longest);
    }
}

/* After many failures it is the interval itself. */
static void test_back_off_ends_at_the_interval(void **state)
{
    static const unsigned failures[] = {8, 21, 22, 64, UINT_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT(failures); i++) {
        delay_round_t round = round_of(TRANSFER_UNREACHABLE);

        round.failures = failures[i];
        assert_int_equal(delay_next(&round), CLOCK_MINUTE);
    }
}

/* Clients that lost their server at the same time come back one by one, not all at once. */
static void test_chance_spreads_evenly(void **state)
{
    enum { BINS = 10, NUMBERS = 10000 };
    unsigned bins[BINS] = {0};
    int64_t before = 0;

    (void)state;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        delay_round_t round = round_of(TRANSFER_UNREACHABLE);
        int64_t delay;

        round.failures = 6; /* 24 to 40 s */
        round.random = i * (UINT32_MAX / NUMBERS);
        delay = delay_next(&round);
        assert_true(delay >= before);
        before = delay;
        bins[(delay - 24 * CLOCK_SECOND) * BINS / (16 * CLOCK_SECOND)]++;
    }
    for (size_t i = 0; i < BINS; i++) {
        assert_in_range(bins[i], NUMBERS / BINS - 5, NUMBERS / BINS + 5);
    }
}

/* What a 429 asks for counts, and up to a tenth more, even beyond the interval. */
static void test_retry_after(void **state)
{
    static const struct {
        int64_t asked, least, most;
    } cases[] = {
        {0, 50 * CLOCK_SECOND, 50 * CLOCK_SECOND}, /* nothing said: the rest of the interval */
        {1, 1, 1},
        {1 * CLOCK_SECOND, 1000, 1099},
        {30 * CLOCK_SECOND, 30000, 32999},
        {CLOCK_MINUTE, 60000, 65999},
        {DELAY_LIMITED_MAX, 600000, 659999},
        {DELAY_LIMITED_MAX + 1, 600000, 659999},
        {24 * CLOCK_HOUR, 600000, 659999},
        {INT64_MAX, 600000, 659999},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        delay_round_t round = round_of(TRANSFER_LIMITED);

        round.took = 10 * CLOCK_SECOND;
        round.failures = 30; /* plays no part */
        round.retry_after = cases[i].asked;
        assert_int_equal(delay_next(&round), cases[i].least);
        round.random = UINT32_MAX;
        assert_int_equal(delay_next(&round), cases[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_rest_of_the_interval),
        cmocka_unit_test(test_back_off_doubles),
        cmocka_unit_test(test_back_off_of_no_failures),
        cmocka_unit_test(test_never_slower_than_the_interval),
        cmocka_unit_test(test_back_off_ends_at_the_interval),
        cmocka_unit_test(test_chance_spreads_evenly),
        cmocka_unit_test(test_retry_after),
    };

    return cmocka_run_group_tests_name("delay", tests, NULL, NULL);
}
