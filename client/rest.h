/*
 * When somebody who counts calls may be asked again.
 *
 * After a failure the other side rests: as long as it said, else at first as long as its kind of
 * failure deserves, then twice as long after each one more in a row, up to a limit. What it said
 * counts only once when it turns out to have been too short. Besides, there is a budget that nobody
 * exceeds, whatever happens: REST_BURST calls, and one more each REST_STEP.
 *
 * Pure; a zeroed rest_t may be asked.
 */
#ifndef REST_H
#define REST_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "transfer.h"

/* Not reached, or by somebody else's fault: may be over soon, and costs the other side little. */
#define REST_UNREACHED CLOCK_MINUTE
#define REST_UNREACHED_MAX CLOCK_HOUR

/* The other side does not want to be asked. */
#define REST_REFUSED (15 * CLOCK_MINUTE)
#define REST_REFUSED_MAX (3 * CLOCK_HOUR) /* also of what it says */

#define REST_BURST 12 /* calls */
#define REST_STEP (10 * CLOCK_MINUTE)

/* Instants are those of clock_elapsed(). */
typedef struct rest_t {
    int64_t until;     /* not asked before */
    int64_t spent;     /* when the budget will be whole again */
    unsigned failures; /* in a row */
    bool unreached;    /* the last failure was none of the other side's will */
} rest_t;

/* May it be asked now? */
bool rest_is_over(const rest_t *rest, int64_t now);

/* It is asked now: that costs of the budget. */
void rest_spend(rest_t *rest, int64_t now);

/* It answered in this way, and asked to be left alone for so many ms; 0 = it did not. */
void rest_after(rest_t *rest, transfer_kind_t kind, int64_t asked, int64_t now);

/* The network has changed: whoever was merely not reached may be asked. */
void rest_retry(rest_t *rest);

#endif
