/*
 * mod_vpnsentinel/dashboard_svg.h: what is drawn, painted on a grid and compared with what it is drawn
 * from, and what is said of it in words.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "dashboard_svg.h"
#include "pool.h"
#include "random.h"

#define WIDTH HISTORY_CELLS
#define HEIGHT 100

static const int64_t WALL = INT64_C(1736944496); /* 2025-01-15T12:34:56Z */

/* httpd's; nothing here has to be escaped. */
char *ap_escape_html2(apr_pool_t *p, const char *s, int toasc)
{
    (void)p;
    (void)toasc;
    assert_null(strpbrk(s, "<>&\""));
    return (char *)s;
}

/* --- painting --- */

/* What a picture has at each place: 0, or the first letter of a class. Row 0 is at the top. */
static char grid[HEIGHT][WIDTH];

/* "M0 12h4v5h-4z" of a strip or a chart, cells of this width; a line has no height. */
static const char *paint_segment(const char *d, char name, unsigned int cell_width)
{
    unsigned int x, y, width, height = 1, back, i, row;
    int read = 0;

    if (sscanf(d, "M%u %uh%uv%uh-%uz%n", &x, &y, &width, &height, &back, &read) != 5) {
        assert_int_equal(sscanf(d, "M%u %uh%u%n", &x, &y, &width, &read), 3);
        height = 1;
        back = width;
    }
    assert_true(read > 0);
    assert_int_equal(back, width);
    assert_int_equal(x % cell_width, 0);
    assert_int_equal(width % cell_width, 0);
    assert_true(height > 0 && y + height <= HEIGHT && x + width <= WIDTH * cell_width);
    for (i = x / cell_width; i < (x + width) / cell_width; i++) {
        for (row = y; row < y + height; row++) {
            assert_int_equal(grid[row][i], 0); /* nothing is painted over */
            grid[row][i] = name;
        }
    }
    return d + read;
}

/* The paths behind the patterns; each class has one at most. */
static void paint(const char *svg, unsigned int cell_width)
{
    const char *body = strstr(svg, "</defs>"), *path;
    bool painted[128] = {false};

    memset(grid, 0, sizeof grid);
    for (path = strstr(body != NULL ? body : svg, "<path class=\""); path != NULL;
         path = strstr(path, "<path class=\"")) {
        const char name = path[strlen("<path class=\"")];

        assert_false(painted[(int)name]);
        painted[(int)name] = true;
        for (path = strstr(path, " d=\"") + 4; *path != '"';) {
            path = paint_segment(path, name, cell_width);
        }
    }
}

static const char *written(const html_t *html)
{
    size_t len;
    const char *text = html_written(html, &len);

    assert_false(html->failed);
    assert_int_equal(strlen(text), len);
    return text;
}

/* --- strips --- */

/* Of each kind of cell: its letter, its topmost row and its height. */
static const struct kind_t {
    char name;
    unsigned int top, height;
} kinds[] = {{'n', 16, 1}, {'g', 12, 5}, {'y', 7, 10}, {'o', 7, 10}, {'r', 0, 17}};

/* "grey" begins as "green" does. */
static const char *renamed(apr_pool_t *p, const char *svg)
{
    char *copy = apr_pstrdup(p, svg), *grey;

    for (grey = strstr(copy, "class=\"grey\""); grey != NULL;
         grey = strstr(grey, "class=\"grey\"")) {
        memcpy(grey, "class=\"oops\"", 12);
    }
    return copy;
}

static void assert_strip(const uint8_t cells[HISTORY_CELLS])
{
    html_t html = html_begin(pool, false);
    unsigned int i, row;

    svg_strip(&html, cells);
    paint(renamed(pool, written(&html)), 2);
    for (i = 0; i < HISTORY_CELLS; i++) {
        const struct kind_t *kind = &kinds[cells[i]];

        for (row = 0; row < HEIGHT; row++) {
            assert_int_equal(grid[row][i],
                             row >= kind->top && row < kind->top + kind->height ? kind->name : 0);
        }
    }
}

static void strips_show_each_cell(void **state)
{
    uint8_t cells[HISTORY_CELLS] = {0};
    unsigned int round, i;

    (void)state;
    for (round = 0; round < 300; round++) {
        for (i = 0; i < HISTORY_CELLS; i++) {
            cells[i] = i > 0 && random_below(4) > 0 ? cells[i - 1] : (uint8_t)random_below(5);
        }
        assert_strip(cells);
        apr_pool_clear(pool);
    }
}

static void assert_words(const uint8_t cells[HISTORY_CELLS], const char *words)
{
    html_t html = html_begin(pool, false);

    svg_strip(&html, cells);
    assert_non_null(strstr(written(&html), apr_psprintf(pool, " aria-label=\"%s\"", words)));
}

static void strips_say_how_long(void **state)
{
    uint8_t cells[HISTORY_CELLS];

    (void)state;
    memset(cells, 0, sizeof cells);
    assert_words(cells, "no data 1 d");
    cells[95] = LIGHT_GREEN + 1;
    assert_words(cells, "no data 23 h 45 min, secure 15 min");
    memset(cells, LIGHT_GREEN + 1, sizeof cells);
    assert_words(cells, "secure 1 d");
    cells[3] = LIGHT_RED + 1;
    cells[10] = cells[12] = LIGHT_YELLOW + 1;
    cells[20] = cells[21] = cells[22] = cells[23] = LIGHT_GREY + 1;
    cells[0] = 0;
    assert_words(cells, "no data 15 min, secure 22 h, DNS 30 min, offline 1 h, alarm 15 min");
}

static void swatches_show_one_kind(void **state)
{
    unsigned int cell, i;

    (void)state;
    for (cell = 0; cell < sizeof kinds / sizeof kinds[0]; cell++) {
        html_t html = html_begin(pool, false);

        svg_swatch(&html, cell);
        paint(renamed(pool, written(&html)), 2);
        for (i = 0; i < WIDTH; i++) {
            assert_int_equal(grid[kinds[cell].top][i], i < 8 ? kinds[cell].name : 0);
        }
    }
}

/* --- the chart --- */

/* In one column the lights are from the worst, at the foot, to the best, without a gap. */
static void assert_column(unsigned int i, const uint32_t counts[LIGHTS], uint64_t most)
{
    static const char names[LIGHTS] = {'g', 'y', 'o', 'r'};
    unsigned int row = HEIGHT;
    int light;

    for (light = LIGHTS - 1; light >= 0; light--) {
        const uint64_t share = counts[light] * (uint64_t)HEIGHT / most;
        const uint64_t wanted = counts[light] > 0 && share < 3 ? 3 : share;
        unsigned int height = 0;

        while (row > 0 && grid[row - 1][i] == names[light]) {
            row--;
            height++;
        }
        assert_true(height == wanted || (height < wanted && row == 0));
        assert_true(counts[light] == 0 || height > 0 || row == 0);
    }
    while (row > 0) {
        assert_int_equal(grid[--row][i], 0);
    }
}

static void the_chart_shows_each_light(void **state)
{
    fleet_history_t history;
    unsigned int round, i, light;

    (void)state;
    for (round = 0; round < 300; round++) {
        const uint32_t bound = round % 3 == 0 ? 4 : round % 3 == 1 ? 1000 : 500000;
        uint64_t most = 1, total;
        html_t html = html_begin(pool, false);

        memset(&history, 0, sizeof history);
        for (i = 0; i < HISTORY_CELLS; i++) {
            for (light = 0; light < LIGHTS && random_below(8) > 0; light++) {
                history.cells[i][light] = random_below(3) == 0 ? 1 : random_below(bound);
            }
            if (i > 0 && random_below(2) == 0) {
                memcpy(history.cells[i], history.cells[i - 1], sizeof history.cells[i]);
            }
            for (total = 0, light = 0; light < LIGHTS; light++) {
                total += history.cells[i][light];
            }
            most = total > most ? total : most;
        }
        svg_chart(&html, &history);
        paint(renamed(pool, written(&html)), 10);
        for (i = 0; i < HISTORY_CELLS; i++) {
            assert_column(i, history.cells[i], most);
        }
        apr_pool_clear(pool);
    }
}

/* One bad client among very many is seen. */
static void a_single_alarm_is_seen(void **state)
{
    fleet_history_t history = {0};
    html_t html = html_begin(pool, false);
    unsigned int i;

    (void)state;
    for (i = 0; i < HISTORY_CELLS; i++) {
        history.cells[i][LIGHT_GREEN] = 1000000;
    }
    history.cells[40][LIGHT_RED] = 1;
    svg_chart(&html, &history);
    paint(renamed(pool, written(&html)), 10);
    assert_int_equal(grid[HEIGHT - 3][40], 'r');
    assert_int_equal(grid[HEIGHT - 4][40], 'g');
    assert_int_equal(grid[HEIGHT - 1][41], 'g');
}

static void the_chart_says_when_it_was_worst(void **state)
{
    fleet_history_t history;
    html_t html = html_begin(pool, false);
    const char *text;

    (void)state;
    memset(&history, 0, sizeof history);
    history.cells[95][LIGHT_RED] = 2;
    history.cells[94][LIGHT_RED] = 3; /* 12:15 */
    history.cells[0][LIGHT_GREY] = 7; /* 23 h 45 min before 12:30 */
    history.cells[90][LIGHT_GREEN] = 9;
    svg_worst(&html, &history, WALL);
    text = written(&html);
    assert_non_null(strstr(text, "at most 3 alarm, <time datetime=\"2025-01-15T12:15:00Z\">12:15"));
    assert_non_null(
        strstr(text, "at most 7 offline, <time datetime=\"2025-01-14T12:45:00Z\">12:45"));
    assert_non_null(strstr(text, "<li>no DNS</li>"));
    assert_null(strstr(text, "secure"));

    history.cells[95][LIGHT_RED] = 3; /* the newest, of some that are the same */
    html = html_begin(pool, false);
    svg_worst(&html, &history, WALL);
    assert_non_null(
        strstr(written(&html), "at most 3 alarm, <time datetime=\"2025-01-15T12:30:00Z\">"));
}

static void cells_begin_at_quarters(void **state)
{
    const int64_t quarter = INT64_C(1736944200); /* 12:30:00 */

    (void)state;
    assert_int_equal(svg_cell_begin(95, WALL), quarter);
    assert_int_equal(svg_cell_begin(95, quarter), quarter);
    assert_int_equal(svg_cell_begin(95, quarter - 1), quarter - 900);
    assert_int_equal(svg_cell_begin(0, WALL), quarter - 95 * 900);
    assert_string_equal(svg_cell_word(0), "no data");
    assert_string_equal(svg_cell_word(LIGHT_RED + 1), "alarm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_show_each_cell),
        cmocka_unit_test(strips_say_how_long),
        cmocka_unit_test(swatches_show_one_kind),
        cmocka_unit_test(the_chart_shows_each_light),
        cmocka_unit_test(a_single_alarm_is_seen),
        cmocka_unit_test(the_chart_says_when_it_was_worst),
        cmocka_unit_test(cells_begin_at_quarters),
    };

    return cmocka_run_group_tests(tests, pool_start, pool_stop);
}
