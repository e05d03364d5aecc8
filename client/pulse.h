/*
 * Does anything come in through the tunnel? Any packet, of anybody's traffic: the kernel counts them.
 */
#ifndef PULSE_H
#define PULSE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/* A zeroed one beats. */
typedef struct pulse_t {
    char tunnel[IF_NAMESIZE]; /* "" = there is nothing to listen to any more */
    uint32_t packets;         /* that had come in when it began */
} pulse_t;

/* Listen from now on, to the tunnel by which traffic leaves. */
void pulse_begin(pulse_t *out);

/* Has something come in since? True also where there is no such tunnel, or the kernel does not tell. */
bool pulse_beats(pulse_t *pulse);

#endif
