/*
 * An event as the API lists it and webhooks are told it.
 *
 * Pure, thread-safe.
 */
#ifndef EVENT_JSON_H
#define EVENT_JSON_H

#include <json-c/json.h>

#include "event.h"

/*
 * The members "id", "time", "event", "client_id" (null for the server), "message" and those of
 * event_detail_to_json(). The caller owns it; NULL when memory is out.
 */
json_object *event_json(const event_t *event);

#endif
