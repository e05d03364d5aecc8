/*
 * What digest tests share: alerts with their events, and a reading of the text as Telegram reads it.
 */
#ifndef DIGEST_WORLD_H
#define DIGEST_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "message.h"

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

/* --- reading what was written --- */

/* Read one character of HTML into *out: its UTF-8. Returns what is behind it. */
static const char *read_character(const char *html, char **out)
{
    static const struct {
        const char *entity;
        char character;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};

    if (*html == '&') {
        for (size_t i = 0; i < 4; i++) {
            const size_t len = strlen(entities[i].entity);

            if (strncmp(html, entities[i].entity, len) == 0) {
                *(*out)++ = entities[i].character;
                return html + len;
            }
        }
        fail_msg("no entity: %.20s", html);
    }
    *(*out)++ = *html;
    return html + 1;
}

/* UTF-16 code units of UTF-8. */
static size_t count_units(const char *text)
{
    size_t units = 0;

    assert_true(vps_valid_utf8(text, strlen(text)));
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        units += *byte >= 0xf0 ? 2 : *byte >= 0xc0 || *byte < 0x80 ? 1 : 0;
    }
    return units;
}

/*
 * Take the tags and entities away: <b> and <code>, one within none, each closed. Returns how many
 * UTF-16 code units are left.
 */
static size_t read_html(char *out, const char *html)
{
    const char *open = NULL; /* what closes the tag that is open */
    char *end = out;

    while (*html != '\0') {
        if (*html != '<') {
            html = read_character(html, &end);
        } else if (open != NULL) {
            assert_memory_equal(html, open, strlen(open));
            html += strlen(open);
            open = NULL;
        } else if (strncmp(html, "<b>", 3) == 0) {
            open = "</b>";
            html += 3;
        } else {
            assert_memory_equal(html, "<code>", 6);
            open = "</code>";
            html += 6;
        }
    }
    *end = '\0';
    assert_null(open);
    return count_units(out);
}

#endif
