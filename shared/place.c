#include "place.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "country.h"

#define DEPTH_MAX 8   /* nested arrays and objects; the services need two */
#define FIELDS_MAX 12 /* of one service, with the end */
#define NAME_MAX 15   /* bytes of an outer member's name in a path */
#define ASN_SIZE 16   /* bytes of "AS4294967295" with its NUL, and some */

/* A member of an answer, "outer.inner" when it is in an object, and the text that it fills. */
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
    const char *asn[2];  /* members with the network's number, when it is apart from its name */
    field_t fields[FIELDS_MAX];
} service_t;

static const service_t services[] = {
    [VPS_PLACE_IPINFO] =
        {
            .address = "ip",
            .fields =
                {
                    FIELD("country", location),
                    FIELD("country", country),
                    FIELD("region", region),
                    FIELD("city", city),
                    FIELD("org", provider),
                    FIELD("timezone", timezone),
                },
        },
    [VPS_PLACE_IPAPI] =
        {
            .address = "query",
            .fields =
                {
                    FIELD("countryCode", location),
                    FIELD("country", country),
                    FIELD("countryCode", country),
                    FIELD("regionName", region),
                    FIELD("city", city),
                    FIELD("as", provider),
                    FIELD("isp", provider),
                    FIELD("timezone", timezone),
                },
        },
    /* ipwho.is puts things into objects, the older ipwhois.app does not. */
    [VPS_PLACE_IPWHOIS] =
        {
            .address = "ip",
            .asn = {"connection.asn", "asn"},
            .fields =
                {
                    FIELD("country_code", location),
                    FIELD("country", country),
                    FIELD("country_code", country),
                    FIELD("region", region),
                    FIELD("city", city),
                    FIELD("connection.org", provider),
                    FIELD("connection.isp", provider),
                    FIELD("org", provider),
                    FIELD("isp", provider),
                    FIELD("timezone.id", timezone),
                    FIELD("timezone", timezone),
                },
        },
    /* Its "location" is a pair of coordinates. */
    [VPS_PLACE_GLUETUN] =
        {
            .address = "public_ip",
            .fields =
                {
                    FIELD("country", country),
                    FIELD("region", region),
                    FIELD("city", city),
                    FIELD("organization", provider),
                    FIELD("timezone", timezone),
                },
        },
};

/* A member by its path, "inner" or "outer.inner"; NULL when there is none. */
static json_object *find(const json_object *answer, const char *path)
{
    const char *dot = strchr(path, '.');
    char outer[NAME_MAX + 1];

    if (dot == NULL) {
        return json_object_object_get(answer, path);
    }
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot - path), path);
    return json_object_object_get(json_object_object_get(answer, outer), dot + 1);
}

/* A string, or NULL; it may hold NUL bytes. */
static json_object *find_string(const json_object *answer, const char *path)
{
    json_object *value = find(answer, path);

    return json_object_is_type(value, json_type_string) ? value : NULL;
}

/* ipwhois tells "success", true or false, which mirrors are seen to write as text. */
static bool is_true(json_object *value)
{
    return json_object_is_type(value, json_type_string)
               ? strcasecmp(json_object_get_string(value), "true") == 0
               : json_object_get_boolean(value);
}

/*
 * One rule for all services, whose ways to say so do not overlap: ip-api has status "fail", ipinfo
 * has an error object or bogon true, ipwhois has success false.
 */
static bool tells_failure(const json_object *answer)
{
    json_object *status = find_string(answer, "status");
    json_object *success = find(answer, "success");

    return (status != NULL && strcmp(json_object_get_string(status), "success") != 0) ||
           (success != NULL && !is_true(success)) || find(answer, "error") != NULL ||
           json_object_get_boolean(find(answer, "bogon"));
}

/* Leaves *out untouched when there is no usable address. */
static bool read_address(vps_addr_t *out, const json_object *answer, const char *member)
{
    json_object *value = find_string(answer, member);
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
        json_object *value = find_string(answer, field->member);

        if (value != NULL && text[0] == '\0') {
            vps_text_copy(text, field->size, json_object_get_string(value),
                          (size_t)json_object_get_string_len(value));
        }
    }
}

/* The number of a network, 15169 or "AS15169", as "AS15169"; false when it is none. */
static bool read_asn(char out[ASN_SIZE], json_object *value)
{
    const char *text;
    size_t digits;

    if (!json_object_is_type(value, json_type_int) &&
        !json_object_is_type(value, json_type_string)) {
        return false;
    }
    text = json_object_get_string(value);
    text += strncasecmp(text, "AS", 2) == 0 ? 2 : 0;
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10 || text[digits] != '\0') {
        return false;
    }
    const unsigned long long number = strtoull(text, NULL, 10);

    snprintf(out, ASN_SIZE, "AS%llu", number);
    return number > 0 && number <= UINT32_MAX;
}

/* Put the network's number in front of its name, as the other services do. */
static void add_asn(vps_place_t *out, const json_object *answer, const char *const asn[2])
{
    char number[ASN_SIZE];
    char both[ASN_SIZE + sizeof(out->provider)];

    for (int i = 0; i < 2 && asn[i] != NULL; i++) {
        if (read_asn(number, find(answer, asn[i]))) {
            const char *between = out->provider[0] != '\0' ? " " : "";
            const int len = snprintf(both, sizeof(both), "%s%s%s", number, between, out->provider);

            vps_text_copy(out->provider, sizeof(out->provider), both, (size_t)len);
            return;
        }
    }
}

/* Some services name the country and have no code for it. */
static void complete_country(vps_place_t *out)
{
    char code[3];

    if (out->location[0] == '\0' && vps_country_code(code, out->country)) {
        memcpy(out->location, code, sizeof(code));
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
        add_asn(out, answer, service->asn);
        complete_country(out);
    }
    json_object_put(answer);
    return found;
}
