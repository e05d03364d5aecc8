#include "events.h"

#include "apr_strings.h"

#include "answer.h"
#include "event_json.h"
#include "recent.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define SINCE_MAX INT64_C(253402300799) /* sec since epoch: the last of year 9999 */

/* What the request asks for. */
typedef struct query_t {
    const char *client_id; /* NULL = of all, and of the server */
    int64_t since;         /* sec since epoch: not before */
    int64_t limit;         /* events */
} query_t;

/* --- the query string --- */

/* A decimal number from min to max. */
static bool read_number(int64_t *out, const char *text, int64_t min, int64_t max)
{
    size_t len = strlen(text);

    if (len == 0 || strspn(text, "0123456789") != len) {
        return false;
    }
    *out = apr_atoi64(text); /* of too long a number: the greatest there is */
    return *out >= min && *out <= max;
}

/* The readers of one value each return NULL, or what is allowed. */
static const char *read_client(query_t *query, const char *value)
{
    query->client_id = value;
    return vps_valid_client_id(value, strlen(value)) ? NULL : "client must be a client's id";
}

static const char *read_since(query_t *query, const char *value)
{
    if (read_number(&query->since, value, 0, SINCE_MAX) ||
        vps_time_parse(&query->since, value, strlen(value))) {
        return NULL;
    }
    return "since must be a time in ISO 8601 or in seconds since 1970";
}

static const char *read_limit(query_t *query, const char *value)
{
    return read_number(&query->limit, value, 1, LIMIT_MAX)
               ? NULL
               : "limit must be a whole number from 1 to " APR_STRINGIFY(LIMIT_MAX);
}

typedef struct parameter_t {
    const char *name;
    const char *(*read)(query_t *query, const char *value);
} parameter_t;

static const parameter_t parameters[] = {
    {"client", read_client},
    {"since", read_since},
    {"limit", read_limit},
};

/*
 * Read "name=value"; parameters that nobody knows are nobody's business. A plus stands for itself,
 * as in times; what cannot be decoded is as bad as no value.
 */
static const char *read_parameter(query_t *query, char *word)
{
    char *value = strchr(word, '=');
    size_t i;

    if (value != NULL) {
        *value++ = '\0';
    }
    for (i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(word, parameters[i].name) == 0) {
            bool decoded = value != NULL && ap_unescape_url(value) == OK;

            return parameters[i].read(query, decoded ? value : "");
        }
    }
    return NULL;
}

/* Returns NULL, or what is wrong. */
static const char *read_query(query_t *query, request_rec *r)
{
    char *args = apr_pstrdup(r->pool, r->args != NULL ? r->args : "");
    const char *fault = NULL;
    char *word, *state;

    for (word = apr_strtok(args, "&", &state); word != NULL && fault == NULL;
         word = apr_strtok(NULL, "&", &state)) {
        fault = read_parameter(query, word);
    }
    return fault;
}

/* --- the list --- */

static bool passes(const query_t *query, const event_t *event)
{
    return event->when >= query->since &&
           (query->client_id == NULL || strcmp(event->client_id, query->client_id) == 0);
}

/* Add what passes to the list. Returns false when that ended early: no lock, or no memory. */
static bool collect(request_rec *r, json_object *list, const query_t *query)
{
    recent_t *recent = apr_palloc(r->pool, sizeof *recent);
    int64_t room = query->limit;
    const event_t *event;

    recent_begin(recent);
    while (room > 0 && (event = recent_next(recent)) != NULL) {
        if (passes(query, event)) {
            json_object *json = event_json(event);

            if (json == NULL || json_object_array_add(list, json) != 0) {
                return false;
            }
            room--;
        }
    }
    return !recent->failed;
}

/* The whole answer; NULL when it could not be had. */
static json_object *events_json(request_rec *r, const query_t *query)
{
    json_object *json = json_object_new_object();
    json_object *list = json_object_new_array();

    if (json == NULL || list == NULL || !collect(r, list, query)) {
        json_object_put(json);
        json_object_put(list);
        return NULL;
    }
    json_object_object_add(json, "events", list);
    json_object_object_add(json, "count",
                           json_object_new_int64((int64_t)json_object_array_length(list)));
    return json;
}

int events_handle(request_rec *r, const char *unused)
{
    query_t query = {.limit = LIMIT_DEFAULT};
    const char *fault = read_query(&query, r);
    json_object *json;

    (void)unused;
    if (fault != NULL) {
        return answer_error(r, HTTP_BAD_REQUEST, "Bad request", fault);
    }
    json = events_json(r, &query);
    return json != NULL ? answer_json(r, HTTP_OK, json) : answer_unavailable(r);
}
