/*
 * Reads a text as Telegram does. Include after cmocka.h.
 */
#ifndef TELEGRAM_HTML_H
#define TELEGRAM_HTML_H

#include <string.h>

#include "valid.h"

/* Read one character of HTML into *out: its UTF-8. Returns what is behind it. */
static const char *read_character(const char *html, char **out)
{
    static const struct {
        const char *entity;
        char character;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};

    if (*html == '&') {
        for (size_t i = 0; i < 4; i++) {
            const size_t len = strlen(entities[i].entity);

            if (strncmp(html, entities[i].entity, len) == 0) {
                *(*out)++ = entities[i].character;
                return html + len;
            }
        }
        fail_msg("no entity: %.20s", html);
    }
    *(*out)++ = *html;
    return html + 1;
}

/* UTF-16 code units of UTF-8. */
static size_t count_units(const char *text)
{
    size_t units = 0;

    assert_true(vps_valid_utf8(text, strlen(text)));
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        units += *byte >= 0xf0 ? 2 : *byte >= 0xc0 || *byte < 0x80 ? 1 : 0;
    }
    return units;
}

/*
 * Take the tags and entities away: <b> and <code>, one within none, each closed. Returns how many
 * UTF-16 code units are left.
 */
static size_t read_html(char *out, const char *html)
{
    const char *open = NULL; /* what closes the tag that is open */
    char *end = out;

    while (*html != '\0') {
        if (*html != '<') {
            html = read_character(html, &end);
        } else if (open != NULL) {
            assert_memory_equal(html, open, strlen(open));
            html += strlen(open);
            open = NULL;
        } else if (strncmp(html, "<b>", 3) == 0) {
            open = "</b>";
            html += 3;
        } else {
            assert_memory_equal(html, "<code>", 6);
            open = "</code>";
            html += 6;
        }
    }
    *end = '\0';
    assert_null(open);
    return count_units(out);
}

#endif
