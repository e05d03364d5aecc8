/*
 * The daemon's decisions: what to do next, when a round is due, and what of a report's end is news.
 * Pure: the clock, chance, the signals and changes of the network are given.
 *
 * A zeroed course_t has done nothing yet, and its first round is due. Then it goes: course_next()
 * says what to do, again and again; a round ends in course_judge() and course_plan().
 *
 * Instants are those of clock_elapsed(), so that a suspend counts: a round that came due in it is
 * due at once.
 */
#ifndef COURSE_H
#define COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "early.h"
#include "outage.h"
#include "signals.h"
#include "transfer.h"

#define COURSE_DOUBT 1000 /* ms until one more look, when it decides */

typedef struct course_t {
    int64_t start;     /* ms; start of the last round that was none of early's */
    int64_t due;       /* ms; start of the next, unless a signal or early wants it earlier */
    early_t early;     /* after a change of the network */
    unsigned failures; /* rounds in a row that backed off */
    outage_t outage;   /* of accepted reports */
} course_t;

typedef enum course_action_t {
    COURSE_WAIT, /* until course_wakes(), a signal or a change */
    COURSE_ROUND,
    COURSE_ROUND_ANEW, /* one that must not count on anything seen in the network before */
    COURSE_RELOAD,
    COURSE_STOP
} course_action_t;

/*
 * What to do now. Takes the commands that it answers from *signals. A reload is followed by a
 * round, whose failure is news again. A round sees *change, which is for the caller to clear then.
 */
course_action_t course_next(course_t *course, signals_t *signals, const change_t *change,
                            int64_t now);

/* When there is something to do again even if nothing happens. */
int64_t course_wakes(const course_t *course, const change_t *change);

/* What there is to tell of a report's end. */
typedef struct course_news_t {
    bool failure;                    /* it failed, in a way not told in this outage */
    bool recovery;                   /* an outage is over */
    char length[OUTAGE_LENGTH_SIZE]; /* of that outage */
} course_news_t;

/* A report ended so; any kind but TRANSFER_STOPPED. */
course_news_t course_judge(course_t *course, transfer_kind_t kind, int64_t now);

/* What the delay hangs on. */
typedef struct course_end_t {
    transfer_kind_t kind; /* how the report ended */
    int64_t retry_after;  /* ms that the server asked for, 0 = nothing said */
    int64_t interval;     /* ms between two rounds */
    uint32_t random;      /* any number, evenly spread over its range */
    bool is_doubtful;     /* what was reported may be wrong by now, as one more look would show */
} course_end_t;

/*
 * The round is over: find out when the next is due. After one in doubt that is soon, unless the server
 * refuses what is sent. An early one leaves the rhythm of the interval as
 * it was; when it fails it is one more failure to back off from.
 */
void course_plan(course_t *course, const course_end_t *end, int64_t now);

#endif
