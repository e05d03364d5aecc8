/*
 * A page of the dashboard, and what keeps it true while somebody looks at it.
 *
 * A page is made of parts and, maybe, of rows. Asked without "since" it is HTML, complete without a
 * script. Asked at the same address with "since", which is what an answer before it said, empty at
 * first, it is JSON with what has changed from then on:
 *
 *   {"since":"…","now":"2025-01-15T12:34:56Z","parts":{"summary":"<ul>…"},"order":["a red","b green"],
 *    "rows":{"a":"<tr>…"},"seen":{"b":"2025-01-15T12:34:50Z"}}
 *
 * parts: of each that is another, all of it. order: which rows there are, and their lights, if that is
 * another. rows: those that changed; a script that lacks one of the order asks anew without "since".
 * seen: the last keepalive of those that only sent one. Members without anything in them are left out.
 */
#ifndef DASHBOARD_DOCUMENT_H
#define DASHBOARD_DOCUMENT_H

#include "mod_vpnsentinel.h"

#include "dashboard_picture.h"
#include "html.h"

typedef struct document_t document_t;

/* One part: the element with this id. */
typedef struct part_t {
    const char *id;
    void (*write)(html_t *html, const document_t *document);
} part_t;

/* A page; all of it belongs to the request's pool. */
struct document_t {
    const char *title;    /* of the window; escaped by who writes it */
    const char *base;     /* from the page's address to the dashboard: "", "./dashboard/", "../" */
    const char *since;    /* of the query; NULL = the page itself is wanted */
    const query_t *query; /* what of the fleet is wanted */
    const server_picture_t *server;
    const fleet_picture_t *fleet; /* NULL on a client's page */
    const row_t *client;          /* NULL on the fleet's */
    const part_t *parts;          /* an entry without id behind the last */
    /* The page around its parts. */
    void (*layout)(html_t *html, const document_t *document);
};

/* The element of this part, with what is in it; for the layout. */
void document_part(html_t *html, const document_t *document, const char *element, const char *id);

/* Answer with the page, or with what is new on it; or, when that would make an earlier fleet vanish for
 * a moment, as document_later(). */
int document_answer(request_rec *r, const document_t *document);

/* Answer that what is asked for may be known soon: 503, and when to ask again. */
int document_later(request_rec *r);

#endif
