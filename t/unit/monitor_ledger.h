/*
 * What monitors have announced: read out of the store, and proved to be told once, in order, and in
 * agreement with the ring, the outbox and the registry.
 */
#ifndef MONITOR_LEDGER_H
#define MONITOR_LEDGER_H

#include "monitor_process.h"

typedef struct ledger_t {
    size_t count;
    event_t event[EVENTS_MAX]; /* in order of recording */
} ledger_t;

static inline void ledger_add(void *ctx, const event_t *event)
{
    ledger_t *ledger = ctx;

    assert_true(ledger->count < EVENTS_MAX);
    ledger->event[ledger->count++] = *event;
}

/* All that is recorded. */
static inline void ledger_read(ledger_t *ledger, store_t *store)
{
    ledger->count = 0;
    store_read_events(store, 0, EVENTS_MAX, ledger_add, ledger);
}

/* --- each event is a transition --- */

typedef struct teller_t {
    uint64_t uid;
    uint64_t number;      /* of its last event */
    unsigned int state;   /* announced_state_t, by its events */
    vps_addr_t public_ip; /* told last */
} teller_t;

typedef struct transition_t {
    unsigned int needs, bars; /* states that there must be, and must not be */
    unsigned int sets, clears;
} transition_t;

static const transition_t transitions[EVENT_KINDS] = {
    [EVENT_ADDRESS] = {.needs = ANNOUNCED_FIRST, .bars = ANNOUNCED_OFFLINE},
    [EVENT_LEAK] = {ANNOUNCED_FIRST, ANNOUNCED_OFFLINE | ANNOUNCED_LEAK, ANNOUNCED_LEAK, 0},
    [EVENT_LEAK_OVER] = {ANNOUNCED_FIRST | ANNOUNCED_LEAK, ANNOUNCED_OFFLINE, 0, ANNOUNCED_LEAK},
    [EVENT_IPV6_LEAK] = {ANNOUNCED_FIRST, ANNOUNCED_OFFLINE | ANNOUNCED_IPV6_LEAK,
                         ANNOUNCED_IPV6_LEAK, 0},
    [EVENT_IPV6_LEAK_OVER] = {ANNOUNCED_FIRST | ANNOUNCED_IPV6_LEAK, ANNOUNCED_OFFLINE, 0,
                              ANNOUNCED_IPV6_LEAK},
    [EVENT_BYPASS] = {ANNOUNCED_FIRST, ANNOUNCED_OFFLINE | ANNOUNCED_BYPASS, ANNOUNCED_BYPASS, 0},
    [EVENT_BYPASS_OVER] = {ANNOUNCED_FIRST | ANNOUNCED_BYPASS, ANNOUNCED_OFFLINE, 0,
                           ANNOUNCED_BYPASS},
    [EVENT_RECONNECTED] = {ANNOUNCED_FIRST | ANNOUNCED_DOWN, ANNOUNCED_OFFLINE, 0, ANNOUNCED_DOWN},
    [EVENT_OFFLINE] = {ANNOUNCED_FIRST, ANNOUNCED_OFFLINE, ANNOUNCED_OFFLINE, 0},
};

/* The first keepalive, or the first after offline. */
static inline bool arrives(const teller_t *teller)
{
    return (teller->state & ANNOUNCED_FIRST) == 0 || (teller->state & ANNOUNCED_OFFLINE) != 0;
}

static inline bool tell_arrival(teller_t *teller, const event_t *event)
{
    if (event->kind == EVENT_CONNECTED && !arrives(teller)) {
        return false;
    }
    if (event->kind == EVENT_DISCONNECTED && !arrives(teller) &&
        (teller->state & ANNOUNCED_DOWN) != 0) {
        return false;
    }
    teller->state &= ~((unsigned int)ANNOUNCED_OFFLINE | ANNOUNCED_DOWN);
    teller->state |= ANNOUNCED_FIRST | (event->kind == EVENT_DISCONNECTED ? ANNOUNCED_DOWN : 0u);
    return true;
}

/* Returns false when the event is told twice, or out of its order. */
static inline bool take_event(teller_t *teller, const event_t *event)
{
    const transition_t *transition = &transitions[event->kind];

    if (event->number <= teller->number && teller->number != 0) {
        return false;
    }
    teller->number = event->kind == EVENT_FORGOTTEN ? teller->number : event->number;
    if (event->kind == EVENT_CONNECTED || event->kind == EVENT_DISCONNECTED) {
        return tell_arrival(teller, event);
    }
    if ((teller->state & transition->needs) != transition->needs ||
        (teller->state & transition->bars) != 0 ||
        (event->kind == EVENT_ADDRESS && !vps_addr_equal(&event->from, &teller->public_ip))) {
        return false;
    }
    teller->state = (teller->state | transition->sets) & ~transition->clears;
    return true;
}

/* What the events say of one client, or of the server. */
static inline teller_t ledger_teller(const ledger_t *ledger, uint64_t uid)
{
    teller_t teller = {.uid = uid};

    for (size_t i = 0; i < ledger->count; i++) {
        const event_t *event = &ledger->event[i];

        if (event->uid == uid) {
            if (uid != 0 && !take_event(&teller, event)) {
                fail_msg("%s is told %s out of order", event->client_id,
                         event_name((event_kind_t)event->kind));
            }
            if (teller.public_ip.version == 0 || event->kind == EVENT_ADDRESS) {
                teller.public_ip = event->to;
            }
        }
    }
    return teller;
}

static inline void assert_transitions(const ledger_t *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        (void)ledger_teller(ledger, ledger->event[i].uid);
        if (i > 0) {
            assert_true(ledger->event[i].id > ledger->event[i - 1].id);
        }
    }
}

/* --- the other places --- */

/* The ring holds the same, from its beginning to its end. */
static inline void assert_ring(const event_ring_t *ring, const ledger_t *ledger)
{
    uint64_t cursor = event_ring_end(ring);
    size_t left = ledger->count;
    event_t event;

    while (event_ring_before(ring, &cursor, &event)) {
        assert_true(left > 0);
        left--;
        assert_int_equal(event.id, ledger->event[left].id);
        assert_int_equal(event.uid, ledger->event[left].uid);
        assert_int_equal(event.number, ledger->event[left].number);
        assert_int_equal(event.kind, ledger->event[left].kind);
    }
    assert_int_equal(left, 0);
}

/* The ring shows nothing twice. */
static inline void assert_no_doubles(const event_ring_t *ring)
{
    uint64_t cursor = event_ring_end(ring);
    event_t event;

    while (event_ring_before(ring, &cursor, &event)) {
        uint64_t other = cursor;
        event_t older;

        while (event_ring_before(ring, &other, &older)) {
            assert_false(older.uid == event.uid && older.number == event.number);
        }
    }
}

/* These messages wait, in this order, and no others. They are taken out. */
static inline void assert_outbox(store_t *store, const ledger_t *ledger)
{
    uint64_t message;
    event_t event;

    for (size_t i = 0; i < ledger->count; i++) {
        assert_true(store_next_message(store, 0, &message, &event));
        assert_int_equal(event.id, ledger->event[i].id);
        store_remove_message(store, message);
        assert_durable(store);
    }
    assert_false(store_next_message(store, 0, &message, &event));
}

/* The registry has been marked with what the events say, and is sound. */
static inline void assert_marked(world_t *world, const ledger_t *ledger)
{
    registry_t *registry = &world->memory.registry;
    client_view_t view;

    for (uint32_t slot = 0; slot < registry_slots(registry); slot++) {
        if (registry_get_slot(registry, slot, &view) == REGISTRY_OK) {
            const teller_t teller = ledger_teller(ledger, view.client.uid);
            const unsigned int untold = world->is_summed_up ? ANNOUNCED_BYPASS : 0;

            assert_int_equal(view.client.announced.state | untold, teller.state | untold);
            assert_int_equal(view.client.announced.seq, view.client.seq);
        }
    }
    assert_valid(&world->memory);
}

typedef struct stored_t {
    world_t *world;
    uint32_t count;
} stored_t;

static inline void check_stored(void *ctx, const client_t *stored)
{
    stored_t *all = ctx;
    const client_t client = view_of(&all->world->memory, stored->report.client_id).client;

    assert_int_equal(client.uid, stored->uid);
    assert_int_equal(client.first_seen, stored->first_seen);
    assert_int_equal(client.last_seen, stored->last_seen);
    assert_int_equal(client.keepalives, stored->keepalives);
    assert_memory_equal(&client.report.client_id, &stored->report.client_id,
                        sizeof client.report - offsetof(vps_record_t, client_id));
    assert_memory_equal(&client.announced.facts, &stored->announced.facts, sizeof(judged_t));
    assert_int_equal(client.announced.seq, stored->announced.seq);
    assert_int_equal(client.announced.number, stored->announced.number);
    assert_int_equal(client.announced.state, stored->announced.state);
    assert_memory_equal(&client.history, &stored->history, sizeof client.history);
    all->count++;
}

/* The rows are those of the registry. */
static inline void assert_stored(world_t *world, store_t *store)
{
    stored_t all = {.world = world};
    uint32_t clients = 0, cursor = 0;
    uint64_t last = 0;
    client_view_t view;
    size_t count = 1;

    while (store_read_clients(store, last, 100, &last, check_stored, &all) > 0) {
    }
    while (count > 0) {
        assert_int_equal(registry_list(&world->memory.registry, &cursor, &view, 1, &count),
                         REGISTRY_OK);
        clients += (uint32_t)count;
    }
    assert_int_equal(all.count, clients);
}

/* --- what is expected --- */

/* Of one client, "" = the server: its events; and its state, a letter for each, NULL = it is gone. */
typedef struct expected_t {
    const char *client_id, *told, *state;
} expected_t;

static inline void assert_told(const ledger_t *ledger, const expected_t *expected)
{
    char told[1000] = "";

    for (size_t i = 0; i < ledger->count; i++) {
        const event_t *event = &ledger->event[i];

        if (strcmp(event->client_id, expected->client_id) == 0) {
            size_t len = strlen(told);

            snprintf(told + len, sizeof told - len, "%s%s", len > 0 ? " " : "",
                     event_name((event_kind_t)event->kind));
        }
    }
    assert_string_equal(told, expected->told);
}

static inline void assert_state(world_t *world, const expected_t *expected)
{
    static const char letters[] = "FOLBD6";
    const announce_moment_t moment = moment_of(world);
    client_view_t view;
    unsigned int state = 0;

    if (expected->state == NULL) {
        assert_int_equal(registry_get(&world->memory.registry, expected->client_id, &view),
                         REGISTRY_ABSENT);
        return;
    }
    for (const char *letter = expected->state; *letter != '\0'; letter++) {
        state |= 1u << (strchr(letters, *letter) - letters);
    }
    view = view_of(&world->memory, expected->client_id);
    assert_int_equal(view.client.announced.state, state);
    assert_int_equal(view.client.history.light,
                     assess(&view.client, view.seen, &moment.facts).light);
}

/* Everything is in its place, and nothing is told that is not expected; to be delivered. */
static inline void assert_outcome(world_t *world, store_t *store, const expected_t *expected,
                                  size_t count)
{
    static ledger_t ledger;
    size_t told = 0;

    assert_int_equal(store_state(store), STORE_OK);
    ledger_read(&ledger, store);
    for (size_t i = 0; i < count && expected[i].client_id != NULL; i++) {
        assert_told(&ledger, &expected[i]);
        if (expected[i].client_id[0] != '\0') {
            assert_state(world, &expected[i]);
        }
        for (size_t at = 0; at < ledger.count; at++) {
            told += strcmp(ledger.event[at].client_id, expected[i].client_id) == 0;
        }
    }
    assert_int_equal(told, ledger.count);
    assert_transitions(&ledger);
    assert_marked(world, &ledger);
    assert_stored(world, store);
    if (!world->has_no_channel) { /* else it may know an event by another id */
        assert_ring(world->ring, &ledger);
    }
    if (world->has_no_channel) {
        ledger.count = 0;
    }
    if (world->has_no_channel || world->is_deaf) {
        assert_outbox(store, &ledger);
    }
}

#endif
