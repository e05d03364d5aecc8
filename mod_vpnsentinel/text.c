#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UNIT_BYTES 4 /* more than what a unit takes in UTF-8, for the markup between */

text_t text_begin(char *out, size_t size, text_form_t form)
{
    text_t text = {.out = out, .size = size, .form = form};

    out[0] = '\0';
    return text;
}

/* --- what fits --- */

/* Put all of it, or nothing any more. */
static void put_bytes(text_t *text, const char *bytes, size_t len, size_t units)
{
    if (text->is_over || len >= text->size - text->used || units > TEXT_UNITS_MAX - text->units) {
        text->is_over = true;
        return;
    }
    memcpy(text->out + text->used, bytes, len);
    text->used += len;
    text->units += units;
    text->out[text->used] = '\0';
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* UTF-16 code units of a character that begins with this byte: two beyond U+FFFF. */
static size_t units_of(char byte)
{
    return is_continuation(byte) ? 0 : (unsigned char)byte >= 0xf0 ? 2 : 1;
}

/* Bytes of the character at the beginning, whatever it is; never beyond the NUL. */
static size_t character_len(const char *words)
{
    size_t len = 1;

    while (is_continuation(words[len])) {
        len++;
    }
    return len;
}

text_mark_t text_mark(const text_t *text)
{
    return (text_mark_t){text->used, text->units};
}

static void cut(text_t *text, text_mark_t mark)
{
    text->used = mark.used;
    text->units = mark.units;
    text->out[text->used] = '\0';
}

void text_rewind(text_t *text, text_mark_t mark)
{
    cut(text, mark);
    text->is_over = false;
}

bool text_fits(const text_t *text, size_t reserve)
{
    return !text->is_over && reserve <= TEXT_UNITS_MAX - text->units &&
           reserve * UNIT_BYTES < text->size - text->used;
}

/* --- words --- */

void text_put(text_t *text, const char *words)
{
    size_t len = 0, units = 0;

    for (; words[len] != '\0'; len++) {
        units += units_of(words[len]);
    }
    put_bytes(text, words, len, units);
}

/* How a character is written in HTML; NULL = as it is. */
static const char *entity_of(char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void text_put_escaped(text_t *text, const char *words)
{
    size_t len;

    for (; *words != '\0' && !text->is_over; words += len) {
        const char *entity = text->form == TEXT_HTML ? entity_of(*words) : NULL;

        len = character_len(words);
        if (entity != NULL) {
            put_bytes(text, entity, strlen(entity), 1);
        } else {
            put_bytes(text, words, len, units_of(*words));
        }
    }
}

void text_put_tag(text_t *text, const char *tag)
{
    if (text->form == TEXT_HTML) {
        put_bytes(text, tag, strlen(tag), 0);
    }
}

void text_put_code(text_t *text, const char *words)
{
    const text_mark_t mark = text_mark(text);

    text_put_tag(text, "<code>");
    text_put_escaped(text, words);
    text_put_tag(text, "</code>");
    if (text->is_over) {
        cut(text, mark);
    }
}

void text_put_bold(text_t *text, const char *words)
{
    const text_mark_t mark = text_mark(text);

    text_put_tag(text, "<b>");
    text_put(text, words);
    text_put_tag(text, "</b>");
    if (text->is_over) {
        cut(text, mark);
    }
}

void text_put_label(text_t *text, const char *label)
{
    text_put(text, "\n");
    text_put(text, label);
    text_put(text, ": ");
}

/* --- numbers, addresses, countries --- */

void text_put_number(text_t *text, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, number);
    text_put(text, digits);
}

void text_put_address(text_t *text, const vps_addr_t *addr)
{
    char words[VPS_ADDR_TEXT_SIZE];

    if (addr->version == 0) {
        text_put(text, "unknown");
    } else {
        text_put_code(text, vps_addr_format(words, addr));
    }
}

void text_put_country(text_t *text, const char *code)
{
    text_put_escaped(text, code[0] != '\0' ? code : "unknown");
}

/* --- times --- */

/* Units of time, the greatest first. */
static const struct {
    uint32_t length; /* sec */
    const char *name;
} periods[] = {{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};

/* The greatest unit of which there is one. */
static size_t period_of(uint64_t seconds)
{
    size_t i = 0;

    while (periods[i].length > 1 && seconds < periods[i].length) {
        i++;
    }
    return i;
}

static void put_period(text_t *text, uint64_t seconds, size_t i)
{
    text_put_number(text, seconds / periods[i].length);
    text_put(text, periods[i].name);
}

void text_put_duration(text_t *text, uint64_t seconds)
{
    const size_t i = period_of(seconds);
    const uint64_t rest = seconds % periods[i].length;

    put_period(text, seconds, i);
    if (periods[i].length > 1 && rest >= periods[i + 1].length) {
        text_put(text, " ");
        put_period(text, rest, i + 1);
    }
}

/* Put a time by strftime()'s format. */
static void put_formatted(text_t *text, int64_t when, const char *format)
{
    const time_t time = (time_t)when;
    char words[64];
    struct tm tm;

    if (localtime_r(&time, &tm) == NULL || strftime(words, sizeof words, format, &tm) == 0) {
        text_put(text, "unknown");
    } else {
        text_put_escaped(text, words);
    }
}

void text_put_time(text_t *text, int64_t when)
{
    put_formatted(text, when, "%Y-%m-%d %H:%M:%S %Z");
}

static bool is_same_day(int64_t when, int64_t now)
{
    const time_t times[] = {(time_t)when, (time_t)now};
    struct tm day, today;

    return localtime_r(&times[0], &day) != NULL && localtime_r(&times[1], &today) != NULL &&
           day.tm_year == today.tm_year && day.tm_yday == today.tm_yday;
}

void text_put_clock(text_t *text, int64_t when, int64_t now)
{
    put_formatted(text, when, is_same_day(when, now) ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S");
}

void text_put_ago(text_t *text, int64_t when, int64_t now)
{
    const uint64_t seconds = when < now ? (uint64_t)now - (uint64_t)when : 0;

    if (seconds < 60) {
        text_put(text, "just now");
    } else {
        put_period(text, seconds, period_of(seconds));
        text_put(text, " ago");
    }
}
