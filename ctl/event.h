/*
 * One event as a list shows it, taken from the API's JSON. All texts are safe (text.h).
 */
#ifndef CTL_EVENT_H
#define CTL_EVENT_H

#include <stdint.h>

#include <json-c/json.h>

#include "valid.h"

typedef struct event_t {
    int64_t when;                   /* sec since epoch */
    int light;                      /* light_t that it left; -1 = not known */
    char id[VPS_CLIENT_ID_MAX + 1]; /* "" = of the server itself */
    char what[40];                  /* "dns leak over" */
    char detail[256];               /* "203.0.113.1 → 203.0.113.2, Frankfurt, DE"; may be "" */
} event_t;

/* Returns NULL, or what is wrong: no such event can come from a server of ours. */
const char *event_read(event_t *out, json_object *json);

#endif
