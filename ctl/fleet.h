/*
 * All clients of a server, as a list shows them.
 */
#ifndef FLEET_H
#define FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "row.h"

typedef struct fleet_t {
    row_t *rows;
    size_t count, room;
    int64_t now; /* by the server's clock, sec since epoch */
} fleet_t;

/* Add a copy. Returns false when memory is out. */
bool fleet_add(fleet_t *fleet, const row_t *row);

/* Empty again, its memory freed. A zeroed one is fine. */
void fleet_clear(fleet_t *fleet);

/* The worst first, then by id. */
void fleet_sort(fleet_t *fleet);

/* By id, for fleet_compare(). */
void fleet_sort_by_id(fleet_t *fleet);

/*
 * Tell of each client whose light, conditions or address differ between two fleets that are sorted by
 * id: before is NULL for a new one, after for one that is gone.
 */
typedef void (*fleet_tell_t)(void *user, const row_t *before, const row_t *after);
void fleet_compare(const fleet_t *before, const fleet_t *after, fleet_tell_t tell, void *user);

/* How its clients are shown. */
typedef struct fleet_view_t {
    size_t width;  /* columns of a line; 0 = as many as it takes */
    bool is_plain; /* neither colours nor marks */
    bool is_utc;   /* times in full */
} fleet_view_t;

/* Write a table of the first clients, as many as asked for. */
void fleet_write(FILE *out, const fleet_t *fleet, const fleet_view_t *view, size_t rows);

/* "12 clients: 1 red, 2 yellow, 9 green", in one line without its end. */
void fleet_write_census(FILE *out, const fleet_t *fleet, const fleet_view_t *view);

#endif
