#include "event_json.h"

#include "message.h"
#include "valid.h"

/* Move the members of detail to json, and free it. */
static void add_detail(json_object *json, json_object *detail)
{
    if (detail != NULL) {
        json_object_object_foreach(detail, name, value)
        {
            json_object_object_add(json, name, json_object_get(value));
        }
        json_object_put(detail);
    }
}

static json_object *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_object_new_string(text) : NULL;
}

static json_object *time_or_null(int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    return when != 0 ? json_object_new_string(vps_time_format(text, when)) : NULL;
}

json_object *event_json(const event_t *event)
{
    json_object *json = json_object_new_object();
    event_kind_t kind = (event_kind_t)event->kind;
    const message_options_t plain = {.form = TEXT_PLAIN};
    char message[TEXT_SIZE];

    if (json == NULL) {
        return NULL;
    }
    json_object_object_add(json, "id", json_object_new_int64((int64_t)event->id));
    json_object_object_add(json, "time", time_or_null(event->when));
    json_object_object_add(json, "event", json_object_new_string(event_name(kind)));
    json_object_object_add(json, "client_id", text_or_null(event->client_id));
    json_object_object_add(json, "message",
                           json_object_new_string(message_text(message, event, &plain)));
    add_detail(json, event_detail_to_json(event));
    return json;
}
