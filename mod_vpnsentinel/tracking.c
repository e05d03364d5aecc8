#include "tracking.h"

#include <stdlib.h>
#include <string.h>

bool tracking_grow(tracking_t *tracking)
{
    uint32_t slots = registry_slots(tracking->registry), room = tracking->room;
    tracked_t *grown;

    if (slots <= room) {
        return true;
    }
    room = slots + slots / 4 + 64;
    grown = realloc(tracking->slots, room * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    memset(grown + tracking->room, 0, (room - tracking->room) * sizeof *grown);
    tracking->slots = grown;
    tracking->room = room;
    return true;
}

void tracking_free(tracking_t *tracking)
{
    uint32_t slot;

    for (slot = 0; slot < tracking->room; slot++) {
        free(tracking->slots[slot].unmarked);
    }
    free(tracking->slots);
    tracking->slots = NULL;
    tracking->room = 0;
}

uint32_t tracking_slots(const tracking_t *tracking)
{
    uint32_t slots = registry_slots(tracking->registry);

    return slots < tracking->room ? slots : tracking->room;
}

void tracking_begin_anew(tracking_t *tracking)
{
    uint32_t slot, slots = tracking_slots(tracking);

    for (slot = 0; slot < slots; slot++) {
        tracking->slots[slot].revision = registry_revision(tracking->registry, slot) - 1;
    }
}

/* Does the slot need a look? *deadline: when it will if nothing changes. */
static bool needs_look(const tracking_t *tracking, const assess_facts_t *facts, uint32_t slot,
                       int64_t *deadline)
{
    const tracked_t *tracked = &tracking->slots[slot];
    int64_t seen;

    *deadline = INT64_MAX;
    if (registry_revision(tracking->registry, slot) != tracked->revision) {
        return true;
    }
    seen = registry_seen(tracking->registry, slot);
    if (seen == 0 || tracked->is_offline) {
        return false;
    }
    *deadline = assess_deadline(seen, facts);
    return *deadline <= facts->now;
}

bool tracking_next(const tracking_t *tracking, const assess_facts_t *facts, uint32_t *slot,
                   int64_t *deadline)
{
    uint32_t slots = tracking_slots(tracking);
    int64_t own;

    for (; *slot < slots; (*slot)++) {
        if (needs_look(tracking, facts, *slot, &own)) {
            return true;
        }
        *deadline = own < *deadline ? own : *deadline;
    }
    return false;
}

void tracking_set_unmarked(tracked_t *tracked, const announced_t *announced)
{
    if (announced == NULL) {
        free(tracked->unmarked);
        tracked->unmarked = NULL;
        return;
    }
    if (tracked->unmarked == NULL) {
        tracked->unmarked = malloc(sizeof *tracked->unmarked);
    }
    if (tracked->unmarked != NULL) {
        *tracked->unmarked = *announced;
    }
}
