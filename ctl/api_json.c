#include "api_json.h"

#include <limits.h>
#include <string.h>

#include "json_tokens.h"
#include "text.h"
#include "valid.h"

#define DEPTH_MAX 8 /* nested arrays and objects; the API has 3 */

json_object *json_read(const char *text, size_t len)
{
    json_tokener *tokener;
    json_object *json = NULL;

    if (len > INT_MAX || !vps_valid_utf8(text, len) || !vps_json_tokens_are_strict(text, len)) {
        return NULL;
    }
    tokener = json_tokener_new_ex(DEPTH_MAX);
    if (tokener != NULL) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT); /* refuses trailing bytes, too */
        json = json_tokener_parse_ex(tokener, text, (int)len);
        if (json_tokener_get_error(tokener) != json_tokener_success) {
            json_object_put(json);
            json = NULL;
        }
        json_tokener_free(tokener);
    }
    if (!json_object_is_type(json, json_type_object)) {
        json_object_put(json);
        return NULL;
    }
    return json;
}

json_object *json_member(json_object *from, const char *name)
{
    json_object *value = NULL;

    json_object_object_get_ex(from, name, &value);
    return value;
}

bool json_text(char *out, size_t size, json_object *from, const char *name)
{
    json_object *value = json_member(from, name);

    out[0] = '\0';
    if (value == NULL) {
        return true;
    }
    if (!json_object_is_type(value, json_type_string)) {
        return false;
    }
    text_safe(out, size, json_object_get_string(value), (size_t)json_object_get_string_len(value));
    return true;
}

bool json_number(int64_t *out, json_object *from, const char *name)
{
    json_object *value = json_member(from, name);

    *out = value != NULL ? json_object_get_int64(value) : 0;
    return value == NULL || json_object_is_type(value, json_type_int);
}

bool json_moment(int64_t *out, json_object *from, const char *name)
{
    json_object *value = json_member(from, name);

    *out = 0;
    return value == NULL || (json_object_is_type(value, json_type_string) &&
                             vps_time_parse(out, json_object_get_string(value),
                                            (size_t)json_object_get_string_len(value)));
}

static bool json_typed(json_object **out, json_object *from, const char *name, json_type type)
{
    *out = json_member(from, name);
    return *out == NULL || json_object_is_type(*out, type);
}

bool json_list(json_object **out, json_object *from, const char *name)
{
    return json_typed(out, from, name, json_type_array);
}

bool json_group(json_object **out, json_object *from, const char *name)
{
    return json_typed(out, from, name, json_type_object);
}

/* --- writing --- */

/* The code point of the character of n bytes at text, as one or two \uXXXX. */
static void write_escaped(FILE *out, const unsigned char *text, size_t n)
{
    uint32_t code = n == 1 ? text[0] : text[0] & (0x7FU >> n);

    for (size_t i = 1; i < n; i++) {
        code = code << 6 | (text[i] & 0x3FU);
    }
    if (code > 0xFFFF) {
        code -= 0x10000;
        fprintf(out, "\\u%04x\\u%04x", 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF));
    } else {
        fprintf(out, "\\u%04x", code);
    }
}

void json_write(FILE *out, json_object *json)
{
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE);
    const size_t len = strlen(text);
    int columns;

    for (size_t i = 0, n; i < len; i += n) {
        const unsigned char lead = (unsigned char)text[i];

        n = text_character(text + i, len - i, &columns);
        if (n > 0) {
            fwrite(text + i, 1, n, out);
            continue;
        }
        /* json_read() took nothing but UTF-8: the character is whole. */
        n = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        write_escaped(out, (const unsigned char *)text + i, n);
    }
}
