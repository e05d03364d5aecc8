/*
 * A write-ahead undo log in shared memory, for changes made under a lock whose holder may be
 * killed.
 *
 * Before a range of the segment is changed its old bytes are saved here; when the change is
 * complete the log is emptied. Who gets the lock and finds the log not empty undoes the half-made
 * change. Killing a process does not reorder its stores as others see them, so only the compiler
 * has to be held back, and weakly ordered processors: each step ends in a release fence.
 *
 * All calls under the lock. No allocation. Ranges are kept as offsets: processes may map the
 * segment anywhere.
 */
#ifndef UNDO_H
#define UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNDO_SIZE 4096 /* bytes of old content; one change of the registry needs about 1200 */

typedef struct undo_t {
    uint32_t last; /* offset of the newest entry in entries, plus 1; 0 = empty */
    _Alignas(8) uint8_t entries[UNDO_SIZE];
} undo_t;

/*
 * Save size bytes at range, which lies in the segment that starts at base. Returns false, nothing
 * saved, when the log is full: then the range must not be changed.
 */
bool undo_save(undo_t *undo, void *base, const void *range, uint32_t size);

/* Room for count more entries of 4 bytes each? */
bool undo_has_room(const undo_t *undo, uint32_t count);

/* The change is complete: forget the old content. */
void undo_commit(undo_t *undo);

/* Put all old content back, newest first; a kill in between is harmless. Returns true if there was
 * any. */
bool undo_rollback(undo_t *undo, void *base);

#endif
