#include "recent.h"

#include "clock.h"
#include "config.h"
#include "segment.h"

void recent_begin(recent_t *recent)
{
    const int64_t retention = config_quantity(CONFIG_EVENT_RETENTION);

    recent->oldest = retention > 0 ? (clock_wall() - retention) / CLOCK_SECOND : 0;
    recent->count = 0;
    recent->next = 0;
    recent->begun = false;
    recent->failed = false;
}

static bool read_chunk(recent_t *recent)
{
    registry_t *registry = segment_registry();

    recent->count = 0;
    recent->next = 0;
    if (registry == NULL || !registry_acquire(registry)) {
        return false;
    }
    if (!recent->begun) {
        recent->cursor = event_ring_end(segment_events());
        recent->begun = true;
    }
    while (recent->count < RECENT_CHUNK &&
           event_ring_before(segment_events(), &recent->cursor, &recent->chunk[recent->count])) {
        recent->count++;
    }
    registry_release(registry);
    return true;
}

const event_t *recent_next(recent_t *recent)
{
    const event_t *event;

    do {
        if (recent->next == recent->count) {
            recent->failed = recent->failed || !read_chunk(recent);
            if (recent->failed || recent->count == 0) {
                return NULL;
            }
        }
        event = &recent->chunk[recent->next++];
    } while (event->when < recent->oldest);
    return event;
}
