#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUARTER_MAX 0x3fffffff /* that 30 bits hold */

_Static_assert(LIGHTS == 4, "a light takes two bits");
_Static_assert(sizeof(history_t) == 28 && sizeof(history_gaps_t) == 16, "compared as bytes");

static int64_t quarter_of(int64_t when)
{
    int64_t quarter = when / HISTORY_CELL_SECONDS;

    if (quarter < 1) {
        return 1;
    }
    return quarter < QUARTER_MAX ? quarter : QUARTER_MAX;
}

/* Of the quarters that a ring with this newest one has. */
static int64_t oldest_of(int64_t newest)
{
    return newest - (int64_t)HISTORY_CELLS + 1;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- a client's cells; a quarter below 1 has none --- */

static light_t get(const history_t *history, int64_t quarter)
{
    unsigned int at = (unsigned int)(quarter % HISTORY_CELLS);

    return (light_t)(history->cells[at / 16] >> (at % 16 * 2) & 3u);
}

static void put(history_t *history, int64_t quarter, light_t light)
{
    unsigned int at = (unsigned int)(quarter % HISTORY_CELLS), shift = at % 16 * 2;
    uint32_t *word = &history->cells[at / 16];

    *word = (*word & ~(3u << shift)) | (uint32_t)light << shift;
}

static void worsen(history_t *history, int64_t quarter, light_t light)
{
    if (light > get(history, quarter)) {
        put(history, quarter, light);
    }
}

static void set_newest(history_t *history, int64_t quarter)
{
    history->quarter = (uint32_t)quarter & QUARTER_MAX;
}

static void begin(history_t *history, int64_t quarter)
{
    memset(history->cells, LIGHT_GREY * 0x55, sizeof history->cells);
    set_newest(history, quarter);
    put(history, quarter, LIGHT_GREEN);
}

/* Up to this quarter the light lasted. */
static void advance(history_t *history, int64_t quarter)
{
    int64_t at = later((int64_t)history->quarter + 1, oldest_of(quarter));

    if (quarter <= (int64_t)history->quarter) {
        return;
    }
    for (; at <= quarter; at++) {
        put(history, at, (light_t)history->light);
    }
    set_newest(history, quarter);
}

/* The newest cell has what lasts. */
static void set_light(history_t *history, light_t light)
{
    history->light = (uint32_t)light & 3u;
    worsen(history, history->quarter, light);
}

void history_set(history_t *history, int64_t when, light_t light)
{
    int64_t quarter = quarter_of(when);

    if (history->quarter == 0 || quarter < oldest_of(history->quarter)) {
        begin(history, quarter);
    } else {
        advance(history, quarter);
    }
    worsen(history, quarter, light);
    set_light(history, light);
}

void history_note(history_t *history, int64_t from, int64_t until, light_t light)
{
    int64_t quarter = quarter_of(from), last = until > from ? quarter_of(until - 1) : quarter;

    if (history->quarter == 0) {
        return;
    }
    advance(history, last);
    for (quarter = later(quarter, oldest_of(history->quarter)); quarter <= last; quarter++) {
        worsen(history, quarter, light);
    }
}

void history_go_on(history_t *history, int64_t since, const history_t *newer)
{
    const int64_t first = quarter_of(since);
    int64_t at = first;

    if (newer->quarter == 0) {
        return;
    }
    if (history->quarter == 0) {
        *history = *newer;
        return;
    }
    advance(history, newer->quarter);
    at = later(at, later(oldest_of(newer->quarter), oldest_of(history->quarter)));
    for (; at <= (int64_t)newer->quarter; at++) {
        if (at > first) {
            put(history, at, get(newer, at)); /* that the old light lasted was a guess */
        } else {
            worsen(history, at, get(newer, at));
        }
    }
    set_light(history, (light_t)newer->light);
}

/* --- the server's gaps --- */

static bool is_gap(const history_gaps_t *gaps, int64_t quarter)
{
    unsigned int at = (unsigned int)(quarter % HISTORY_CELLS);

    return (gaps->gaps[at / 32] >> at % 32 & 1u) != 0;
}

static void put_gap(history_gaps_t *gaps, int64_t quarter, bool gap)
{
    unsigned int at = (unsigned int)(quarter % HISTORY_CELLS);
    uint32_t *word = &gaps->gaps[at / 32];

    *word = (*word & ~(1u << at % 32)) | (uint32_t)gap << at % 32;
}

/* Did a monitor live then, as far as the ring reaches? */
static bool lived(const history_gaps_t *gaps, int64_t quarter)
{
    return quarter <= (int64_t)gaps->quarter && quarter >= oldest_of(gaps->quarter) &&
           quarter > 0 && !is_gap(gaps, quarter);
}

void history_live(history_gaps_t *gaps, int64_t when)
{
    int64_t quarter = quarter_of(when), at = gaps->quarter;

    if (at == 0 || quarter < oldest_of(at)) {
        memset(gaps->gaps, 0xff, sizeof gaps->gaps);
        gaps->quarter = (uint32_t)quarter;
    }
    if (quarter > (int64_t)gaps->quarter) {
        for (at = later(at + 1, oldest_of(quarter)); at < quarter; at++) {
            put_gap(gaps, at, true);
        }
        gaps->quarter = (uint32_t)quarter;
    }
    put_gap(gaps, quarter, false);
}

void history_join(history_gaps_t *gaps, const history_gaps_t *others)
{
    int64_t at = later(1, oldest_of(gaps->quarter));

    if (gaps->quarter == 0) {
        *gaps = *others;
    }
    for (; at <= (int64_t)gaps->quarter; at++) {
        if (lived(others, at)) {
            put_gap(gaps, at, false);
        }
    }
}

/* --- reading --- */

/* What was noted of the quarter, else what lasts: light_t + 1; 0 = nothing. */
static uint8_t read_cell(const history_t *history, int64_t quarter)
{
    if (history->quarter == 0 || quarter < oldest_of(history->quarter) || quarter < 1) {
        return 0;
    }
    return (uint8_t)((quarter <= (int64_t)history->quarter ? get(history, quarter)
                                                           : (light_t)history->light) +
                     1);
}

void history_read(uint8_t out[HISTORY_CELLS], const history_t *history, const history_gaps_t *gaps,
                  uint32_t first_seen, int64_t now, light_t now_light)
{
    const int64_t last = quarter_of(now), first = quarter_of(first_seen);
    uint8_t light = (uint8_t)(now_light + 1);
    unsigned int i;

    for (i = 0; i < HISTORY_CELLS; i++) {
        int64_t quarter = oldest_of(last) + i;

        out[i] = quarter >= first && (quarter == last || lived(gaps, quarter))
                     ? read_cell(history, quarter)
                     : 0;
    }
    out[HISTORY_CELLS - 1] = light > out[HISTORY_CELLS - 1] ? light : out[HISTORY_CELLS - 1];
}

bool history_is_valid(const history_t *history)
{
    static const history_t empty;

    return history->quarter == 0 ? memcmp(history, &empty, sizeof empty) == 0
                                 : get(history, history->quarter) >= history->light;
}

bool history_gaps_are_valid(const history_gaps_t *gaps)
{
    static const history_gaps_t empty;

    return gaps->quarter == 0 ? memcmp(gaps, &empty, sizeof empty) == 0
                              : gaps->quarter <= QUARTER_MAX && !is_gap(gaps, gaps->quarter);
}

/* --- texts --- */

const char *history_format(char out[HISTORY_TEXT_SIZE], const history_t *history)
{
    unsigned int i;
    int len;

    out[0] = '\0';
    if (history->quarter == 0) {
        return out;
    }
    len = snprintf(out, HISTORY_TEXT_SIZE, "%u %u ", history->quarter, history->light);
    for (i = 0; i < HISTORY_CELLS; i++) {
        out[len++] = (char)('0' + get(history, (int64_t)history->quarter + 1 + i));
    }
    out[len] = '\0';
    return out;
}

const char *history_gaps_format(char out[HISTORY_TEXT_SIZE], const history_gaps_t *gaps)
{
    unsigned int i;
    int len;

    out[0] = '\0';
    if (gaps->quarter == 0) {
        return out;
    }
    len = snprintf(out, HISTORY_TEXT_SIZE, "%u ", gaps->quarter);
    for (i = 0; i < HISTORY_CELLS; i++) {
        out[len++] = is_gap(gaps, (int64_t)gaps->quarter + 1 + i) ? '1' : '0';
    }
    out[len] = '\0';
    return out;
}

/* The quarter, if so many characters follow it; *rest begins there. Else 0. */
static int64_t parse_quarter(const char **rest, const char *text, size_t behind)
{
    char *end;
    unsigned long quarter = strtoul(text, &end, 10);

    *rest = end;
    return quarter <= QUARTER_MAX && strlen(end) == behind ? (int64_t)quarter : 0;
}

bool history_parse(history_t *out, const char *text)
{
    char again[HISTORY_TEXT_SIZE];
    const char *rest;
    int64_t quarter = parse_quarter(&rest, text, HISTORY_CELLS + 3);
    unsigned int i;

    memset(out, 0, sizeof *out);
    if (quarter != 0) {
        set_newest(out, quarter);
        out->light = (uint32_t)(rest[1] - '0') & 3u;
        for (i = 0; i < HISTORY_CELLS; i++) {
            put(out, quarter + 1 + i, (light_t)((rest[3 + i] - '0') & 3));
        }
    }
    if (history_is_valid(out) && strcmp(history_format(again, out), text) == 0) {
        return true;
    }
    memset(out, 0, sizeof *out);
    return false;
}

bool history_gaps_parse(history_gaps_t *out, const char *text)
{
    char again[HISTORY_TEXT_SIZE];
    const char *rest;
    int64_t quarter = parse_quarter(&rest, text, HISTORY_CELLS + 1);
    unsigned int i;

    memset(out, 0, sizeof *out);
    if (quarter != 0) {
        out->quarter = (uint32_t)quarter;
        for (i = 0; i < HISTORY_CELLS; i++) {
            put_gap(out, quarter + 1 + i, rest[1 + i] == '1');
        }
    }
    if (history_gaps_are_valid(out) && strcmp(history_gaps_format(again, out), text) == 0) {
        return true;
    }
    memset(out, 0, sizeof *out);
    return false;
}
