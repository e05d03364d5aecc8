#include "answer.h"

#include "http_protocol.h"

#include "apr_strings.h"

#include "claim.h"
#include "clock.h"
#include "keepalive.h"
#include "valid.h"

#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/*
 * httpd takes what is left of a body off the connection when the request ends; where that may be
 * much, the connection is closed instead.
 */
static void limit_rest_of_body(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    if (!claim_state(r)->body_is_read &&
        (apr_table_get(r->headers_in, "Transfer-Encoding") != NULL ||
         (length != NULL && apr_atoi64(length) > VPS_KEEPALIVE_BODY_MAX))) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}

void answer_begin(request_rec *r, int status, const char *content_type)
{
    r->status = status;
    limit_rest_of_body(r);
    ap_set_content_type(r, content_type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
}

void answer_write_json(request_rec *r, json_object *json)
{
    size_t len;
    const char *text;

    text = json_object_to_json_string_length(json, PLAIN, &len);
    if (text != NULL) {
        (void)ap_rwrite(text, (int)len, r);
    }
}

int answer_json(request_rec *r, int status, json_object *json)
{
    if (json == NULL) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "Out of memory");
    }
    answer_begin(r, status, "application/json");
    answer_write_json(r, json);
    json_object_put(json);
    return OK;
}

int answer_error(request_rec *r, int status, const char *error, const char *message)
{
    json_object *json = json_object_new_object();

    if (json != NULL) {
        json_object_object_add(json, "error", json_object_new_string(error));
        json_object_object_add(json, "message", json_object_new_string(message));
    }
    return answer_json(r, status, json);
}

int answer_not_found(request_rec *r)
{
    return answer_error(r, HTTP_NOT_FOUND, "Not found", "There is nothing at this path");
}

int answer_method_not_allowed(request_rec *r, const char *allow)
{
    apr_table_setn(r->headers_out, "Allow", allow);
    return answer_error(r, HTTP_METHOD_NOT_ALLOWED, "Method not allowed",
                        "This path does not take this method; see the Allow header");
}

int answer_unavailable(request_rec *r)
{
    return answer_error(r, HTTP_SERVICE_UNAVAILABLE, "Service unavailable",
                        "The registry cannot be reached; see the server's error log");
}

int answer_text(request_rec *r, int status, const char *text)
{
    answer_begin(r, status, "text/plain");
    (void)ap_rputs(text, r);
    return OK;
}

json_object *answer_time(int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    return when != 0 ? json_object_new_string(vps_time_format(text, when)) : NULL;
}

json_object *answer_time_now(void)
{
    return answer_time(clock_wall() / CLOCK_SECOND);
}
