/*
 * What a digest tells in which order: its alerts in lines, the lines in sections. Internal to
 * digest.c.
 *
 * A client with three alerts or more, some of the same kind, flaps: one line tells all of them, in
 * the section of those that flap. Any other client has a line for each of its kinds, in the section
 * of that kind. The worst section comes first, that of those that flap before the one of the worst
 * kind that they had.
 */
#ifndef DIGEST_PLAN_H
#define DIGEST_PLAN_H

#include "digest.h"

/* An alert, to be grouped: by client, the worst kind first. */
typedef struct item_t {
    uint64_t uid;
    unsigned rank; /* of its kind */
    size_t entry;  /* index in the digest's entries */
} item_t;

/* What one line tells. */
typedef struct line_t {
    unsigned place;      /* of its section: the lowest comes first */
    unsigned rank;       /* of its worst kind */
    bool is_flapping;    /* else it is of one kind */
    const item_t *items; /* what happened to the client */
    size_t count;        /* of them */
    size_t oldest;       /* of their entries, an index */
    size_t newest;       /* the same */
} line_t;

/* Lines of the same kind, or of clients that flap. */
typedef struct section_t {
    const line_t *lines;
    size_t count;  /* of them */
    size_t alerts; /* in all of them */
} section_t;

typedef struct plan_t {
    const digest_t *digest;
    item_t *items; /* one for each entry */
    line_t *lines; /* room for as many */
    size_t line_count;
    size_t section_count;
    size_t alerts[EVENT_KINDS]; /* by rank */
} plan_t;

/* Returns false when memory is out; to be ended in any case. */
bool plan_begin(plan_t *plan, const digest_t *digest);

/* The section that begins with this line, an index into all of them. */
section_t plan_section(const plan_t *plan, size_t first);

/* How many of a line's items, from the first of these on, are of the same kind? */
size_t plan_count_kind(const item_t *items, size_t count);

void plan_end(plan_t *plan);

#endif
