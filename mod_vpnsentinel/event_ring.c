#include "event_ring.h"

#include <stdatomic.h>

struct event_ring_t {
    uint64_t end; /* how many were ever appended; the next one goes to end % EVENT_RING_ENTRIES */
    event_t entries[EVENT_RING_ENTRIES];
};

size_t event_ring_size(void)
{
    return (sizeof(event_ring_t) + 63u) & ~(size_t)63u;
}

event_ring_t *event_ring_create(void *memory)
{
    return memory;
}

void event_ring_append(event_ring_t *ring, const event_t *event)
{
    ring->entries[ring->end % EVENT_RING_ENTRIES] = *event;
    /* Killed before this: the entry is not there, and what it overwrote was not readable. */
    atomic_thread_fence(memory_order_release);
    ring->end++;
}

uint64_t event_ring_end(const event_ring_t *ring)
{
    return ring->end;
}

uint64_t event_ring_newest(const event_ring_t *ring)
{
    return ring->end > 0 ? ring->entries[(ring->end - 1) % EVENT_RING_ENTRIES].id : 0;
}

bool event_ring_before(const event_ring_t *ring, uint64_t *cursor, event_t *out)
{
    if (*cursor == 0 || *cursor > ring->end || ring->end - *cursor >= EVENT_RING_ENTRIES - 1) {
        return false;
    }
    *cursor -= 1;
    *out = ring->entries[*cursor % EVENT_RING_ENTRIES];
    return true;
}

bool event_ring_has(const event_ring_t *ring, const event_t *event)
{
    uint64_t cursor = event_ring_end(ring);
    event_t found;

    while (event_ring_before(ring, &cursor, &found)) {
        if (found.uid == event->uid && found.number == event->number && found.kind == event->kind) {
            return true;
        }
    }
    return false;
}
