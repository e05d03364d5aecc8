#include "valid.h"

#include <string.h>
#include <time.h>

/* The last second of the year 9999. */
#define TIME_MAX INT64_C(253402300799)

bool vps_valid_client_id(const char *text, size_t len)
{
    if (len == 0 || len > VPS_CLIENT_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-')) {
            return false;
        }
    }
    return true;
}

/* Bytes of the well-formed character that len > 0 bytes of text begin with, 0 = there is none. */
static size_t character_length(const unsigned char *text, size_t len)
{
    const unsigned char lead = text[0];

    if (lead < 0x80) {
        return 1;
    }
    /* Which second bytes would be overlong, a surrogate or too high depends on the first. */
    const unsigned char lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    const size_t n = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (lead < 0xC2 || lead > 0xF4 || len < n || text[1] < lowest || text[1] > highest) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* Eight bytes at once, because nearly all that is reported is ASCII. */
static bool is_ascii_word(const unsigned char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool vps_valid_utf8(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;

    while (at < len) {
        size_t n = 8;

        if (len - at < n || !is_ascii_word(bytes + at)) {
            n = character_length(bytes + at, len - at);
        }
        if (n == 0) {
            return false;
        }
        at += n;
    }
    return true;
}

/* Whether the well-formed character of n bytes is C0, DEL, C1 or U+FEFF. */
static bool is_control(const unsigned char *text, size_t n)
{
    if (n == 1) {
        return text[0] < 0x20 || text[0] == 0x7F;
    }
    if (n == 2) {
        return text[0] == 0xC2 && text[1] < 0xA0;
    }
    return n == 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
}

bool vps_valid_text(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;

    while (at < len) {
        const size_t n = character_length(bytes + at, len - at);

        if (n == 0 || is_control(bytes + at, n)) {
            return false;
        }
        at += n;
    }
    return true;
}

void vps_text_copy(char *out, size_t size, const char *text, size_t len)
{
    size_t cut = len;

    memset(out, 0, size);
    if (!vps_valid_text(text, len)) {
        return;
    }
    if (len >= size) {
        cut = size - 1;
        while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80) {
            cut--;
        }
    }
    memcpy(out, text, cut);
}

bool vps_text_is_unknown(const char *text, size_t len)
{
    return len == 0 ||
           (len == 7 && (memcmp(text, "unknown", 7) == 0 || memcmp(text, "Unknown", 7) == 0));
}

/* Read exactly count digits and step over them. */
static bool read_digits(int *out, size_t count, const char **at, const char *end)
{
    int value = 0;

    if ((size_t)(end - *at) < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char c = (*at)[i];

        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool skip_char(char c, const char **at, const char *end)
{
    if (*at == end || **at != c) {
        return false;
    }
    (*at)++;
    return true;
}

/* Days from 1 January 1970 to a date of the Gregorian calendar; false when there is no such day. */
static bool read_date(int64_t *days, const char **at, const char *end)
{
    static const int length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;

    if (!read_digits(&year, 4, at, end) || !skip_char('-', at, end) ||
        !read_digits(&month, 2, at, end) || !skip_char('-', at, end) ||
        !read_digits(&day, 2, at, end)) {
        return false;
    }
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > length[month - 1] + (leap && month == 2)) {
        return false;
    }
    const int before = year - 1; /* the last year whose leap day has surely passed */

    *days = 365 * (year - 1970) + (before / 4 - before / 100 + before / 400) -
            (1969 / 4 - 1969 / 100 + 1969 / 400) + day - 1 + (leap && month > 2);
    for (int i = 0; i < month - 1; i++) {
        *days += length[i];
    }
    return true;
}

/* Seconds since midnight from hh:mm:ss and a fraction, which is dropped. */
static bool read_clock(int64_t *seconds, const char **at, const char *end)
{
    int hour, minute, second, digit;

    if (!read_digits(&hour, 2, at, end) || !skip_char(':', at, end) ||
        !read_digits(&minute, 2, at, end) || !skip_char(':', at, end) ||
        !read_digits(&second, 2, at, end) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    if (skip_char('.', at, end) || skip_char(',', at, end)) {
        if (!read_digits(&digit, 1, at, end)) {
            return false;
        }
        while (read_digits(&digit, 1, at, end)) {
        }
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* Seconds east of UTC from Z, ±hh:mm, ±hhmm, ±hh or nothing. */
static bool read_offset(int64_t *seconds, const char **at, const char *end)
{
    int hour, minute = 0;

    *seconds = 0;
    if (*at == end || skip_char('Z', at, end)) {
        return true;
    }
    const bool west = skip_char('-', at, end);

    if ((!west && !skip_char('+', at, end)) || !read_digits(&hour, 2, at, end)) {
        return false;
    }
    if (*at < end) {
        skip_char(':', at, end);
        if (!read_digits(&minute, 2, at, end)) {
            return false;
        }
    }
    *seconds = (hour * 3600 + minute * 60) * (west ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

bool vps_time_parse(int64_t *out, const char *text, size_t len)
{
    const char *at = text;
    const char *end = text + len;
    int64_t days, seconds, offset;

    if (!read_date(&days, &at, end) || !skip_char('T', &at, end) ||
        !read_clock(&seconds, &at, end) || !read_offset(&offset, &at, end) || at != end) {
        return false;
    }
    const int64_t when = days * 86400 + seconds - offset;

    if (when < 0 || when > TIME_MAX) {
        return false;
    }
    *out = when;
    return true;
}

char *vps_time_format(char out[VPS_TIME_TEXT_SIZE], int64_t when)
{
    const time_t seconds = (time_t)when;
    struct tm tm = {0};

    /* A year that has no place leaves anything in out, not even a NUL. */
    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(out, VPS_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        out[0] = '\0';
    }
    return out;
}
