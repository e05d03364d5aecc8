/* What fuzz entry points of the module need of httpd: a pool, and its reading of encoded texts. */
#ifndef FUZZ_HTTPD_H
#define FUZZ_HTTPD_H

#include <ctype.h>

#include "httpd.h"

#include "apr_general.h"
#include "apr_strings.h"

#include "fuzz.h"

/* The same pool each time, emptied. */
static inline apr_pool_t *fresh_pool(void)
{
    static apr_pool_t *pool;

    if (pool == NULL) {
        check(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS);
    }
    apr_pool_clear(pool);
    return pool;
}

static inline int digit_of(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* In place, as httpd does it: false when something is no code, or of a character that is forbidden. */
static inline int decode(char *text, const char *forbidden)
{
    int verdict = OK;
    char *out = text;

    for (; *text != '\0'; text++, out++) {
        *out = *text;
        if (*text != '%') {
            continue;
        }
        if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2])) {
            verdict = HTTP_BAD_REQUEST;
            continue;
        }
        *out = (char)(digit_of(text[1]) * 16 + digit_of(text[2]));
        text += 2;
        if (*out == '\0' || strchr(forbidden, *out) != NULL) {
            verdict = HTTP_NOT_FOUND;
        }
    }
    *out = '\0';
    return verdict;
}

/* Those of httpd that the product calls. */
int ap_unescape_url(char *url)
{
    return decode(url, "/");
}

int ap_unescape_urlencoded(char *query)
{
    for (char *plus = query; (plus = strchr(plus, '+')) != NULL;) {
        *plus = ' ';
    }
    return decode(query, "");
}

char *ap_escape_urlencoded(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, 3 * strlen(text) + 1), *end = out;

    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) || strchr(".-*_", *text) != NULL) {
            *end++ = *text;
        } else {
            end += sprintf(end, *text == ' ' ? "+" : "%%%02x", (unsigned char)*text);
        }
    }
    *end = '\0';
    return out;
}

#endif
