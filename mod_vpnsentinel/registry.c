#include "registry.h"

#include <string.h>

#include "apr_siphash.h"

#include "killpoint.h"
#include "registry_head.h"

/* Room of one change in the undo log: a record, the counts, an insertion into the index; a split
 * asks for itself. */
_Static_assert(sizeof(client_t) + sizeof(registry_counts_t) + 16 * 24 < UNDO_SIZE / 2,
               "the undo log is too small");
_Static_assert(sizeof(client_t) <= 960,
               "a client must stay below 1 KiB with its share of the index");

/* --- layout --- */

typedef struct layout_t {
    size_t seen, bucket, next, hash, clients, size; /* bytes from the start */
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

void registry_create(void *memory, uint32_t capacity, const uint8_t key[REGISTRY_KEY_SIZE],
                     int64_t started_at, int64_t now)
{
    registry_head_t *head = memory;

    head->layout = REGISTRY_LAYOUT;
    head->client_size = sizeof(client_t);
    head->capacity = capacity;
    head->started_at = started_at;
    head->serving_since = now;
    memcpy(head->key, key, REGISTRY_KEY_SIZE);
    head->max_clients = capacity;
    head->buckets = INDEX_FIRST_BUCKETS;
    head->counts.next_uid = 1;
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

int64_t registry_serving_since(const registry_t *registry)
{
    return registry->head->serving_since;
}

/* --- lock --- */

bool registry_acquire(registry_t *registry)
{
    if (!registry->lock.acquire(registry->lock.ctx)) {
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

/* --- slots; under the lock --- */

static uint32_t hash_id(const registry_t *registry, const char *client_id)
{
    return (uint32_t)apr_siphash24(client_id, strlen(client_id), registry->head->key);
}

static uint32_t find_slot(const registry_t *registry, const char *client_id, uint32_t hash)
{
    uint32_t slot;

    for (slot = index_first(&registry->index, hash); slot != INDEX_NONE;
         slot = index_after(&registry->index, slot, hash)) {
        if (strcmp(registry->clients[slot].report.client_id, client_id) == 0) {
            break;
        }
    }
    return slot;
}

static void save(registry_t *registry, const void *range, uint32_t size)
{
    (void)undo_save(&registry->head->undo, registry->head, range, size);
}

static void set_seen(registry_t *registry, uint32_t slot, int64_t seen)
{
    save(registry, &registry->seen[slot], sizeof registry->seen[slot]);
    registry->seen[slot] = seen;
    killpoint();
}

static void link_free_slot(registry_t *registry, uint32_t slot, uint32_t link)
{
    save(registry, &registry->index.next[slot], sizeof link);
    registry->index.next[slot] = link;
    killpoint();
}

/* Take a slot from the freed ones, else an untouched one. */
static uint32_t take_slot(registry_t *registry)
{
    registry_counts_t *counts = &registry->head->counts;
    uint32_t slot;

    save(registry, counts, sizeof *counts);
    counts->clients++;
    killpoint();
    if (counts->free_slot == 0) {
        return counts->slots++;
    }
    slot = counts->free_slot - 1;
    counts->free_slot = registry->index.next[slot];
    killpoint();
    return slot;
}

/*
 * Register a client that has not reported. The slot's old content is not saved: nobody reads a free
 * slot. The record is built aside and copied whole.
 */
static uint32_t create_client(registry_t *registry, const sighting_t *sighting, uint32_t hash)
{
    uint32_t slot = take_slot(registry);
    client_t fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.report = *sighting->report;
    fresh.uid = registry->head->counts.next_uid++;
    fresh.first_seen = sighting->when;
    killpoint_copy(&registry->clients[slot], &fresh, sizeof fresh);
    set_seen(registry, slot, CLIENT_NEVER_SEEN);
    index_insert(&registry->index, slot, hash, registry->head->counts.clients);
    return slot;
}

/* --- operations --- */

static bool is_full(const registry_t *registry)
{
    return registry->head->counts.clients >= registry_max_clients(registry);
}

static void store_sighting(registry_t *registry, uint32_t slot, const sighting_t *sighting,
                           judged_t known[2])
{
    client_t *client = &registry->clients[slot];

    known[0] = client->judged;
    journal_judge(client, registry->seen[slot], sighting);
    known[1] = client->judged;
    killpoint_copy(&client->report, sighting->report, sizeof client->report);
    client->observed_ip = sighting->observed_ip;
    client->last_seen = sighting->when;
    client->keepalives++;
    killpoint();
    set_seen(registry, slot, sighting->now);
}

registry_result_t registry_keepalive(registry_t *registry, const sighting_t *sighting,
                                     judged_t known[2])
{
    uint32_t hash = hash_id(registry, sighting->report->client_id);
    registry_result_t result = REGISTRY_OK;
    uint32_t slot;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    slot = find_slot(registry, sighting->report->client_id, hash);
    if (slot != INDEX_NONE) {
        save(registry, &registry->clients[slot], sizeof(client_t));
    } else if (is_full(registry)) {
        result = REGISTRY_FULL;
    } else {
        result = REGISTRY_CREATED;
        slot = create_client(registry, sighting, hash);
    }
    if (result != REGISTRY_FULL) {
        store_sighting(registry, slot, sighting, known);
        undo_commit(&registry->head->undo);
    }
    registry_release(registry);
    return result;
}

registry_result_t registry_register(registry_t *registry, const sighting_t *sighting)
{
    uint32_t hash = hash_id(registry, sighting->report->client_id);
    registry_result_t result = REGISTRY_OK;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    if (find_slot(registry, sighting->report->client_id, hash) == INDEX_NONE) {
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

static void copy_out(const registry_t *registry, uint32_t slot, client_view_t *out)
{
    out->client = registry->clients[slot];
    out->seen = registry->seen[slot];
}

registry_result_t registry_get(registry_t *registry, const char *client_id, client_view_t *out)
{
    uint32_t hash = hash_id(registry, client_id);
    uint32_t slot;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    slot = find_slot(registry, client_id, hash);
    if (slot != INDEX_NONE) {
        copy_out(registry, slot, out);
    }
    registry_release(registry);
    return slot != INDEX_NONE ? REGISTRY_OK : REGISTRY_ABSENT;
}

static void remove_slot(registry_t *registry, uint32_t slot)
{
    registry_counts_t *counts = &registry->head->counts;

    index_remove(&registry->index, slot);
    set_seen(registry, slot, 0);
    save(registry, counts, sizeof *counts);
    link_free_slot(registry, slot, counts->free_slot);
    counts->free_slot = slot + 1;
    counts->clients--;
    killpoint();
}

registry_result_t registry_remove(registry_t *registry, const char *client_id)
{
    uint32_t hash = hash_id(registry, client_id);
    uint32_t slot;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    slot = find_slot(registry, client_id, hash);
    if (slot != INDEX_NONE) {
        remove_slot(registry, slot);
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
            copy_out(registry, slot, &out[(*count)++]);
        }
        slot++;
    }
    *cursor = slot;
    registry_release(registry);
    return REGISTRY_OK;
}
