/*
 * Places where a test may kill the process, to prove that the registry survives it.
 *
 * Only with VPS_TEST_HOOKS defined (t/unit/registry.c, t/kill.t); otherwise nothing of this exists.
 */
#ifndef KILLPOINT_H
#define KILLPOINT_H

#include <string.h>

#ifdef VPS_TEST_HOOKS

#include <signal.h>

#define KILLPOINT_GRAIN 128 /* bytes copied between two points */

/* Die at the n-th point from now; 0 = live. Per thread; defined in undo.c. */
extern _Thread_local unsigned int killpoint_countdown;

static inline void killpoint(void)
{
    if (killpoint_countdown > 0 && --killpoint_countdown == 0) {
        raise(SIGKILL);
    }
}

static inline void killpoint_copy(void *to, const void *from, size_t size)
{
    size_t done, part;

    for (done = 0; done < size; done += part) {
        part = size - done < KILLPOINT_GRAIN ? size - done : KILLPOINT_GRAIN;
        memcpy((char *)to + done, (const char *)from + done, part);
        killpoint();
    }
}

#else

#define killpoint() ((void)0)
#define killpoint_copy(to, from, size) ((void)memcpy(to, from, size))

#endif

#endif
