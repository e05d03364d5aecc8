#include "keepalive.h"

#include <stdio.h>
#include <string.h>

#include "json_tokens.h"

/* The objects that hold the texts of a keepalive. */
typedef enum group_t { IN_BODY, IN_LOCATION, IN_DNS_TEST, GROUPS } group_t;

/* A text of the record and where it stands on the wire. */
typedef struct text_member_t {
    group_t group;
    const char *name;
    size_t offset; /* of the text in vps_record_t */
    size_t max;    /* bytes of UTF-8 */
} text_member_t;

/* A member that is one of a few words, and a number in the record: 0 = unknown. */
typedef struct word_member_t {
    const char *name;
    size_t offset;        /* of the number, a byte, in vps_record_t */
    const char *rule;     /* what it must be */
    const char *words[5]; /* of the numbers from 1 on; NULL behind them */
} word_member_t;

static const word_member_t words[VPS_WORDS] = {
    [VPS_WORD_DNS_SOURCE] = {"dns_source",
                             offsetof(vps_record_t, dns_source),
                             "must be \"resolver\" or \"trace\"",
                             {"resolver", "trace"}},
    [VPS_WORD_DNS_PATH] = {"dns_path",
                           offsetof(vps_record_t, dns_path),
                           "must be \"tunnel\" or \"outside\"",
                           {"tunnel", "outside"}},
    [VPS_WORD_DNS_VERDICT] = {"dns_verdict",
                              offsetof(vps_record_t, dns_verdict),
                              "must be \"tunnel\", \"allowed\", \"leak\" or \"intercepted\"",
                              {"tunnel", "allowed", "leak", "intercepted"}},
    [VPS_WORD_IPV6_VERDICT] = {"ipv6_verdict",
                               offsetof(vps_record_t, ipv6_verdict),
                               "must be \"tunnel\", \"blocked\" or \"leak\"",
                               {"tunnel", "blocked", "leak"}},
};

_Static_assert(VPS_DNS_TRACE == 2 && VPS_DNS_PATH_OUTSIDE == 2 &&
                   VPS_DNS_VERDICT_INTERCEPTED == 4 && VPS_IPV6_VERDICT_LEAK == 3,
               "the words are in the order of their numbers");

const char *vps_word(vps_word_t member, uint8_t number)
{
    const size_t count = sizeof(words[member].words) / sizeof(words[member].words[0]);
    const char *word = number > 0 && number <= count ? words[member].words[number - 1] : NULL;

    return word != NULL ? word : "";
}

uint8_t vps_word_parse(vps_word_t member, const char *text, size_t len)
{
    const char *const *known = words[member].words;

    for (uint8_t i = 0; known[i] != NULL; i++) {
        if (len == strlen(known[i]) && memcmp(text, known[i], len) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

/* What stands before a member's name in a fault. */
static const char *const prefixes[GROUPS] = {"", "location.", "dns_test."};

#define TEXT(field) offsetof(vps_record_t, field), sizeof(((vps_record_t *)0)->field) - 1

/* The flat form comes first: what is known is not replaced by a later row. */
static const text_member_t texts[] = {
    {IN_BODY, "location", TEXT(location)},
    {IN_BODY, "city", TEXT(city)},
    {IN_BODY, "region", TEXT(region)},
    {IN_BODY, "country", TEXT(country)},
    {IN_BODY, "dns_loc", TEXT(dns_loc)},
    {IN_BODY, "dns_colo", TEXT(dns_colo)},
    {IN_BODY, "provider", TEXT(provider)},
    {IN_BODY, "timezone", TEXT(timezone)},
    {IN_BODY, "client_version", TEXT(client_version)},
    {IN_LOCATION, "country", TEXT(location)},
    {IN_LOCATION, "country", TEXT(country)},
    {IN_LOCATION, "city", TEXT(city)},
    {IN_LOCATION, "region", TEXT(region)},
    {IN_LOCATION, "org", TEXT(provider)},
    {IN_LOCATION, "timezone", TEXT(timezone)},
    {IN_DNS_TEST, "location", TEXT(dns_loc)},
    {IN_DNS_TEST, "colo", TEXT(dns_colo)},
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* Fill in why a body is refused. Returns false, for the caller to return. */
static bool refuse(vps_fault_t *fault, const char *member, const char *rule)
{
    snprintf(fault->member, sizeof(fault->member), "%s", member);
    snprintf(fault->message, sizeof(fault->message), "%s %s", member, rule);
    return false;
}

/* The structure of the text is json-c's business. Returns NULL with *rule told. */
static json_object *read_json(const char **rule, const char *body, size_t len)
{
    json_tokener *tokener = json_tokener_new_ex(VPS_KEEPALIVE_DEPTH_MAX);
    json_object *json;
    enum json_tokener_error error;

    if (tokener == NULL) {
        *rule = "cannot be read: out of memory";
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT); /* refuses trailing bytes, too */
    json = json_tokener_parse_ex(tokener, body, (int)len);
    error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success || !json_object_is_type(json, json_type_object)) {
        json_object_put(json);
        *rule = error == json_tokener_success       ? "must be a JSON object"
                : error == json_tokener_error_depth ? "is nested too deep"
                                                    : "must be valid JSON";
        return NULL;
    }
    return json;
}

/* The body as an object; NULL with *fault filled when it is none. The caller owns it. */
static json_object *read_body(vps_fault_t *fault, const char *body, size_t len)
{
    const char *rule = NULL;
    json_object *json = NULL;

    if (len > VPS_KEEPALIVE_BODY_MAX) {
        rule = "is too long";
    } else if (!vps_valid_utf8(body, len) || (len >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0)) {
        rule = "must be UTF-8 without byte-order mark";
    } else if (!vps_json_tokens_are_strict(body, len)) {
        rule = "must be valid JSON";
    } else {
        json = read_json(&rule, body, len);
    }
    if (json == NULL) {
        refuse(fault, "body", rule);
    }
    return json;
}

/* The value of a member; NULL when it is absent or null. */
static json_object *get(json_object *from, const char *name)
{
    json_object *value = NULL;

    json_object_object_get_ex(from, name, &value);
    return value;
}

/* The bytes of a string, which may hold NUL; NULL when value is of another type. */
static const char *get_text(json_object *value, size_t *len)
{
    if (!json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    *len = (size_t)json_object_get_string_len(value);
    return json_object_get_string(value);
}

static bool refuse_text(vps_fault_t *fault, const text_member_t *text)
{
    char member[sizeof(fault->member)];
    char rule[88];

    snprintf(member, sizeof(member), "%s%s", prefixes[text->group], text->name);
    snprintf(rule, sizeof(rule),
             "must be a string of at most %zu bytes of UTF-8 without control characters",
             text->max);
    return refuse(fault, member, rule);
}

/* Check one text and take it, unless the flat form gave it already. */
static bool read_text(vps_record_t *out, vps_fault_t *fault, const text_member_t *member,
                      json_object *value)
{
    char *target = (char *)out + member->offset;
    size_t len = 0;
    const char *text = get_text(value, &len);

    if (text == NULL || len > member->max || !vps_valid_text(text, len)) {
        return refuse_text(fault, member);
    }
    if (target[0] == '\0' && !vps_text_is_unknown(text, len)) {
        memcpy(target, text, len);
    }
    return true;
}

static bool read_texts(vps_record_t *out, vps_fault_t *fault, json_object *body)
{
    json_object *location = get(body, "location");
    json_object *dns_test = get(body, "dns_test");
    const bool nested = json_object_is_type(location, json_type_object);
    json_object *const groups[GROUPS] = {body, nested ? location : NULL, dns_test};

    if (dns_test != NULL && !json_object_is_type(dns_test, json_type_object)) {
        return refuse(fault, "dns_test", "must be an object");
    }
    /* "location" names a text, the first row, or the object that the nested form has instead. */
    for (size_t i = nested ? 1 : 0; i < TEXTS; i++) {
        json_object *group = groups[texts[i].group];
        json_object *value = group != NULL ? get(group, texts[i].name) : NULL;

        if (value != NULL && !read_text(out, fault, &texts[i], value)) {
            return false;
        }
    }
    return true;
}

static bool read_client_id(vps_record_t *out, vps_fault_t *fault, json_object *body)
{
    size_t len = 0;
    const char *text = get_text(get(body, "client_id"), &len);

    if (text == NULL || !vps_valid_client_id(text, len)) {
        return refuse(fault, "client_id",
                      "is required and must be 1 to 100 ASCII letters, digits and hyphens");
    }
    memcpy(out->client_id, text, len);
    return true;
}

/* Absent, null, or one of the texts that say unknown. */
static bool is_unknown(json_object *value)
{
    size_t len = 0;
    const char *text = get_text(value, &len);

    return value == NULL || (text != NULL && vps_text_is_unknown(text, len));
}

static bool read_address(vps_addr_t *out, vps_fault_t *fault, json_object *body, const char *name)
{
    json_object *value = get(body, name);
    size_t len = 0;
    const char *text = get_text(value, &len);

    if (is_unknown(value) || (text != NULL && vps_addr_parse(out, text, len))) {
        return true;
    }
    return refuse(fault, name, "must be a string with an IPv4 or IPv6 address");
}

static bool read_ipv6(vps_addr_t *out, vps_fault_t *fault, json_object *body, const char *name)
{
    if (!read_address(out, fault, body, name)) {
        return false;
    }
    return out->version != 4 || refuse(fault, name, "must be a string with an IPv6 address");
}

static bool read_word(vps_record_t *out, vps_fault_t *fault, json_object *body, vps_word_t member)
{
    json_object *value = get(body, words[member].name);
    size_t len = 0;
    const char *text = get_text(value, &len);
    uint8_t number;

    if (is_unknown(value)) {
        return true;
    }
    number = text != NULL ? vps_word_parse(member, text, len) : 0;
    if (number == 0) {
        return refuse(fault, words[member].name, words[member].rule);
    }
    ((uint8_t *)out)[words[member].offset] = number;
    return true;
}

static bool read_words(vps_record_t *out, vps_fault_t *fault, json_object *body)
{
    for (int i = 0; i < VPS_WORDS; i++) {
        if (!read_word(out, fault, body, (vps_word_t)i)) {
            return false;
        }
    }
    return true;
}

static bool read_timestamp(vps_record_t *out, vps_fault_t *fault, json_object *body)
{
    json_object *value = get(body, "timestamp");
    size_t len = 0;
    const char *text = get_text(value, &len);
    int64_t time = 0;

    if (!is_unknown(value) && (text == NULL || !vps_time_parse(&time, text, len))) {
        return refuse(fault, "timestamp",
                      "must be a string with an ISO 8601 time such as 2025-01-15T12:34:56Z");
    }
    out->timestamp =
        time <= UINT32_MAX ? (uint32_t)time : 0; /* a clock that is far off tells nothing */
    return true;
}

static bool read_vpn_connected(vps_record_t *out, vps_fault_t *fault, json_object *body)
{
    json_object *value = get(body, "vpn_connected");

    if (value == NULL) {
        return true;
    }
    if (!json_object_is_type(value, json_type_boolean)) {
        return refuse(fault, "vpn_connected", "must be true or false");
    }
    out->vpn_connected = json_object_get_boolean(value) ? VPS_YES : VPS_NO;
    return true;
}

/* The released Python client sends it; the server judges for itself. */
static bool check_status(vps_fault_t *fault, json_object *body)
{
    json_object *value = get(body, "status");

    if (value != NULL && !json_object_is_type(value, json_type_string)) {
        return refuse(fault, "status", "must be a string");
    }
    return true;
}

/* All members but who it is, and the journal. */
static bool read_members(vps_record_t *out, vps_fault_t *fault, json_object *json)
{
    return read_address(&out->public_ip, fault, json, "public_ip") &&
           read_ipv6(&out->public_ip6, fault, json, "public_ip6") &&
           read_address(&out->dns_resolver_ip, fault, json, "dns_resolver_ip") &&
           read_words(out, fault, json) && read_texts(out, fault, json) &&
           read_vpn_connected(out, fault, json) && read_timestamp(out, fault, json) &&
           check_status(fault, json);
}

/* The value of a change, as the member that it is about. */
static bool read_value(vps_change_t *out, vps_fault_t *fault, vps_fact_t fact, json_object *value)
{
    vps_record_t record = {0};
    json_object *body = json_object_new_object();
    const bool valid =
        body != NULL &&
        json_object_object_add(body, vps_fact_name(fact), json_object_get(value)) == 0 &&
        read_members(&record, fault, body);

    json_object_put(body);
    if (!valid) {
        return refuse(fault, "journal", "has a change with a value that the member cannot have");
    }
    vps_change_take(out, fact, &record, 0);
    return true;
}

/* Changes of members that we do not know, of a newer client, are left out. */
static bool read_change(vps_past_t *out, vps_fault_t *fault, json_object *change)
{
    size_t at_len = 0, len = 0;
    const char *at = get_text(get(change, "at"), &at_len);
    const char *name = get_text(get(change, "field"), &len);
    int64_t when;
    vps_fact_t fact;

    if (at == NULL || name == NULL || !vps_time_parse(&when, at, at_len)) {
        return refuse(
            fault, "journal",
            "must be an array of objects with a time \"at\", a \"field\" and its \"value\"");
    }
    if (strlen(name) != len || !vps_fact_find(&fact, name)) {
        return true;
    }
    if (!read_value(&out->changes[out->count], fault, fact, get(change, "value"))) {
        return false;
    }
    out->changes[out->count++].at = when;
    return true;
}

static bool read_journal(vps_past_t *out, vps_fault_t *fault, json_object *body)
{
    json_object *journal = get(body, "journal");

    out->count = 0;
    if (journal == NULL) {
        return true;
    }
    if (!json_object_is_type(journal, json_type_array) ||
        json_object_array_length(journal) > VPS_PAST_MAX) {
        return refuse(fault, "journal", "must be an array of at most 32 changes");
    }
    for (size_t i = 0; i < json_object_array_length(journal); i++) {
        if (!read_change(out, fault, json_object_array_get_idx(journal, i))) {
            return false;
        }
    }
    return true;
}

bool vps_keepalive_parse(vps_record_t *out, vps_past_t *past, vps_fault_t *fault, const char *body,
                         size_t len)
{
    json_object *json = read_body(fault, body, len);

    if (json == NULL) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    const bool valid = read_client_id(out, fault, json) && read_members(out, fault, json) &&
                       (past == NULL || read_journal(past, fault, json));

    json_object_put(json);
    return valid;
}

/* Add a member, null when it is not known. A known one without a value means memory is out. */
static bool add(json_object *object, const char *name, bool known, json_object *value)
{
    if ((known && value == NULL) || json_object_object_add(object, name, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

static bool add_text(json_object *object, const char *name, const char *text)
{
    const bool known = text[0] != '\0';

    return add(object, name, known, known ? json_object_new_string(text) : NULL);
}

static bool add_address(json_object *object, const char *name, const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    return add_text(object, name, vps_addr_format(text, addr));
}

static bool add_words(json_object *object, const vps_record_t *record)
{
    for (int i = 0; i < VPS_WORDS; i++) {
        const uint8_t number = ((const uint8_t *)record)[words[i].offset];

        if (!add_text(object, words[i].name, vps_word((vps_word_t)i, number))) {
            return false;
        }
    }
    return true;
}

static bool add_answer(json_object *object, const char *name, uint8_t answer)
{
    const bool known = answer != VPS_UNKNOWN;

    return add(object, name, known, known ? json_object_new_boolean(answer == VPS_YES) : NULL);
}

static bool add_texts(json_object *object, const vps_record_t *record)
{
    for (size_t i = 0; i < TEXTS && texts[i].group == IN_BODY; i++) {
        if (!add_text(object, texts[i].name, (const char *)record + texts[i].offset)) {
            return false;
        }
    }
    return true;
}

json_object *vps_record_to_json(const vps_record_t *record)
{
    json_object *object = json_object_new_object();

    if (object != NULL && add_text(object, "client_id", record->client_id) &&
        add_address(object, "public_ip", &record->public_ip) && add_texts(object, record) &&
        add_address(object, "public_ip6", &record->public_ip6) &&
        add_address(object, "dns_resolver_ip", &record->dns_resolver_ip) &&
        add_words(object, record) && add_answer(object, "vpn_connected", record->vpn_connected)) {
        return object;
    }
    json_object_put(object);
    return NULL;
}

/* The member that the change is about, as a report has it. */
static bool add_value(json_object *object, const vps_change_t *change)
{
    vps_record_t record = {0};
    json_object *body, *value;
    bool is_added;

    vps_change_apply(&record, change);
    body = vps_record_to_json(&record);
    is_added = body != NULL &&
               json_object_object_get_ex(body, vps_fact_name(change->fact), &value) &&
               json_object_object_add(object, "value", json_object_get(value)) == 0;
    json_object_put(body);
    return is_added;
}

static bool add_change(json_object *array, const vps_change_t *change)
{
    char text[VPS_TIME_TEXT_SIZE];
    json_object *object = json_object_new_object();

    if (object != NULL && add_text(object, "at", vps_time_format(text, change->at)) &&
        add_text(object, "field", vps_fact_name(change->fact)) && add_value(object, change) &&
        json_object_array_add(array, object) == 0) {
        return true;
    }
    json_object_put(object);
    return false;
}

json_object *vps_past_to_json(const vps_past_t *past)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; array != NULL && i < past->count; i++) {
        if (!add_change(array, &past->changes[i])) {
            json_object_put(array);
            return NULL;
        }
    }
    return array;
}
