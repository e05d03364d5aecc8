#include "recall.h"

#include <stddef.h>
#include <string.h>

#define PAGE_CLIENTS 512u

/* Is the row what the registry holds, but for what is stored once a minute? */
static bool is_as_stored(const client_t *client, const client_t *stored)
{
    const size_t behind_time = offsetof(vps_record_t, client_id); /* which is not stored */

    return memcmp((const char *)&client->report + behind_time,
                  (const char *)&stored->report + behind_time,
                  sizeof client->report - behind_time) == 0 &&
           client->first_seen == stored->first_seen && client->last_change == stored->last_change &&
           memcmp(&client->history, &stored->history, sizeof client->history) == 0 &&
           client->seq == stored->seq && client->announced.number == stored->announced.number &&
           memcmp(&client->observed_ip, &stored->observed_ip, sizeof client->observed_ip) == 0;
}

/* What is as stored needs no look; everything else gets one, and who has no history yet. */
static void track(const recall_t *recall, const client_t *stored, uint32_t slot)
{
    client_view_t view;
    tracked_t *tracked;

    if (!tracking_grow(recall->tracking) ||
        registry_get_slot(recall->registry, slot, &view) != REGISTRY_OK) {
        return;
    }
    tracked = &recall->tracking->slots[slot];
    tracking_set_unmarked(tracked, NULL); /* the store has it by now, and the registry with it */
    tracked->uid = view.client.uid;
    tracked->is_offline =
        (view.client.announced.state & ANNOUNCED_OFFLINE) != 0 || view.seen == CLIENT_NEVER_SEEN;
    tracked->saved_seen = view.client.last_seen == stored->last_seen ? view.seen : 0;
    tracked->revision = is_as_stored(&view.client, stored) && view.client.history.quarter != 0
                            ? view.revision
                            : view.revision - 1;
}

/* Events of it wait in memory to be delivered. */
static bool is_being_told(const recall_t *recall, const client_view_t *view)
{
    const tracking_t *tracking = recall->tracking;

    return view->slot < tracking->room && tracking->slots[view->slot].uid == view->client.uid &&
           tracking->slots[view->slot].unmarked != NULL;
}

/* Is the client to come back that the row is of? It may have registered again and be another one. */
static bool is_wanted(const recall_t *recall, const client_t *stored)
{
    client_view_t view;

    if (registry_get(recall->registry, stored->report.client_id, &view) != REGISTRY_OK) {
        return !recall->is_filled;
    }
    return view.client.uid == stored->uid || (!recall->is_filled && !is_being_told(recall, &view));
}

/* One stored client; called by the store while it reads. */
static void bring_back(void *ctx, const client_t *stored)
{
    const recall_t *recall = ctx;
    registry_result_t result;
    uint32_t slot;

    if (!is_wanted(recall, stored)) {
        return; /* see remove_strangers(), or the other one's row will take its place */
    }
    result = registry_restore(recall->registry, stored, &slot);
    if (result == REGISTRY_OK || result == REGISTRY_CREATED) {
        track(recall, stored, slot);
    }
}

/* The uids of a page whose rows are to go. */
typedef struct strangers_t {
    const recall_t *recall;
    uint64_t uid[PAGE_CLIENTS];
    size_t count;
} strangers_t;

static void find_stranger(void *ctx, const client_t *stored)
{
    strangers_t *strangers = ctx;
    client_view_t view;

    if (registry_get(strangers->recall->registry, stored->report.client_id, &view) ==
        REGISTRY_ABSENT) {
        strangers->uid[strangers->count++] = stored->uid;
    }
}

static void note_result(void *ctx, store_result_t result)
{
    *(bool *)ctx = result != STORE_FAILED;
}

/* Rows behind after, at most a page, of clients that the registry does not know are removed. */
static bool remove_strangers(const recall_t *recall, uint64_t after)
{
    strangers_t strangers = {.recall = recall};
    uint64_t last;
    bool done = false;
    size_t i;

    (void)store_read_clients(recall->store, after, PAGE_CLIENTS, &last, find_stranger, &strangers);
    for (i = 0; i < strangers.count; i++) {
        store_remove_client(recall->store, strangers.uid[i]);
    }
    store_commit(recall->store, note_result, &done);
    return done;
}

static bool recall_clients(const recall_t *recall)
{
    recall_t copy = *recall; /* the store's visitors take no const */
    uint64_t after = 0, last = 0;

    while (store_read_clients(recall->store, after, PAGE_CLIENTS, &last, bring_back, &copy) > 0) {
        /* Into a new registry all come back: one that is missing found no slot. */
        if ((recall->is_filled && !remove_strangers(recall, after)) ||
            !recall->go_on(recall->ctx)) {
            return false;
        }
        after = last;
    }
    return true;
}

/* A monitor without a disk may have shown it under another id. */
static void show_event(void *ctx, const event_t *event)
{
    const recall_t *recall = ctx;

    if (!event_ring_has(recall->ring, event) && registry_acquire(recall->registry)) {
        event_ring_append(recall->ring, event);
        registry_release(recall->registry);
    }
}

/*
 * Is it known to be announced? What a monitor without a disk has shown and not delivered is not: it
 * is going to be announced anew, with its message.
 */
static bool is_announced(const recall_t *recall, const event_t *event)
{
    client_view_t view;

    return event->uid == 0 ||
           (registry_get(recall->registry, event->client_id, &view) == REGISTRY_OK &&
            view.client.uid == event->uid && view.client.announced.number >= event->number);
}

/* What is shown but not stored, because the store's file was lost, is stored again. */
static void restore_events(const recall_t *recall)
{
    uint64_t end = event_ring_end(recall->ring), at = end, cursor = end;
    bool done;
    event_t event;

    while (event_ring_before(recall->ring, &cursor, &event)) {
        at = cursor;
    }
    for (; at < end; at++) {
        cursor = at + 1;
        if (event_ring_before(recall->ring, &cursor, &event) && is_announced(recall, &event)) {
            store_restore_event(recall->store, &event);
        }
    }
    store_commit(recall->store, note_result, &done);
}

/* The monitor alone writes to the ring, so it may read it without the lock. */
static void recall_events(const recall_t *recall)
{
    recall_t copy = *recall;

    if (store_keeps_clients(recall->store)) {
        restore_events(recall);
    }
    store_read_events(recall->store, event_ring_newest(recall->ring), EVENT_RING_ENTRIES,
                      show_event, &copy);
}

/* What cannot be read is not known: a gap. */
static void recall_gaps(const recall_t *recall)
{
    char text[HISTORY_TEXT_SIZE];
    history_gaps_t gaps;

    if (store_get_setting(recall->store, RECALL_GAPS, text, sizeof text) &&
        history_gaps_parse(&gaps, text)) {
        (void)registry_join_gaps(recall->registry, &gaps);
    }
}

bool recall_all(const recall_t *recall)
{
    tracking_begin_anew(recall->tracking);
    recall_gaps(recall);
    recall_events(recall);
    return recall_clients(recall) && store_keeps_clients(recall->store);
}
