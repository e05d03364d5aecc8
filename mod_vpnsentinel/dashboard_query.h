/*
 * What part of the fleet a page of the dashboard shows, as its address says: all of it is in the
 * query string, so that it works without a script, can be bookmarked and sent to others.
 *
 * Thread-safe; what is returned lives as long as the pool.
 */
#ifndef DASHBOARD_QUERY_H
#define DASHBOARD_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "apr_pools.h"

#include "assess.h"

#define QUERY_SEARCH_MAX 300 /* bytes: the 100 units of UTF-16 that the page's field takes */
#define QUERY_PAGE_MAX 100   /* what is behind it, is to be searched for */
#define QUERY_ANY_LIGHT (-1)

/* What rows are sorted by, in the order of the table's columns. */
typedef enum sort_t {
    SORT_ID,
    SORT_STATUS,
    SORT_IP,
    SORT_LOCATION,
    SORT_SEEN,
    SORT_PROVIDER,
    SORT_VPN,
    SORT_DNS,
    SORT_VERSION,
    SORTS
} sort_t;

typedef struct query_t {
    const char *search; /* words that a client must have, all of them; "" = any */
    int light;          /* light_t, or QUERY_ANY_LIGHT */
    sort_t sort;        /* SORT_STATUS, the worst first, unless said otherwise */
    bool descending;    /* the other way round */
    uint32_t page;      /* from 1 */
    const char *since; /* what a script has already (dashboard_document.h); NULL: the page itself */
} query_t;

/*
 * Read a query string; NULL is an empty one. Parameters that nobody knows are nobody's business.
 * Returns NULL, or a sentence on what is wrong.
 */
const char *query_read(query_t *out, const char *args, apr_pool_t *pool);

/* The query string that means this, "?" and all but since; without what is as it is anyway. */
const char *query_link(const query_t *query, apr_pool_t *pool);

/* The value of "sort" that means this; "" when it is as it is anyway. */
const char *query_sort(const query_t *query, apr_pool_t *pool);

#endif
