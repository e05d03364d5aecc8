/*
 * Reading the Bot API's JSON. Others write it: what is missing, out of range or of another type is
 * absent, and every object given here may be NULL.
 *
 * Internal to telegram.c and telegram_update.c. Pure functions, thread-safe.
 */
#ifndef TELEGRAM_JSON_H
#define TELEGRAM_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Returns NULL for anything but one whole JSON object of at most TELEGRAM_UPDATES_MAX bytes; else
 * the caller frees it.
 */
json_object *telegram_json_parse(const char *body, size_t size);

/* A member of this type, owned by object; NULL = absent. */
json_object *telegram_json_member(const json_object *object, const char *name, json_type type);

/* A member that is a number within ±TELEGRAM_ID_MAX; 0 = absent. */
int64_t telegram_json_id(const json_object *object, const char *name);

/* Is there a member that is a boolean of this value? */
bool telegram_json_says(const json_object *object, const char *name, bool value);

#endif
