/*
 * client/course.h: decisions one by one, and a model: a daemon on a simulated clock, driven by random
 * answers, signals and suspends, must keep its promises in every round.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "course.h"
#include "delay.h"
#include "random.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- decisions --- */

static void test_first_round_is_due(void **state)
{
    course_t course = {0};
    signals_t signals = {0};

    (void)state;
    assert_int_equal(course_next(&course, &signals, 1), COURSE_ROUND);
}

static void test_due(void **state)
{
    course_t course = {.due = 1000};
    signals_t signals = {0};

    (void)state;
    assert_int_equal(course_next(&course, &signals, 999), COURSE_WAIT);
    assert_int_equal(course_next(&course, &signals, 1000), COURSE_ROUND);
    assert_int_equal(course.start, 1000);
    assert_int_equal(course_next(&course, &signals, INT64_C(1) << 50), COURSE_ROUND);
}

/* Each command is obeyed once; a stop goes before all others and stays. */
static void test_commands(void **state)
{
    course_t course = {.due = 1000};
    signals_t signals = {.report = true};

    (void)state;
    assert_int_equal(course_next(&course, &signals, 5), COURSE_ROUND);
    assert_int_equal(course.start, 5);
    assert_int_equal(course_next(&course, &signals, 5), COURSE_WAIT);

    signals.reload = true;
    signals.report = true;
    assert_int_equal(course_next(&course, &signals, 6), COURSE_RELOAD);
    assert_int_equal(course_next(&course, &signals, 6), COURSE_ROUND);
    assert_int_equal(course_next(&course, &signals, 6), COURSE_WAIT);

    signals = (signals_t){.stop = true, .reload = true, .report = true};
    assert_int_equal(course_next(&course, &signals, 2000), COURSE_STOP);
    assert_int_equal(course_next(&course, &signals, 2000), COURSE_STOP);
}

static void test_news(void **state)
{
    course_t course = {0};
    course_news_t news;

    (void)state;
    news = course_judge(&course, TRANSFER_OK, 0);
    assert_false(news.failure || news.recovery);
    news = course_judge(&course, TRANSFER_FAILING, 1000);
    assert_true(news.failure && !news.recovery);
    news = course_judge(&course, TRANSFER_FAILING, 2000);
    assert_false(news.failure || news.recovery);
    news = course_judge(&course, TRANSFER_TLS, 3000);
    assert_true(news.failure && !news.recovery);
    news = course_judge(&course, TRANSFER_OK, 62000);
    assert_true(!news.failure && news.recovery);
    assert_string_equal(news.length, "1 min 1 s");
    news = course_judge(&course, TRANSFER_OK, 63000);
    assert_false(news.failure || news.recovery);
}

/* Who has mended the configuration wants to see whether that helped. */
static void test_reload_makes_news(void **state)
{
    course_t course = {0};
    signals_t signals = {.reload = true};
    course_news_t news;

    (void)state;
    course_judge(&course, TRANSFER_UNAUTHORIZED, 1000);
    course_next(&course, &signals, 5000);
    news = course_judge(&course, TRANSFER_UNAUTHORIZED, 6000);
    assert_true(news.failure);
    news = course_judge(&course, TRANSFER_OK, 11000);
    assert_true(news.recovery);
    assert_string_equal(news.length, "10 s"); /* it was one outage */
}

/* A reload without an outage does not make one. */
static void test_reload_when_all_is_well(void **state)
{
    course_t course = {0};
    signals_t signals = {.reload = true};

    (void)state;
    course_next(&course, &signals, 5000);
    assert_false(course_judge(&course, TRANSFER_OK, 11000).recovery);
}

/* An hour of refusals is no reason to wait long when the server is restarted after it. */
static void test_refusals_do_not_lengthen_the_back_off(void **state)
{
    const course_end_t refused = {.kind = TRANSFER_UNAUTHORIZED, .interval = CLOCK_MINUTE};
    const course_end_t failing = {.kind = TRANSFER_FAILING, .interval = CLOCK_MINUTE};
    course_t course = {0};

    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        course_plan(&course, &refused, 0);
        assert_int_equal(course.due, CLOCK_MINUTE);
    }
    course_plan(&course, &failing, 0);
    assert_int_equal(course.due, 750);
    course_plan(&course, &failing, 0);
    assert_int_equal(course.due, 1500);
    course_plan(&course, &refused, 0);
    course_plan(&course, &failing, 0);
    assert_int_equal(course.due, 750);
}

/* --- the model --- */

/* The world of one simulated daemon, and what it was seen to do. */
typedef struct world_t {
    course_t course;
    signals_t signals;
    int64_t now;      /* ms */
    int64_t interval; /* ms */

    int64_t start, end;       /* of the last round */
    int64_t least, most;      /* when the next must start, unless commanded */
    int64_t resumed;          /* end of the last suspend */
    int64_t commanded;        /* a signal that wants a round came then; -1 = none */
    unsigned in_a_row;        /* rounds that backed off */
    int64_t outage;           /* start; -1 = none */
    bool told[32];            /* kinds, in this outage */
    unsigned rounds, reloads; /* done */
} world_t;

static const transfer_kind_t kinds[] = {
    TRANSFER_OK,      TRANSFER_UNREACHABLE,  TRANSFER_TLS,       TRANSFER_REDIRECT,
    TRANSFER_FOREIGN, TRANSFER_UNAUTHORIZED, TRANSFER_FORBIDDEN, TRANSFER_LIMITED,
    TRANSFER_REFUSED, TRANSFER_FAILING,      TRANSFER_OK,        TRANSFER_OK,
};

static bool is_final(transfer_kind_t kind)
{
    return kind == TRANSFER_OK || kind == TRANSFER_UNAUTHORIZED || kind == TRANSFER_FORBIDDEN ||
           kind == TRANSFER_REFUSED || kind == TRANSFER_LIMITED;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A signal comes now and then; never one that stops. */
static void maybe_signal(world_t *world, uint32_t one_in)
{
    switch (random_below(2 * one_in)) {
    case 0:
        world->signals.report = true;
        break;
    case 1:
        world->signals.reload = true;
        break;
    default:
        return;
    }
    if (world->commanded < 0) {
        world->commanded = world->now;
    }
}

static void maybe_suspend(world_t *world, uint32_t one_in)
{
    if (random_below(one_in) == 0) {
        world->now += random_below(3 * 24 * CLOCK_HOUR);
        world->resumed = world->now;
    }
}

/* Time goes on, a random piece of what is left until then; anything may come meanwhile. */
static void pass(world_t *world, int64_t until, uint32_t one_in)
{
    world->now += 1 + random_below((uint32_t)(until - world->now));
    maybe_suspend(world, one_in);
    maybe_signal(world, one_in);
}

static void check_start(const world_t *world)
{
    if (world->rounds == 0) {
        return;
    }
    if (world->commanded >= 0) {
        /* At once, or at once after the round it came in. */
        assert_int_equal(world->now, larger(world->commanded, world->end));
        return;
    }
    assert_true(world->now >= world->least);
    assert_true(world->now <= larger(world->most, world->resumed));
}

static void check_news(world_t *world, transfer_kind_t kind, const course_news_t *news)
{
    if (kind == TRANSFER_OK) {
        outage_t outage = {.since = world->outage, .lasts = true};
        char length[OUTAGE_LENGTH_SIZE];

        assert_int_equal(news->recovery, world->outage >= 0);
        assert_false(news->failure);
        if (news->recovery) {
            outage_end(&outage, world->now, length);
            assert_string_equal(news->length, length);
        }
        world->outage = -1;
        memset(world->told, 0, sizeof(world->told));
        return;
    }
    assert_false(news->recovery);
    assert_int_equal(news->failure, !world->told[kind]);
    world->told[kind] = true;
    if (world->outage < 0) {
        world->outage = world->now;
    }
}

/* What was promised for the next round after this one. */
static void expect(world_t *world, transfer_kind_t kind, int64_t asked)
{
    int64_t regular = larger(world->start + world->interval, world->end);
    int64_t base;

    world->in_a_row = is_final(kind) ? 0 : world->in_a_row + 1;
    world->least = world->most = regular;
    if (kind == TRANSFER_LIMITED && asked > 0) {
        asked = smaller(asked, 10 * CLOCK_MINUTE);
        world->least = world->end + asked;
        world->most = world->end + asked + asked / 10;
    } else if (!is_final(kind)) {
        base = CLOCK_SECOND << smaller(world->in_a_row - 1, 20);
        world->least = smaller(world->end + base * 3 / 4, regular);
        world->most = smaller(world->end + base * 5 / 4, regular);
    }
}

static void play_round(world_t *world)
{
    transfer_kind_t kind = kinds[random_below(COUNT(kinds))];
    course_end_t end = {
        .kind = kind,
        .retry_after = kind == TRANSFER_LIMITED ? random_below(20) * CLOCK_MINUTE : 0,
        .interval = world->interval,
        .random = random_below(UINT32_MAX),
    };
    course_news_t news;
    int64_t over;

    check_start(world);
    world->commanded = -1;
    world->start = world->now;
    over = world->now + random_below(4) * random_below(30 * CLOCK_SECOND);
    while (world->now < over) {
        pass(world, over, 20);
    }
    world->end = world->now;
    news = course_judge(&world->course, kind, world->now);
    check_news(world, kind, &news);
    course_plan(&world->course, &end, world->now);
    expect(world, kind, end.retry_after);
    world->rounds++;
}

/* As the daemon does it. */
static void take_step(world_t *world)
{
    switch (course_next(&world->course, &world->signals, world->now)) {
    case COURSE_WAIT:
        assert_true(world->commanded < 0);
        pass(world, world->course.due, 50);
        return;
    case COURSE_RELOAD:
        memset(world->told, 0, sizeof(world->told));
        world->reloads++;
        return;
    case COURSE_ROUND:
        play_round(world);
        return;
    default:
        fail();
    }
}

static void test_model(void **state)
{
    static const int64_t intervals[] = {1, 5, 60, 300, 86400};
    unsigned reloads = 0;

    (void)state;
    for (unsigned run = 0; run < 500; run++) {
        world_t world = {
            .now = 1 + random_below(100 * CLOCK_HOUR),
            .interval = intervals[run % COUNT(intervals)] * CLOCK_SECOND,
            .commanded = -1,
            .outage = -1,
        };

        for (unsigned step = 0; step < 1000; step++) {
            take_step(&world);
        }
        assert_in_range(world.rounds, 100, 1000);
        reloads += world.reloads;
    }
    assert_true(reloads > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_round_is_due),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_news),
        cmocka_unit_test(test_reload_makes_news),
        cmocka_unit_test(test_reload_when_all_is_well),
        cmocka_unit_test(test_refusals_do_not_lengthen_the_back_off),
        cmocka_unit_test(test_model),
    };

    return cmocka_run_group_tests_name("course", tests, NULL, NULL);
}
