/*
 * Moments and spans as people say and write them. Pure, thread-safe.
 */
#ifndef MOMENT_H
#define MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "valid.h"

#define MOMENT_SIZE 32 /* bytes, enough for all that is written here */

/* "3 min", "2 h", "5 days": in the greatest unit alone, as on the dashboard. Returns out. */
char *moment_span(char out[MOMENT_SIZE], int64_t seconds);

/*
 * A moment, sec since epoch: "3 min ago", or as "2025-01-15T12:34:56Z" when is_utc; "never" for 0.
 * One that is still to come by now is "0 s ago", for clocks differ. Returns out.
 */
char *moment_text(char out[MOMENT_SIZE], int64_t when, int64_t now, bool is_utc);

/*
 * Read a moment that people type: as ISO 8601, in seconds since 1970, or how long ago it is by now:
 * "90s", "15m", "2h", "7d", "1w". Returns false, *out untouched, on anything else.
 */
bool moment_parse(int64_t *out, const char *text, int64_t now);

#endif
