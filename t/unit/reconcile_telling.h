/*
 * What reconcile tells, as one text: name@second of each event, then ":" and from and to of an
 * address, "/" and the seconds, "+" and the merged changes, "*" for what only the server's address
 * made.
 */
#ifndef RECONCILE_TELLING_H
#define RECONCILE_TELLING_H

#include "reconcile_world.h"

static char letter_of(const vps_addr_t *addr)
{
    return addr->version == 4 ? (char)addr->bytes[3]
           : addr->version == 6
               ? (char)(addr->bytes[15] / 16 * 10 + addr->bytes[15] % 16 + addr->bytes[14] * 100)
               : '-';
}

typedef struct telling_t {
    char text[4096];
    char lights[256]; /* of each event the first letter of its light's name, "e" for grey */
    uint64_t number;  /* of the last event */
} telling_t;

static void write_event(telling_t *telling, const event_t *event, bool by_server)
{
    char text[128], part[32];

    assert_int_equal(event->number, telling->number + 1);
    assert_int_equal(event->uid, 7);
    assert_string_equal(event->client_id, "office");
    telling->number = event->number;
    assert_in_range(event->light, 1, LIGHTS);
    telling->lights[strlen(telling->lights)] = "gyer"[event->light - 1];
    snprintf(text, sizeof text, "%s@%d", event_name(event->kind), (int)(event->when - WALL));
    if (event->kind == EVENT_ADDRESS) {
        snprintf(part, sizeof part, ":%c%c", letter_of(&event->from), letter_of(&event->to));
        strcat(text, part);
    }
    if (event->seconds != 0) {
        snprintf(part, sizeof part, "/%u", event->seconds);
        strcat(text, part);
    }
    if (event->merged != 0) {
        snprintf(part, sizeof part, "+%u", event->merged);
        strcat(text, part);
    }
    strcat(text, by_server ? "*" : "");
    if (telling->text[0] != '\0') {
        strcat(telling->text, " ");
    }
    strcat(telling->text, text);
}

static void write_result(telling_t *telling, const reconciliation_t *result)
{
    assert_true(result->count <= RECONCILE_EVENTS_MAX);
    for (size_t i = 0; i < result->count; i++) {
        write_event(telling, &result->events[i], result->by_server == (int)i);
    }
    assert_int_equal(result->announced.number, telling->number);
}

#endif
