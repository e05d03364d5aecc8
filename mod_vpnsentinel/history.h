/*
 * Which lights a client had in the last 24 hours: 96 cells of a quarter of an hour, each with the
 * worst light in it. And in which of these quarters the server did not look.
 *
 * A history is written at changes only: what is behind its newest cell is the light that lasts. A
 * wall clock that jumps does no harm: back, and what was noted stays, as far as it is less than 24 h
 * off; forward, and the quarters that were jumped are gaps of the server.
 * Pure functions on POD, no allocation, thread-safe; the caller holds the lock where there is one.
 * Times are seconds since epoch; what is before 1970 or beyond the year 30,000 is moved there.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "light.h"

#define HISTORY_CELLS 96u
#define HISTORY_CELL_SECONDS 900

/* Of one client; all zero = nothing yet. */
typedef struct history_t {
    uint32_t quarter : 30; /* of the newest cell: quarter hours since epoch; 0 = none yet */
    uint32_t light : 2;    /* light_t that lasts since then */
    uint32_t cells[6];     /* 2 bits each, the worst light_t; that of quarter q at q % 96 */
} history_t;

/* Of the server: quarters in which no monitor lived; all zero = none ever lived. */
typedef struct history_gaps_t {
    uint32_t quarter; /* the newest in which one lived, 0 = none; whatever is behind is a gap */
    uint32_t gaps[3]; /* a bit each, 1 = a gap; that of quarter q at q % 96 */
} history_gaps_t;

/*
 * It is this light from when on. The cells between have the light that lasted until then,
 * that of when the worst of both. In an empty history everything before is grey. Of a time before
 * the newest cell, its own cell and the newest have it, too; more than 24 h before it, the history
 * begins anew.
 */
void history_set(history_t *history, int64_t when, light_t light);

/*
 * As is heard of later, it was this light as well from this time until that (which is not part of
 * it; an instant when not behind from). What lasts now stays so. Nothing happens to an empty history.
 */
void history_note(history_t *history, int64_t from, int64_t until, light_t light);

/* What another history has of the time since then is so here, too, and goes on as it does there. */
void history_go_on(history_t *history, int64_t since, const history_t *newer);

/* A monitor lives at this time. The quarters since it was heard of last are gaps. */
void history_live(history_gaps_t *gaps, int64_t when);

/* A monitor lived in these quarters, too. */
void history_join(history_gaps_t *gaps, const history_gaps_t *others);

/*
 * For readers: the cells of the 24 hours up to now, oldest first; 0 = no data, else light_t + 1. No
 * data is of gaps and of what is before first_seen. The cell of now has now_light, as judged now, in it.
 */
void history_read(uint8_t out[HISTORY_CELLS], const history_t *history, const history_gaps_t *gaps,
                  uint32_t first_seen, int64_t now, light_t now_light);

/* Is it one that these functions could have made? */
bool history_is_valid(const history_t *history);
bool history_gaps_are_valid(const history_gaps_t *gaps);

/*
 * As a text for the store: "" for an empty one, else newest quarter, light, cells oldest first:
 * "1944444 0 000…3300"; of gaps: quarter and 96 times 0 or 1. Returns out. Parsing takes exactly what
 * formatting gives; else it returns false, and *out is empty.
 */
#define HISTORY_TEXT_SIZE 128
const char *history_format(char out[HISTORY_TEXT_SIZE], const history_t *history);
bool history_parse(history_t *out, const char *text);
const char *history_gaps_format(char out[HISTORY_TEXT_SIZE], const history_gaps_t *gaps);
bool history_gaps_parse(history_gaps_t *out, const char *text);

#endif
