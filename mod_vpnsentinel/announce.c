#include "announce.h"

#include <string.h>

#include "apr_strings.h"

#include "announce_batch.h"
#include "clock.h"
#include "lights.h"
#include "recall.h"

#define BATCH_EVENTS 256u /* of one transaction, about */
#define BATCH_CLIENTS 1024u
#define ROUND_SLOTS 8192u /* of one call of announce_round() */
#define NAMED_MAX 5u      /* clients that an event of the server names */

/*
 * The event of forgetting is numbered apart from those of reconcile(): a client that comes back while
 * it is being forgotten goes on counting from what the registry knows, which may not have been marked.
 */
#define FORGOTTEN_NUMBERS (UINT64_C(1) << 32)

struct announcer_t {
    announce_setup_t setup;
    batch_t batch;
    client_view_t view;       /* the client that is looked at */
    reconciliation_t verdict; /* on it */
    event_t address;          /* the last one of the server's address; number 0 = none */
};

announcer_t *announcer_create(const announce_setup_t *setup, apr_pool_t *pool)
{
    announcer_t *announcer = apr_pcalloc(pool, sizeof *announcer);

    announcer->setup = *setup;
    batch_init(&announcer->batch, &announcer->setup, pool);
    return announcer;
}

/* --- a client --- */

static tracked_t *tracked_of(const announcer_t *announcer, uint32_t slot)
{
    return &announcer->setup.tracking->slots[slot];
}

/* The newest that is known to have been announced of the client in view. */
static const announced_t *base_of(const announcer_t *announcer)
{
    const tracked_t *tracked = tracked_of(announcer, announcer->view.slot);
    bool is_same = tracked->uid == announcer->view.client.uid;

    return is_same && tracked->unmarked != NULL ? tracked->unmarked
                                                : &announcer->view.client.announced;
}

/* Returns false when there is no client, or it could not be had. */
static bool judge(announcer_t *announcer, const announce_moment_t *moment, uint32_t slot)
{
    if (registry_get_slot(announcer->setup.registry, slot, &announcer->view) != REGISTRY_OK) {
        return false;
    }
    reconcile(&announcer->verdict, &announcer->view.client, announcer->view.seen,
              base_of(announcer), &moment->facts, moment->wall);
    return true;
}

/*
 * The lights of the client in view, into the registry at once: it waits neither for the store nor for
 * delivery, since to do it again changes nothing. It is also how readers learn that what is said of the
 * client is another by the server's address, whatever its light.
 */
static void note_lights(announcer_t *announcer, const announce_moment_t *moment)
{
    client_view_t *view = &announcer->view;
    history_t history = view->client.history;

    lights_note(&history, &view->client, view->seen, base_of(announcer), &moment->facts,
                moment->wall);
    if (announcer->verdict.by_server >= 0 ||
        memcmp(&history, &view->client.history, sizeof history) != 0) {
        view->client.history = history;
        (void)registry_set_history(announcer->setup.registry, view->slot, view->client.uid,
                                   &history, &view->revision);
    }
}

/* Put what was judged into the transaction. */
static void record(announcer_t *announcer, const announce_moment_t *moment)
{
    client_view_t *view = &announcer->view;
    const tracked_t *tracked = tracked_of(announcer, view->slot);
    store_t *store = announcer->setup.store;
    bool is_reported = tracked->uid != view->client.uid || tracked->revision != view->revision;
    mark_t mark = {.kind = MARK_ANNOUNCED, .slot = view->slot};
    size_t i;

    note_lights(announcer, moment);
    mark.revision = view->revision;
    mark.uid = view->client.uid;
    mark.announced = announcer->verdict.announced;
    mark.is_offline = assess_is_offline(view->seen, &moment->facts);
    mark.is_told = mark.announced.number != base_of(announcer)->number;
    view->client.announced = announcer->verdict.announced;
    if (tracked->uid != mark.uid && tracked->uid != 0) {
        store_remove_client(store, tracked->uid);
    }
    if (is_reported) {
        store_put_client(store, &view->client);
    } else {
        store_put_announced(store, &view->client);
    }
    for (i = 0; i < announcer->verdict.count; i++) {
        batch_add_event(&announcer->batch, &announcer->verdict.events[i]);
    }
    batch_add_mark(&announcer->batch, &mark);
}

/* The slot is free: its client has been removed. */
static void record_removed(announcer_t *announcer, uint32_t slot, uint32_t revision)
{
    const tracked_t *tracked = tracked_of(announcer, slot);
    mark_t mark = {.kind = MARK_REMOVED, .slot = slot, .revision = revision};

    if (tracked->uid != 0) {
        store_remove_client(announcer->setup.store, tracked->uid);
    }
    batch_add_mark(&announcer->batch, &mark);
}

/* *deadline is lowered to the client's own, if that is still to come. */
static void look_at(announcer_t *announcer, const announce_moment_t *moment, uint32_t slot,
                    int64_t *deadline)
{
    uint32_t revision = registry_revision(announcer->setup.registry, slot);
    int64_t own;

    if (judge(announcer, moment, slot)) {
        own = assess_deadline(announcer->view.seen, &moment->facts);
        if (own > moment->facts.now && own < *deadline) {
            *deadline = own;
        }
        record(announcer, moment);
    } else if (registry_seen(announcer->setup.registry, slot) == 0) {
        record_removed(announcer, slot, revision);
    }
}

/* --- what the monitor asks for --- */

bool announce_changes(announcer_t *announcer, const announce_moment_t *moment, int64_t *deadline)
{
    const announce_setup_t *setup = &announcer->setup;
    batch_t *batch = &announcer->batch;
    uint32_t slot = 0;

    *deadline = INT64_MAX;
    if (!tracking_grow(setup->tracking)) {
        return false;
    }
    for (; tracking_next(setup->tracking, &moment->facts, &slot, deadline); slot++) {
        look_at(announcer, moment, slot, deadline);
        if (batch->events >= BATCH_EVENTS || batch->marks >= BATCH_CLIENTS) {
            if (!batch_commit(batch)) {
                return false;
            }
            if (!setup->go_on(setup->ctx)) {
                return true;
            }
        }
    }
    return batch_commit(batch);
}

/* Who becomes or ceases to be a bypass by the server's new address alone. */
typedef struct moved_t {
    uint32_t begun, over;
    uint32_t named;                    /* of those that begin */
    char names[VPS_CLIENT_ID_MAX + 3]; /* theirs */
} moved_t;

static void name_one(moved_t *moved, const char *client_id)
{
    size_t len = strlen(moved->names);
    const char *comma = len > 0 ? ", " : "";

    if (moved->named < NAMED_MAX && len + strlen(comma) + strlen(client_id) < sizeof moved->names) {
        (void)apr_snprintf(moved->names + len, sizeof moved->names - len, "%s%s", comma, client_id);
        moved->named++;
    }
}

static void count_moved(announcer_t *announcer, const announce_moment_t *moment, moved_t *moved)
{
    const reconciliation_t *verdict = &announcer->verdict;
    uint32_t slot, slots = tracking_slots(announcer->setup.tracking);

    memset(moved, 0, sizeof *moved);
    for (slot = 0; slot < slots; slot++) {
        if (!judge(announcer, moment, slot) || verdict->by_server < 0) {
            continue;
        }
        if (verdict->events[0].kind == EVENT_BYPASS) {
            name_one(moved, announcer->view.client.report.client_id);
            moved->begun++;
        } else {
            moved->over++;
        }
    }
}

/*
 * Record all whom the address concerns; together: without the event of their own, the only one of
 * those that have it. The lights of others may hang on it, too.
 */
static void record_moved(announcer_t *announcer, const announce_moment_t *moment, bool together)
{
    uint32_t slot, slots = tracking_slots(announcer->setup.tracking);

    for (slot = 0; slot < slots; slot++) {
        if (!judge(announcer, moment, slot)) {
            continue;
        }
        if (announcer->verdict.by_server < 0) {
            note_lights(announcer, moment);
            continue;
        }
        if (together) {
            announcer->verdict.count = 0;
        }
        record(announcer, moment);
    }
}

static void note_moved(event_t *event, const moved_t *moved)
{
    char over[sizeof "; 4294967295 no longer"] = "";

    if (moved->begun == 0) {
        (void)apr_snprintf(event->note, sizeof event->note,
                           "%u clients no longer have the same IP as server", moved->over);
        return;
    }
    if (moved->over > 0) {
        (void)apr_snprintf(over, sizeof over, "; %u no longer", moved->over);
    }
    (void)apr_snprintf(event->note, sizeof event->note,
                       "\xe2\x9a\xa0\xef\xb8\x8f VPN BYPASS WARNING: %u %s the same IP as server: "
                       "%s%s%s",
                       moved->begun, moved->begun == 1 ? "client has" : "clients have",
                       moved->names, moved->named < moved->begun ? ", ..." : "", over);
}

static bool is_same(const vps_addr_t *a, const vps_addr_t *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/*
 * The number by which the event is known. It is the same when recording is repeated: a transaction
 * that failed may have come through.
 */
static uint64_t number_of_address(const announcer_t *announcer, const vps_addr_t *to,
                                  const announce_moment_t *moment)
{
    const event_t *last = &announcer->address;

    if (last->number != 0 && is_same(&last->to, to)) {
        return last->number;
    }
    return (uint64_t)(moment->facts.now + moment->wall);
}

bool announce_server_ip(announcer_t *announcer, const announce_moment_t *moment,
                        const server_ip_t *before, const server_ip_t *now)
{
    const int changed = is_same(&before->addr[0], &now->addr[0]) ? 1 : 0;
    event_t *event = &announcer->address;
    moved_t moved;
    bool together;
    char text[SERVER_IP_TEXT_SIZE];

    if (!tracking_grow(announcer->setup.tracking)) {
        return false;
    }
    count_moved(announcer, moment, &moved);
    together = moved.begun + moved.over > 1;
    record_moved(announcer, moment, together);
    store_put_setting(announcer->setup.store, "server_ip", server_ip_format(text, now));
    if (together || before->addr[changed].version != 0) {
        event->number = number_of_address(announcer, &now->addr[changed], moment);
        event->kind = EVENT_SERVER_ADDRESS;
        event->when = moment->wall / CLOCK_SECOND;
        event->from = before->addr[changed];
        event->to = now->addr[changed];
        event->note[0] = '\0';
        if (together) {
            note_moved(event, &moved);
        }
        batch_add_event(&announcer->batch, event);
    }
    return batch_commit(&announcer->batch);
}

bool announce_start(announcer_t *announcer, const announce_moment_t *moment)
{
    event_t event;

    memset(&event, 0, sizeof event);
    event.kind = EVENT_STARTED;
    event.number = registry_incarnation(announcer->setup.registry);
    event.when = registry_started_at(announcer->setup.registry);
    event.to = moment->facts.server_ip[moment->facts.server_ip[0].version != 0 ? 0 : 1];
    batch_add_event(&announcer->batch, &event);
    return batch_commit(&announcer->batch);
}

/* --- the minute's round --- */

static bool is_stale(const client_view_t *view, int64_t stale_before)
{
    const client_t *client = &view->client;
    uint32_t last = client->last_seen > client->first_seen ? client->last_seen : client->first_seen;

    return (int64_t)last < stale_before;
}

/* What was known of it at last. */
static void describe(event_t *event, const client_t *client)
{
    const vps_record_t *report = &client->report;

    event->to = client->judged.public_ip;
    memcpy(event->place, client->judged.place, sizeof event->place);
    memcpy(event->dns, client->judged.dns, sizeof event->dns);
    memcpy(event->client_id, report->client_id, sizeof event->client_id);
    memcpy(event->city, report->city, sizeof event->city);
    memcpy(event->provider, report->provider, sizeof event->provider);
    memcpy(event->dns_colo, report->dns_colo, sizeof event->dns_colo);
}

static void forget(announcer_t *announcer, const announce_moment_t *moment)
{
    const client_view_t *view = &announcer->view;
    mark_t mark = {.kind = MARK_FORGOTTEN, .slot = view->slot, .revision = view->revision};
    event_t event;

    mark.uid = view->client.uid;
    mark.seen = view->seen;
    memset(&event, 0, sizeof event);
    event.kind = EVENT_FORGOTTEN;
    event.uid = mark.uid;
    event.number = FORGOTTEN_NUMBERS + base_of(announcer)->number;
    event.when = moment->wall / CLOCK_SECOND;
    event.light = LIGHT_GREY + 1;
    describe(&event, &view->client);
    if (view->client.last_seen > 0 && event.when > view->client.last_seen) {
        event.seconds = (uint32_t)(event.when - view->client.last_seen);
    }
    store_remove_client(announcer->setup.store, mark.uid);
    batch_add_event(&announcer->batch, &event);
    batch_add_mark(&announcer->batch, &mark);
}

static void save_seen(announcer_t *announcer)
{
    const client_view_t *view = &announcer->view;
    mark_t mark = {.kind = MARK_SEEN, .slot = view->slot, .uid = view->client.uid};

    mark.seen = view->seen;
    store_put_seen(announcer->setup.store, &view->client);
    batch_add_mark(&announcer->batch, &mark);
}

static void tend_slot(announcer_t *announcer, const announce_moment_t *moment, int64_t stale_before,
                      uint32_t slot)
{
    const announce_setup_t *setup = &announcer->setup;
    const tracked_t *tracked = tracked_of(announcer, slot);
    bool is_moved = store_keeps_clients(setup->store) &&
                    registry_seen(setup->registry, slot) != tracked->saved_seen;

    if (tracked->uid == 0 || (!is_moved && (stale_before == 0 || !tracked->is_offline)) ||
        registry_get_slot(setup->registry, slot, &announcer->view) != REGISTRY_OK ||
        announcer->view.client.uid != tracked->uid) {
        return;
    }
    if (assess_is_offline(announcer->view.seen, &moment->facts) &&
        is_stale(&announcer->view, stale_before)) {
        forget(announcer, moment);
    } else if (is_moved && announcer->view.client.keepalives > 0) {
        save_seen(announcer);
    }
}

/* When monitors lived, if the store knows other: it hears of it four times an hour. */
static void save_gaps(const announcer_t *announcer)
{
    char text[HISTORY_TEXT_SIZE], stored[HISTORY_TEXT_SIZE];
    history_gaps_t gaps;

    if (registry_gaps(announcer->setup.registry, &gaps) != REGISTRY_OK) {
        return;
    }
    (void)store_get_setting(announcer->setup.store, RECALL_GAPS, stored, sizeof stored);
    if (strcmp(history_gaps_format(text, &gaps), stored) != 0) {
        store_put_setting(announcer->setup.store, RECALL_GAPS, text);
    }
}

bool announce_round(announcer_t *announcer, const announce_moment_t *moment, int64_t stale_before,
                    uint32_t *slot)
{
    uint32_t slots = tracking_slots(announcer->setup.tracking);
    uint32_t end = slots - *slot > ROUND_SLOTS ? *slot + ROUND_SLOTS : slots;
    uint32_t at;

    save_gaps(announcer);
    for (at = *slot; at < end; at++) {
        tend_slot(announcer, moment, stale_before, at);
    }
    if (!batch_commit(&announcer->batch)) {
        return false;
    }
    *slot = end < slots ? end : 0;
    return true;
}

/* Mark a client that waited for its messages, if none is left. */
static void settle(announcer_t *announcer, uint32_t slot)
{
    tracked_t *tracked = tracked_of(announcer, slot);

    if (store_is_settled(announcer->setup.store, tracked->uid) &&
        registry_announced(announcer->setup.registry, slot, tracked->uid, tracked->unmarked) ==
            REGISTRY_OK) {
        tracking_set_unmarked(tracked, NULL);
    }
}

void announce_delivered(announcer_t *announcer)
{
    const tracking_t *tracking = announcer->setup.tracking;
    uint32_t slot;

    for (slot = 0; slot < tracking->room; slot++) {
        if (tracking->slots[slot].unmarked != NULL) {
            settle(announcer, slot);
        }
    }
}
