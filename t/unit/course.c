/*
 * client/course.h and early.h: decisions one by one, and a model: a daemon on a simulated clock, driven
 * by random answers, signals, changes of the network and suspends, must keep its promises in every
 * round.
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

static const change_t calm; /* nothing has changed */

/* --- decisions --- */

static void test_first_round_is_due(void **state)
{
    course_t course = {0};
    signals_t signals = {0};

    (void)state;
    assert_int_equal(course_next(&course, &signals, &calm, 1), COURSE_ROUND);
}

static void test_due(void **state)
{
    course_t course = {.due = 1000};
    signals_t signals = {0};

    (void)state;
    assert_int_equal(course_next(&course, &signals, &calm, 999), COURSE_WAIT);
    assert_int_equal(course_next(&course, &signals, &calm, 1000), COURSE_ROUND);
    assert_int_equal(course.start, 1000);
    assert_int_equal(course_next(&course, &signals, &calm, INT64_C(1) << 50), COURSE_ROUND);
}

/* Each command is obeyed once; a stop goes before all others and stays. */
static void test_commands(void **state)
{
    course_t course = {.due = 1000};
    signals_t signals = {.report = true};

    (void)state;
    assert_int_equal(course_next(&course, &signals, &calm, 5), COURSE_ROUND);
    assert_int_equal(course.start, 5);
    assert_int_equal(course_next(&course, &signals, &calm, 5), COURSE_WAIT);

    signals.reload = true;
    signals.report = true;
    assert_int_equal(course_next(&course, &signals, &calm, 6), COURSE_RELOAD);
    assert_int_equal(course_next(&course, &signals, &calm, 6), COURSE_ROUND);
    assert_int_equal(course_next(&course, &signals, &calm, 6), COURSE_WAIT);

    signals = (signals_t){.stop = true, .reload = true, .report = true};
    assert_int_equal(course_next(&course, &signals, &calm, 2000), COURSE_STOP);
    assert_int_equal(course_next(&course, &signals, &calm, 2000), COURSE_STOP);
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
    course_next(&course, &signals, &calm, 5000);
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
    course_next(&course, &signals, &calm, 5000);
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

/* --- changes of the network --- */

#define HOUR CLOCK_HOUR
#define LATER (100 * CLOCK_HOUR) /* the next round by the interval, or about */

/* The course of a daemon that has reported at "now", and does so each hour. */
static course_t begin_course(int64_t now)
{
    const course_end_t end = {.kind = TRANSFER_OK, .interval = HOUR};
    course_t course = {0};
    signals_t signals = {0};

    assert_int_equal(course_next(&course, &signals, &calm, now), COURSE_ROUND);
    course_plan(&course, &end, now);
    return course;
}

/* It waits until "then" and not a moment longer; then it begins a round. Returns which. */
static course_action_t wait_for_round(course_t *course, change_t *change, int64_t then)
{
    signals_t signals = {0};
    course_action_t action;

    assert_int_equal(course_wakes(course, change), then);
    assert_int_equal(course_next(course, &signals, change, then - 1), COURSE_WAIT);
    action = course_next(course, &signals, change, then);
    change->kinds = 0;
    return action;
}

static void end_round(course_t *course, transfer_kind_t kind, int64_t now)
{
    const course_end_t end = {.kind = kind, .interval = HOUR};

    course_plan(course, &end, now);
}

static void test_a_change_is_told_soon_and_once_more(void **state)
{
    course_t course = begin_course(LATER);
    change_t change = {0};

    (void)state;
    change_note(&change, CHANGE_ROUTE, LATER + 60000);
    assert_int_equal(wait_for_round(&course, &change, LATER + 60300), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_OK, LATER + 60500);
    assert_int_equal(wait_for_round(&course, &change, LATER + 63300), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_OK, LATER + 63500);
    assert_int_equal(wait_for_round(&course, &change, LATER + HOUR), COURSE_ROUND);
}

/* One change after the other: the round waits for the last, but not for ever. */
static void test_a_burst_of_changes(void **state)
{
    course_t course = begin_course(LATER);
    change_t change = {0};

    (void)state;
    change_note(&change, CHANGE_ROUTE, LATER + 100);
    change_note(&change, CHANGE_RULE, LATER + 350);
    assert_int_equal(course_wakes(&course, &change), LATER + 650);
    for (int64_t at = 400; at <= 1000; at += 50) {
        change_note(&change, CHANGE_ROUTE, LATER + at);
    }
    assert_int_equal(wait_for_round(&course, &change, LATER + 1100), COURSE_ROUND_ANEW);
}

static void test_a_change_in_a_round_makes_another(void **state)
{
    course_t course = begin_course(LATER);
    change_t change = {0};

    (void)state;
    change_note(&change, CHANGE_ROUTE, LATER + 1000);
    assert_int_equal(wait_for_round(&course, &change, LATER + 1300), COURSE_ROUND_ANEW);
    change_note(&change, CHANGE_ROUTE, LATER + 2000);
    end_round(&course, TRANSFER_OK, LATER + 20000);
    assert_int_equal(course_wakes(&course, &change), LATER + 3300); /* long ago: at once */
    assert_int_equal(course_next(&course, &(signals_t){0}, &change, LATER + 20000),
                     COURSE_ROUND_ANEW);
    change.kinds = 0;
    end_round(&course, TRANSFER_OK, LATER + 20100);
    assert_int_equal(wait_for_round(&course, &change, LATER + 23000), COURSE_ROUND_ANEW);
}

/* A round that comes by itself sees it as well, and needs no second of its own before the second look. */
static void test_a_change_before_a_regular_round(void **state)
{
    course_t course = begin_course(LATER);
    change_t change = {0};

    (void)state;
    change_note(&change, CHANGE_ROUTE, LATER + HOUR - 100);
    assert_int_equal(wait_for_round(&course, &change, LATER + HOUR), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_OK, LATER + HOUR + 100);
    assert_int_equal(wait_for_round(&course, &change, LATER + HOUR + 3000), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_OK, LATER + HOUR + 3100);
    assert_int_equal(wait_for_round(&course, &change, LATER + 2 * HOUR), COURSE_ROUND);
}

/* In a back-off it tries at once; when that fails too, backing off goes on. */
static void test_a_change_in_a_back_off(void **state)
{
    course_t course = begin_course(LATER);
    change_t change = {0};
    int64_t now = LATER;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        end_round(&course, TRANSFER_UNREACHABLE, now);
    }
    assert_true(course.due > now + 300 * CLOCK_SECOND);
    now += 10000;
    change_note(&change, CHANGE_ROUTE, now);
    assert_int_equal(wait_for_round(&course, &change, now + 300), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_UNREACHABLE, now + 300);
    assert_int_equal(wait_for_round(&course, &change, now + 3300), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_UNREACHABLE, now + 3300);
    assert_true(course_wakes(&course, &change) > now + 300 * CLOCK_SECOND);
    assert_true(course_wakes(&course, &change) <= LATER + HOUR);
}

static void test_the_server_asked_to_wait(void **state)
{
    const course_end_t end = {
        .kind = TRANSFER_LIMITED, .interval = HOUR, .retry_after = 5 * CLOCK_MINUTE};
    course_t course = begin_course(LATER);
    change_t change = {0};

    (void)state;
    course_plan(&course, &end, LATER);
    change_note(&change, CHANGE_ROUTE, LATER + 1000);
    assert_int_equal(wait_for_round(&course, &change, LATER + 5 * CLOCK_MINUTE), COURSE_ROUND_ANEW);
    end_round(&course, TRANSFER_OK, LATER + 5 * CLOCK_MINUTE);
    change_note(&change, CHANGE_ROUTE, LATER + 6 * CLOCK_MINUTE);
    assert_int_equal(wait_for_round(&course, &change, LATER + 5 * CLOCK_MINUTE + 3000),
                     COURSE_ROUND_ANEW);
}

/* One more look decides: it comes soon, but does not press a server that refuses. */
static void test_doubt(void **state)
{
    static const struct {
        transfer_kind_t kind;
        int64_t due;
    } cases[] = {
        {TRANSFER_OK, COURSE_DOUBT},      {TRANSFER_UNAUTHORIZED, HOUR},
        {TRANSFER_REFUSED, HOUR},         {TRANSFER_LIMITED, HOUR},
        {TRANSFER_FAILING, COURSE_DOUBT}, {TRANSFER_UNREACHABLE, COURSE_DOUBT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const course_end_t end = {.kind = cases[i].kind, .interval = HOUR, .is_doubtful = true};
        course_t course = begin_course(LATER);

        course.failures = 5;
        course_plan(&course, &end, LATER);
        assert_int_equal(course.due, LATER + cases[i].due);
    }
}

/* It is sooner anyway: doubt makes nothing later. */
static void test_doubt_at_the_end_of_the_interval(void **state)
{
    const course_end_t end = {.kind = TRANSFER_OK, .interval = HOUR, .is_doubtful = true};
    course_t course = begin_course(LATER);

    (void)state;
    course_plan(&course, &end, LATER + HOUR - 300);
    assert_int_equal(course.due, LATER + HOUR);
}

/* A tunnel that flaps for an hour. */
static void test_a_storm_of_changes(void **state)
{
    course_t course = begin_course(LATER);
    change_t change = {0};
    int64_t starts[1000] = {0};
    size_t count = 0;

    (void)state;
    for (int64_t now = LATER + 1; now < LATER + HOUR; now += 50) {
        change_note(&change, CHANGE_ROUTE, now);
        if (course_next(&course, &(signals_t){0}, &change, now) == COURSE_WAIT) {
            continue;
        }
        change.kinds = 0;
        end_round(&course, TRANSFER_OK, now);
        assert_int_equal(course.due, LATER + HOUR);
        assert_true(count < COUNT(starts));
        starts[count++] = now;
        assert_true(count < 2 || now - starts[count - 2] >= 2000);
        assert_true(count < 2 || now - starts[count - 2] <= 15100);
        assert_true(count < 11 || now - starts[count - 11] > CLOCK_MINUTE);
    }
    assert_in_range(count, 240, 250);
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
    change_t change;          /* as the daemon sees it */
    int64_t changed;          /* first change that no round has seen came then; -1 = none */
    int64_t again;            /* a second look is promised then; -1 = none */
    int64_t early[10];        /* starts of the last early rounds, the oldest first */
    int64_t held;             /* the server asked to wait until then */
    unsigned in_a_row;        /* rounds that backed off */
    int64_t outage;           /* start; -1 = none */
    bool told[32];            /* kinds, in this outage */
    unsigned rounds, reloads; /* done */
    unsigned earlies;         /* of the rounds */
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

static void maybe_change(world_t *world, uint32_t one_in)
{
    if (random_below(one_in) == 0) {
        change_note(&world->change, CHANGE_ROUTE, world->now);
        if (world->changed < 0) {
            world->changed = world->now;
        }
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
    maybe_change(world, one_in);
}

/* One that came before it was due: a change or a second look must have wanted it. */
static void check_early(world_t *world)
{
    const size_t last = COUNT(world->early) - 1;
    const bool is_second = world->again >= 0 && world->now >= world->again;

    assert_true(is_second || world->changed >= 0);
    assert_true(is_second || world->now >= world->changed + 300);
    assert_true(world->now >= world->held);
    assert_true(world->early[last] < 0 || world->now - world->early[last] >= 2000);
    assert_true(world->early[0] < 0 || world->now - world->early[0] >= CLOCK_MINUTE);
    memmove(world->early, world->early + 1, last * sizeof(world->early[0]));
    world->early[last] = world->now;
    world->earlies++;
}

/* It waits: no change is kept waiting longer than was promised. */
static void check_changes(const world_t *world, int64_t until)
{
    const int64_t early = world->early[COUNT(world->early) - 1];
    const int64_t held = world->held != 0 ? world->most : 0;
    const int64_t allowed = larger(larger(early + 15000, held), world->now);

    assert_true(world->changed < 0 || until <= larger(world->changed + 1000, allowed));
    assert_true(world->again < 0 || until <= larger(world->again, allowed));
}

/* Returns whether it was early. */
static bool check_start(world_t *world)
{
    if (world->rounds == 0) {
        return false;
    }
    if (world->commanded >= 0) {
        /* At once, or at once after the round it came in. */
        assert_int_equal(world->now, larger(world->commanded, world->end));
        return false;
    }
    /* By chance a back-off is a bit shorter or longer. */
    assert_in_range(world->course.due, world->least, world->most);
    if (world->now < world->course.due) {
        check_early(world);
        return true;
    }
    assert_true(world->now <= larger(world->most, world->resumed));
    return false;
}

/* It begins: what has changed is seen by it, and by another one a little later. */
static void check_anew(world_t *world, course_action_t action)
{
    const bool is_second = world->again >= 0 && world->now >= world->again;

    assert_int_equal(action == COURSE_ROUND_ANEW, world->changed >= 0 || is_second);
    if (world->changed >= 0) {
        world->again = world->now + 3000;
    } else if (is_second) {
        world->again = -1;
    }
    world->changed = -1;
    world->change.kinds = 0;
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
    world->held = 0;
    if (kind == TRANSFER_LIMITED && asked > 0) {
        asked = smaller(asked, 10 * CLOCK_MINUTE);
        world->least = world->end + asked;
        world->most = world->end + asked + asked / 10;
        world->held = world->least;
    } else if (!is_final(kind)) {
        base = CLOCK_SECOND << smaller(world->in_a_row - 1, 20);
        world->least = smaller(world->end + base * 3 / 4, regular);
        world->most = smaller(world->end + base * 5 / 4, regular);
    }
}

static void play_round(world_t *world, course_action_t action)
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

    if (!check_start(world)) {
        world->start = world->now;
    }
    check_anew(world, action);
    world->commanded = -1;
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
    const course_action_t action =
        course_next(&world->course, &world->signals, &world->change, world->now);
    const int64_t until = course_wakes(&world->course, &world->change);

    switch (action) {
    case COURSE_WAIT:
        assert_true(world->commanded < 0);
        check_changes(world, until);
        pass(world, until, 50);
        return;
    case COURSE_RELOAD:
        memset(world->told, 0, sizeof(world->told));
        world->reloads++;
        return;
    case COURSE_ROUND:
    case COURSE_ROUND_ANEW:
        play_round(world, action);
        return;
    default:
        fail();
    }
}

static void test_model(void **state)
{
    static const int64_t intervals[] = {1, 5, 60, 300, 86400};
    unsigned reloads = 0, earlies = 0;

    (void)state;
    for (unsigned run = 0; run < 500; run++) {
        world_t world = {
            .now = 1 + random_below(100 * CLOCK_HOUR),
            .interval = intervals[run % COUNT(intervals)] * CLOCK_SECOND,
            .commanded = -1,
            .changed = -1,
            .again = -1,
            .outage = -1,
        };

        memset(world.early, -1, sizeof(world.early));

        for (unsigned step = 0; step < 1000; step++) {
            take_step(&world);
        }
        assert_in_range(world.rounds, 100, 1000);
        reloads += world.reloads;
        earlies += world.earlies;
    }
    assert_true(reloads > 100);
    assert_true(earlies > 1000);
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
        cmocka_unit_test(test_a_change_is_told_soon_and_once_more),
        cmocka_unit_test(test_a_burst_of_changes),
        cmocka_unit_test(test_a_change_in_a_round_makes_another),
        cmocka_unit_test(test_a_change_before_a_regular_round),
        cmocka_unit_test(test_a_change_in_a_back_off),
        cmocka_unit_test(test_the_server_asked_to_wait),
        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_doubt_at_the_end_of_the_interval),
        cmocka_unit_test(test_a_storm_of_changes),
        cmocka_unit_test(test_model),
    };

    return cmocka_run_group_tests_name("course", tests, NULL, NULL);
}
