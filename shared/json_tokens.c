#include "json_tokens.h"

#include <string.h>

/* Each skip function returns the place behind its token, NULL when there is no such token. */

/* A code unit written \uXXXX at text, -1 when there is none. */
static int read_code_unit(const char *at, const char *end)
{
    int unit = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        const char c = at[i];

        if (c >= '0' && c <= '9') {
            unit = unit * 16 + (c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            unit = unit * 16 + ((c | 0x20) - 'a' + 10);
        } else {
            return -1;
        }
    }
    return unit;
}

/* An escape in a string; *has_nul becomes true when it stands for U+0000. */
static const char *skip_escape(const char *at, const char *end, bool *has_nul)
{
    if (end - at >= 2 && memchr("\"\\/bfnrt", at[1], 8) != NULL) {
        return at + 2;
    }
    const int unit = read_code_unit(at, end);

    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
        return NULL;
    }
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        const int low = read_code_unit(at + 6, end);

        return low >= 0xDC00 && low <= 0xDFFF ? at + 12 : NULL;
    }
    *has_nul = *has_nul || unit == 0;
    return at + 6;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

static const char *skip_string(const char *at, const char *end)
{
    bool has_nul = false;

    at++;
    while (at != NULL && at < end && *at != '"') {
        if ((unsigned char)*at < 0x20) {
            return NULL;
        }
        at = *at == '\\' ? skip_escape(at, end, &has_nul) : at + 1;
    }
    if (at == NULL || at == end) {
        return NULL;
    }
    at++;
    if (has_nul) {
        /* json-c would cut a member's name at the NUL and take it for another member. */
        const char *next = skip_space(at, end);

        return next < end && *next == ':' ? NULL : at;
    }
    return at;
}

/* One digit or more. */
static const char *skip_digits(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at > start ? at : NULL;
}

static const char *skip_number(const char *at, const char *end)
{
    if (*at == '-') {
        at++;
    }
    at = at < end && *at == '0' ? at + 1 : skip_digits(at, end);
    if (at != NULL && at < end && *at == '.') {
        at = skip_digits(at + 1, end);
    }
    if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        at = skip_digits(at, end);
    }
    return at;
}

static const char *skip_literal(const char *at, const char *end, const char *literal)
{
    const size_t len = strlen(literal);

    return (size_t)(end - at) >= len && memcmp(at, literal, len) == 0 ? at + len : NULL;
}

/* A literal or a number; only space or punctuation may follow, or 01 would be two numbers. */
static const char *skip_scalar(const char *at, const char *end)
{
    const char *next = *at == 't'   ? skip_literal(at, end, "true")
                       : *at == 'f' ? skip_literal(at, end, "false")
                       : *at == 'n' ? skip_literal(at, end, "null")
                                    : skip_number(at, end);

    if (next == NULL || next == end || memchr(" \t\n\r,]}", *next, 7) != NULL) {
        return next;
    }
    return NULL;
}

bool vps_json_tokens_are_strict(const char *text, size_t len)
{
    const char *at = text;
    const char *end = text + len;

    while (at != NULL && (at = skip_space(at, end)) < end) {
        switch (*at) {
        case '{':
        case '}':
        case '[':
        case ']':
        case ':':
        case ',':
            at++;
            break;
        case '"':
            at = skip_string(at, end);
            break;
        default:
            at = skip_scalar(at, end);
            break;
        }
    }
    return at != NULL;
}
