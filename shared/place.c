#include "place.h"

#include <json-c/json.h>
#include <string.h>

#define DEPTH_MAX 8  /* nested arrays and objects; the services need two */
#define FIELDS_MAX 9 /* of one service, with the end */

/* A member of an answer and the text of vps_place_t that it fills. */
typedef struct field_t {
    const char *member; /* NULL ends a list */
    size_t offset;      /* bytes, in vps_place_t */
    size_t size;        /* bytes of the text with its NUL */
} field_t;

#define FIELD(member, text)                                                                        \
    {                                                                                              \
        member, offsetof(vps_place_t, text), sizeof(((vps_place_t *)0)->text)                      \
    }

/* What a service calls things. Of several members for one text the first known one counts. */
typedef struct service_t {
    const char *address; /* member with the public address */
    field_t fields[FIELDS_MAX];
} service_t;

static const service_t services[] = {
    [VPS_PLACE_IPINFO] = {"ip",
                          {
                              FIELD("country", location),
                              FIELD("country", country),
                              FIELD("region", region),
                              FIELD("city", city),
                              FIELD("org", provider),
                              FIELD("timezone", timezone),
                          }},
    [VPS_PLACE_IPAPI] = {"query",
                         {
                             FIELD("countryCode", location),
                             FIELD("country", country),
                             FIELD("countryCode", country),
                             FIELD("regionName", region),
                             FIELD("city", city),
                             FIELD("as", provider),
                             FIELD("isp", provider),
                             FIELD("timezone", timezone),
                         }},
};

/* A string member of an object, or NULL; it may hold NUL bytes. */
static json_object *string_member(const json_object *object, const char *name)
{
    json_object *value = json_object_object_get(object, name);

    return json_object_is_type(value, json_type_string) ? value : NULL;
}

/*
 * One rule for all services, whose ways to say so do not overlap: ip-api has status "fail", ipinfo
 * has an error object or bogon true.
 */
static bool tells_failure(const json_object *answer)
{
    json_object *status = string_member(answer, "status");

    return (status != NULL && strcmp(json_object_get_string(status), "success") != 0) ||
           json_object_object_get(answer, "error") != NULL ||
           json_object_get_boolean(json_object_object_get(answer, "bogon"));
}

/* Leaves *out untouched when there is no usable address. */
static bool read_address(vps_addr_t *out, const json_object *answer, const char *member)
{
    json_object *value = string_member(answer, member);
    vps_addr_t addr;

    if (value == NULL ||
        !vps_addr_parse(&addr, json_object_get_string(value),
                        (size_t)json_object_get_string_len(value)) ||
        !vps_addr_is_public(&addr)) {
        return false;
    }
    *out = addr;
    return true;
}

static void read_texts(vps_place_t *out, const json_object *answer, const field_t *field)
{
    for (; field->member != NULL; field++) {
        char *text = (char *)out + field->offset;
        json_object *value = string_member(answer, field->member);

        if (value != NULL && text[0] == '\0') {
            vps_text_copy(text, field->size, json_object_get_string(value),
                          (size_t)json_object_get_string_len(value));
        }
    }
}

/* Returns NULL for anything but one whole JSON object; else the caller frees it. */
static json_object *parse_object(const char *body, size_t len)
{
    json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    json_object *answer;

    if (tokener == NULL) {
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    answer = json_tokener_parse_ex(tokener, body, (int)len);
    json_tokener_free(tokener);
    if (!json_object_is_type(answer, json_type_object)) {
        json_object_put(answer);
        return NULL;
    }
    return answer;
}

bool vps_place_parse(vps_place_t *out, vps_place_source_t source, const char *body, size_t len)
{
    const service_t *service = &services[source];
    json_object *answer = len <= VPS_PLACE_BODY_MAX ? parse_object(body, len) : NULL;
    bool found;

    memset(out, 0, sizeof(*out));
    found = answer != NULL && !tells_failure(answer) &&
            read_address(&out->public_ip, answer, service->address);
    if (found) {
        read_texts(out, answer, service->fields);
    }
    json_object_put(answer);
    return found;
}
