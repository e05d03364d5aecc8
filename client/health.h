/*
 * What a daemon knows about its own health, and what follows from it. Pure: the clock is given.
 *
 * Ready: the server accepted a report within HEALTH_INTERVALS intervals. Alive: the loop is where
 * it said it would be; a loop that overstays its own promise hangs. Started: a first round has
 * ended, however it ended.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_INTERVALS 3

typedef struct health_t {
    int64_t accepted; /* ms, of clock_elapsed(): the last accepted report; 0 = none yet */
    int64_t interval; /* ms between two rounds */
    int64_t promise;  /* ms, of clock_awake(): by then the loop does something else */
    bool started;
} health_t;

/*
 * now is clock_elapsed()'s: after a suspend, the last report is as old as it looks from outside. An
 * instant in the future is none.
 */
bool health_is_ready(const health_t *health, int64_t now);

/* now is clock_awake()'s: in a suspend the loop does not move, but does not hang either. */
bool health_is_alive(const health_t *health, int64_t now);

#endif
