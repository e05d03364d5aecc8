/*
 * One client, its journal, the clocks, and a monitor that looks at it: for the tests of reconcile.
 */
#ifndef RECONCILE_WORLD_H
#define RECONCILE_WORLD_H

#include <stdio.h>
#include <string.h>

#include "journal.h"
#include "reconcile.h"

#define SECOND INT64_C(1000000)
#define START 1000      /* sec on the monotonic clock, when the service began */
#define WALL 1768478400 /* sec since epoch at START */
#define THRESHOLD 300   /* sec */

typedef struct world_t {
    client_t client;    /* in the registry */
    int64_t seen;       /* in the registry */
    announced_t stored; /* by the newest transaction of the store */
    assess_facts_t facts;
    reconciliation_t result; /* of the last look */
    hindsight_t past[8];     /* that the next keepalive tells of; when: how long before it, sec */
    size_t past_count;
} world_t;

static int64_t wall_now(const world_t *world)
{
    return WALL + world->facts.now / SECOND - START;
}

/* A letter is an address, a small one of IPv6; anything else is unknown. */
static vps_addr_t address_of(char letter)
{
    vps_addr_t addr = {0};
    char text[VPS_ADDR_TEXT_SIZE];

    if (letter >= 'A' && letter <= 'Z') {
        snprintf(text, sizeof text, "203.0.113.%d", letter);
    } else if (letter >= 'a' && letter <= 'z') {
        snprintf(text, sizeof text, "2001:db8::%d", letter);
    } else {
        return addr;
    }
    assert_true(vps_addr_parse(&addr, text, strlen(text)));
    return addr;
}

/* Registered, never seen. */
static void world_open(world_t *world)
{
    memset(world, 0, sizeof *world);
    strcpy(world->client.report.client_id, "office");
    world->client.uid = 7;
    world->seen = CLIENT_NEVER_SEEN;
    world->facts.now = START * SECOND;
    world->facts.serving_since = START * SECOND;
    world->facts.offline_threshold = THRESHOLD * SECOND;
}

/* A country is two letters, "" or "--" unknown; vpn is 'y', 'n', or unknown. */
static vps_record_t report_of(char address, const char *place, const char *dns, char vpn)
{
    vps_record_t report;

    memset(&report, 0, sizeof report);
    strcpy(report.client_id, "office");
    report.public_ip = address_of(address);
    snprintf(report.location, sizeof report.location, "%s", place);
    snprintf(report.dns_loc, sizeof report.dns_loc, "%s", dns);
    snprintf(report.city, sizeof report.city, "City of %c", address);
    snprintf(report.provider, sizeof report.provider, "Provider of %c", address);
    snprintf(report.dns_colo, sizeof report.dns_colo, "C%c", address);
    report.vpn_connected = vpn == 'y' ? VPS_YES : vpn == 'n' ? VPS_NO : VPS_UNKNOWN;
    return report;
}

/* A verdict's first letter, anything else is unknown. */
static inline uint8_t verdict_of(const char *letters, char letter)
{
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

    return found != NULL ? (uint8_t)(found - letters + 1) : 0;
}

#define DNS_VERDICTS "tali" /* tunnel, allowed, leak, intercepted */
#define IPV6_VERDICTS "tbl" /* tunnel, blocked, leak */

/* The next keepalive tells that it was so then. */
static inline void world_past(world_t *world, int64_t ago, const vps_record_t *report)
{
    hindsight_t *past = &world->past[world->past_count++];

    assert_true(world->past_count <= sizeof world->past / sizeof world->past[0]);
    past->when = ago;
    assess_judged(&past->judged, report);
}

/* As the registry does it. */
static void world_keepalive(world_t *world, const vps_record_t *report)
{
    sighting_t sighting = {.report = report,
                           .when = wall_now(world),
                           .now = world->facts.now,
                           .offline_threshold = world->facts.offline_threshold,
                           .past = world->past,
                           .past_count = world->past_count};

    for (size_t i = 0; i < world->past_count; i++) {
        world->past[i].when = sighting.when - world->past[i].when;
    }
    assess_judged(&sighting.judged, report);
    journal_judge(&world->client, world->seen, &sighting, &world->facts);
    world->client.report = *report;
    world->client.last_seen = (uint32_t)sighting.when;
    world->client.keepalives++;
    world->seen = world->facts.now;
    world->past_count = 0;
}

/* What the monitor finds; nothing comes of it yet. */
static void world_look(world_t *world)
{
    reconcile(&world->result, &world->client, world->seen, &world->stored, &world->facts,
              wall_now(world) * SECOND);
}

/* The transaction of the last look is durable. */
static void world_commit(world_t *world)
{
    world->stored = world->result.announced;
}

/* The registry is marked. */
static void world_mark(world_t *world)
{
    world->client.announced = world->stored;
}

#endif
