#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "text.h"
#include "valid.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOON INT64_C(1768474800) /* 2026-01-15 12:00:00 CET */
#define DAY INT64_C(86400)

static int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "CET-1", 1);
    tzset();
    return 0;
}

/* A text that holds so many units already. */
static text_t filled_text(char out[TEXT_SIZE], size_t units)
{
    text_t text = text_begin(out, TEXT_SIZE, TEXT_HTML);

    for (size_t i = 0; i < units; i++) {
        text_put(&text, "a");
    }
    assert_int_equal(text.units, units);
    return text;
}

static void test_escaping_and_units(void **state)
{
    static const struct {
        const char *words, *html;
        size_t units;
    } cases[] = {
        {"", "", 0},
        {"abc", "abc", 3},
        {"a&b<c>d\"e'", "a&amp;b&lt;c&gt;d&quot;e'", 10},
        {"&amp;", "&amp;amp;", 5},
        {"São → \xef\xbf\xbd", "São → \xef\xbf\xbd", 7},
        {"🔴", "🔴", 2},
        {"⚠️", "⚠️", 2},
        {"<🔴>", "&lt;🔴&gt;", 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[TEXT_SIZE];
        text_t text = text_begin(out, sizeof out, TEXT_HTML);

        text_put_escaped(&text, cases[i].words);
        assert_string_equal(out, cases[i].html);
        assert_int_equal(text.units, cases[i].units);
        assert_int_equal(text.used, strlen(out));
        text_put(&text, cases[i].words);
        assert_int_equal(text.units, 2 * cases[i].units);
        text = text_begin(out, sizeof out, TEXT_PLAIN);
        text_put_escaped(&text, cases[i].words);
        assert_string_equal(out, cases[i].words);
        assert_int_equal(text.units, cases[i].units);
        assert_false(text.is_over);
    }
}

static void test_markup(void **state)
{
    char out[TEXT_SIZE];
    text_t text = text_begin(out, sizeof out, TEXT_HTML);

    (void)state;
    text_put_bold(&text, "a");
    text_put_code(&text, "<b>");
    text_put_tag(&text, "<i>");
    assert_string_equal(out, "<b>a</b><code>&lt;b&gt;</code><i>");
    assert_int_equal(text.units, 4);
    text = text_begin(out, sizeof out, TEXT_PLAIN);
    text_put_bold(&text, "a");
    text_put_code(&text, "<b>");
    text_put_tag(&text, "<i>");
    assert_string_equal(out, "a<b>");
    assert_int_equal(text.units, 4);
}

/* What each part becomes in a buffer of any size: whole characters and entities, or nothing of it. */
static void test_every_size(void **state)
{
    static const struct {
        void (*put)(text_t *text, const char *words);
        const char *words;
        const char *steps[8]; /* all that may be there, the whole at last */
    } cases[] = {
        {text_put, "a→b", {"", "a→b"}},
        {text_put_escaped, "a→<🔴&", {"", "a", "a→", "a→&lt;", "a→&lt;🔴", "a→&lt;🔴&amp;"}},
        {text_put_tag, "<b>", {"", "<b>"}},
        {text_put_code, "a<", {"", "<code>a&lt;</code>"}},
        {text_put_bold, "a→", {"", "<b>a→</b>"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t last = 0, step = 0;

        while (cases[i].steps[last + 1] != NULL) {
            last++;
        }
        for (size_t size = 1; size <= 40; size++) {
            char out[64];
            text_t text = text_begin(out, size, TEXT_HTML);

            memset(out + 1, '#', sizeof out - 1);
            cases[i].put(&text, cases[i].words);
            while (step < last && strlen(cases[i].steps[step + 1]) < size) {
                step = cases[i].put == text_put_escaped ? step + 1 : last;
            }
            assert_string_equal(out, cases[i].steps[step]);
            assert_int_equal(text.used, strlen(out));
            assert_int_equal(text.is_over, step < last);
            assert_int_equal(out[size], '#');
            text_put(&text, "x");
            text_put_escaped(&text, "x");
            text_put_tag(&text, "x");
            if (step < last) { /* nothing comes behind what did not fit */
                assert_string_equal(out, cases[i].steps[step]);
            }
        }
        assert_int_equal(step, last);
    }
}

static void test_unit_limit(void **state)
{
    static const struct {
        size_t before;
        const char *words;
        bool fits;
    } cases[] = {
        {TEXT_UNITS_MAX - 1, "a", true}, {TEXT_UNITS_MAX, "a", false},
        {TEXT_UNITS_MAX - 1, "&", true}, {TEXT_UNITS_MAX, "&", false},
        {TEXT_UNITS_MAX - 2, "🔴", true}, {TEXT_UNITS_MAX - 1, "🔴", false},
        {TEXT_UNITS_MAX - 1, "→", true}, {TEXT_UNITS_MAX, "", true},
    };
    char out[TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_t text = filled_text(out, cases[i].before);

        text_put_escaped(&text, cases[i].words);
        assert_int_equal(text.is_over, !cases[i].fits);
        assert_int_equal(text.units > cases[i].before, cases[i].fits && cases[i].words[0] != '\0');
        text = filled_text(out, cases[i].before);
        text_put(&text, cases[i].words);
        assert_int_equal(text.is_over, !cases[i].fits);
    }
    text_t text = filled_text(out, TEXT_UNITS_MAX);

    text_put_tag(&text, "</b>"); /* which is not read */
    assert_false(text.is_over);
}

static void test_rewind(void **state)
{
    char out[8];
    text_t text = text_begin(out, sizeof out, TEXT_HTML);
    text_mark_t mark;

    (void)state;
    text_put(&text, "1→");
    mark = text_mark(&text);
    text_put_escaped(&text, "🔴<");
    assert_true(text.is_over);
    text_rewind(&text, mark);
    assert_string_equal(out, "1→");
    assert_int_equal(text.units, 2);
    assert_false(text.is_over);
    text_put(&text, "abc");
    assert_string_equal(out, "1→abc");
}

static void test_fits(void **state)
{
    char out[TEXT_SIZE], small[10];
    text_t text = filled_text(out, TEXT_UNITS_MAX - 3);

    (void)state;
    assert_true(text_fits(&text, 0));
    assert_true(text_fits(&text, 3));
    assert_false(text_fits(&text, 4));
    assert_false(text_fits(&text, SIZE_MAX));
    text_put(&text, "abcd");
    assert_false(text_fits(&text, 0));
    text = text_begin(small, sizeof small, TEXT_HTML);
    assert_true(text_fits(&text, 2));
    assert_false(text_fits(&text, 3)); /* it may be 12 bytes */
    text_put_tag(&text, "<b>");
    assert_true(text_fits(&text, 1));
    assert_false(text_fits(&text, 2));
}

static void test_values(void **state)
{
    char out[256];
    text_t text = text_begin(out, sizeof out, TEXT_HTML);
    vps_addr_t addr = {0};

    (void)state;
    text_put_number(&text, 0);
    text_put(&text, " ");
    text_put_number(&text, UINT64_MAX);
    text_put(&text, " ");
    text_put_address(&text, &addr);
    text_put(&text, " ");
    assert_true(vps_addr_parse(&addr, "2001:db8::2", 11));
    text_put_address(&text, &addr);
    text_put(&text, " ");
    text_put_country(&text, "");
    text_put(&text, " ");
    text_put_country(&text, "RO");
    text_put_label(&text, "Time");
    assert_string_equal(out, "0 18446744073709551615 unknown <code>2001:db8::2</code> unknown RO\n"
                             "Time: ");
}

static void test_durations(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *words;
    } cases[] = {
        {0, "0 s"},
        {1, "1 s"},
        {59, "59 s"},
        {60, "1 min"},
        {61, "1 min 1 s"},
        {300, "5 min"},
        {3599, "59 min 59 s"},
        {3600, "1 h"},
        {3659, "1 h"},
        {3660, "1 h 1 min"},
        {86399, "23 h 59 min"},
        {86400, "1 d"},
        {86400 + 3599, "1 d"},
        {2 * 86400 + 7200, "2 d 2 h"},
        {UINT32_MAX, "49710 d 6 h"},
        {UINT64_MAX, "213503982334601 d 7 h"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[64];
        text_t text = text_begin(out, sizeof out, TEXT_PLAIN);

        text_put_duration(&text, cases[i].seconds);
        assert_string_equal(out, cases[i].words);
    }
}

static void test_ago(void **state)
{
    static const struct {
        int64_t when, now;
        const char *words;
    } cases[] = {
        {NOON, NOON, "just now"},
        {NOON + 1, NOON, "just now"},
        {NOON + DAY, NOON, "just now"},
        {NOON, NOON + 59, "just now"},
        {NOON, NOON + 60, "1 min ago"},
        {NOON, NOON + 239, "3 min ago"},
        {NOON, NOON + 3599, "59 min ago"},
        {NOON, NOON + 2 * 3600 + 1800, "2 h ago"},
        {NOON, NOON + DAY - 1, "23 h ago"},
        {NOON, NOON + 40 * DAY, "40 d ago"},
        {INT64_MIN, INT64_MAX, "213503982334601 d ago"},
        {INT64_MAX, INT64_MIN, "just now"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[64];
        text_t text = text_begin(out, sizeof out, TEXT_PLAIN);

        text_put_ago(&text, cases[i].when, cases[i].now);
        assert_string_equal(out, cases[i].words);
    }
}

static void test_times(void **state)
{
    static const struct {
        int64_t when, now;
        const char *time, *clock;
    } cases[] = {
        {NOON, NOON, "2026-01-15 12:00:00 CET", "12:00:00"},
        {NOON - 12 * 3600, NOON, "2026-01-15 00:00:00 CET", "00:00:00"},
        {NOON - 12 * 3600 - 1, NOON, "2026-01-14 23:59:59 CET", "2026-01-14 23:59:59"},
        {NOON + 12 * 3600 - 1, NOON, "2026-01-15 23:59:59 CET", "23:59:59"},
        {NOON + 12 * 3600, NOON, "2026-01-16 00:00:00 CET", "2026-01-16 00:00:00"},
        {NOON, NOON + 365 * DAY, "2026-01-15 12:00:00 CET", "2026-01-15 12:00:00"},
        {NOON, INT64_MAX, "2026-01-15 12:00:00 CET", "2026-01-15 12:00:00"},
        {INT64_MAX, NOON, "unknown", "unknown"},
        {INT64_MIN, INT64_MIN, "unknown", "unknown"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[64];
        text_t text = text_begin(out, sizeof out, TEXT_PLAIN);

        text_put_time(&text, cases[i].when);
        assert_string_equal(out, cases[i].time);
        text = text_begin(out, sizeof out, TEXT_PLAIN);
        text_put_clock(&text, cases[i].when, cases[i].now);
        assert_string_equal(out, cases[i].clock);
    }
}

/* Bytes that are no characters are put all the same, within bounds. */
static void test_no_utf8(void **state)
{
    static const char *const words[] = {"\xff", "\x80\x80", "a\xf0", "\xe2\x86", "\xc3<"};

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        for (size_t size = 1; size < 12; size++) {
            char *copy = strdup(words[i]), *out = malloc(size);
            text_t text = text_begin(out, size, TEXT_PLAIN);

            text_put_escaped(&text, copy);
            assert_true(strlen(out) < size);
            assert_true(text.is_over || strcmp(out, words[i]) == 0);
            free(copy);
            free(out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escaping_and_units),
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_unit_limit),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_ago),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_no_utf8),
    };

    return cmocka_run_group_tests_name("text", tests, set_zone, NULL);
}
