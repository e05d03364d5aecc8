/*
 * What the monitor alone does with the registry: marks what it has announced, keeps lights, brings
 * stored clients back, removes stale ones and tells that it lives.
 */
#include "registry.h"

#include <string.h>

#include "killpoint.h"
#include "registry_head.h"
#include "registry_slots.h"

/* Under the lock: is this client still in this slot? */
static bool holds(const registry_t *registry, uint32_t slot, uint64_t uid)
{
    return slot < registry->head->counts.slots && registry->seen[slot] != 0 &&
           registry->clients[slot].uid == uid;
}

/* Each event has a number; what becomes known without one still moves seq. */
static bool is_further(const announced_t *a, const announced_t *b)
{
    return a->number > b->number || (a->number == b->number && a->seq > b->seq);
}

/* Under the lock, the record not saved yet. */
static void mark_announced(registry_t *registry, uint32_t slot, const announced_t *announced)
{
    client_t *client = &registry->clients[slot];

    if (is_further(announced, &client->announced)) {
        slot_save(registry, &client->announced, sizeof client->announced);
        client->announced = *announced;
        killpoint();
        undo_commit(&registry->head->undo);
    }
}

registry_result_t registry_announced(registry_t *registry, uint32_t slot, uint64_t uid,
                                     const announced_t *announced)
{
    bool found;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    found = holds(registry, slot, uid);
    if (found) {
        mark_announced(registry, slot, announced);
    }
    registry_release(registry);
    return found ? REGISTRY_OK : REGISTRY_ABSENT;
}

registry_result_t registry_set_history(registry_t *registry, uint32_t slot, uint64_t uid,
                                       const history_t *history, uint32_t *revision)
{
    client_t *client = &registry->clients[slot];
    bool found;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    found = holds(registry, slot, uid);
    if (found) {
        bool is_as_judged = registry->revision[slot] == *revision;

        slot_save(registry, &client->history, sizeof client->history);
        killpoint_copy(&client->history, history, sizeof *history);
        slot_raise_revision(registry, slot);
        *revision = is_as_judged ? registry->revision[slot] : *revision;
        undo_commit(&registry->head->undo);
    }
    registry_release(registry);
    return found ? REGISTRY_OK : REGISTRY_ABSENT;
}

/* --- bringing back --- */

static bool was_offline(const client_t *stored)
{
    return (stored->announced.state & ANNOUNCED_OFFLINE) != 0;
}

static int64_t seen_of_stored(const client_t *stored)
{
    if (stored->keepalives == 0) {
        return CLIENT_NEVER_SEEN;
    }
    return was_offline(stored) ? CLIENT_WAS_OFFLINE : CLIENT_RESTORED;
}

/* The first keepalive of the service was not the client's first one. */
static void remark_first(change_t *change, const client_t *stored)
{
    uint32_t gap = change->when > stored->last_seen ? change->when - stored->last_seen : 0;

    if ((change->marks & CHANGE_FIRST) == 0 || stored->keepalives == 0) {
        return;
    }
    change->marks &= (uint8_t)~CHANGE_FIRST;
    if (was_offline(stored)) {
        change->marks |= CHANGE_RETURN;
        change->gap = gap > change->gap ? gap : change->gap;
    }
}

/* What is not known anew is what was known. */
static void inherit_facts(judged_t *facts, const judged_t *stored)
{
    judged_t known = *stored;

    (void)assess_learn(&known, facts);
    *facts = known;
}

/* Make the journal one that goes on behind what was announced. */
static void continue_journal(client_t *client, const client_t *stored, const assess_facts_t *facts)
{
    judged_t known = stored->judged;
    unsigned int i;

    if (was_offline(stored) && client->keepalives > 0) {
        known.vpn_connected = VPS_UNKNOWN; /* as at any return */
    }
    for (i = 0; i < CLIENT_CHANGES && client->changes[i].merged > 0; i++) {
        change_t *change = &client->changes[i];

        change->seq += stored->announced.seq;
        remark_first(change, stored);
        inherit_facts(&change->facts, &known);
        change->conditions |= (uint8_t)assess_conditions(&change->facts, facts);
    }
    client->seq += stored->announced.seq;
    inherit_facts(&client->judged, &known);
}

/* It came back before the store could be read: the stored client with new reports. */
static void adopt(registry_t *registry, uint32_t slot, const client_t *stored)
{
    client_t *client = &registry->clients[slot];
    client_t merged = *client;
    assess_facts_t facts;

    registry_read_facts(registry, &facts, 0, 0);
    continue_journal(&merged, stored, &facts);
    merged.uid = stored->uid;
    merged.first_seen = stored->first_seen;
    merged.keepalives += stored->keepalives;
    merged.announced = stored->announced;
    merged.history = stored->history;
    history_go_on(&merged.history, client->first_seen, &client->history);
    if (merged.last_change == 0) {
        merged.last_change = stored->last_change;
    }
    if (merged.last_seen == 0) {
        merged.last_seen = stored->last_seen;
        merged.report = stored->report;
        merged.observed_ip = stored->observed_ip;
        slot_set_seen(registry, slot, seen_of_stored(stored));
    }
    slot_save(registry, client, sizeof *client);
    killpoint_copy(client, &merged, sizeof merged);
    slot_raise_revision(registry, slot);
    undo_commit(&registry->head->undo);
}

static uint32_t insert_stored(registry_t *registry, const client_t *stored, uint32_t hash)
{
    client_t client = *stored;
    uint32_t slot;

    client.seq = stored->announced.seq;
    slot = slot_insert(registry, &client, hash, seen_of_stored(stored));
    undo_commit(&registry->head->undo);
    return slot;
}

/* Under the lock. */
static registry_result_t restore(registry_t *registry, const client_t *stored, uint32_t *slot)
{
    uint32_t hash = slot_hash(registry, stored->report.client_id);
    const client_t *found;

    *slot = slot_find(registry, stored->report.client_id, hash);
    if (*slot == INDEX_NONE) {
        if (registry->head->counts.clients >= registry->head->capacity) {
            return REGISTRY_FULL;
        }
        *slot = insert_stored(registry, stored, hash);
        return REGISTRY_CREATED;
    }
    found = &registry->clients[*slot];
    if (found->uid == stored->uid) {
        mark_announced(registry, *slot, &stored->announced);
        return REGISTRY_OK;
    }
    if (found->announced.seq > 0) {
        return REGISTRY_ABSENT;
    }
    adopt(registry, *slot, stored);
    return REGISTRY_CREATED;
}

registry_result_t registry_restore(registry_t *registry, const client_t *stored, uint32_t *slot)
{
    registry_result_t result;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    result = restore(registry, stored, slot);
    registry_release(registry);
    return result;
}

registry_result_t registry_remove_stale(registry_t *registry, uint32_t slot, uint64_t uid,
                                        int64_t seen)
{
    bool found;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    found = holds(registry, slot, uid) && registry->seen[slot] == seen;
    if (found) {
        slot_remove(registry, slot);
        undo_commit(&registry->head->undo);
    }
    registry_release(registry);
    return found ? REGISTRY_OK : REGISTRY_ABSENT;
}

void registry_breathe(registry_t *registry, int64_t now, int64_t due)
{
    if (registry_acquire(registry)) {
        registry_note_pause(registry, now);
        registry->head->monitor_due = due;
        registry_release(registry);
    }
}

/* --- when monitors lived --- */

/* Under the lock. */
static void set_gaps(registry_t *registry, const history_gaps_t *gaps)
{
    slot_save(registry, &registry->head->gaps, sizeof registry->head->gaps);
    killpoint_copy(&registry->head->gaps, gaps, sizeof *gaps);
    undo_commit(&registry->head->undo);
}

/*
 * The first look is without the lock: nobody else writes it, and what a killed monitor left half-made
 * will be undone, and be found then.
 */
bool registry_live(registry_t *registry, int64_t wall)
{
    history_gaps_t gaps = registry->head->gaps;

    history_live(&gaps, wall);
    if (memcmp(&gaps, &registry->head->gaps, sizeof gaps) == 0 || !registry_acquire(registry)) {
        return false;
    }
    gaps = registry->head->gaps;
    history_live(&gaps, wall);
    set_gaps(registry, &gaps);
    registry_release(registry);
    return true;
}

registry_result_t registry_join_gaps(registry_t *registry, const history_gaps_t *stored)
{
    history_gaps_t gaps;

    if (!registry_acquire(registry)) {
        return REGISTRY_UNAVAILABLE;
    }
    gaps = registry->head->gaps;
    history_join(&gaps, stored);
    set_gaps(registry, &gaps);
    registry_release(registry);
    return REGISTRY_OK;
}
