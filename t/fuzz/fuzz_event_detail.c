/*
 * Fuzz entry point: details of events, as they come out of the store. What is believed keeps the
 * promises of event.h, comes back the same from its own JSON, and can be told.
 */
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A valid text within its limit, with nothing behind its NUL. */
static void check_text(const char *text, size_t size)
{
    const size_t len = strnlen(text, size);

    check(len < size && vps_valid_text(text, len));
    for (size_t i = len; i < size; i++) {
        check(text[i] == '\0');
    }
}

static void check_event(const event_t *event)
{
    check(event->from.version == 0 || event->from.version == 4 || event->from.version == 6);
    check(event->to.version == 0 || event->to.version == 4 || event->to.version == 6);
    check(strlen(event->place) == 0 || strlen(event->place) == 2);
    check(strlen(event->dns) == 0 || strlen(event->dns) == 2);
    check(event->light <= LIGHTS);
    check(event->public_ip6.version == 0 || event->public_ip6.version == 4 ||
          event->public_ip6.version == 6);
    check(event->dns_resolver_ip.version == 0 || event->dns_resolver_ip.version == 4 ||
          event->dns_resolver_ip.version == 6);
    check(event->dns_path <= VPS_DNS_PATH_OUTSIDE);
    check(event->dns_verdict <= VPS_DNS_VERDICT_INTERCEPTED);
    check(event->ipv6_verdict <= VPS_IPV6_VERDICT_LEAK);
    check_text(event->city, sizeof(event->city));
    check_text(event->provider, sizeof(event->provider));
    check_text(event->dns_colo, sizeof(event->dns_colo));
    check_text(event->note, sizeof(event->note));
}

static void check_round_trip(const event_t *event)
{
    event_t again;
    json_object *object = event_detail_to_json(event);
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);

    memset(&again, 0, sizeof(again));
    check(event_detail_parse(&again, text, strlen(text)));
    again.kind = event->kind;
    check(memcmp(&again, event, sizeof(again)) == 0);
    json_object_put(object);
}

static void check_telling(const event_t *event)
{
    const message_options_t options = {.form = TEXT_HTML};
    char line[MESSAGE_SIZE], text[TEXT_SIZE];

    message_line(line, event);
    check(vps_valid_text(line, strlen(line)));
    message_text(text, event, &options);
    check(vps_valid_utf8(text, strlen(text)));
    check(strlen(text) < MESSAGE_SIZE - 512); /* nothing had to be left out */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    event_t event;

    memset(&event, 0, sizeof(event));
    event_detail_parse(&event, (const char *)data, size);
    check_event(&event);
    check_round_trip(&event);
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        event.kind = (uint8_t)kind;
        check_telling(&event);
    }
    return 0;
}
