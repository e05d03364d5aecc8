/*
 * A piece of HTML while it is being written, in memory.
 *
 * Text from outside gets into it by html_text() and html_attribute() only; all else is markup and
 * words of ours. Not thread-safe for one html_t.
 */
#ifndef HTML_H
#define HTML_H

#include <json-c/printbuf.h>
#include <stdbool.h>

#include "apr_pools.h"

#include "addr.h"

typedef struct html_t {
    struct printbuf *out; /* freed with the pool; NULL = there was no memory for it */
    apr_pool_t *pool;     /* for what is escaped; of the request */
    bool is_live;         /* a script makes relative times out of the absolute ones */
    bool failed;          /* memory was out: it is not whole */
} html_t;

/* An empty one, which lives as long as the pool. is_live: see html_ago(). */
html_t html_begin(apr_pool_t *pool, bool is_live);

/* Markup of ours. */
void html_put(html_t *html, const char *markup);

/* The same; what is formatted into it are numbers and words of ours. */
void html_printf(html_t *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text of others, kept from reordering what is around it by <bdi>. */
void html_text(html_t *html, const char *text);

/* Text of others inside a quoted attribute. */
void html_attribute(html_t *html, const char *text);

/* What stands for what is not known. */
#define HTML_UNKNOWN "<span class=\"unknown\">unknown</span>"

/* html_text(), or HTML_UNKNOWN for "". */
void html_text_or_unknown(html_t *html, const char *text);
void html_address(html_t *html, const vps_addr_t *addr);

/* "23 h 15 min", in the two greatest units, in minutes at least: "0 min". */
void html_span(html_t *html, int64_t seconds);

/*
 * A moment as <time>, sec since epoch: in full; by how long ago it was, "3 min ago"; or by how long
 * it lasts, "3 min". The page's script keeps these true; what is for it alone (is_live) has them in
 * full, so that it is the same as long as nothing happens.
 */
void html_moment(html_t *html, int64_t when);
void html_clock(html_t *html, int64_t when); /* "14:15", UTC */
void html_ago(html_t *html, int64_t when, int64_t now);
void html_since(html_t *html, int64_t when, int64_t now);

/* What there is, ending in NUL; valid until more is written. */
const char *html_written(const html_t *html, size_t *len);

#endif
