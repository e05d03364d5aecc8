/*
 * Many alerts in one message: what happened and how often, who it is, worst first, and how the fleet
 * is now.
 *
 * Each alert counts in exactly one line: that of its client, or the one that counts whom there was no
 * room to name. Memory is allocated for the time of a call; thread-safe.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include "event.h"
#include "fleet.h"
#include "text.h"

/* An alert, as much of it as is kept in memory. */
typedef struct digest_entry_t {
    uint64_t message; /* by which the whole of it is had */
    uint64_t uid;     /* of the client; 0 = the server */
    uint64_t number;  /* of the events of this uid */
    int64_t when;     /* sec since epoch */
    uint8_t kind;     /* event_kind_t */
    uint8_t repeats;  /* how often the client had that kind shortly before; no matter here */
} digest_entry_t;

typedef struct digest_t {
    const digest_entry_t *entries; /* in the order of recording */
    size_t count;                  /* at least 1 */
    /* Get the whole event; false = it cannot be read: it is counted, not named. */
    bool (*get)(void *ctx, uint64_t message, event_t *out);
    void *ctx;              /* get's */
    int64_t now;            /* sec since epoch */
    uint32_t muted;         /* sec: how long alerts were muted before it, 0 = they were not */
    const census_t *census; /* the fleet now, NULL = not known */
} digest_t;

/* Write it: at most TEXT_UNITS_MAX units, whatever there is. Returns out; NULL when memory is out. */
char *digest_text(char out[TEXT_SIZE], const digest_t *digest, text_form_t form);

/* Is all of it good news? */
bool digest_is_good(const digest_entry_t *entries, size_t count);

#endif
