/* ctl/table.h: columns by what is in them, and by the room that there is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

#define ROWS 3

static const char *const cells[ROWS][3] = {
    {"red", "a-long-name", "東京"},
    {"grey", "b", "e\xcc\x81"},
    {"green", "cc", "somewhere else"},
};

static const table_column_t columns[] = {{"L", 0}, {"NAME", 5}, {"PLACE", 6}};

static void cell(const void *user, size_t row, size_t column, char out[TABLE_CELL_SIZE])
{
    (void)user;
    (void)snprintf(out, TABLE_CELL_SIZE, "%s", cells[row][column]);
}

static const char *style(const void *user, size_t row, size_t column)
{
    (void)user;
    return row == 0 && column == 0 ? "<" : "";
}

static char *text;
static size_t text_size;

static const char *table_text(size_t width, size_t rows, bool is_plain)
{
    const table_t table = {
        .columns = columns,
        .count = 3,
        .rows = ROWS,
        .cell = cell,
        .style = style,
        .width = width,
        .is_plain = is_plain,
    };
    FILE *out;

    free(text);
    out = open_memstream(&text, &text_size);
    assert_non_null(out);
    table_write(out, &table, rows);
    (void)fclose(out);
    return text;
}

static void test_natural(void **state)
{
    const char *const expected = "L      NAME         PLACE\n"
                                 "red    a-long-name  東京\n"
                                 "grey   b            e\xcc\x81\n"
                                 "green  cc           somewhere else\n";

    (void)state;
    assert_string_equal(table_text(0, ROWS, true), expected);
    assert_string_equal(table_text(34, ROWS, true), expected);
}

static void test_shrunk(void **state)
{
    (void)state;
    assert_string_equal(table_text(24, ROWS, true), "L      NAME     PLACE\n"
                                                    "red    a-long…  東京\n"
                                                    "grey   b        e\xcc\x81\n"
                                                    "green  cc       somewhe…\n");
}

static void test_least(void **state)
{
    (void)state;
    assert_string_equal(table_text(20, ROWS, true), "L      NAME   PLACE\n"
                                                    "red    a-lo…  東京\n"
                                                    "grey   b      e\xcc\x81\n"
                                                    "green  cc     somew…\n");
}

static void test_too_narrow(void **state)
{
    (void)state;
    assert_string_equal(table_text(19, 1, true), "L      NAME\nred    a-long-name\n");
    assert_string_equal(table_text(11, 1, true), "L\nred\n");
    assert_string_equal(table_text(2, 1, true), "L\nr…\n");
}

/* No line is ever wider than there is room for. */
static void test_all_widths(void **state)
{
    (void)state;
    for (size_t width = 1; width < 40; width++) {
        char *rest;

        (void)table_text(width, ROWS, true);
        rest = text;
        while (rest != NULL && rest[0] != '\0') {
            const char *line = strsep(&rest, "\n");

            assert_in_range(text_columns(line), 1, width);
        }
    }
}

/* Columns are as wide as all rows need them, also those that are not shown. */
static void test_first_rows(void **state)
{
    (void)state;
    assert_string_equal(table_text(0, 1, true), "L      NAME         PLACE\n"
                                                "red    a-long-name  東京\n");
    assert_string_equal(table_text(0, 0, true), "L      NAME         PLACE\n");
}

static void test_styles(void **state)
{
    (void)state;
    assert_string_equal(table_text(0, 1, false),
                        "\033[1mL    \033[0m  \033[1mNAME       \033[0m  \033[1mPLACE\033[0m\n"
                        "<red  \033[0m  a-long-name  東京\n");
}

static int in_utf8(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    text_begin();
    return text_is_utf8() ? 0 : -1;
}

static int clean_up(void **state)
{
    (void)state;
    free(text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_natural),    cmocka_unit_test(test_shrunk),
        cmocka_unit_test(test_least),      cmocka_unit_test(test_too_narrow),
        cmocka_unit_test(test_all_widths), cmocka_unit_test(test_first_rows),
        cmocka_unit_test(test_styles),
    };

    return cmocka_run_group_tests(tests, in_utf8, clean_up);
}
