/* ctl/text.h: what may reach a terminal, how wide it is, where it is cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void use_locale(const char *name)
{
    setenv("LC_ALL", name, 1);
    text_begin();
}

static int in_utf8(void **state)
{
    (void)state;
    use_locale("C.UTF-8");
    return text_is_utf8() ? 0 : -1;
}

static int in_ascii(void **state)
{
    (void)state;
    use_locale("C");
    return text_is_utf8() ? -1 : 0;
}

static void check_safe(const char *text, size_t len, const char *safe)
{
    char out[64];

    assert_ptr_equal(text_safe(out, sizeof(out), text, len), out);
    assert_string_equal(out, safe);
}

static void test_safe(void **state)
{
    static const struct {
        const char *text, *safe;
    } cases[] = {
        {"", ""},
        {"plain ~", "plain ~"},
        {"a\\b", "a\\\\b"},
        {"\x1b[31m\a", "\\x1B[31m\\x07"},
        {"a\nb\r\tc\x7f", "a\\x0Ab\\x0D\\x09c\\x7F"},
        {"\xc2\x9b"
         "31m",
         "\\xC2\\x9B31m"}, /* C1: CSI in one character */
        {"\x9b", "\\x9B"}, /* the same as a byte */
        {"Köln 東京", "Köln 東京"},
        {"e\xcc\x81x", "e\xcc\x81x"}, /* a combining accent */
        {"\xcc\x81x", "\\xCC\\x81x"}, /* nothing before it is ours */
        {"a\xe2\x80\xae"
         "b",
         "a\\xE2\\x80\\xAE"
         "b"}, /* right-to-left override */
        {"a\xe2\x81\xa6"
         "b",
         "a\\xE2\\x81\\xA6"
         "b"}, /* isolate */
        {"a\xe2\x80\x8b"
         "b",
         "a\\xE2\\x80\\x8B"
         "b"},                                          /* no width */
        {"a\xf3\xa0\x81\xa1", "a\\xF3\\xA0\\x81\\xA1"}, /* a tag */
        {"a\xe2\x80\xa8"
         "b",
         "a\\xE2\\x80\\xA8"
         "b"},                               /* line separator */
        {"\xe0\x80\xaf", "\\xE0\\x80\\xAF"}, /* overlong */
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"}, /* surrogate */
        {"\xe6\x9d", "\\xE6\\x9D"},          /* cut */
        {"\xff\xfe", "\\xFF\\xFE"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_safe(cases[i].text, strlen(cases[i].text), cases[i].safe);
    }
    check_safe("a\0b", 3, "a\\x00b");
}

static void test_ascii(void **state)
{
    (void)state;
    check_safe("Köln", strlen("Köln"), "K\\xC3\\xB6ln");
    assert_int_equal(text_columns("K\\xC3\\xB6ln"), 11);
    assert_string_equal(text_ellipsis(), "~");
}

/* Whatever the bytes are, what comes out fits, is printable, and takes no wider characters. */
static void test_all_bytes(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            const char text[] = {'x', (char)a, (char)b, (char)0x80, (char)0x9b};
            char out[64];

            text_safe(out, sizeof(out), text, sizeof(text));
            for (size_t i = 0; out[i] != '\0';) {
                int columns;
                const size_t n = text_character(out + i, strlen(out + i), &columns);

                assert_true(n > 0);
                assert_in_range(columns, 0, 2);
                i += n;
            }
        }
    }
}

/* A text that is too long for its buffer is cut at a character, and shows it. */
static void test_safe_cut(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(text_safe(out, sizeof(out), "1234567", 7), "1234567");
    assert_string_equal(text_safe(out, sizeof(out), "12345678", 8), "1234…");
    assert_string_equal(text_safe(out, sizeof(out), "東京東京", 12), "東…");
    assert_string_equal(text_safe(out, sizeof(out), "123\x1b", 4), "123\\x1B");
    assert_string_equal(text_safe(out, sizeof(out), "1234\x1b", 5), "1234…");
}

/* Whatever is left of the room, nothing is written behind it. */
static void test_append_room(void **state)
{
    (void)state;
    for (size_t len = 1; len < 20; len++) {
        char room[13] = "";

        room[12] = '#';
        for (int i = 0; i < 20; i++) {
            char more[20] = "";

            memset(more, 'x', len);
            text_append(room, 12, "", more);
            assert_in_range(strlen(room), 1, 11);
            assert_int_equal(room[12], '#');
        }
    }
}

static void test_append(void **state)
{
    char out[12] = "";

    (void)state;
    text_append(out, sizeof(out), ", ", "one");
    assert_string_equal(out, "one");
    text_append(out, sizeof(out), ", ", "");
    assert_string_equal(out, "one");
    text_append(out, sizeof(out), ", ", "two");
    assert_string_equal(out, "one, two");
    text_append(out, sizeof(out), ", ", "three");
    assert_string_equal(out, "one, two…");
    for (int i = 0; i < 9; i++) { /* also when there is no room for an ellipsis any more */
        text_append(out, sizeof(out), ", ", "東京");
        assert_in_range(strlen(out), 8, sizeof(out) - 1);
    }
    for (size_t i = 0; out[i] != '\0';) {
        int columns;
        const size_t n = text_character(out + i, strlen(out + i), &columns);

        assert_true(n > 0);
        i += n;
    }
}

static void test_columns(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {{"", 0},           {"abc", 3}, {"Köln", 4}, {"東京", 4},
                 {"e\xcc\x81x", 2}, {"●", 1},   {"…", 1}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(text_columns(cases[i].text), cases[i].columns);
    }
}

static void test_fit(void **state)
{
    static const struct {
        const char *text;
        size_t columns, bytes, used;
    } cases[] = {
        {"abc", 3, 3, 3},  {"abc", 2, 2, 2},        {"abc", 0, 0, 0}, {"東京", 3, 3, 2},
        {"東京", 1, 0, 0}, {"e\xcc\x81x", 1, 3, 1}, /* an accent stays with its letter */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t used;

        assert_int_equal(text_fit(cases[i].text, cases[i].columns, &used), cases[i].bytes);
        assert_int_equal(used, cases[i].used);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_safe, in_utf8),
        cmocka_unit_test_setup(test_ascii, in_ascii),
        cmocka_unit_test_setup(test_all_bytes, in_utf8),
        cmocka_unit_test_setup(test_all_bytes, in_ascii),
        cmocka_unit_test_setup(test_safe_cut, in_utf8),
        cmocka_unit_test_setup(test_append, in_utf8),
        cmocka_unit_test_setup(test_append_room, in_utf8),
        cmocka_unit_test_setup(test_columns, in_utf8),
        cmocka_unit_test_setup(test_fit, in_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
