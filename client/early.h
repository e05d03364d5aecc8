/*
 * When a change of the network makes a round before the interval does. Pure: the clock is given.
 *
 * - When nothing more has changed for EARLY_QUIET, at the latest EARLY_LATEST after the first change:
 *   who sets up a tunnel changes routes one after the other.
 * - Once more EARLY_AGAIN after a round that began with a change: right after one, what is asked may
 *   not answer yet, or answer by the old way.
 * - Not more often than each EARLY_APART; and EARLY_BURST of them at once, then one each EARLY_STEP,
 *   which is never more than ten in a minute. A tunnel that flaps must not flood server and look-up
 *   services, whose limits (30 a minute and less) other clients behind the same exit share; and what
 *   it last came to is still told within EARLY_STEP.
 * - Not before the instant that the server asked to wait until.
 */
#ifndef EARLY_H
#define EARLY_H

#include <stdbool.h>
#include <stdint.h>

#include "change.h"
#include "clock.h"

#define EARLY_QUIET 300
#define EARLY_LATEST CLOCK_SECOND
#define EARLY_AGAIN (3 * CLOCK_SECOND)
#define EARLY_APART (2 * CLOCK_SECOND)
#define EARLY_BURST 6
#define EARLY_STEP (15 * CLOCK_SECOND)
#define EARLY_NEVER INT64_MAX

/* Zeroed: there was none yet. Instants are those of clock_elapsed(). */
typedef struct early_t {
    int64_t again; /* when to look once more; 0 = not */
    int64_t start; /* of the last early round */
    int64_t spent; /* when the burst will be whole again */
    int64_t hold;  /* none before this */
} early_t;

/* When an early round is due; EARLY_NEVER = none is. */
int64_t early_due(const early_t *early, const change_t *change);

/*
 * A round begins, early or not, that will see this change. Returns whether it is to look at
 * everything anew, because of this change or once more after an earlier one.
 */
bool early_begin(early_t *early, const change_t *change, bool is_early, int64_t now);

#endif
