#include "announce_batch.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "killpoint.h"

static apr_status_t free_arrays(void *data)
{
    batch_t *batch = data;

    free(batch->mark);
    free(batch->event);
    return APR_SUCCESS;
}

void batch_init(batch_t *batch, const announce_setup_t *setup, apr_pool_t *pool)
{
    memset(batch, 0, sizeof *batch);
    batch->setup = setup;
    batch->since = clock_wall() / CLOCK_SECOND;
    apr_pool_cleanup_register(pool, batch, free_arrays, apr_pool_cleanup_null);
}

/* The array with room for one more of size bytes; NULL, and the batch broken, when memory is out. */
static void *make_room(batch_t *batch, void *array, size_t count, size_t *room, size_t size)
{
    size_t wanted = *room > 0 ? *room * 2 : 64;
    void *grown;

    if (count < *room) {
        return array;
    }
    grown = realloc(array, wanted * size);
    if (grown != NULL) {
        *room = wanted;
    } else {
        batch->is_broken = true;
    }
    return grown;
}

void batch_add_mark(batch_t *batch, const mark_t *mark)
{
    mark_t *marks =
        make_room(batch, batch->mark, batch->marks, &batch->mark_room, sizeof *batch->mark);

    if (marks != NULL) {
        batch->mark = marks;
        batch->mark[batch->marks++] = *mark;
    }
}

/* To all but Telegram; what was recorded before has its messages, or had them. */
static void put_messages(const batch_t *batch, const event_t *event)
{
    for (size_t i = 0; event->id != 0 && i < batch->setup->destination_count; i++) {
        store_put_message(batch->setup->store, event->id, batch->setup->destinations[i]);
    }
}

void batch_add_event(batch_t *batch, const event_t *event)
{
    event_t *events =
        make_room(batch, batch->event, batch->events, &batch->event_room, sizeof *batch->event);

    if (events != NULL) {
        batch->event = events;
        events += batch->events++;
        *events = *event;
        store_put_event(batch->setup->store, events, batch->setup->delivers);
        put_messages(batch, events);
    }
}

/* --- after the commit --- */

static void mark_announced(const batch_t *batch, tracked_t *tracked, const mark_t *mark)
{
    const bool delivers = batch->setup->delivers || batch->setup->destination_count > 0;
    bool waits =
        batch->result == STORE_VOLATILE && delivers && (mark->is_told || tracked->unmarked != NULL);

    tracked->is_offline = mark->is_offline;
    if (waits) {
        tracking_set_unmarked(tracked, &mark->announced);
        return;
    }
    if (registry_announced(batch->setup->registry, mark->slot, mark->uid, &mark->announced) !=
        REGISTRY_UNAVAILABLE) {
        tracking_set_unmarked(tracked, NULL);
    }
}

static void apply(const batch_t *batch, const mark_t *mark)
{
    tracked_t *tracked = &batch->setup->tracking->slots[mark->slot];

    if (mark->kind == MARK_SEEN) {
        tracked->saved_seen = mark->seen;
        return;
    }
    if (mark->uid != tracked->uid) {
        tracking_set_unmarked(tracked, NULL);
        tracked->saved_seen = 0;
        tracked->uid = mark->uid;
    }
    tracked->revision = mark->revision;
    if (mark->kind == MARK_ANNOUNCED) {
        mark_announced(batch, tracked, mark);
    } else if (mark->kind == MARK_FORGOTTEN) {
        (void)registry_remove_stale(batch->setup->registry, mark->slot, mark->uid, mark->seen);
    } else {
        tracked->is_offline = false;
    }
}

/*
 * An earlier monitor, with its store in memory, may have shown what it had neither delivered nor
 * written down; then it is recorded, and sent, again.
 */
static bool is_shown(const batch_t *batch, const event_t *event)
{
    return event->when <= batch->since &&
           event_ring_has(batch->setup->ring, event); /* nobody else writes there */
}

static void publish(const batch_t *batch, const event_t *event)
{
    if (event->id == 0 || is_shown(batch, event)) {
        return; /* it had been recorded before */
    }
    if (registry_acquire(batch->setup->registry)) {
        event_ring_append(batch->setup->ring, event);
        registry_release(batch->setup->registry);
    }
    batch->setup->tell(batch->setup->ctx, event);
}

static void note_result(void *ctx, store_result_t result)
{
    batch_t *batch = ctx;

    batch->result = result;
}

/* An event that the transaction recorded anew; NULL = it has none. */
static const event_t *find_new_event(const batch_t *batch)
{
    size_t i;

    for (i = 0; i < batch->events; i++) {
        if (batch->event[i].id != 0) {
            return &batch->event[i];
        }
    }
    return NULL;
}

/*
 * A commit that failed may have come through. If it did, and the store could take it over into its
 * memory, each of its events is recorded by now.
 */
static bool came_through(batch_t *batch)
{
    const event_t *recorded = find_new_event(batch);
    event_t event;

    if (recorded == NULL) {
        return false; /* nothing to be told twice */
    }
    event = *recorded;
    store_put_event(batch->setup->store, &event, false);
    if (event.id != 0) {
        store_rollback(batch->setup->store);
        return false;
    }
    store_commit(batch->setup->store, note_result, batch);
    return batch->result != STORE_FAILED;
}

/* Returns false when nothing of it was recorded as far as is known. */
static bool end_transaction(batch_t *batch)
{
    if (batch->is_broken) {
        store_rollback(batch->setup->store);
        return false;
    }
    store_commit(batch->setup->store, note_result, batch);
    return batch->result != STORE_FAILED || came_through(batch);
}

bool batch_commit(batch_t *batch)
{
    bool done;
    size_t i;

    killpoint();
    done = end_transaction(batch);
    killpoint();
    for (i = 0; done && i < batch->marks; i++) {
        apply(batch, &batch->mark[i]);
        killpoint();
    }
    for (i = 0; done && i < batch->events; i++) {
        publish(batch, &batch->event[i]);
        killpoint();
    }
    batch->marks = 0;
    batch->events = 0;
    batch->is_broken = false;
    return done;
}
