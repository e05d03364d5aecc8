/*
 * The daemon's journal: what has changed since the last report that the server accepted, and when it
 * was seen. The next report takes it along.
 *
 * Bounded: when it is full, the oldest change that a later one of the same fact follows is forgotten.
 * Pure: the clock is given. Instants are those of clock_elapsed(). A zeroed one knows nothing.
 */
#ifndef CLIENT_JOURNAL_H
#define CLIENT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "past.h"

typedef struct journal_t {
    vps_record_t known; /* each fact as it was seen last; what is not known replaces nothing */
    vps_past_t past;    /* at: ms */
    unsigned changes;   /* counts what happens to it, for who keeps a copy */
} journal_t;

/* This was seen, by a look that ended at now. */
void journal_note(journal_t *journal, const vps_record_t *seen, int64_t now);

/*
 * What a report has to take along, that was made of a look which ended at now: what was seen before
 * that, as the report's own clock counts (sec since epoch).
 */
void journal_fill(vps_past_t *out, const journal_t *journal, const vps_record_t *report,
                  int64_t now);

/* The server has all of it. */
void journal_told(journal_t *journal);

#endif
