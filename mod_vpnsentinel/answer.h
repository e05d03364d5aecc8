/*
 * Writing answers. All return OK: httpd takes the status from r->status, so that no ErrorDocument
 * replaces them.
 *
 * Each answer forbids caching and leaves no unread request body behind on the connection.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "mod_vpnsentinel.h"

#include <json-c/json.h>

/* A JSON answer. Takes json over and frees it; NULL (no memory) is answered with 503. */
int answer_json(request_rec *r, int status, json_object *json);

/* {"error":error,"message":message} */
int answer_error(request_rec *r, int status, const char *error, const char *message);

/* The errors that several endpoints have. allow: the methods, as in the Allow header. */
int answer_not_found(request_rec *r);
int answer_method_not_allowed(request_rec *r, const char *allow);
int answer_unavailable(request_rec *r);

/* A short text/plain answer. */
int answer_text(request_rec *r, int status, const char *text);

/* What every answer begins with; for those that write their body piecewise. */
void answer_begin(request_rec *r, int status, const char *content_type);

/* Write json as text without freeing it. */
void answer_write_json(request_rec *r, json_object *json);

/* Seconds since the epoch as a JSON text "2025-01-15T12:34:56Z", or null for 0. */
json_object *answer_time(int64_t when);

/* The time now in the same form. */
json_object *answer_time_now(void);

#endif
