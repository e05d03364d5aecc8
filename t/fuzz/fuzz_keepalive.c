/*
 * Fuzz entry point: keepalive bodies. A record that is taken keeps the promises of record.h and
 * comes back the same from its own JSON; a refusal says why in plain ASCII.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keepalive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A text that ends in NUL within size bytes, is valid, and has only zeros behind it. */
static void check_text(const char *text, size_t size)
{
    const size_t len = strnlen(text, size);

    check(len < size && vps_valid_text(text, len));
    for (size_t i = len; i < size; i++) {
        check(text[i] == '\0');
    }
}

static void check_record(const vps_record_t *record)
{
    check_text(record->client_id, sizeof(record->client_id));
    check(vps_valid_client_id(record->client_id, strlen(record->client_id)));
    check_text(record->location, sizeof(record->location));
    check_text(record->city, sizeof(record->city));
    check_text(record->region, sizeof(record->region));
    check_text(record->country, sizeof(record->country));
    check_text(record->dns_loc, sizeof(record->dns_loc));
    check_text(record->dns_colo, sizeof(record->dns_colo));
    check_text(record->provider, sizeof(record->provider));
    check_text(record->timezone, sizeof(record->timezone));
    check_text(record->client_version, sizeof(record->client_version));
    check(record->public_ip6.version == 0 || record->public_ip6.version == 6);
    check(record->dns_source <= VPS_DNS_TRACE);
    check(record->dns_path <= VPS_DNS_PATH_OUTSIDE);
    check(record->dns_verdict <= VPS_DNS_VERDICT_INTERCEPTED);
    check(record->ipv6_verdict <= VPS_IPV6_VERDICT_LEAK);
    check(record->vpn_connected <= VPS_YES);
}

static void check_round_trip(const vps_record_t *record)
{
    vps_record_t expected = *record, again;
    vps_fault_t fault;
    json_object *object = vps_record_to_json(record);
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);

    expected.timestamp = 0; /* is not written */
    check(vps_keepalive_parse(&again, NULL, &fault, text, strlen(text)));
    check(memcmp(&again, &expected, sizeof(again)) == 0);
    json_object_put(object);
}

static void check_journal(const vps_past_t *past)
{
    check(past->count <= VPS_PAST_MAX);
    for (size_t i = 0; i < past->count; i++) {
        vps_record_t record = {.client_id = "a"};

        check(past->changes[i].at >= 0 && past->changes[i].at <= INT64_C(253402300799));
        vps_change_apply(&record, &past->changes[i]);
        check_record(&record);
    }
}

static void check_journal_round_trip(const vps_past_t *past)
{
    vps_past_t again;
    vps_record_t record;
    vps_fault_t fault;
    json_object *body = json_object_new_object();
    const char *text;

    json_object_object_add(body, "client_id", json_object_new_string("a"));
    json_object_object_add(body, "journal", vps_past_to_json(past));
    text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
    check(vps_keepalive_parse(&record, &again, &fault, text, strlen(text)));
    check(again.count == past->count);
    check(memcmp(again.changes, past->changes, past->count * sizeof(past->changes[0])) == 0);
    json_object_put(body);
}

static void check_fault(const vps_fault_t *fault)
{
    const size_t len = strnlen(fault->message, sizeof(fault->message));

    check(len > 0 && len < sizeof(fault->message));
    for (size_t i = 0; i < len; i++) {
        check(fault->message[i] >= ' ' && fault->message[i] <= '~');
    }
    check(fault->member[0] != '\0');
    check(strncmp(fault->message, fault->member, strlen(fault->member)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vps_record_t record;
    vps_past_t past;
    vps_fault_t fault;

    memset(&record, 0xff, sizeof(record));
    memset(&past, 0xff, sizeof(past));
    memset(&fault, 0xff, sizeof(fault));
    if (vps_keepalive_parse(&record, &past, &fault, (const char *)data, size)) {
        check_record(&record);
        check_round_trip(&record);
        check_journal(&past);
        check_journal_round_trip(&past);
    } else {
        check_fault(&fault);
    }
    return 0;
}
