/*
 * What a daemon knows about its own health, and what follows from it. Pure but for health_now().
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
    int64_t accepted; /* ms, of health_now(): the last accepted report; 0 = none yet */
    int64_t interval; /* ms between two rounds */
    int64_t promise;  /* ms, monotonic: by then the loop does something else */
    bool started;
} health_t;

/*
 * Milliseconds since the machine's start, in which a suspend counts: after one, the last report is
 * as old as it looks from outside. The same for all processes of the machine.
 */
int64_t health_now(void);

/* now is health_now()'s. An instant in the future is none. */
bool health_is_ready(const health_t *health, int64_t now);

/* now is clock_monotonic()'s. */
bool health_is_alive(const health_t *health, int64_t now);

#endif
