/*
 * A message tells a test which events it is about, whatever its words: of a client that flaps they
 * name no time, so that nobody could say which of its alerts they tell.
 *
 * Only with VPS_TEST_HOOKS defined, and asked for by the environment (t/endurance.t); otherwise nothing
 * of this exists.
 */
#ifndef TELLPOINT_H
#define TELLPOINT_H

#ifdef VPS_TEST_HOOKS

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "alert.h"
#include "message.h"

/* Set, it is asked for: unit tests compare what is really sent. */
#define TELLPOINT_VARIABLE "VPS_TEST_TOLD"

static inline json_object *tellpoint_event(const event_t *event)
{
    const message_options_t plain = {.form = TEXT_PLAIN};
    char text[TEXT_SIZE];

    return json_object_new_string(message_text(text, event, &plain));
}

/* The body of a sendMessage, with the events of its alerts in their order, as the API tells them. */
static inline char *tellpoint(char *body, const alert_t *alerts, size_t count,
                              bool (*get)(void *ctx, uint64_t message, event_t *out), void *ctx)
{
    json_object *message, *told;
    event_t event;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the monitor has one thread. */
    if (body == NULL || getenv(TELLPOINT_VARIABLE) == NULL) {
        return body;
    }
    message = json_tokener_parse(body);
    told = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        if (get(ctx, alerts[i].message, &event)) {
            (void)json_object_array_add(told, tellpoint_event(&event));
        }
    }
    (void)json_object_object_add(message, "test_told", told);
    free(body);
    body = strdup(json_object_to_json_string(message));
    json_object_put(message);
    return body;
}

#else

#define tellpoint(body, alerts, count, get, ctx) (body)

#endif

#endif
