#include "event.h"

#include <stddef.h>
#include <string.h>

#include "assess.h"
#include "country.h"
#include "keepalive.h"

#define DETAIL_MAX 4096 /* bytes; what we write is far below */
#define DETAIL_DEPTH 8  /* what we write has one level */

static const char *const names[EVENT_KINDS] = {
    [EVENT_CONNECTED] = "connected",
    [EVENT_ADDRESS] = "ip_changed",
    [EVENT_LEAK] = "dns_leak",
    [EVENT_LEAK_OVER] = "dns_leak_over",
    [EVENT_IPV6_LEAK] = "ipv6_leak",
    [EVENT_IPV6_LEAK_OVER] = "ipv6_leak_over",
    [EVENT_BYPASS] = "bypass",
    [EVENT_BYPASS_OVER] = "bypass_over",
    [EVENT_DISCONNECTED] = "vpn_disconnected",
    [EVENT_RECONNECTED] = "vpn_reconnected",
    [EVENT_OFFLINE] = "offline",
    [EVENT_FORGOTTEN] = "forgotten",
    [EVENT_STARTED] = "server_started",
    [EVENT_SERVER_ADDRESS] = "server_ip_changed",
};

const char *event_name(event_kind_t kind)
{
    return names[kind];
}

bool event_kind_parse(event_kind_t *out, const char *name)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (strcmp(names[kind], name) == 0) {
            *out = (event_kind_t)kind;
            return true;
        }
    }
    return false;
}

typedef enum form_t {
    ADDRESS,
    COUNTRY,
    TEXT,
    NUMBER,
    LIGHT,
    WORD /* and behind it: a vps_word_t */
} form_t;

/* A member of the detail and where the event keeps it. */
typedef struct member_t {
    const char *name;
    int form;      /* form_t */
    size_t offset; /* in event_t */
    size_t size;   /* bytes there */
} member_t;

#define WORD_OF(member) (WORD + VPS_WORD_##member)
#define KEPT(field) offsetof(event_t, field), sizeof(((event_t *)0)->field)

static const member_t members[] = {
    {"from", ADDRESS, KEPT(from)},
    {"to", ADDRESS, KEPT(to)},
    {"public_ip6", ADDRESS, KEPT(public_ip6)},
    {"place", COUNTRY, KEPT(place)},
    {"dns", COUNTRY, KEPT(dns)},
    {"dns_colo", TEXT, KEPT(dns_colo)},
    {"dns_resolver_ip", ADDRESS, KEPT(dns_resolver_ip)},
    {"dns_path", WORD_OF(DNS_PATH), KEPT(dns_path)},
    {"dns_verdict", WORD_OF(DNS_VERDICT), KEPT(dns_verdict)},
    {"ipv6_verdict", WORD_OF(IPV6_VERDICT), KEPT(ipv6_verdict)},
    {"city", TEXT, KEPT(city)},
    {"provider", TEXT, KEPT(provider)},
    {"seconds", NUMBER, KEPT(seconds)},
    {"merged", NUMBER, KEPT(merged)},
    {"note", TEXT, KEPT(note)},
    {"light", LIGHT, KEPT(light)},
};

#define MEMBERS (sizeof members / sizeof members[0])

/* --- writing --- */

/* Known, that is: to be written at all? */
static bool is_known(const void *kept, const member_t *member)
{
    switch (member->form) {
    case ADDRESS:
        return ((const vps_addr_t *)kept)->version != 0;
    case NUMBER:
        return *(const uint32_t *)kept != 0;
    default: /* a text, or a number of one byte */
        return *(const uint8_t *)kept != 0;
    }
}

static json_object *to_value(const void *kept, const member_t *member)
{
    char address[VPS_ADDR_TEXT_SIZE];

    switch (member->form) {
    case ADDRESS:
        return json_object_new_string(vps_addr_format(address, kept));
    case NUMBER:
        return json_object_new_int64(*(const uint32_t *)kept);
    case LIGHT:
        return json_object_new_string(assess_light_name((light_t)(*(const uint8_t *)kept - 1)));
    case COUNTRY:
    case TEXT:
        return json_object_new_string(kept);
    default:
        return json_object_new_string(vps_word(member->form - WORD, *(const uint8_t *)kept));
    }
}

static bool add_member(json_object *object, const event_t *event, const member_t *member)
{
    const void *kept = (const char *)event + member->offset;
    json_object *value;

    if (!is_known(kept, member)) {
        return true;
    }
    value = to_value(kept, member);
    if (value == NULL || json_object_object_add(object, member->name, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

json_object *event_detail_to_json(const event_t *event)
{
    json_object *object = json_object_new_object();

    for (size_t i = 0; object != NULL && i < MEMBERS; i++) {
        if (!add_member(object, event, &members[i])) {
            json_object_put(object);
            object = NULL;
        }
    }
    return object;
}

/* --- reading --- */

static void read_number(uint32_t *out, json_object *value)
{
    int64_t number = json_object_get_int64(value);

    if (json_object_is_type(value, json_type_int) && number > 0 && number <= UINT32_MAX) {
        *out = (uint32_t)number;
    }
}

static void read_light(uint8_t *out, const char *name)
{
    for (int light = 0; light < LIGHTS; light++) {
        if (strcmp(assess_light_name((light_t)light), name) == 0) {
            *out = (uint8_t)(light + 1);
        }
    }
}

static void read_text(void *out, const member_t *member, json_object *value)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);

    if (!json_object_is_type(value, json_type_string) || !vps_valid_text(text, len)) {
        return;
    }
    if (member->form == ADDRESS) {
        (void)vps_addr_parse(out, text, len);
    } else if (member->form == COUNTRY) {
        (void)vps_country_code(out, text);
    } else if (member->form == LIGHT) {
        read_light(out, text);
    } else if (member->form >= WORD) {
        *(uint8_t *)out = vps_word_parse(member->form - WORD, text, len);
    } else if (len < member->size) {
        memcpy(out, text, len);
    }
}

static void read_member(event_t *event, const member_t *member, json_object *object)
{
    void *out = (char *)event + member->offset;
    json_object *value = NULL;

    memset(out, 0, member->size);
    if (!json_object_object_get_ex(object, member->name, &value)) {
        return;
    }
    if (member->form == NUMBER) {
        read_number(out, value);
    } else {
        read_text(out, member, value);
    }
}

static json_object *parse(const char *text, size_t len)
{
    json_tokener *tokener;
    json_object *json;

    if (len > DETAIL_MAX || (tokener = json_tokener_new_ex(DETAIL_DEPTH)) == NULL) {
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    json = json_tokener_parse_ex(tokener, text, (int)len);
    json_tokener_free(tokener);
    return json;
}

bool event_detail_parse(event_t *event, const char *text, size_t len)
{
    json_object *object = parse(text, len);
    bool is_object = json_object_is_type(object, json_type_object);

    for (size_t i = 0; i < MEMBERS; i++) {
        read_member(event, &members[i], object);
    }
    json_object_put(object);
    return is_object;
}
