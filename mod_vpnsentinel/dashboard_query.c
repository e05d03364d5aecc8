#include "dashboard_query.h"

#include "httpd.h"

#include "apr_strings.h"

#include "valid.h"

static const char *const sort_names[SORTS] = {"id",       "status", "ip",  "location", "seen",
                                              "provider", "vpn",    "dns", "version"};

/* --- reading; the readers of one value each return NULL, or what is allowed --- */

static const char *read_search(query_t *query, const char *value)
{
    const size_t len = strlen(value);

    query->search = value;
    return len <= QUERY_SEARCH_MAX && vps_valid_text(value, len)
               ? NULL
               : "q must be text of at most " APR_STRINGIFY(QUERY_SEARCH_MAX) " bytes";
}

static const char *read_light(query_t *query, const char *value)
{
    int light;

    if (value[0] == '\0') {
        return NULL;
    }
    for (light = 0; light < LIGHTS; light++) {
        if (strcmp(value, assess_light_name((light_t)light)) == 0) {
            query->light = light;
            return NULL;
        }
    }
    return "light must be green, yellow, grey or red";
}

static const char *read_sort(query_t *query, const char *value)
{
    int sort;

    query->descending = value[0] == '-';
    for (sort = 0; sort < SORTS; sort++) {
        if (strcmp(value + query->descending, sort_names[sort]) == 0) {
            query->sort = (sort_t)sort;
            return NULL;
        }
    }
    return "sort must be id, status, ip, location, seen, provider, vpn, dns or version; with a "
           "minus before it, it is the other way round";
}

static const char *read_page(query_t *query, const char *value)
{
    const apr_int64_t page = apr_atoi64(value);

    query->page = (uint32_t)page;
    return strspn(value, "0123456789") == strlen(value) && page >= 1 && page <= QUERY_PAGE_MAX
               ? NULL
               : "page must be a whole number from 1 to " APR_STRINGIFY(QUERY_PAGE_MAX);
}

static const char *read_since(query_t *query, const char *value)
{
    query->since = value;
    return NULL;
}

static const struct parameter_t {
    const char *name;
    const char *(*read)(query_t *query, const char *value);
} parameters[] = {
    {"q", read_search},  {"light", read_light}, {"sort", read_sort},
    {"page", read_page}, {"since", read_since},
};

/* Read "name=value" as a form writes it; what cannot be decoded is as bad as a wrong value. */
static const char *read_parameter(query_t *query, char *word)
{
    char *value = strchr(word, '=');
    size_t i;

    if (value == NULL) {
        value = word + strlen(word);
    } else {
        *value++ = '\0';
    }
    for (i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(word, parameters[i].name) == 0) {
            return ap_unescape_urlencoded(value) == OK ? parameters[i].read(query, value)
                                                       : "The query is not encoded as it must be";
        }
    }
    return NULL;
}

const char *query_read(query_t *out, const char *args, apr_pool_t *pool)
{
    const char *fault = NULL;
    char *word, *state;

    *out = (query_t){.search = "", .light = QUERY_ANY_LIGHT, .sort = SORT_STATUS, .page = 1};
    if (args == NULL) {
        return NULL;
    }
    for (word = apr_strtok(apr_pstrdup(pool, args), "&", &state); word != NULL && fault == NULL;
         word = apr_strtok(NULL, "&", &state)) {
        fault = read_parameter(out, word);
    }
    return fault;
}

/* --- writing --- */

const char *query_sort(const query_t *query, apr_pool_t *pool)
{
    if (query->sort == SORT_STATUS && !query->descending) {
        return "";
    }
    return apr_pstrcat(pool, query->descending ? "-" : "", sort_names[query->sort], NULL);
}

const char *query_link(const query_t *query, apr_pool_t *pool)
{
    const char *sort = query_sort(query, pool);
    const char *link = "";

    if (query->search[0] != '\0') {
        link = apr_pstrcat(pool, link, "&q=", ap_escape_urlencoded(pool, query->search), NULL);
    }
    if (query->light != QUERY_ANY_LIGHT) {
        link = apr_pstrcat(pool, link, "&light=", assess_light_name((light_t)query->light), NULL);
    }
    if (sort[0] != '\0') {
        link = apr_pstrcat(pool, link, "&sort=", sort, NULL);
    }
    if (query->page != 1) {
        link = apr_psprintf(pool, "%s&page=%u", link, query->page);
    }
    return apr_pstrcat(pool, "?", link[0] == '&' ? link + 1 : "", NULL);
}
