/*
 * Fuzz entry point: the query string of the dashboard. What is taken is within its limits, and the
 * link that means the same is taken as the same and can stand in an attribute of HTML.
 */
#include "fuzz_httpd.h"

#include "dashboard_query.h"
#include "valid.h"

static void check_query(const query_t *query)
{
    check(strlen(query->search) <= QUERY_SEARCH_MAX);
    check(vps_valid_text(query->search, strlen(query->search)));
    check(query->light >= QUERY_ANY_LIGHT && query->light < LIGHTS);
    check(query->sort < SORTS);
    check(query->page >= 1 && query->page <= QUERY_PAGE_MAX);
}

static void check_link(const query_t *query, apr_pool_t *pool)
{
    const char *link = query_link(query, pool);
    query_t again;

    check(link[0] == '?');
    for (size_t i = 1; link[i] != '\0'; i++) {
        check(isalnum((unsigned char)link[i]) || strchr(".-*_+%&=", link[i]) != NULL);
    }
    check(query_read(&again, link + 1, pool) == NULL);
    check(strcmp(again.search, query->search) == 0 && again.light == query->light);
    check(again.sort == query->sort && again.descending == query->descending);
    check(again.page == query->page && again.since == NULL);
    check(strcmp(query_link(&again, pool), link) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    char *args = text_of(data, size);
    query_t query;
    const char *fault = query_read(&query, args, pool);

    if (fault == NULL) {
        check_query(&query);
        check_link(&query, pool);
    } else {
        check_sentence(fault);
    }
    free(args);
    return 0;
}
