/*
 * Slots of the registry, for the files of the registry only: all calls under the lock. What they
 * change they save first (undo.h); the caller commits.
 */
#ifndef REGISTRY_SLOTS_H
#define REGISTRY_SLOTS_H

#include "registry.h"

uint32_t slot_hash(const registry_t *registry, const char *client_id);

/* The slot of this id, or INDEX_NONE. */
uint32_t slot_find(const registry_t *registry, const char *client_id, uint32_t hash);

/* Save a range before it is changed. */
void slot_save(registry_t *registry, const void *range, uint32_t size);

void slot_set_seen(registry_t *registry, uint32_t slot, int64_t seen);

/* Let the monitor, and whoever asks what changed, look at this slot. */
void slot_raise_revision(registry_t *registry, uint32_t slot);

/* Put a copy of the record into a slot, which there must be room for. Returns it. */
uint32_t slot_insert(registry_t *registry, const client_t *client, uint32_t hash, int64_t seen);

void slot_copy_out(const registry_t *registry, uint32_t slot, client_view_t *out);

void slot_remove(registry_t *registry, uint32_t slot);

/* registry_facts() under the lock. */
void registry_read_facts(const registry_t *registry, assess_facts_t *out, int64_t now,
                         int64_t offline_threshold);

/*
 * Nobody gave a sign of life for a while, and the monitor, which should have, is late: then the
 * whole machine stood still, the silence is not the clients', and deadlines count anew.
 */
void registry_note_pause(registry_t *registry, int64_t now);

#endif
