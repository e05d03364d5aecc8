#include "telegram_json.h"

#include "telegram.h"

/*
 * Nested arrays and objects. A rich message has 16 levels of up to four each (in a list: a block,
 * its items, an item, its blocks), below an answer, an update, a message and one that it replies
 * to. Were one refused, every poll would bring it again.
 */
#define DEPTH_MAX 128

json_object *telegram_json_parse(const char *body, size_t size)
{
    json_tokener *tokener = size <= TELEGRAM_UPDATES_MAX ? json_tokener_new_ex(DEPTH_MAX) : NULL;
    json_object *object;

    if (tokener == NULL) {
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, body, (int)size);
    json_tokener_free(tokener);
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

json_object *telegram_json_member(const json_object *object, const char *name, json_type type)
{
    json_object *value = NULL;

    if (json_object_is_type(object, json_type_object)) {
        value = json_object_object_get(object, name);
    }
    return json_object_is_type(value, type) ? value : NULL;
}

int64_t telegram_json_id(const json_object *object, const char *name)
{
    const int64_t id = json_object_get_int64(telegram_json_member(object, name, json_type_int));

    return id >= -TELEGRAM_ID_MAX && id <= TELEGRAM_ID_MAX ? id : 0;
}

bool telegram_json_says(const json_object *object, const char *name, bool value)
{
    json_object *said = telegram_json_member(object, name, json_type_boolean);

    return said != NULL && (bool)json_object_get_boolean(said) == value;
}
