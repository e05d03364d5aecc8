/*
 * The shared part of the registry; for the files of the registry only.
 */
#ifndef REGISTRY_HEAD_H
#define REGISTRY_HEAD_H

#include "registry.h"

#define REGISTRY_MAGIC 0x56505352u /* "VPSR" */
#define REGISTRY_LAYOUT 5u /* raise it when a structure in shared memory changes its meaning */

/* The words that change together, saved as one range before a change. */
typedef struct registry_counts_t {
    uint64_t next_uid;  /* of the next registration */
    uint32_t clients;   /* registered now */
    uint32_t slots;     /* handed out so far: all slots at and above are untouched */
    uint32_t free_slot; /* first link of the freed slots, chained through the index's next */
} registry_counts_t;

struct registry_head_t {
    uint32_t magic;
    uint32_t layout;
    uint32_t client_size;  /* sizeof(client_t) */
    uint32_t capacity;     /* slots */
    int64_t started_at;    /* sec since epoch */
    int64_t started;       /* monotonic usec */
    int64_t serving_since; /* monotonic usec; see registry_serving_since(); atomic */
    int64_t last_sign;     /* monotonic usec: newest keepalive of any client */
    uint64_t keepalives;   /* accepted of all clients, ever; atomic */
    int64_t monitor_due;   /* monotonic usec: when the monitor wants to wake; 0 = there is none */
    registry_seed_t seed;
    server_ip_t server_ip; /* what bypasses are recognised by */
    history_gaps_t gaps;   /* when no monitor lived; written by the monitor alone */
    uint32_t stamp;        /* the newest that was given to a slot as its revision */
    uint32_t revision;     /* atomic: the slots have all stamps up to this one */
    uint32_t max_clients;  /* atomic */
    uint32_t buckets;      /* of the index */
    uint32_t is_moved;     /* its content is in another registry */
    registry_counts_t counts;
    undo_t undo;
};

#endif
