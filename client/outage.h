/*
 * Something that fails for a while is told once when it starts, once more for each new kind of
 * failure, and once when it is over. Pure; a zeroed outage_t is "all is well".
 */
#ifndef OUTAGE_H
#define OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#define OUTAGE_LENGTH_SIZE 32 /* bytes of "12 d 23 h" with its NUL */

typedef struct outage_t {
    int64_t since;  /* ms, of clock_elapsed(); start of the outage */
    uint32_t kinds; /* bit k: kind k was told in this outage */
    bool lasts;     /* there is an outage */
} outage_t;

/* It failed, in this way (kind: 0 to 31). Returns true when that is news. */
bool outage_fail(outage_t *outage, unsigned kind, int64_t now);

/* Let the next failure be news whatever its kind, because somebody waits for how it goes on. */
void outage_repeat(outage_t *outage);

/* It works. Returns true when an outage ends here, with its length as text in length. */
bool outage_end(outage_t *outage, int64_t now, char length[OUTAGE_LENGTH_SIZE]);

#endif
