/* mod_vpnsentinel/history.h: tables, and a model that knows the lights of each second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "history.h"
#include "random.h"

#define QUARTER INT64_C(900)
#define DAY (96 * QUARTER)
#define T (INT64_C(1900000) * QUARTER) /* a moment, sec since epoch, at the start of a quarter */

static history_t history;
static history_gaps_t gaps;

static int start(void **state)
{
    (void)state;
    memset(&history, 0, sizeof history);
    memset(&gaps, 0, sizeof gaps);
    return 0;
}

/* What is read, oldest first, a letter a cell: - g y o (grey) r. */
static const char *read_all(uint32_t first_seen, int64_t now, light_t light)
{
    static char text[HISTORY_CELLS + 1];
    uint8_t cells[HISTORY_CELLS];

    assert_true(history_is_valid(&history));
    assert_true(history_gaps_are_valid(&gaps));
    history_read(cells, &history, &gaps, first_seen, now, light);
    for (unsigned int i = 0; i < HISTORY_CELLS; i++) {
        assert_in_range(cells[i], 0, LIGHTS);
        text[i] = "-gyor"[cells[i]];
    }
    return text;
}

/* The newest cells are these. */
static void assert_ends(const char *expected, const char *text)
{
    assert_string_equal(text + HISTORY_CELLS - strlen(expected), expected);
}

/* For a server that has always lived. */
static void assert_shown(const char *expected, int64_t now, light_t light)
{
    memset(&gaps, 0, sizeof gaps);
    gaps.quarter = (uint32_t)(now / QUARTER);
    assert_ends(expected, read_all(0, now, light));
}

static void test_nothing_yet(void **state)
{
    (void)state;
    assert_shown("---y", T, LIGHT_YELLOW);
    history_note(&history, T, T + 10, LIGHT_RED);
    assert_shown("---g", T, LIGHT_GREEN);
}

static void test_goes_on_from_nothing(void **state)
{
    history_t newer = {0};

    (void)state;
    history_go_on(&history, T, &newer);
    assert_shown("---y", T, LIGHT_YELLOW);
    history_set(&newer, T, LIGHT_RED);
    history_go_on(&history, T, &newer);
    assert_shown("ooor", T, LIGHT_RED);
    assert_shown("ooorr", T + QUARTER, LIGHT_RED);
}

static void test_a_light_lasts(void **state)
{
    (void)state;
    history_set(&history, T, LIGHT_GREEN);
    assert_shown("ooog", T, LIGHT_GREEN);
    assert_shown("oooggg", T + 3 * QUARTER - 1, LIGHT_GREEN);
    assert_shown("ooogggg", T + 3 * QUARTER, LIGHT_GREEN);
    history_set(&history, T + 3 * QUARTER, LIGHT_RED);
    history_set(&history, T + 3 * QUARTER + 1, LIGHT_YELLOW);
    assert_shown("ogggryy", T + 5 * QUARTER, LIGHT_YELLOW);
    assert_shown("ogggryr", T + 5 * QUARTER, LIGHT_RED); /* as judged now, not noted yet */
    assert_shown("ogggryy", T + 5 * QUARTER, LIGHT_GREEN);
    history_set(&history, T + 30 * DAY, LIGHT_GREEN);
    assert_shown("yyyy", T + 30 * DAY, LIGHT_GREEN);
    assert_int_equal(strspn(read_all(0, T + 30 * DAY, LIGHT_GREEN), "y"), HISTORY_CELLS);
}

/* A cell never improves; what lasts is the newest word. */
static void test_worst_of(void **state)
{
    for (light_t a = LIGHT_GREEN; a < LIGHTS; a++) {
        for (light_t b = LIGHT_GREEN; b < LIGHTS; b++) {
            const char expected[] = {"gyor"[a > b ? a : b], "gyor"[b], '\0'};

            (void)start(state);
            history_set(&history, T, a);
            history_set(&history, T + 1, b);
            assert_shown(expected, T + QUARTER, LIGHT_GREEN);
            (void)start(state);
            history_set(&history, T, b);
            history_note(&history, T, T, a);
            assert_shown(expected, T + QUARTER, LIGHT_GREEN);
        }
    }
}

static void test_notes(void **state)
{
    static const struct {
        int64_t from, until; /* sec after T */
        light_t light;
        const char *expected; /* of a client that was yellow for long and is green since T */
    } cases[] = {
        {-2 * QUARTER, 0, LIGHT_RED, "yrrygggg"},
        {-2 * QUARTER, 1, LIGHT_RED, "yrrrgggg"},
        {-2 * QUARTER, 0, LIGHT_GREEN, "yyyygggg"},
        {-2 * QUARTER, -2 * QUARTER, LIGHT_RED, "yryygggg"},
        {-2 * QUARTER, -9 * QUARTER, LIGHT_RED, "yryygggg"},
        {2 * QUARTER, 4 * QUARTER, LIGHT_RED, "yyyygrrg"},       /* behind the newest cell */
        {-200 * QUARTER, -100 * QUARTER, LIGHT_RED, "yyyygggg"}, /* older than what is kept */
        {-200 * QUARTER, -2 * QUARTER, LIGHT_RED, "ryyygggg"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)start(state);
        history_set(&history, T - 2 * DAY, LIGHT_YELLOW);
        history_set(&history, T, LIGHT_GREEN);
        history_note(&history, T + cases[i].from, T + cases[i].until, cases[i].light);
        assert_shown(cases[i].expected, T + 4 * QUARTER, LIGHT_GREEN);
    }
}

static void test_the_clock_is_set(void **state)
{
    static const int64_t odd[] = {INT64_MIN, -1, 0, INT64_MAX, T};

    (void)state;
    history_set(&history, T, LIGHT_YELLOW);
    history_set(&history, T + 4 * QUARTER, LIGHT_GREEN);
    history_set(&history, T + 2 * QUARTER, LIGHT_RED); /* back by half an hour */
    assert_shown("oyyr", T + 2 * QUARTER, LIGHT_RED);
    history_set(&history, T + 3 * QUARTER, LIGHT_GREEN);
    assert_shown("oyyryrgg", T + 6 * QUARTER, LIGHT_GREEN);
    assert_shown("---g", T - DAY, LIGHT_GREEN);
    history_set(&history, T - 2 * DAY, LIGHT_YELLOW); /* far back: anew */
    assert_shown("ooyy", T - 2 * DAY + QUARTER, LIGHT_GREEN);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        history_set(&history, odd[i], LIGHT_RED);
        history_note(&history, odd[i], odd[i], LIGHT_GREEN);
        assert_true(history_is_valid(&history));
        assert_ends("r", read_all(0, odd[i], LIGHT_GREEN));
    }
}

static void test_gaps(void **state)
{
    (void)state;
    history_set(&history, T - 2 * DAY, LIGHT_GREEN);
    assert_ends("---g", read_all(0, T, LIGHT_GREEN));
    history_live(&gaps, T);
    history_live(&gaps, T + QUARTER);
    history_live(&gaps, T + 4 * QUARTER);
    assert_ends("-gg--g", read_all(0, T + 4 * QUARTER, LIGHT_GREEN));
    assert_ends("-gg--g-y", read_all(0, T + 6 * QUARTER, LIGHT_YELLOW)); /* no monitor since */
    assert_ends("--g--g", read_all((uint32_t)(T + QUARTER + 5), T + 4 * QUARTER, LIGHT_GREEN));
    assert_ends("-----g", read_all(UINT32_MAX, T + 4 * QUARTER, LIGHT_GREEN));
    history_live(&gaps, T + 2 * QUARTER); /* the clock is set back */
    assert_ends("-ggg-g", read_all(0, T + 4 * QUARTER, LIGHT_GREEN));
    history_live(&gaps, T + 9 * DAY);
    assert_int_equal(strspn(read_all(0, T + 9 * DAY, LIGHT_GREEN), "-"), HISTORY_CELLS - 1);
    assert_ends("-----g", read_all(0, T + 4 * QUARTER, LIGHT_GREEN)); /* not known any more */
    history_live(&gaps, T);
    assert_int_equal(strspn(read_all(0, T, LIGHT_GREEN), "-"), HISTORY_CELLS - 1);
    history_live(&gaps, T + QUARTER);
    assert_ends("--gg", read_all(0, T + QUARTER, LIGHT_GREEN));
    history_live(&gaps, INT64_MAX);
    history_live(&gaps, INT64_MIN);
    assert_true(history_gaps_are_valid(&gaps));
}

static void test_validity(void **state)
{
    (void)state;
    history.cells[0] = 1;
    assert_false(history_is_valid(&history)); /* nothing yet has no cells */
    (void)start(state);
    history_set(&history, T, LIGHT_YELLOW);
    history.light = LIGHT_RED;
    assert_false(history_is_valid(&history)); /* and its newest cell not? */
    gaps.gaps[2] = 1;
    assert_false(history_gaps_are_valid(&gaps));
    (void)start(state);
    history_live(&gaps, T);
    gaps.quarter--;
    assert_false(history_gaps_are_valid(&gaps));
    gaps.quarter = UINT32_MAX;
    assert_false(history_gaps_are_valid(&gaps));
}

/* --- texts --- */

static char text[HISTORY_TEXT_SIZE];

static void test_texts(void **state)
{
    static const char *const bad[] = {
        " ",
        "0",
        "1900000",
        "1900000 0 ",
        "1900000 0 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000",
        "1900000 0 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000",
        "1900000 3 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000",
        "1900000 0 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000004",
        "1900000 4 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000",
        "0 0 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000",
        "+900000 0 00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000",
        "1073741824 0 00000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000",
    };
    static const history_t empty;
    history_t again;

    (void)state;
    assert_string_equal(history_format(text, &history), "");
    assert_true(history_parse(&again, ""));
    history_set(&history, T - 2 * DAY, LIGHT_YELLOW);
    history_set(&history, T - QUARTER, LIGHT_RED);
    history_set(&history, T, LIGHT_GREEN);
    assert_string_equal(history_format(text, &history),
                        "1900000 0 1111111111111111111111111111111111111111111111111111111111111111"
                        "11111111111111111111111111111133");
    assert_true(history_parse(&again, text));
    assert_memory_equal(&again, &history, sizeof again);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(history_parse(&again, bad[i]));
        assert_memory_equal(&again, &empty, sizeof empty);
    }
}

static void test_texts_of_gaps(void **state)
{
    static const char *const bad[] = {
        " ",
        "1900000",
        "1900000 1111111111111111111111111111111111111111111111111111111111111111111111111111111111"
        "11111111111111",
        "1900000 1111111111111111111111111111111111111111111111111111111111111111111111111111111111"
        "11111111111120",
        "4294967297 "
        "11111111111111111111111111111111111111111111111111111111111111111111111111111111"
        "1111111111111110",
        "1900000 0111111111111111111111111111111111111111111111111111111111111111111111111111111111"
        "1111111111110",
    };
    static const history_gaps_t empty;
    history_gaps_t again;

    (void)state;
    assert_string_equal(history_gaps_format(text, &gaps), "");
    assert_true(history_gaps_parse(&again, ""));
    history_live(&gaps, T - 4 * QUARTER);
    history_live(&gaps, T);
    assert_string_equal(history_gaps_format(text, &gaps),
                        "1900000 111111111111111111111111111111111111111111111111111111111111111111"
                        "111111111111111111111111101110");
    assert_true(history_gaps_parse(&again, text));
    assert_memory_equal(&again, &gaps, sizeof again);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(history_gaps_parse(&again, bad[i]));
        assert_memory_equal(&again, &empty, sizeof empty);
    }
}

/* --- the model --- */

#define SECONDS (4 * DAY)

static uint8_t lasting[SECONDS], noted[SECONDS]; /* a bit for each light that was in this second */
static bool lived[SECONDS / QUARTER];

/* What is told in part and put together again is the same as what is told at once. */
static history_t later_part;
static history_gaps_t other_part;

typedef struct walk_t {
    int64_t now;   /* sec after T, each */
    int64_t first; /* the first light */
    int64_t set;   /* lights are set behind it */
    int64_t split; /* from here on the later part is told */
    light_t light;
} walk_t;

static void model_set(walk_t *walk, int64_t when, light_t light)
{
    history_set(when < walk->split ? &history : &later_part, T + when, light);
    lasting[when] |= (uint8_t)(1u << light);
    memset(&lasting[when + 1], 1 << light, (size_t)(SECONDS - when - 1));
    walk->light = light;
    walk->set = when;
}

static void model_note(walk_t *walk, int64_t from, int64_t until, light_t light)
{
    history_note(walk->now < walk->split ? &history : &later_part, T + from, T + until, light);
    for (int64_t at = from; at == from || at < until; at++) {
        noted[at] |= (uint8_t)(1u << light);
    }
    walk->set = until > walk->set ? until : walk->set;
}

static void model_live(const walk_t *walk)
{
    uint32_t who = random_below(3);

    if (who != 1) {
        history_live(&gaps, T + walk->now);
    }
    if (who != 0) {
        history_live(&other_part, T + walk->now);
    }
    lived[walk->now / QUARTER] = true;
}

static char model_cell(const walk_t *walk, int64_t quarter)
{
    unsigned int lights = 0;

    if (quarter < walk->first / QUARTER || (quarter != walk->now / QUARTER && !lived[quarter])) {
        return '-';
    }
    for (int64_t at = quarter * QUARTER; at < (quarter + 1) * QUARTER && at <= walk->now; at++) {
        lights |= lasting[at] | noted[at];
    }
    return lights & 8 ? 'r' : lights & 4 ? 'o' : lights & 2 ? 'y' : 'g';
}

static void check_model(const walk_t *walk)
{
    const history_t old = history;
    const history_gaps_t old_gaps = gaps;
    char expected[HISTORY_CELLS + 1] = "";
    int64_t quarter = walk->now / QUARTER - (int64_t)HISTORY_CELLS + 1;

    for (unsigned int i = 0; i < HISTORY_CELLS; i++, quarter++) {
        expected[i] = quarter < 0 ? '-' : model_cell(walk, quarter);
    }
    history_go_on(&history, T + walk->split, &later_part);
    history_join(&gaps, &other_part);
    assert_string_equal(read_all((uint32_t)(T + walk->first), T + walk->now, walk->light),
                        expected);
    history = old;
    gaps = old_gaps;
}

static void step(walk_t *walk)
{
    const int64_t from = walk->now < walk->split ? 0 : walk->split;
    light_t light = (light_t)random_below(LIGHTS);
    int64_t note = from + random_below((uint32_t)(walk->now - from + 1));

    if (random_below(3) == 0) {
        model_set(walk, walk->now - random_below((uint32_t)(walk->now - walk->set + 1)), light);
    }
    if (random_below(4) == 0) {
        model_note(walk, note, note + random_below((uint32_t)(walk->now - note + 1)), light);
    }
    if (random_below(3) != 0) {
        model_live(walk);
    }
}

static void walk_once(void **state)
{
    walk_t walk = {.first = random_below(2 * QUARTER), .split = random_below(3 * DAY)};
    const uint32_t pace = 1 + random_below(4 * QUARTER);

    (void)start(state);
    memset(&later_part, 0, sizeof later_part);
    memset(&other_part, 0, sizeof other_part);
    memset(lasting, 0, sizeof lasting);
    memset(noted, 0, sizeof noted);
    memset(lived, 0, sizeof lived);
    walk.now = walk.first;
    walk.split = walk.split > walk.first ? walk.split : SECONDS;
    model_set(&walk, walk.now, LIGHT_GREY);
    while (walk.now + 1 + (int64_t)pace < SECONDS) {
        int64_t next = walk.now + 1 + random_below(pace);

        if (walk.now < walk.split && next >= walk.split) {
            next = walk.split;
            walk.now = next;
            model_set(&walk, next, (light_t)random_below(LIGHTS));
        }
        walk.now = next;
        step(&walk);
        if (random_below(1 + DAY / pace / 8) == 0) {
            history_live(&gaps, T + walk.now);
            lived[walk.now / QUARTER] = true;
            check_model(&walk);
        }
    }
}

static void test_model(void **state)
{
    for (int i = 0; i < 40; i++) {
        walk_once(state);
    }
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_yet),   TEST(test_goes_on_from_nothing),
        TEST(test_a_light_lasts), TEST(test_worst_of),
        TEST(test_notes),         TEST(test_the_clock_is_set),
        TEST(test_gaps),          TEST(test_validity),
        TEST(test_texts),         TEST(test_texts_of_gaps),
        TEST(test_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
