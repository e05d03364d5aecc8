/*
 * Runs the health script: a program of the user's whose exit status says whether the VPN is up.
 *
 * It is started as it is (no shell, no arguments) in a process group of its own, with /dev/null as
 * its input, no other descriptors, all signals as by default, and our environment without our
 * secrets. What it writes goes to the debug log, up to SCRIPT_OUTPUT_MAX. Nothing of it remains:
 * when it ends, takes too long, or we are to stop, the whole group is killed; what the script has
 * put into a session of its own is its own business. Nobody waits for such a process, nor for who
 * else holds its output open.
 *
 * The daemon has no other children.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <sys/types.h>

#include "clock.h"
#include "wait.h"

#define SCRIPT_LIMIT (10 * CLOCK_SECOND) /* ms it may take */
#define SCRIPT_OUTPUT_MAX 4096           /* bytes of its output that are logged */

/* A zeroed one has run nothing yet. */
typedef struct script_t {
    pid_t stuck; /* killed, but the kernel has not let go of it yet; 0 = none */
} script_t;

typedef enum script_kind_t {
    SCRIPT_EXITED,     /* detail: its exit status */
    SCRIPT_KILLED,     /* by a signal, not ours; detail: its number */
    SCRIPT_UNRUNNABLE, /* detail: errno */
    SCRIPT_LATE,       /* over its limit */
    SCRIPT_STUCK,      /* not started: the last one cannot be killed */
    SCRIPT_STOPPED     /* a signal asks the daemon to end */
} script_kind_t;

typedef struct script_end_t {
    script_kind_t kind;
    int detail;
} script_end_t;

/* Run the program at path to its end, its limit or ours. */
script_end_t script_run(script_t *script, const char *path, wait_t *wait);

#endif
