/*
 * Many alerts in one message: what happened and how often, who it is, worst first, and how the
 * fleet is now.
 *
 * Each alert counts in exactly one line: that of its client, or the one that counts whom there was
 * no room to name. Memory is allocated for the time of a call; thread-safe.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include "alert.h"
#include "event.h"
#include "fleet.h"
#include "text.h"

typedef struct digest_t {
    const alert_t *entries; /* in the order of recording */
    size_t count;           /* at least 1 */
    /* Get the whole event; false = it cannot be read: it is counted, not named. */
    bool (*get)(void *ctx, uint64_t message, event_t *out);
    void *ctx;              /* get's */
    int64_t now;            /* sec since epoch */
    uint32_t muted;         /* sec: how long alerts were muted before it, 0 = they were not */
    const census_t *census; /* the fleet now, NULL = not known */
} digest_t;

/* Write it: TEXT_UNITS_MAX units at most, whatever it is. Returns out; NULL when memory is out. */
char *digest_text(char out[TEXT_SIZE], const digest_t *digest, text_form_t form);

/* Is all of it good news? */
bool digest_is_good(const alert_t *entries, size_t count);

#endif
