/*
 * Both clocks of clock.h, set ahead in a test that has no time to wait; else they go slowly, so that
 * a machine that does not come to a test for seconds does not let time pass in it. time() stays as it
 * is.
 */
#ifndef CLOCK_AHEAD_H
#define CLOCK_AHEAD_H

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static int64_t clock_ahead; /* sec */

#define CLOCK_AHEAD_SLOWER 100 /* times */
#define CLOCK_AHEAD_NSEC INT64_C(1000000000)
#define CLOCK_AHEAD_CLOCKS 16

/* Called instead of the C library's, by libraries too. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
    static int64_t began[CLOCK_AHEAD_CLOCKS]; /* nsec, by clock */
    const int result = (int)syscall(SYS_clock_gettime, clock, ts);
    int64_t now = (int64_t)ts->tv_sec * CLOCK_AHEAD_NSEC + ts->tv_nsec;

    if (result == 0 && clock >= 0 && clock < CLOCK_AHEAD_CLOCKS) {
        if (began[clock] == 0) {
            began[clock] = now;
        }
        now = began[clock] + (now - began[clock]) / CLOCK_AHEAD_SLOWER;
        ts->tv_sec = (time_t)(now / CLOCK_AHEAD_NSEC + clock_ahead);
        ts->tv_nsec = (long)(now % CLOCK_AHEAD_NSEC);
    }
    return result;
}

static inline int64_t wall_seconds(void)
{
    return clock_wall() / CLOCK_SECOND;
}

#endif
