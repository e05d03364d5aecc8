/*
 * How long to wait between two rounds. Pure.
 *
 * - Accepted, or refused for good (400, 401, 403, 404 and so on): the rest of the interval.
 * - Too many requests (429): what Retry-After says, at most DELAY_LIMITED_MAX, and up to a tenth
 *   more; without Retry-After the rest of the interval.
 * - The server is away, fails, or is none: back off, which is 1, 2, 4 s and so on, a quarter more or
 *   less by chance, but never longer than the rest of the interval.
 *
 * The interval counts from the start of the round, so that slow rounds do not add up.
 */
#ifndef DELAY_H
#define DELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "transfer.h"

#define DELAY_LIMITED_MAX (10 * CLOCK_MINUTE) /* ms */

typedef struct delay_round_t {
    transfer_kind_t kind; /* how the report ended */
    unsigned failures;    /* rounds in a row that back off, this one included */
    int64_t took;         /* ms from the start of the round to its end */
    int64_t retry_after;  /* ms that the server asked for, 0 = nothing said */
    int64_t interval;     /* ms between two rounds */
    uint32_t random;      /* any number, evenly spread over its range */
} delay_round_t;

/* Is a report that ended so tried again before the interval is over? */
bool delay_backs_off(transfer_kind_t kind);

/* ms from the end of this round to the start of the next. */
int64_t delay_next(const delay_round_t *round);

#endif
