/*
 * One transaction of announcing: what goes into the store, and what is done with the registry, the
 * ring and the monitor's own memory once it is known to be there. For announce.c only.
 */
#ifndef ANNOUNCE_BATCH_H
#define ANNOUNCE_BATCH_H

#include "announce.h"

typedef enum mark_kind_t {
    MARK_ANNOUNCED, /* the client has been announced so far */
    MARK_REMOVED,   /* the slot is free */
    MARK_FORGOTTEN, /* the client is to be removed, unless it reported meanwhile */
    MARK_SEEN       /* its last_seen is stored */
} mark_kind_t;

/* To be done with a slot after the commit. */
typedef struct mark_t {
    mark_kind_t kind;
    uint32_t slot;
    uint32_t revision; /* as of which the slot was looked at */
    uint64_t uid;      /* of its client, 0 = none */
    int64_t seen;      /* MARK_FORGOTTEN, MARK_SEEN: as in the registry */
    /* MARK_ANNOUNCED */
    bool is_offline;
    bool is_told; /* by an event of its own, or of the server */
    announced_t announced;
} mark_t;

typedef struct batch_t {
    const announce_setup_t *setup;
    int64_t since; /* sec since epoch: when this process began to announce */
    mark_t *mark;  /* malloc'ed */
    size_t marks, mark_room;
    event_t *event; /* malloc'ed */
    size_t events, event_room;
    bool is_broken; /* memory is out: it must not be committed as it is */
    store_result_t result;
} batch_t;

/* Its arrays go with the pool. */
void batch_init(batch_t *batch, const announce_setup_t *setup, apr_pool_t *pool);

void batch_add_mark(batch_t *batch, const mark_t *mark);

/* Puts it into the store, too. */
void batch_add_event(batch_t *batch, const event_t *event);

/*
 * Commit, and do what was marked. Afterwards the batch is empty. Returns false when nothing of it was
 * recorded as far as is known: then it is to be made again from what has been announced.
 */
bool batch_commit(batch_t *batch);

#endif
