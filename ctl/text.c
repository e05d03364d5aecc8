#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "valid.h"

#define PIECE_SIZE 5 /* bytes of "\xHH" and its NUL */

static bool is_utf8;

void text_begin(void)
{
    setlocale(LC_CTYPE, "");
    is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool text_is_utf8(void)
{
    return is_utf8;
}

const char *text_ellipsis(void)
{
    return is_utf8 ? "…" : "~";
}

/* --- characters --- */

/* The code point of a character of valid UTF-8. */
static uint32_t decode(const unsigned char *text, size_t n)
{
    uint32_t code = n == 1 ? text[0] : text[0] & (0x7FU >> n);

    for (size_t i = 1; i < n; i++) {
        code = code << 6 | (text[i] & 0x3FU);
    }
    return code;
}

/* Characters that hide, or that break or reorder what is shown. The joiners are part of words. */
static bool is_treacherous(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0xAD, 0xAD},     {0x61C, 0x61C},     {0x180E, 0x180E},   {0x200B, 0x200B},
        {0x200E, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},   {0xFEFF, 0xFEFF},
        {0xFFF9, 0xFFFC}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

size_t text_character(const char *text, size_t len, int *columns)
{
    const unsigned char lead = (unsigned char)text[0];
    const size_t n = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t code;

    *columns = 1;
    if (lead < 0x80) {
        return lead >= ' ' && lead <= '~' ? 1 : 0;
    }
    if (!is_utf8 || n > len || !vps_valid_text(text, n)) {
        return 0;
    }
    code = decode((const unsigned char *)text, n);
    *columns = wcwidth((wchar_t)code);
    return *columns >= 0 && !is_treacherous(code) ? n : 0;
}

/* --- whole texts --- */

/* Bytes of the character at text that are written at once, as they are or escaped to piece. */
static size_t take(char piece[PIECE_SIZE], const char *text, size_t len, bool is_first)
{
    int columns;
    const size_t n = text_character(text, len, &columns);

    /* What has no width of its own would change what stands before the text. */
    if (n > 0 && text[0] != '\\' && !(is_first && columns == 0)) {
        memcpy(piece, text, n);
        piece[n] = '\0';
        return n;
    }
    snprintf(piece, PIECE_SIZE, text[0] == '\\' ? "\\\\" : "\\x%02X", (unsigned char)text[0]);
    return 1;
}

char *text_safe(char *out, size_t size, const char *text, size_t len)
{
    const size_t reserve = strlen(text_ellipsis()) + 1;
    size_t used = 0, cut = 0; /* cut: the last place where the ellipsis fits */
    char piece[PIECE_SIZE];

    for (size_t i = 0; i < len;) {
        const size_t n = take(piece, text + i, len - i, i == 0);
        const size_t more = strlen(piece);

        if (used + more + 1 > size) {
            memcpy(out + cut, text_ellipsis(), reserve);
            return out;
        }
        memcpy(out + used, piece, more);
        used += more;
        i += n;
        if (used + reserve <= size) {
            cut = used;
        }
    }
    out[used] = '\0';
    return out;
}

/* Make room for the ellipsis at the end of what is in out, and put it there. */
static void put_ellipsis(char *out, size_t size)
{
    const size_t len = strlen(out);
    const size_t limit = size - 1 - strlen(text_ellipsis());
    size_t at = 0;
    int columns;

    for (size_t n; at < len; at += n) {
        n = text_character(out + at, len - at, &columns);
        n = n > 0 ? n : 1;
        if (at + n > limit) {
            break;
        }
    }
    memcpy(out + at, text_ellipsis(), strlen(text_ellipsis()) + 1);
}

/* Append what fits of a safe text. Returns false when that is not all. */
static bool append(char *out, size_t size, const char *safe)
{
    const size_t len = strlen(safe);
    size_t used = strlen(out);
    int columns;

    for (size_t i = 0, n; i < len; i += n) {
        n = text_character(safe + i, len - i, &columns);
        n = n > 0 ? n : 1;
        if (used + n + 1 > size) {
            put_ellipsis(out, size);
            return false;
        }
        memcpy(out + used, safe + i, n);
        used += n;
        out[used] = '\0';
    }
    return true;
}

void text_append(char *out, size_t size, const char *between, const char *safe)
{
    if (safe[0] != '\0' && (out[0] == '\0' || append(out, size, between))) {
        append(out, size, safe);
    }
}

size_t text_columns(const char *safe)
{
    size_t columns;

    text_fit(safe, SIZE_MAX, &columns);
    return columns;
}

size_t text_fit(const char *safe, size_t columns, size_t *used)
{
    const size_t len = strlen(safe);
    size_t at = 0, n;
    int width;

    for (*used = 0; at < len; at += n) {
        n = text_character(safe + at, len - at, &width);
        if (n == 0) { /* not safe, which is a mistake of ours: one byte, one column */
            n = 1;
            width = 1;
        }
        if ((size_t)width > columns - *used) {
            break;
        }
        *used += (size_t)width;
    }
    return at;
}
