/*
 * How the monitor and what it looks after are: written by the monitor (and by the parent when it
 * died), read by status, health and dashboard. In shared memory, under the registry's lock.
 */
#ifndef VITALS_H
#define VITALS_H

#include <stdbool.h>
#include <stdint.h>

#define VITALS_ERROR_SIZE 200 /* bytes with the NUL */
#define VITALS_GRACE                                                                               \
    INT64_C(5000000) /* usec that a monitor may be late before it counts as hanging */

#define WEBHOOKS_MAX 8u        /* that can be configured */
#define WEBHOOK_HOST_SIZE 64   /* bytes with the NUL; a longer name is cut off */
#define WEBHOOK_ERROR_SIZE 120 /* bytes with the NUL */

typedef enum store_state_t {
    STORE_UNKNOWN, /* not opened yet */
    STORE_OFF,     /* VPNSentinelStateDir none */
    STORE_OK,
    STORE_DEGRADED /* the disk cannot be used: the monitor works from memory */
} store_state_t;

/* Of one webhook. */
typedef struct webhook_vitals_t {
    uint64_t destination; /* its number, see webhook_target.h */
    uint64_t queued;      /* events not delivered yet */
    int64_t oldest;       /* sec since epoch: when the oldest of them was recorded */
    int64_t last_success; /* sec since epoch: newest delivery; 0 = never */
    char host[WEBHOOK_HOST_SIZE];
    char error[WEBHOOK_ERROR_SIZE]; /* newest since the last success, in words, "" = none */
} webhook_vitals_t;

typedef struct vitals_t {
    int32_t pid;           /* of the monitor, 0 = none */
    bool loaded;           /* what the store kept is in the registry, or nothing was */
    bool start_told;       /* the event of the server's start is recorded */
    bool telegram_enabled; /* alerts are sent */
    uint8_t store_state;   /* store_state_t */
    int64_t last_run;      /* sec since epoch: newest look at all clients; 0 = never */
    int64_t due;           /* monotonic usec: when the monitor wants to wake next */
    uint64_t queued;       /* messages not delivered yet */
    int64_t oldest;        /* sec since epoch: when the oldest of them was recorded */
    int64_t muted_until;   /* sec since epoch: alerts are held back until then; 0 = they are not */
    int64_t last_success;  /* sec since epoch: newest delivery; 0 = never */
    bool is_mute_kept;     /* for the next monitor: no disk knows the mute */
    int64_t mute_since;    /* with is_mute_kept: mute_t's */
    int64_t mute_until;
    char store_error[VITALS_ERROR_SIZE];    /* newest, in words, "" = none; never a secret */
    char telegram_error[VITALS_ERROR_SIZE]; /* newest since the last success */
    char bot_error[VITALS_ERROR_SIZE];      /* why nobody can be heard; the same */
    uint32_t webhooks;                      /* how many there are */
    webhook_vitals_t webhook[WEBHOOKS_MAX]; /* in the order of the configuration */
} vitals_t;

/* Does the monitor run, as of now (monotonic usec)? */
static inline bool vitals_is_running(const vitals_t *vitals, int64_t now)
{
    return vitals->pid != 0 && now < vitals->due + VITALS_GRACE;
}

#endif
