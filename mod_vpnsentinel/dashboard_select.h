/*
 * The rows of one page: of all clients those that a query asks for, in its order.
 *
 * The memory that a selection takes depends on the page's number, never on the size of the fleet: of
 * what is offered, only what may come before the page's end is kept. Not thread-safe for one
 * selection_t.
 */
#ifndef DASHBOARD_SELECT_H
#define DASHBOARD_SELECT_H

#include <stddef.h>

#include "dashboard_query.h"
#include "registry.h"

#define SELECT_ROWS 100u /* of a page */
#define SELECT_KEY 104u  /* bytes that rows are compared by */

/* A client that may be on the page. */
typedef struct candidate_t {
    uint64_t uid;
    uint32_t slot;
    bool is_unknown;                       /* what it is sorted by is not known: it comes last */
    unsigned char key[SELECT_KEY];         /* the rest by this, as bytes */
    char client_id[VPS_CLIENT_ID_MAX + 1]; /* and where that is the same, by this */
} candidate_t;

typedef struct selection_t {
    const query_t *query;
    char *words[QUERY_SEARCH_MAX / 2 + 1]; /* of the search, in lower case; NULL behind the last */
    int64_t matches;                       /* clients offered that are what the query asks for */
    size_t keep;             /* candidates from the first page to the end of this one */
    size_t count;            /* of them and of those not sorted out yet */
    candidate_t *candidates; /* room for 2 * keep */
} selection_t;

/* Begin one; query and pool live as long as it does. */
void select_begin(selection_t *selection, const query_t *query, apr_pool_t *pool);

/* Here is a client. */
void select_offer(selection_t *selection, const client_view_t *view,
                  const assessment_t *assessment);

/*
 * Sort out the page's rows: *first of *count, valid as long as the selection. Returns the number of
 * the page that they are on: the query's, or the last one there is.
 */
uint32_t select_end(selection_t *selection, const candidate_t **first, size_t *count);

/* How many pages there are, at least 1, at most QUERY_PAGE_MAX. */
uint32_t select_pages(int64_t matches);

#endif
