/*
 * The newest events, in shared memory, for those who read: the API and the dashboard.
 *
 * The monitor alone appends; readers copy. All calls under the registry's lock. The writer may be
 * killed at any instruction: the entry it is writing is the one that nobody may read.
 */
#ifndef EVENT_RING_H
#define EVENT_RING_H

#include "event.h"

#define EVENT_RING_ENTRIES 1024u /* readable is one less */

typedef struct event_ring_t event_ring_t;

size_t event_ring_size(void);                  /* bytes, aligned to 64 */
event_ring_t *event_ring_create(void *memory); /* in zeroed memory; also to find it again */
void event_ring_append(event_ring_t *ring, const event_t *event);
uint64_t event_ring_newest(const event_ring_t *ring); /* id of the newest, 0 = none */

/* Is an event of this identity and kind among those that can be read? Linear. */
bool event_ring_has(const event_ring_t *ring, const event_t *event);

/* How many events were ever appended: the cursor of a reader that begins at the newest. */
uint64_t event_ring_end(const event_ring_t *ring);

/*
 * Step back: copy the event before *cursor and move the cursor to it. Returns false when there is
 * none, or it has been overwritten.
 */
bool event_ring_before(const event_ring_t *ring, uint64_t *cursor, event_t *out);

#endif
