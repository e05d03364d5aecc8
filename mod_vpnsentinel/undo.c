#include "undo.h"

#include <stdatomic.h>
#include <string.h>

#include "killpoint.h"

#ifdef VPS_TEST_HOOKS
_Thread_local unsigned int killpoint_countdown;
#endif

/* An entry is this, then the old bytes, padded so that the next one is aligned. */
typedef struct entry_t {
    uint64_t offset;   /* of the range in the segment */
    uint32_t size;     /* bytes of the range */
    uint32_t previous; /* as undo_t.last */
} entry_t;

static uint32_t entry_size(uint32_t size)
{
    return (uint32_t)sizeof(entry_t) + ((size + 7u) & ~7u);
}

static entry_t *entry_at(undo_t *undo, uint32_t position)
{
    return (entry_t *)(void *)(undo->entries + position - 1);
}

static uint32_t bytes_used(const undo_t *undo)
{
    const entry_t *entry;

    if (undo->last == 0) {
        return 0;
    }
    entry = (const entry_t *)(const void *)(undo->entries + undo->last - 1);
    return undo->last - 1 + entry_size(entry->size);
}

static void publish(undo_t *undo, uint32_t last)
{
    atomic_thread_fence(memory_order_release);
    *(volatile uint32_t *)&undo->last = last;
    atomic_thread_fence(memory_order_release);
    killpoint();
}

bool undo_save(undo_t *undo, void *base, const void *range, uint32_t size)
{
    uint32_t used = bytes_used(undo);
    entry_t *entry;

    if (size > UNDO_SIZE || used + entry_size(size) > UNDO_SIZE) {
        return false;
    }
    entry = entry_at(undo, used + 1);
    entry->offset = (uint64_t)((const char *)range - (const char *)base);
    entry->size = size;
    entry->previous = undo->last;
    killpoint_copy(entry + 1, range, size);
    publish(undo, used + 1);
    return true;
}

bool undo_has_room(const undo_t *undo, uint32_t count)
{
    return (uint64_t)bytes_used(undo) + (uint64_t)count * entry_size(4) <= UNDO_SIZE;
}

void undo_commit(undo_t *undo)
{
    publish(undo, 0);
}

bool undo_rollback(undo_t *undo, void *base)
{
    uint32_t position;

    if (undo->last == 0) {
        return false;
    }
    for (position = undo->last; position != 0; position = entry_at(undo, position)->previous) {
        entry_t *entry = entry_at(undo, position);

        killpoint_copy((char *)base + entry->offset, entry + 1, entry->size);
    }
    publish(undo, 0);
    return true;
}
