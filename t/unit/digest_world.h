/*
 * What digest tests share: alerts with their events.
 */
#ifndef DIGEST_WORLD_H
#define DIGEST_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "message.h"
#include "telegram_html.h"

#define NOON INT64_C(1768474800) /* 2026-01-15 12:00:00 CET */
#define ALERTS_MAX 16384

typedef struct world_t {
    alert_t entries[ALERTS_MAX];
    size_t count;
    uint64_t unreadable; /* no event can be read whose message is a multiple; 0 = all can */
    const char *note;    /* of every event */
    size_t asked;        /* times that an event was got */
    char filler[VPS_CLIENT_ID_MAX + 1]; /* behind the number of every client's id */
} world_t;

static void world_add(world_t *world, uint64_t uid, event_kind_t kind, int64_t when)
{
    const size_t i = world->count++;

    world->entries[i] = (alert_t){.message = 1000 + i, /* ids are no indexes */
                                  .uid = uid,
                                  .number = i,
                                  .when = when,
                                  .kind = (uint8_t)kind};
}

/* The id of a client: its number and the filler, as much of it as there is room. */
static void world_name(const world_t *world, char out[VPS_CLIENT_ID_MAX + 1], uint64_t uid)
{
    char words[2 * VPS_CLIENT_ID_MAX + 32];
    const int len = snprintf(words, sizeof words, "%llu%s", (unsigned long long)uid, world->filler);

    vps_text_copy(out, VPS_CLIENT_ID_MAX + 1, words, (size_t)len);
}

static bool world_get(void *ctx, uint64_t message, event_t *out)
{
    world_t *world = ctx;
    const alert_t *entry = &world->entries[message - 1000];

    world->asked++;
    if (world->unreadable != 0 && message % world->unreadable == 0) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->id = message;
    out->uid = entry->uid;
    out->number = entry->number;
    out->when = entry->when;
    out->kind = entry->kind;
    out->seconds = 303;
    strcpy(out->place, "RO");
    strcpy(out->dns, "DE");
    assert_true(vps_addr_parse(&out->from, "203.0.113.1", 11));
    assert_true(vps_addr_parse(&out->to, "203.0.113.2", 11));
    if (entry->uid != 0) {
        world_name(world, out->client_id, entry->uid);
    } else if (world->note != NULL) {
        snprintf(out->note, sizeof out->note, "%s", world->note);
    }
    return true;
}

static digest_t world_digest(world_t *world)
{
    return (digest_t){.entries = world->entries,
                      .count = world->count,
                      .get = world_get,
                      .ctx = world,
                      .now = NOON};
}

#endif
