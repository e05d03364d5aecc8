/*
 * JSON of a server that nobody vouches for: read strictly, members by type, written so that it does
 * no harm to a terminal.
 */
#ifndef API_JSON_H
#define API_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

/* Is it an object in strict JSON and UTF-8, nested a few levels at most? The caller frees; or NULL. */
json_object *json_read(const char *text, size_t len);

/* The value of a member; NULL when it is absent or null. It lives as long as from. */
json_object *json_member(json_object *from, const char *name);

/*
 * The readers of one member return false when it has another type. One that is absent or null is
 * "", 0 or NULL. A text is written safe (text.h).
 */
bool json_text(char *out, size_t size, json_object *from, const char *name);
bool json_number(int64_t *out, json_object *from, const char *name);
bool json_moment(int64_t *out, json_object *from, const char *name); /* sec since epoch */
bool json_list(json_object **out, json_object *from, const char *name);
bool json_group(json_object **out, json_object *from, const char *name); /* an object */

/*
 * Write a value in one line without its end. Characters that a terminal should not get are escaped as
 * JSON does it, which changes nothing of its meaning.
 */
void json_write(FILE *out, json_object *json);

#endif
