#include "logline.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "valid.h"

#define ELLIPSIS "..."
#define ELLIPSIS_SIZE (sizeof(ELLIPSIS) - 1)

bool vps_level_parse(vps_level_t *out, const char *name)
{
    static const char *const names[] = {
        [VPS_ERROR] = "ERROR", [VPS_WARN] = "WARN", [VPS_INFO] = "INFO", [VPS_DEBUG] = "DEBUG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i]) == 0) {
            *out = (vps_level_t)i;
            return true;
        }
    }
    return false;
}

/*
 * U+2028 to U+202E, U+2066 to U+2069, and the marks U+061C, U+200E, U+200F: they break a line or
 * reorder what is shown of it.
 */
static bool changes_layout(const char *text, size_t n)
{
    const unsigned char last = (unsigned char)text[n - 1];

    return (n == 2 && memcmp(text, "\xD8\x9C", 2) == 0) ||
           (n == 3 && memcmp(text, "\xE2\x80", 2) == 0 &&
            ((last >= 0xA8 && last <= 0xAE) || last == 0x8E || last == 0x8F)) ||
           (n == 3 && memcmp(text, "\xE2\x81", 2) == 0 && last >= 0xA6 && last <= 0xA9);
}

/* Bytes of the character at text when it may stand in a log line as it is, else 0. */
static size_t readable_length(const char *text, size_t len)
{
    const unsigned char lead = (unsigned char)text[0];
    const size_t n = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (lead >= ' ' && lead <= '~') {
        return lead != '\\' ? 1 : 0;
    }
    return n <= len && vps_valid_text(text, n) && !changes_layout(text, n) ? n : 0;
}

/* Write the character at text, or its first byte escaped, to piece. Returns the bytes written. */
static size_t escape_character(char piece[5], const char *text, size_t readable)
{
    if (readable > 0) {
        memcpy(piece, text, readable);
        return readable;
    }
    return (size_t)snprintf(piece, 5, text[0] == '\\' ? "\\\\" : "\\x%02X", (unsigned char)text[0]);
}

/*
 * Append text to the used bytes of line, escaped; what goes beyond limit gives way to "...".
 * Returns the bytes used then.
 */
static size_t append_escaped(char *line, size_t used, size_t limit, const char *text)
{
    const char *end = text + strlen(text);
    size_t cut = used; /* the last place where "..." fits */

    while (text < end) {
        char piece[5];
        const size_t readable = readable_length(text, (size_t)(end - text));
        const size_t n = escape_character(piece, text, readable);

        if (used + n > limit) {
            memcpy(line + cut, ELLIPSIS, ELLIPSIS_SIZE);
            return cut + ELLIPSIS_SIZE;
        }
        memcpy(line + used, piece, n);
        used += n;
        text += readable > 0 ? readable : 1;
        if (used + ELLIPSIS_SIZE <= limit) {
            cut = used;
        }
    }
    return used;
}

/* Write "[time] [component] ", 64 bytes hold it whole. Returns its length. */
static size_t write_head(char *out, size_t size, time_t when, const char *component)
{
    char date[32];
    struct tm tm = {0};

    localtime_r(&when, &tm);
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    return (size_t)snprintf(out, size, "[%s] [%.16s] ", date, component);
}

size_t vps_logline_v(char *out, size_t size, time_t when, const char *component, const char *format,
                     va_list args)
{
    /* As long as the longest line: a message cut here does not fit behind the head either. */
    char message[VPS_LOGLINE_SIZE];
    const size_t whole = size < sizeof(message) ? size : sizeof(message);
    size_t used = write_head(out, whole, when, component);

    if (vsnprintf(message, sizeof(message), format, args) < 0) {
        message[0] = '\0';
    }
    used = append_escaped(out, used, whole - sizeof("\n"), message);
    memcpy(out + used, "\n", sizeof("\n"));
    return used + 1;
}

size_t vps_logline(char *out, size_t size, time_t when, const char *component, const char *format,
                   ...)
{
    va_list args;

    va_start(args, format);
    const size_t length = vps_logline_v(out, size, when, component, format, args);

    va_end(args);
    return length;
}
