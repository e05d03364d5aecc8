#include "registry.h"

#include <string.h>

#include "killpoint.h"
#include "registry_head.h"
#include "registry_slots.h"

/* Room of one change in the undo log: a record, the counts, an insertion into the index; a split
 * asks for itself. */
_Static_assert(sizeof(client_t) + sizeof(registry_counts_t) + 18 * 24 < UNDO_SIZE / 2,
               "the undo log is too small");
_Static_assert(sizeof(client_t) + sizeof(int64_t) + 4 * sizeof(uint32_t) <= 1024,
               "a client must stay below 1 KiB with its share of the other parts (layout_of)");

/* --- layout --- */

typedef struct layout_t {
    size_t seen, revision, bucket, next, hash, clients, size; /* bytes from the start */
} layout_t;

/* Each part begins on a page of its own: what is not used stays untouched. */
static size_t place_part(size_t *end, uint32_t capacity, size_t entry)
{
    size_t start = (*end + 4095u) & ~(size_t)4095u;

    *end = start + (size_t)capacity * entry;
    return start;
}

static layout_t layout_of(uint32_t capacity)
{
    layout_t layout;
    size_t end = sizeof(registry_head_t);

    layout.seen = place_part(&end, capacity, sizeof(int64_t));
    layout.revision = place_part(&end, capacity, sizeof(uint32_t));
    layout.bucket = place_part(&end, capacity, sizeof(uint32_t));
    layout.next = place_part(&end, capacity, sizeof(uint32_t));
    layout.hash = place_part(&end, capacity, sizeof(uint32_t));
    layout.clients = place_part(&end, capacity, sizeof(client_t));
    layout.size = (end + 4095u) & ~(size_t)4095u;
    return layout;
}

size_t registry_size(uint32_t capacity)
{
    return layout_of(capacity).size;
}

void registry_create(void *memory, uint32_t capacity, const registry_seed_t *seed,
                     int64_t started_at, int64_t now)
{
    registry_head_t *head = memory;

    head->layout = REGISTRY_LAYOUT;
    head->client_size = sizeof(client_t);
    head->capacity = capacity;
    head->started_at = started_at;
    head->started = now;
    head->serving_since = now;
    head->seed = *seed;
    head->max_clients = capacity;
    head->buckets = INDEX_FIRST_BUCKETS;
    head->counts.next_uid = seed->first_uid;
    head->magic = REGISTRY_MAGIC;
}

bool registry_is_compatible(const void *memory)
{
    const registry_head_t *head = memory;

    return head->magic == REGISTRY_MAGIC && head->layout == REGISTRY_LAYOUT &&
           head->client_size == sizeof(client_t);
}

void registry_attach(registry_t *registry, void *memory, const registry_lock_t *lock)
{
    char *base = memory;
    registry_head_t *head = memory;
    layout_t layout = layout_of(head->capacity);

    memset(registry, 0, sizeof *registry);
    registry->head = head;
    registry->seen = (int64_t *)(void *)(base + layout.seen);
    registry->revision = (uint32_t *)(void *)(base + layout.revision);
    registry->clients = (client_t *)(void *)(base + layout.clients);
    registry->index.base = memory;
    registry->index.undo = &head->undo;
    registry->index.buckets = &head->buckets;
    registry->index.bucket = (uint32_t *)(void *)(base + layout.bucket);
    registry->index.next = (uint32_t *)(void *)(base + layout.next);
    registry->index.hash = (uint32_t *)(void *)(base + layout.hash);
    registry->index.capacity = head->capacity;
    registry->lock = *lock;
}

uint32_t registry_capacity(const registry_t *registry)
{
    return registry->head->capacity;
}

void registry_set_max_clients(registry_t *registry, uint32_t max_clients)
{
    uint32_t capacity = registry->head->capacity;

    __atomic_store_n(&registry->head->max_clients, max_clients < capacity ? max_clients : capacity,
                     __ATOMIC_RELAXED);
}

uint32_t registry_max_clients(const registry_t *registry)
{
    return __atomic_load_n(&registry->head->max_clients, __ATOMIC_RELAXED);
}

int64_t registry_started_at(const registry_t *registry)
{
    return registry->head->started_at;
}

int64_t registry_uptime(const registry_t *registry, int64_t now)
{
    return now - registry->head->started;
}

uint64_t registry_incarnation(const registry_t *registry)
{
    return registry->head->seed.incarnation;
}

uint64_t registry_keepalives(const registry_t *registry)
{
    return __atomic_load_n(&registry->head->keepalives, __ATOMIC_RELAXED);
}

int64_t registry_serving_since(const registry_t *registry)
{
    return __atomic_load_n(&registry->head->serving_since, __ATOMIC_RELAXED);
}

/* --- lock --- */

bool registry_acquire(registry_t *registry)
{
    if (!registry->lock.acquire(registry->lock.ctx)) {
        return false;
    }
    if (registry->head->is_moved) {
        registry->lock.release(registry->lock.ctx);
        return false;
    }
    if (undo_rollback(&registry->head->undo, registry->head)) {
        registry->repaired = true;
    }
    return true;
}

void registry_release(registry_t *registry)
{
    bool repaired = registry->repaired;

    registry->repaired = false;
    registry->lock.release(registry->lock.ctx);
    if (repaired) {
        registry->lock.repaired(registry->lock.ctx);
    }
}

/* --- operations --- */

/* Register a client that has not reported. The record is built aside and copied whole. */
static uint32_t create_client(registry_t *registry, const sighting_t *sighting, uint32_t hash)
{
    registry_counts_t *counts = &registry->head->counts;
    client_t fresh;

    slot_save(registry, &counts->next_uid, sizeof counts->next_uid);
    memset(&fresh, 0, sizeof fresh);
    fresh.report = *sighting->report;
    fresh.uid = counts->next_uid++;
    fresh.first_seen = (uint32_t)sighting->when;
    killpoint();
    return slot_insert(registry, &fresh, hash, CLIENT_NEVER_SEEN);
}

static bool is_full(const registry_t *registry)
{
    return registry->head->counts.clients >= registry_max_clients(registry);
}

/* Does the report say anything else than the last one? When it was made does not matter. */
static bool is_news(const client_t *client, const sighting_t *sighting)
{
    const size_t behind_time = offsetof(vps_record_t, client_id);

    return memcmp((const char *)&client->report + behind_time,
                  (const char *)sighting->report + behind_time,
                  sizeof client->report - behind_time) != 0 ||
           memcmp(&client->observed_ip, &sighting->observed_ip, sizeof client->observed_ip) != 0;
}

/* Returns true when the monitor has to see it. */
static bool keep_sighting(registry_t *registry, uint32_t slot, const sighting_t *sighting)
{
    client_t *client = &registry->clients[slot];
    uint32_t seq = client->seq;
    assess_facts_t facts;
    bool changed = is_news(client, sighting);

    registry_read_facts(registry, &facts, sighting->now, sighting->offline_threshold);
    journal_judge(client, registry->seen[slot], sighting, &facts);
    changed = changed || client->seq != seq;
    killpoint_copy(&client->report, sighting->report, sizeof client->report);
    client->observed_ip = sighting->observed_ip;
    client->last_seen = (uint32_t)sighting->when;
    client->keepalives++;
    killpoint();
    if (sighting->now > registry->seen[slot]) { /* else overtaken on its way to the lock */
        slot_set_seen(registry, slot, sighting->now);
    }
    if (changed) {
        slot_raise_revision(registry, slot);
    }
    return changed;
}

/* Under the lock; others read it without. */
static void count_keepalive(registry_head_t *head)
{
    __atomic_store_n(&head->keepalives, head->keepalives + 1, __ATOMIC_RELAXED);
}

registry_result_t registry_keepalive(registry_t *registry, const sighting_t *sighting,
                                     bool *changed)
{
    uint32_t hash = slot_hash(registry, sighting->report->client_id);
    registry_result_t result = REGISTRY_OK;
    uint32_t slot;

    *changed = false;
    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    registry_note_pause(registry, sighting->now);
    slot = slot_find(registry, sighting->report->client_id, hash);
    if (slot != INDEX_NONE) {
        slot_save(registry, &registry->clients[slot], sizeof(client_t));
    } else if (is_full(registry)) {
        result = REGISTRY_FULL;
    } else {
        result = REGISTRY_CREATED;
        slot = create_client(registry, sighting, hash);
    }
    if (result != REGISTRY_FULL) {
        registry->head->last_sign = sighting->now;
        *changed = keep_sighting(registry, slot, sighting);
        undo_commit(&registry->head->undo);
        count_keepalive(registry->head); /* only now: what is undone must not count */
    }
    registry_release(registry);
    return result;
}

registry_result_t registry_register(registry_t *registry, const sighting_t *sighting)
{
    uint32_t hash = slot_hash(registry, sighting->report->client_id);
    registry_result_t result = REGISTRY_OK;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    if (slot_find(registry, sighting->report->client_id, hash) == INDEX_NONE) {
        if (is_full(registry)) {
            result = REGISTRY_FULL;
        } else {
            result = REGISTRY_CREATED;
            (void)create_client(registry, sighting, hash);
            undo_commit(&registry->head->undo);
        }
    }
    registry_release(registry);
    return result;
}

uint32_t registry_slots(const registry_t *registry)
{
    return __atomic_load_n(&registry->head->counts.slots, __ATOMIC_ACQUIRE);
}

int64_t registry_seen(const registry_t *registry, uint32_t slot)
{
    return __atomic_load_n(&registry->seen[slot], __ATOMIC_RELAXED);
}

uint32_t registry_revision(const registry_t *registry, uint32_t slot)
{
    return __atomic_load_n(&registry->revision[slot], __ATOMIC_ACQUIRE);
}

uint32_t registry_newest_revision(const registry_t *registry)
{
    return __atomic_load_n(&registry->head->revision, __ATOMIC_ACQUIRE);
}

bool registry_changed_since(const registry_t *registry, uint32_t slot, uint32_t revision)
{
    return (int32_t)(registry_revision(registry, slot) - revision) > 0;
}

registry_result_t registry_get(registry_t *registry, const char *client_id, client_view_t *out)
{
    uint32_t hash = slot_hash(registry, client_id);
    uint32_t slot;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    slot = slot_find(registry, client_id, hash);
    if (slot != INDEX_NONE) {
        slot_copy_out(registry, slot, out);
    }
    registry_release(registry);
    return slot != INDEX_NONE ? REGISTRY_OK : REGISTRY_ABSENT;
}

registry_result_t registry_get_slot(registry_t *registry, uint32_t slot, client_view_t *out)
{
    bool found;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    found = slot < registry->head->counts.slots && registry->seen[slot] != 0;
    if (found) {
        slot_copy_out(registry, slot, out);
    }
    registry_release(registry);
    return found ? REGISTRY_OK : REGISTRY_ABSENT;
}

registry_result_t registry_remove(registry_t *registry, const char *client_id)
{
    uint32_t hash = slot_hash(registry, client_id);
    uint32_t slot;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    slot = slot_find(registry, client_id, hash);
    if (slot != INDEX_NONE) {
        slot_remove(registry, slot);
        undo_commit(&registry->head->undo);
    }
    registry_release(registry);
    return slot != INDEX_NONE ? REGISTRY_OK : REGISTRY_ABSENT;
}

registry_result_t registry_list(registry_t *registry, uint32_t *cursor, client_view_t *out,
                                size_t room, size_t *count)
{
    uint32_t slot = *cursor;

    *count = 0;
    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    while (slot < registry->head->counts.slots && *count < room) {
        if (registry->seen[slot] != 0) {
            slot_copy_out(registry, slot, &out[(*count)++]);
        }
        slot++;
    }
    *cursor = slot;
    registry_release(registry);
    return REGISTRY_OK;
}

registry_result_t registry_facts(registry_t *registry, assess_facts_t *out, int64_t now,
                                 int64_t offline_threshold)
{
    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    registry_read_facts(registry, out, now, offline_threshold);
    registry_release(registry);
    return REGISTRY_OK;
}

registry_result_t registry_get_server_ip(registry_t *registry, server_ip_t *out)
{
    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    *out = registry->head->server_ip;
    registry_release(registry);
    return REGISTRY_OK;
}

registry_result_t registry_gaps(registry_t *registry, history_gaps_t *out)
{
    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    *out = registry->head->gaps;
    registry_release(registry);
    return REGISTRY_OK;
}

registry_result_t registry_set_server_ip(registry_t *registry, const server_ip_t *ip)
{
    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    slot_save(registry, &registry->head->server_ip, sizeof registry->head->server_ip);
    killpoint_copy(&registry->head->server_ip, ip, sizeof *ip);
    undo_commit(&registry->head->undo);
    registry_release(registry);
    return REGISTRY_OK;
}

/* Under the lock. The new one is nobody's yet: what is half-made there does not matter. */
static void move_clients(const registry_t *from, registry_t *to)
{
    uint32_t slot;

    for (slot = 0; slot < from->head->counts.slots; slot++) {
        const client_t *client = &from->clients[slot];

        if (from->seen[slot] != 0) {
            (void)slot_insert(to, client, slot_hash(to, client->report.client_id),
                              from->seen[slot]);
            undo_commit(&to->head->undo);
        }
    }
}

registry_result_t registry_move(registry_t *from, registry_t *to)
{
    registry_result_t result = REGISTRY_FULL;

    if (!registry_acquire(from)) {
        return REGISTRY_UNAVAILABLE;
    }
    if (from->head->counts.clients <= to->head->capacity) {
        to->head->started_at = from->head->started_at;
        to->head->started = from->head->started;
        to->head->serving_since = from->head->serving_since;
        to->head->last_sign = from->head->last_sign;
        to->head->keepalives = from->head->keepalives;
        to->head->seed = from->head->seed;
        to->head->server_ip = from->head->server_ip;
        to->head->gaps = from->head->gaps;
        to->head->stamp = from->head->stamp;
        to->head->revision = from->head->revision;
        to->head->counts.next_uid = from->head->counts.next_uid;
        move_clients(from, to);
        from->head->is_moved = 1;
        result = REGISTRY_OK;
    }
    registry_release(from);
    return result;
}
