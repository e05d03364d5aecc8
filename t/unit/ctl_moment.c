/* ctl/moment.h: how long ago, in words, and how people type it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "moment.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOW INT64_C(1736944496) /* 2025-01-15T12:34:56Z */

static void test_span(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-5, "0 s"},         {0, "0 s"},
        {119, "119 s"},      {120, "2 min"},
        {7199, "119 min"},   {7200, "2 h"},
        {172799, "47 h"},    {172800, "2 days"},
        {864000, "10 days"}, {INT64_MAX, "106751991167300 days"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[MOMENT_SIZE];

        assert_string_equal(moment_span(out, cases[i].seconds), cases[i].text);
    }
}

static void test_text(void **state)
{
    char out[MOMENT_SIZE];

    (void)state;
    assert_string_equal(moment_text(out, 0, NOW, false), "never");
    assert_string_equal(moment_text(out, 0, NOW, true), "never");
    assert_string_equal(moment_text(out, NOW - 180, NOW, false), "3 min ago");
    assert_string_equal(moment_text(out, NOW + 180, NOW, false), "0 s ago");
    assert_string_equal(moment_text(out, NOW, NOW, true), "2025-01-15T12:34:56Z");
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t when; /* -1 = refused */
    } cases[] = {
        {"2025-01-15T12:34:56Z", NOW},
        {"2025-01-15T14:34:56+02:00", NOW},
        {"1736944496", NOW},
        {"0", 0},
        {"90s", NOW - 90},
        {"15m", NOW - 900},
        {"2h", NOW - 7200},
        {"7d", NOW - 604800},
        {"1w", NOW - 604800},
        {"0s", NOW},
        {"999999999999w", 0}, /* before 1970 is ever */
        {"253402300799", INT64_C(253402300799)},
        {"253402300800", -1},
        {"1234567890123", -1},
        {"", -1},
        {"h", -1},
        {"2 h", -1},
        {"-2h", -1},
        {"2hh", -1},
        {"2x", -1},
        {"1.5h", -1},
        {"2025-02-30T00:00:00Z", -1},
        {"yesterday", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t when = -1;

        assert_int_equal(moment_parse(&when, cases[i].text, NOW), cases[i].when >= 0);
        assert_int_equal(when, cases[i].when);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
