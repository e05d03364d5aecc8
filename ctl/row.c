#include "row.h"

#include <stdio.h>
#include <string.h>

#include "api_json.h"
#include "text.h"

#define WORD_SIZE 64 /* bytes of one text that becomes part of another */

/* The words of the dashboard; a newer server's condition is shown by its name. */
static const char *condition_word(const char *name)
{
    static const struct {
        const char *name, *word;
    } words[] = {
        {"dns_leak", "DNS leak"}, {"dns_unknown", "DNS unknown"}, {"bypass", "bypass"},
        {"vpn_down", "VPN down"}, {"offline", "offline"},         {"ipv6_leak", "IPv6 leak"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].word;
        }
    }
    return name;
}

bool row_conditions(char *out, size_t size, json_object *client)
{
    char name[WORD_SIZE];
    json_object *list;

    out[0] = '\0';
    if (!json_list(&list, client, "conditions") || list == NULL) {
        return false;
    }
    for (size_t i = json_object_array_length(list); i-- > 0;) {
        json_object *value = json_object_array_get_idx(list, i);

        if (!json_object_is_type(value, json_type_string)) {
            return false;
        }
        text_safe(name, sizeof(name), json_object_get_string(value),
                  (size_t)json_object_get_string_len(value));
        text_append(out, size, ", ", condition_word(name));
    }
    if (out[0] == '\0') {
        text_append(out, size, "", "secure");
    }
    return true;
}

bool row_place(char *out, size_t size, json_object *client)
{
    char city[WORD_SIZE], region[WORD_SIZE], location[WORD_SIZE], country[WORD_SIZE];
    const bool fits = json_text(city, sizeof(city), client, "city") &&
                      json_text(region, sizeof(region), client, "region") &&
                      json_text(location, sizeof(location), client, "location") &&
                      json_text(country, sizeof(country), client, "country");

    out[0] = '\0';
    if (fits) {
        text_append(out, size, "", city[0] != '\0' ? city : region);
        text_append(out, size, ", ", location[0] != '\0' ? location : country);
    }
    return fits;
}

bool row_dns(char *out, size_t size, json_object *client)
{
    char place[WORD_SIZE], colo[WORD_SIZE], in_brackets[WORD_SIZE + 2];
    const bool fits = json_text(place, sizeof(place), client, "dns_loc") &&
                      json_text(colo, sizeof(colo), client, "dns_colo");

    out[0] = '\0';
    if (fits) {
        snprintf(in_brackets, sizeof(in_brackets), "(%s)", colo);
        text_append(out, size, "", place);
        text_append(out, size, " ", colo[0] != '\0' ? in_brackets : "");
    }
    return fits;
}

static bool read_light(light_t *out, json_object *client)
{
    char name[WORD_SIZE];

    return json_text(name, sizeof(name), client, "light") && light_parse(out, name);
}

static bool read_id(row_t *out, json_object *client)
{
    json_object *value = json_member(client, "client_id");
    size_t len;

    if (!json_object_is_type(value, json_type_string)) {
        return false;
    }
    len = (size_t)json_object_get_string_len(value);
    if (!vps_valid_client_id(json_object_get_string(value), len)) {
        return false;
    }
    memcpy(out->id, json_object_get_string(value), len + 1);
    return true;
}

const char *row_read(row_t *out, json_object *client)
{
    memset(out, 0, sizeof(*out));
    if (!read_id(out, client) || !read_light(&out->light, client) ||
        !row_conditions(out->why, sizeof(out->why), client) ||
        !json_text(out->address, sizeof(out->address), client, "public_ip") ||
        !row_place(out->place, sizeof(out->place), client) ||
        !row_dns(out->dns, sizeof(out->dns), client) ||
        !json_moment(&out->last_seen, client, "last_seen")) {
        return "it tells of a client what no server would";
    }
    return NULL;
}

int row_worse(const void *a, const void *b)
{
    const row_t *one = a, *other = b;

    return one->light != other->light ? (int)other->light - (int)one->light
                                      : strcmp(one->id, other->id);
}
