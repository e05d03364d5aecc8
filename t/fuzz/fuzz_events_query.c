/*
 * Fuzz entry point: the query string of the API's events. Whatever it is, the answer is a list of at
 * most as many as may be asked for, or says what is wrong.
 */
#include "fuzz_httpd.h"

#include "events.c"

#define EVENTS 1200 /* that there are: more than can be asked for */

static int given; /* of them */

/* --- what the endpoint asks of others --- */

void recent_begin(recent_t *recent)
{
    recent->failed = false;
    given = 0;
}

const event_t *recent_next(recent_t *recent)
{
    static event_t event;

    (void)recent;
    event.when = INT64_C(1700000000) - given;
    strcpy(event.client_id, given % 2 == 0 ? "a" : "b");
    return given++ < EVENTS ? &event : NULL;
}

json_object *event_json(const event_t *event)
{
    return json_object_new_string(event->client_id);
}

int answer_json(request_rec *r, int status, json_object *json)
{
    json_object *list = json_object_object_get(json, "events");
    const size_t count = json_object_array_length(list);

    check(status == HTTP_OK && count <= LIMIT_MAX);
    check(json_object_get_int64(json_object_object_get(json, "count")) == (int64_t)count);
    check(r->args == NULL || count == LIMIT_DEFAULT || strchr(r->args, '=') != NULL);
    json_object_put(json);
    return OK;
}

int answer_error(request_rec *r, int status, const char *error, const char *message)
{
    check(r->args != NULL && status == HTTP_BAD_REQUEST);
    check_sentence(error);
    check_sentence(message);
    return OK;
}

int answer_unavailable(request_rec *r)
{
    (void)r;
    abort(); /* memory was not out */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    request_rec r = {.pool = fresh_pool()};
    char *args = text_of(data, size);

    r.args = args;
    check(events_handle(&r, "") == OK);
    free(args);
    return 0;
}
