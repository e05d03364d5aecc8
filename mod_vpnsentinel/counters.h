/*
 * What has happened how often since the segment was made; read by the metrics and by server-status.
 * Keepalives are counted by the registry, which holds its lock then (registry_keepalives()).
 *
 * POD, in shared memory; zeroed = nothing happened. Any process and thread may call at any time,
 * without a lock, and may be killed at it. Numbers only grow, whichever process dies.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

typedef enum counter_t {
    COUNT_REFUSED_ALLOW_LIST, /* requests to the API that were refused, by the reason */
    COUNT_REFUSED_RATE_LIMIT,
    COUNT_REFUSED_KEY,
    COUNT_REFUSED_NOT_FOUND,
    COUNT_REFUSED_METHOD,
    COUNT_REFUSED_TYPE,
    COUNT_REFUSED_SIZE,
    COUNT_REFUSED_CONTENT, /* malformed, in whatever way */
    COUNT_REFUSED_FULL,    /* a new client, where no more are taken */
    COUNT_SENT,            /* alerts that the chat has, each once, in a digest too */
    COUNT_SEND_FAILED,     /* tries to send alerts that failed, to be repeated */
    COUNT_WEBHOOK_SENT,    /* events that a webhook has, for each webhook */
    COUNT_WEBHOOK_FAILED,  /* tries to send one that failed, to be repeated */
    COUNT_WEBHOOK_DROPPED, /* events that were given up, or removed with their webhook */
    COUNT_MONITOR_STARTS,
    COUNT_MONITOR_LOOPS, /* how often the monitor was awake */
    COUNTERS
} counter_t;

#define COUNT_REFUSED_FIRST COUNT_REFUSED_ALLOW_LIST
#define COUNT_REFUSED_LAST COUNT_REFUSED_FULL

typedef struct counters_t {
    _Atomic uint64_t count[COUNTERS];
} counters_t;

/* number more of what; counters: NULL = there is no segment, nothing is counted. */
void counters_add(counters_t *counters, counter_t what, uint64_t number);

uint64_t counters_get(const counters_t *counters, counter_t what);

/* "allow_list" and so on, of the counters from COUNT_REFUSED_FIRST to COUNT_REFUSED_LAST. */
const char *counters_reason(counter_t refused);

/*
 * Which counter an answer of the API belongs to, by its HTTP status behind the guards; COUNTERS =
 * it refused nothing, or nobody is to blame for it but the server.
 */
counter_t counters_of_status(int status);

#endif
