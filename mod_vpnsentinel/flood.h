/*
 * A limit for lines of the log that strangers can cause: so many a second, in all processes
 * together. Those beyond it are counted.
 *
 * POD, in shared memory; zeroed = nothing written yet. Any process and thread may call at any time,
 * without a lock, and may be killed at it.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FLOOD_LIMIT 20u /* lines a second */

typedef struct flood_t {
    _Atomic uint64_t window;   /* high half: second of the monotonic clock; low: lines in it */
    _Atomic uint32_t left_out; /* lines since the last one that was told their number */
} flood_t;

/*
 * May a line be written now (monotonic sec)? Then *left_out is how many could not be before it, as
 * far as nobody has been told yet; else it is 0.
 */
bool flood_admits(flood_t *flood, int64_t now_sec, uint32_t *left_out);

#endif
