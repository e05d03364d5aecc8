#include "registry_slots.h"

#include <string.h>

#include "apr_siphash.h"

#include "killpoint.h"
#include "registry_head.h"

uint32_t slot_hash(const registry_t *registry, const char *client_id)
{
    return (uint32_t)apr_siphash24(client_id, strlen(client_id), registry->head->seed.key);
}

uint32_t slot_find(const registry_t *registry, const char *client_id, uint32_t hash)
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

void slot_save(registry_t *registry, const void *range, uint32_t size)
{
    (void)undo_save(&registry->head->undo, registry->head, range, size);
}

/* The hot words are read without the lock. */
void slot_set_seen(registry_t *registry, uint32_t slot, int64_t seen)
{
    slot_save(registry, &registry->seen[slot], sizeof registry->seen[slot]);
    __atomic_store_n(&registry->seen[slot], seen, __ATOMIC_RELAXED);
    killpoint();
}

/*
 * Not saved: raised for a change that is undone, it costs a look. The number is told when the slot has
 * it, or a reader in between would take the slot for one that it has seen; it is given to no other
 * slot when the process is killed in between. 0 is of slots that were never used.
 */
void slot_raise_revision(registry_t *registry, uint32_t slot)
{
    registry_head_t *head = registry->head;

    head->stamp = head->stamp < UINT32_MAX ? head->stamp + 1 : 1;
    killpoint();
    __atomic_store_n(&registry->revision[slot], head->stamp, __ATOMIC_RELEASE);
    killpoint();
    __atomic_store_n(&head->revision, head->stamp, __ATOMIC_RELEASE);
    killpoint();
}

static void link_free_slot(registry_t *registry, uint32_t slot, uint32_t link)
{
    slot_save(registry, &registry->index.next[slot], sizeof link);
    registry->index.next[slot] = link;
    killpoint();
}

/* Take a slot from the freed ones, else an untouched one. */
static uint32_t take_slot(registry_t *registry)
{
    registry_counts_t *counts = &registry->head->counts;
    uint32_t slot;

    slot_save(registry, counts, sizeof *counts);
    counts->clients++;
    killpoint();
    if (counts->free_slot == 0) {
        slot = counts->slots;
        __atomic_store_n(&counts->slots, slot + 1, __ATOMIC_RELEASE);
        return slot;
    }
    slot = counts->free_slot - 1;
    counts->free_slot = registry->index.next[slot];
    killpoint();
    return slot;
}

/* The slot's old content is not saved: nobody reads a free slot. */
uint32_t slot_insert(registry_t *registry, const client_t *client, uint32_t hash, int64_t seen)
{
    uint32_t slot = take_slot(registry);

    killpoint_copy(&registry->clients[slot], client, sizeof *client);
    slot_set_seen(registry, slot, seen);
    slot_raise_revision(registry, slot);
    index_insert(&registry->index, slot, hash, registry->head->counts.clients);
    return slot;
}

void slot_copy_out(const registry_t *registry, uint32_t slot, client_view_t *out)
{
    out->client = registry->clients[slot];
    out->seen = registry->seen[slot];
    out->slot = slot;
    out->revision = registry->revision[slot];
}

void slot_remove(registry_t *registry, uint32_t slot)
{
    registry_counts_t *counts = &registry->head->counts;

    index_remove(&registry->index, slot);
    slot_set_seen(registry, slot, 0);
    slot_raise_revision(registry, slot);
    slot_save(registry, counts, sizeof *counts);
    link_free_slot(registry, slot, counts->free_slot);
    counts->free_slot = slot + 1;
    counts->clients--;
    killpoint();
}

void registry_read_facts(const registry_t *registry, assess_facts_t *out, int64_t now,
                         int64_t offline_threshold)
{
    out->now = now;
    out->offline_threshold = offline_threshold;
    out->serving_since = registry_serving_since(registry);
    out->server_ip[0] = registry->head->server_ip.addr[0];
    out->server_ip[1] = registry->head->server_ip.addr[1];
}

void registry_note_pause(registry_t *registry, int64_t now)
{
    registry_head_t *head = registry->head;

    if (head->monitor_due != 0 && now - head->monitor_due > REGISTRY_PAUSE &&
        now - head->last_sign > REGISTRY_PAUSE) {
        __atomic_store_n(&head->serving_since, now, __ATOMIC_RELAXED);
        head->monitor_due = 0; /* until the monitor says when it wakes next */
    }
}
