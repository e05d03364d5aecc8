/*
 * What interrupts the endless work of "watch": signals and keys, as something that a poll can wait
 * for. One in a process.
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum interrupt_t {
    INTERRUPT_NONE,
    INTERRUPT_REDRAW, /* the window has another size, or is ours again */
    INTERRUPT_PAUSE,  /* Ctrl-Z */
    INTERRUPT_STOP    /* Ctrl-C, SIGTERM, the terminal is gone; the key q */
} interrupt_t;

/*
 * Begin: from now on these signals do nothing but wait in a descriptor, which is returned; -1 with
 * errno. One that is ignored from the start, as nohup does it, stays so. has_keys: standard input is a
 * terminal whose keys are meant for us.
 */
int interrupt_open(bool has_keys);

/* Take what waits, the most important of it. */
interrupt_t interrupt_take(void);

/* Wait for so many ms, or for less when there is something to take. */
void interrupt_wait(int64_t ms);

#endif
