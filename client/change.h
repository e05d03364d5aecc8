/*
 * What of the network has changed that may change the exit, its way or the resolvers. Pure.
 *
 * It is noted here by change_watch.h, and early.h decides when it makes a round.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include <stdint.h>

/* Bits. */
typedef enum change_kind_t {
    CHANGE_ROUTE = 1,          /* a route that is the default's or as wide as a half of all */
    CHANGE_RESOLVER_ROUTE = 2, /* a narrower one, to a resolver */
    CHANGE_RULE = 4,           /* a rule that chooses a table of routes */
    CHANGE_LINK = 8,           /* a link by which such a route leaves, up or down */
    CHANGE_ADDRESS = 16,       /* an address of such a link */
    CHANGE_RESOLVERS = 32,     /* which resolvers the system is configured with */
    CHANGE_UNSEEN = 64         /* there was more than could be read: any of these, maybe */
} change_kind_t;

#define CHANGE_TEXT_SIZE 128 /* bytes of all names with their NUL */

/* Zeroed: nothing has changed. Instants are those of clock_elapsed(). */
typedef struct change_t {
    unsigned kinds; /* of change_kind_t, since the last round began; 0 = nothing */
    int64_t first;  /* ms, of the first of these changes */
    int64_t last;   /* ms, of the last */
} change_t;

/* Changes of these kinds are seen; 0 = none. */
void change_note(change_t *change, unsigned kinds, int64_t now);

/* The names of kinds as people know them: "default route, resolvers". Returns out. */
char *change_format(char out[CHANGE_TEXT_SIZE], unsigned kinds);

#endif
