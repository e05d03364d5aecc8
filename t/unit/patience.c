/* client/patience.h: how long a look at the world waits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "patience.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BEGIN 1000000 /* ms */
#define NEVER INT64_MAX

/* Instants are ms after BEGIN. */
static const struct {
    const char *what;
    bool looks;
    int64_t until;   /* in haste until then; 0 = not */
    int64_t changed; /* the network has, then; -1 = not */
    int64_t now, ms, left;
    bool is_hasty;
} cases[] = {
    {"no look", false, 0, -1, 0, 300000, 300000, false},
    {"a short one", true, 0, -1, 0, 3000, 3000, false},
    {"a long one", true, 0, -1, 0, 300000, 10000, false},
    {"in the middle", true, 0, -1, 12000, 10000, 8000, false},
    {"at the end", true, 0, -1, 20000, 10000, 0, false},
    {"after it", true, 0, -1, 60000, 10000, 0, false},

    {"in haste", true, 2500, -1, 0, 10000, 2500, true},
    {"in haste, short", true, 2500, -1, 0, 300, 300, true},
    {"in haste, later", true, 2500, -1, 2000, 10000, 500, true},
    {"in haste, too late", true, 2500, -1, 2600, 10000, 0, true},
    {"in haste, and another change", true, 2500, 2000, 2000, 10000, 500, true},

    {"a change", true, 0, 4000, 4000, 10000, 2500, true},
    {"a change a while ago", true, 0, 4000, 6000, 10000, 500, true},
    {"a change long ago", true, 0, 4000, 7000, 10000, 0, true},
    {"a change near the end", true, 0, 19000, 19000, 10000, 1000, true},
};

static void test_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const patience_t patience = {
            .begin = cases[i].looks ? BEGIN : 0,
            .until = cases[i].until != 0 ? BEGIN + cases[i].until : 0,
        };
        change_t change = {.kinds = 0};
        int64_t left;

        if (cases[i].changed >= 0) {
            change_note(&change, CHANGE_ROUTE, BEGIN + cases[i].changed);
        }
        left = patience_left(&patience, &change, cases[i].ms, BEGIN + cases[i].now);
        if (left != cases[i].left) {
            fail_msg("%s: %d", cases[i].what, (int)left);
        }
        assert_int_equal(patience_is_hasty(&patience, &change), cases[i].is_hasty);
        if (cases[i].changed < 0) {
            assert_int_equal(patience_left(&patience, NULL, cases[i].ms, BEGIN + cases[i].now),
                             left);
        }
    }
}

static const struct {
    bool looks;
    int64_t start, now, left;
    bool is_spent;
} silences[] = {
    {true, 0, 0, 2500, false},       {true, 0, 1000, 1500, false},   {true, 0, 2500, 0, false},
    {true, 2500, 3999, 1001, false}, {true, 2500, 4000, 1000, true}, {true, 2500, 9000, 0, true},
    {false, 0, 9000, NEVER, false},
};

static void test_silence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(silences); i++) {
        const patience_t patience = {.begin = silences[i].looks ? BEGIN : 0};
        const int64_t now = BEGIN + silences[i].now;

        assert_true(patience_for_silence(&patience, BEGIN + silences[i].start, now) ==
                    silences[i].left);
        assert_int_equal(patience_is_spent(&patience, now), silences[i].is_spent);
    }
}

/* A look that is silent all the time has asked twice, each for long enough that a packet was sent again. */
static void test_no_single_silence(void **state)
{
    (void)state;
    assert_true(PATIENCE_SILENT_ALL > PATIENCE_SILENT);
    assert_true(PATIENCE_SILENT > 2 * CLOCK_SECOND);
    assert_true(PATIENCE_ONE < PATIENCE_LOOK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_no_single_silence),
    };

    return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
