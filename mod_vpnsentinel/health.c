#include "health.h"

#include "http_protocol.h"

#include "answer.h"
#include "segment.h"

static int wants_json(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept != NULL && ap_strcasestr(accept, "application/json") != NULL;
}

static int is_probe(const char *rest)
{
    return strcmp(rest, "/live") == 0 || strcmp(rest, "/ready") == 0 ||
           strcmp(rest, "/startup") == 0;
}

static const char *word_of(bool works)
{
    return works ? "ok" : "unavailable";
}

static int answer_checks(request_rec *r, int status, bool works, json_object *checks)
{
    json_object *json = json_object_new_object();

    if (json != NULL) {
        json_object_object_add(json, "status", json_object_new_string(word_of(works)));
        json_object_object_add(json, "checks", checks);
    } else {
        json_object_put(checks);
    }
    return answer_json(r, status, json);
}

/* A process that answers is alive; the other probes ask for what the service needs. */
static int answer_probe(request_rec *r, const char *rest)
{
    bool live_only = strcmp(rest, "/live") == 0;
    bool registry_works = segment_registry() != NULL;
    bool works = live_only || registry_works;
    int status = works ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE;
    json_object *checks;

    if (!wants_json(r)) {
        return answer_text(r, status, works ? "OK" : "UNAVAILABLE");
    }
    checks = json_object_new_object();
    if (!live_only && checks != NULL) {
        json_object_object_add(checks, "registry", json_object_new_string(word_of(registry_works)));
    }
    return answer_checks(r, status, works, checks);
}

int health_handle(request_rec *r, const char *rest)
{
    if (rest[0] != '\0' && !is_probe(rest)) {
        return answer_text(r, HTTP_NOT_FOUND, "Not found");
    }
    if (r->method_number != M_GET) {
        apr_table_setn(r->headers_out, "Allow", "GET, HEAD");
        return answer_text(r, HTTP_METHOD_NOT_ALLOWED, "Method not allowed");
    }
    return rest[0] == '\0' ? answer_text(r, HTTP_OK, "OK") : answer_probe(r, rest);
}
