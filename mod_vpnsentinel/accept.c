#include "accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define MALFORMED (-1)

/* A piece of the header. */
typedef struct piece_t {
    const char *text;
    size_t len;
} piece_t;

/* How well a range fits, least first. */
typedef enum fit_t { FIT_NOT, FIT_ALL, FIT_KIND, FIT_TYPE, FIT_VERSION } fit_t;

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static piece_t trim(piece_t piece)
{
    while (piece.len > 0 && is_space(piece.text[0])) {
        piece.text++;
        piece.len--;
    }
    while (piece.len > 0 && is_space(piece.text[piece.len - 1])) {
        piece.len--;
    }
    return piece;
}

/* Cut off what is before the next separator that is not quoted, or all. */
static piece_t cut(piece_t *rest, char separator)
{
    piece_t piece = {rest->text, 0};
    bool is_quoted = false;

    while (piece.len < rest->len && (is_quoted || rest->text[piece.len] != separator)) {
        if (is_quoted && rest->text[piece.len] == '\\' && piece.len + 1 < rest->len) {
            piece.len++;
        } else if (rest->text[piece.len] == '"') {
            is_quoted = !is_quoted;
        }
        piece.len++;
    }
    rest->text += piece.len;
    rest->len -= piece.len;
    if (rest->len > 0) { /* the separator */
        rest->text++;
        rest->len--;
    }
    return trim(piece);
}

static bool is_word(piece_t piece, const char *word)
{
    return piece.len == strlen(word) && strncasecmp(piece.text, word, piece.len) == 0;
}

/* "0", "0.5", "1.000": at most three digits. */
static int parse_quality(piece_t value)
{
    int quality, digit = 100;
    size_t i;

    if (value.len == 0 || value.len > 5 || (value.text[0] != '0' && value.text[0] != '1') ||
        (value.len > 1 && value.text[1] != '.')) {
        return MALFORMED;
    }
    quality = value.text[0] == '1' ? 1000 : 0;
    for (i = 2; i < value.len; i++, digit /= 10) {
        if (value.text[i] < '0' || value.text[i] > '9') {
            return MALFORMED;
        }
        quality += (value.text[i] - '0') * digit;
    }
    return quality <= 1000 ? quality : MALFORMED;
}

static piece_t unquote(piece_t value)
{
    if (value.len >= 2 && value.text[0] == '"' && value.text[value.len - 1] == '"') {
        return (piece_t){value.text + 1, value.len - 2};
    }
    return value;
}

static fit_t fit_of_type(piece_t range, const char *type)
{
    const size_t kind = strcspn(type, "/") + 1;

    if (is_word(range, type)) {
        return FIT_TYPE;
    }
    if (range.len == kind + 1 && range.text[kind] == '*' &&
        strncasecmp(range.text, type, kind) == 0) {
        return FIT_KIND;
    }
    return is_word(range, "*/*") ? FIT_ALL : FIT_NOT;
}

/* One range with its parameters. */
static fit_t read_range(piece_t rest, const char *type, const char *version, int *quality)
{
    fit_t fit = fit_of_type(cut(&rest, ';'), type);

    *quality = 1000;
    while (rest.len > 0) {
        piece_t value = cut(&rest, ';');
        piece_t name = cut(&value, '=');

        if (is_word(name, "q")) {
            *quality = parse_quality(value);
        } else if (is_word(name, "version") && fit == FIT_TYPE) {
            fit = is_word(unquote(trim(value)), version) ? FIT_VERSION : FIT_NOT;
        }
    }
    return *quality == MALFORMED ? FIT_NOT : fit;
}

int accept_quality(const char *header, const char *type, const char *version)
{
    piece_t rest = trim((piece_t){header, header != NULL ? strlen(header) : 0});
    fit_t best = FIT_NOT;
    int result = rest.len > 0 ? 0 : 1000;

    while (rest.len > 0) {
        int quality;
        const fit_t fit = read_range(cut(&rest, ','), type, version, &quality);

        if (fit > best || (fit == best && fit != FIT_NOT && quality > result)) {
            best = fit;
            result = quality;
        }
    }
    return result;
}
