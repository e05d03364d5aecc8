/* The daemon's clocks: setting the wall clock changes nothing for them. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND INT64_C(1000) /* ms */
#define CLOCK_MINUTE (60 * CLOCK_SECOND)
#define CLOCK_HOUR (60 * CLOCK_MINUTE)

static inline int64_t clock_read(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * CLOCK_SECOND + ts.tv_nsec / 1000000;
}

/*
 * Milliseconds since this machine was started, those it was suspended included: for the ages of
 * what is known, and for when a round is due. The same for all processes of the machine.
 */
static inline int64_t clock_elapsed(void)
{
    return clock_read(CLOCK_BOOTTIME);
}

/*
 * The same without suspends: for limits of what can only go on while the machine is awake. All
 * timeouts of poll() are of this kind, and systemd's watchdog.
 */
static inline int64_t clock_awake(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

#endif
