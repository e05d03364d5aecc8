/*
 * What every wait of the daemon watches beside what it waits for: signals, what vitals.h has to
 * answer, and changes of the network. So a stop ends any wait at once, a health check is answered and
 * a change is heard in the middle of any.
 *
 * Most waits are wait_poll(). One that must use a poll of its own polls wait_fds() too, no longer
 * than wait_timeout(), and calls wait_attend() after it.
 */
#ifndef WAIT_H
#define WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change_watch.h"
#include "signals.h"
#include "vitals.h"

#define WAIT_FDS (1 + VITALS_FDS + CHANGE_WATCH_FDS)
#define WAIT_OWN_MAX 40 /* descriptors that one wait_poll() may be for */

typedef struct wait_t {
    signals_t signals;
    vitals_t *vitals;        /* NULL = nobody is told of this process */
    change_watch_t *changes; /* NULL = the network is not watched */
} wait_t;

/* Without vitals and changes. Call before any thread exists. False: errno says why. */
bool wait_open(wait_t *out);

void wait_close(wait_t *wait);

/* Fill what is to be polled for; returns how many. */
size_t wait_fds(const wait_t *wait, struct pollfd out[WAIT_FDS]);

/* ms that a poll may last, at most limit. */
int64_t wait_timeout(const wait_t *wait, int64_t limit);

/* Do what is due, without blocking. Returns false when a signal asked to stop. */
bool wait_attend(wait_t *wait);

/*
 * Poll own (count <= WAIT_OWN_MAX; revents are filled) until one of them is ready, until the instant
 * until of clock_elapsed(), or until something else has happened: call it in a loop. Returns false
 * when a signal asked to stop.
 */
bool wait_poll(wait_t *wait, struct pollfd *own, size_t count, int64_t until);

#endif
