/*
 * Gets the clients of a server.
 */
#ifndef FETCH_H
#define FETCH_H

#include <stdbool.h>

#include "ask.h"
#include "fleet.h"

/* What is wanted, and what is done with it beside being added to the fleet. */
typedef struct fetch_t {
    const char *status; /* "online", "offline"; NULL = both */
    int light;          /* light_t; -1 = all */
    /* Look at each that is wanted, with its JSON. NULL = add it to the fleet instead. */
    void (*look)(void *user, const row_t *row, json_object *client);
    void *user; /* for look() */
} fetch_t;

/* Fill an empty fleet, in the server's order. Returns whether that is all of it: see answer. */
bool fetch_fleet(fleet_t *fleet, asker_t *asker, ask_answer_t *answer, const fetch_t *wanted);

#endif
