#include "country.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "country_table.h"
#include "valid.h"

#define TEXT_MAX 64 /* bytes; what is longer names no country */
#define LETTER_COUNT (sizeof(country_letters) / sizeof(country_letters[0]))
#define NAME_COUNT (sizeof(country_starts) / sizeof(country_starts[0]))
#define CODE_SIZE 2 /* bytes */

/* 0 to 25 for an ASCII letter in either case, more for everything else. */
static unsigned letter_index(char c)
{
    return ((unsigned char)c | 0x20U) - 'a';
}

/* The usual case, met twice in every keepalive: text is the code itself. */
static bool is_code(const char *text)
{
    unsigned first = letter_index(text[0]);
    unsigned second;

    if (first > 25) {
        return false;
    }
    second = letter_index(text[1]);
    return second <= 25 && text[2] == '\0' && ((country_codes[first] >> second) & 1U) != 0;
}

/* Take the next code point of valid UTF-8. */
static uint32_t next_code_point(const char **text)
{
    static const uint8_t lead_mask[] = {0x7f, 0x1f, 0x0f, 0x07}; /* by continuation bytes */
    const unsigned char *byte = (const unsigned char *)*text;
    size_t more = (size_t)(byte[0] >= 0xc0) + (byte[0] >= 0xe0) + (byte[0] >= 0xf0);
    uint32_t code_point = byte[0] & lead_mask[more];

    for (size_t i = 1; i <= more; i++) {
        code_point = code_point << 6 | (byte[i] & 0x3fU);
    }
    *text += more + 1;
    return code_point;
}

/* What a code point becomes in a folded name; "?" if no country's name has it. */
static const char *fold_code_point(uint32_t code_point)
{
    if (code_point < LETTER_COUNT) {
        return country_letters[code_point];
    }
    if ((code_point >= 0x300 && code_point <= 0x36f) ||   /* combining marks */
        (code_point >= 0x2010 && code_point <= 0x201f)) { /* dashes and quotes */
        return "";
    }
    return "?";
}

/*
 * Fold a valid text of at most TEXT_MAX bytes in the way tools/gen-country-table folds names. It
 * never grows: only what has two bytes or more becomes two letters.
 */
static void fold(char out[TEXT_MAX + 1], const char *text)
{
    size_t used = 0;

    if (strncasecmp(text, "the ", 4) == 0) {
        text += 4;
    }
    while (*text != '\0') {
        const char *letters = fold_code_point(next_code_point(&text));
        const size_t len = strlen(letters);

        memcpy(out + used, letters, len);
        used += len;
    }
    out[used] = '\0';
}

static int compare_name(const void *key, const void *start)
{
    return strcmp(key, country_names + *(const uint16_t *)start + CODE_SIZE);
}

bool vps_country_code(char out[3], const char *text)
{
    char name[TEXT_MAX + 1];
    const uint16_t *found;
    size_t len;

    memset(out, 0, 3);
    if (is_code(text)) {
        out[0] = (char)('A' + letter_index(text[0]));
        out[1] = (char)('A' + letter_index(text[1]));
        return true;
    }
    len = strnlen(text, TEXT_MAX + 1);
    if (len > TEXT_MAX || !vps_valid_text(text, len)) {
        return false;
    }
    fold(name, text);
    found = bsearch(name, country_starts, NAME_COUNT, sizeof(country_starts[0]), compare_name);
    if (found == NULL) {
        return false;
    }
    memcpy(out, country_names + *found, CODE_SIZE);
    return true;
}
