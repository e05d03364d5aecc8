/*
 * Signals as commands: TERM and INT stop, HUP reloads, USR1 reports at once.
 *
 * They are blocked and arrive at a descriptor that is polled together with the sockets, so that no
 * wait misses one and nothing runs in a signal handler. The end of a child (CHLD) commands nothing,
 * but ends a wait too.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

typedef struct signals_t {
    int fd;      /* readable when a signal waits */
    bool stop;   /* stays set */
    bool reload; /* set until the reader clears it */
    bool report; /* set until the reader clears it */
} signals_t;

/*
 * Block the signals and open the descriptor; call before any thread exists. False: errno says why.
 */
bool signals_open(signals_t *out);

void signals_close(signals_t *signals);

/* Take the signals that wait, without blocking, and set what they command. */
void signals_read(signals_t *signals);

#endif
