#include "dashboard_svg.h"

#include "dashboard_light.h"

#define CELL_KINDS (LIGHTS + 1u) /* 0 = no data, else light_t + 1 */

#define STRIP_CELL_WIDTH 2u
#define STRIP_HEIGHT 18u

#define CHART_CELL_WIDTH 10u
#define CHART_HEIGHT 100u
#define CHART_VISIBLE 3u /* the least height of what is there at all */

static const char *const kind_names[CELL_KINDS] = {"none", "green", "yellow", "grey", "red"};

const char *svg_cell_word(unsigned int cell)
{
    return cell == 0 ? "no data" : light_word((light_t)(cell - 1));
}

int64_t svg_cell_begin(unsigned int cell, int64_t wall)
{
    return (wall / HISTORY_CELL_SECONDS - (HISTORY_CELLS - 1) + cell) * HISTORY_CELL_SECONDS;
}

/* --- a strip: the worse, the higher; offline is hollow, no data a dotted line --- */

static void put_segment(html_t *html, unsigned int kind, unsigned int x, unsigned int width)
{
    static const unsigned int heights[CELL_KINDS] = {1, 5, 10, 10, 17};
    const unsigned int height = heights[kind];

    if (kind == 0) {
        html_printf(html, "M%u %uh%u", x, STRIP_HEIGHT - 2, width);
        return;
    }
    html_printf(html, "M%u %uh%uv%uh-%uz", x, STRIP_HEIGHT - 1 - height, width, height, width);
}

/* All segments of one kind as one path; nothing when there are none. */
static void put_segments(html_t *html, const uint8_t *cells, unsigned int count, unsigned int kind)
{
    unsigned int i, begin;
    bool any = false;

    for (i = 0; i < count; i++) {
        if (cells[i] != kind) {
            continue;
        }
        for (begin = i; i + 1 < count && cells[i + 1] == kind; i++) {
        }
        if (!any) {
            html_printf(html, "<path class=\"%s\" d=\"", kind_names[kind]);
            any = true;
        }
        put_segment(html, kind, begin * STRIP_CELL_WIDTH, (i + 1 - begin) * STRIP_CELL_WIDTH);
    }
    if (any) {
        html_put(html, "\"/>");
    }
}

static void put_strip(html_t *html, const uint8_t *cells, unsigned int count)
{
    unsigned int kind;

    html_printf(html, "viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\">",
                count * STRIP_CELL_WIDTH, STRIP_HEIGHT);
    for (kind = 0; kind < CELL_KINDS; kind++) {
        put_segments(html, cells, count, kind);
    }
    html_put(html, "</svg>");
}

/* "secure 23 h 45 min, DNS 15 min", the worst last. */
static void put_totals(html_t *html, const uint8_t cells[HISTORY_CELLS])
{
    unsigned int totals[CELL_KINDS] = {0};
    const char *comma = "";
    unsigned int i;

    for (i = 0; i < HISTORY_CELLS; i++) {
        totals[cells[i]]++;
    }
    for (i = 0; i < CELL_KINDS; i++) {
        if (totals[i] > 0) {
            html_printf(html, "%s%s ", comma, svg_cell_word(i));
            html_span(html, (int64_t)totals[i] * HISTORY_CELL_SECONDS);
            comma = ", ";
        }
    }
}

void svg_strip(html_t *html, const uint8_t cells[HISTORY_CELLS])
{
    html_put(html, "<svg class=\"strip\" role=\"img\" aria-label=\"");
    put_totals(html, cells);
    html_put(html, "\" ");
    put_strip(html, cells, HISTORY_CELLS);
}

void svg_swatch(html_t *html, unsigned int cell)
{
    const uint8_t cells[8] = {(uint8_t)cell, (uint8_t)cell, (uint8_t)cell, (uint8_t)cell,
                              (uint8_t)cell, (uint8_t)cell, (uint8_t)cell, (uint8_t)cell};

    html_put(html, "<svg class=\"strip swatch\" aria-hidden=\"true\" ");
    put_strip(html, cells, 8);
}

/* --- the chart: a column each quarter, the worst at its foot --- */

static uint32_t most_clients(const fleet_history_t *history)
{
    uint32_t most = 1;
    unsigned int i, light;

    for (i = 0; i < HISTORY_CELLS; i++) {
        uint32_t total = 0;

        for (light = 0; light < LIGHTS; light++) {
            total += history->cells[i][light];
        }
        most = total > most ? total : most;
    }
    return most;
}

/* Heights of the lights in one column. What is there is seen, however few: the others give way. */
static void column_heights(unsigned int out[LIGHTS], const uint32_t counts[LIGHTS], uint32_t most)
{
    unsigned int room = CHART_HEIGHT;
    int light;

    for (light = LIGHTS - 1; light >= 0; light--) {
        unsigned int height = (unsigned int)((uint64_t)counts[light] * CHART_HEIGHT / most);

        if (counts[light] > 0 && height < CHART_VISIBLE) {
            height = CHART_VISIBLE;
        }
        out[light] = height < room ? height : room;
        room -= out[light];
    }
}

/* Where the light's part of a column is. */
typedef struct column_part_t {
    unsigned int top, height;
} column_part_t;

static column_part_t column_part(const unsigned int heights[LIGHTS], int light)
{
    column_part_t part = {.top = CHART_HEIGHT, .height = heights[light]};
    int below;

    for (below = LIGHTS - 1; below >= light; below--) {
        part.top -= heights[below];
    }
    return part;
}

static void put_light(html_t *html, unsigned int (*heights)[LIGHTS], int light)
{
    unsigned int i, begin;
    bool any = false;

    for (i = 0; i < HISTORY_CELLS; i++) {
        const column_part_t part = column_part(heights[i], light);

        if (part.height == 0) {
            continue;
        }
        for (begin = i; i + 1 < HISTORY_CELLS; i++) {
            const column_part_t next = column_part(heights[i + 1], light);

            if (next.top != part.top || next.height != part.height) {
                break;
            }
        }
        if (!any) {
            html_printf(html, "<path class=\"%s\" d=\"", assess_light_name((light_t)light));
            any = true;
        }
        html_printf(html, "M%u %uh%uv%uh-%uz", begin * CHART_CELL_WIDTH, part.top,
                    (i + 1 - begin) * CHART_CELL_WIDTH, part.height,
                    (i + 1 - begin) * CHART_CELL_WIDTH);
    }
    if (any) {
        html_put(html, "\"/>");
    }
}

/* "at most 3 alarm (14:15 UTC)": when the most of this light were there. */
static void put_worst(html_t *html, const fleet_history_t *history, int light, int64_t wall)
{
    unsigned int worst = 0, i;

    for (i = 1; i < HISTORY_CELLS; i++) {
        if (history->cells[i][light] >= history->cells[worst][light]) {
            worst = i;
        }
    }
    if (history->cells[worst][light] == 0) {
        html_printf(html, "<li>no %s</li>", light_word((light_t)light));
        return;
    }
    html_put(html, "<li>");
    light_mark(html, (light_t)light);
    html_printf(html, "at most %u %s, ", history->cells[worst][light], light_word((light_t)light));
    html_clock(html, svg_cell_begin(worst, wall));
    html_put(html, " UTC</li>");
}

/* Which of the lights it is, without colour: stripes across, dots, stripes aslant. */
static const char patterns[] =
    "<defs>"
    "<pattern id=\"p-yellow\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
    "<path class=\"ground\" d=\"M0 0h4v4H0z\"/><path class=\"ink\" d=\"M0 0h4v1H0z\"/></pattern>"
    "<pattern id=\"p-grey\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
    "<path class=\"ground\" d=\"M0 0h6v6H0z\"/><path class=\"ink\" d=\"M2 2h2v2H2z\"/></pattern>"
    "<pattern id=\"p-red\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\">"
    "<path class=\"ground\" d=\"M0 0h6v6H0z\"/><path class=\"ink\" d=\"M0 0h2v6H0z\"/></pattern>"
    "</defs>";

void svg_chart(html_t *html, const fleet_history_t *history)
{
    unsigned int heights[HISTORY_CELLS][LIGHTS];
    const uint32_t most = most_clients(history);
    unsigned int i;
    int light;

    for (i = 0; i < HISTORY_CELLS; i++) {
        column_heights(heights[i], history->cells[i], most);
    }
    html_printf(html,
                "<svg class=\"chart\" aria-hidden=\"true\" viewBox=\"0 0 %u %u\" "
                "preserveAspectRatio=\"none\">%s",
                HISTORY_CELLS * CHART_CELL_WIDTH, CHART_HEIGHT, patterns);
    for (light = LIGHTS - 1; light >= 0; light--) {
        put_light(html, heights, light);
    }
    html_put(html, "</svg>\n");
}

void svg_axis(html_t *html)
{
    html_put(html, "<p class=\"axis\" aria-hidden=\"true\"><span>24 h ago</span><span>18 h</span>"
                   "<span>12 h</span><span>6 h</span><span>now</span></p>\n");
}

void svg_worst(html_t *html, const fleet_history_t *history, int64_t wall)
{
    int light;

    html_put(html, "<ul class=\"worst\">");
    for (light = LIGHTS - 1; light > LIGHT_GREEN; light--) {
        put_worst(html, history, light, wall);
    }
    html_put(html, "</ul>\n");
}
