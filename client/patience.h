/*
 * How long a look at the world waits for answers, so that its report goes out in time. Pure.
 *
 * - A request takes PATIENCE_ONE at most, and PATIENCE_LOOK after its begin a look sends no more.
 * - While nothing at all has come in through the tunnel since the look began (pulse.h), each thing that
 *   is asked is given up after PATIENCE_SILENT, and PATIENCE_SILENT_ALL after the begin whoever counts
 *   calls is not asked any more. That is time for a lost packet to be sent again, to two of them at
 *   least, in different ways. A line that is merely slow brings something meanwhile, and has all the
 *   time above.
 * - A look in haste (PATIENCE_HASTE) ends when that is over, whatever is left to ask. So does one in
 *   which the network changes: another one will follow.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "change.h"
#include "clock.h"

#define PATIENCE_ONE (10 * CLOCK_SECOND)
#define PATIENCE_LOOK (20 * CLOCK_SECOND)
#define PATIENCE_SILENT 2500
#define PATIENCE_SILENT_ALL 4000
#define PATIENCE_HASTE 2500

/* Zeroed: no look is on, and nothing is in a hurry. Instants are those of clock_elapsed(). */
typedef struct patience_t {
    int64_t begin; /* of the look; 0 = none is on */
    int64_t until; /* in haste until then; 0 = not */
} patience_t;

/* How much of so many ms is left for what begins now; 0 = none. Of changes NULL is as good as none. */
int64_t patience_left(const patience_t *patience, const change_t *change, int64_t ms, int64_t now);

bool patience_is_hasty(const patience_t *patience, const change_t *change);

/* ms until what began at start is given up if it is silent; 0 = now, INT64_MAX = it is not. */
int64_t patience_for_silence(const patience_t *patience, int64_t start, int64_t now);

/* If the look has been silent so far, is it over for those who count calls? */
bool patience_is_spent(const patience_t *patience, int64_t now);

#endif
