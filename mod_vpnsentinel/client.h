/*
 * What the registry keeps of one client. POD of fixed size, lives in shared memory.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdint.h>

#include "history.h"
#include "record.h"

#define CLIENT_CHANGES 4              /* entries of the journal */
#define CLIENT_NEVER_SEEN INT64_C(-1) /* "seen" of a client that never sent a keepalive */
/* "seen" of one that was offline when the service started, and is until it reports. */
#define CLIENT_WAS_OFFLINE INT64_C(-2)
/* "seen" of any other that the store brought back: as if seen at the start of service. */
#define CLIENT_RESTORED INT64_C(1)

/*
 * The facts that changes are judged by, each the last one that was known. "" and 0 = never known.
 * There are six of them in a client, so they are kept small; compared as bytes, so they have no gaps.
 */
typedef struct judged_t {
    vps_addr_t public_ip;
    char place[3];               /* country of the exit, ISO 3166-1 alpha-2 */
    char dns[3];                 /* country where DNS comes out, alpha-2 */
    uint8_t vpn_connected;       /* vps_answer_t */
    uint8_t dns_verdict : 3;     /* vps_dns_verdict_t; unknown = the countries are compared */
    uint8_t ipv6_verdict : 2;    /* vps_ipv6_verdict_t */
    uint8_t is_servers_ipv6 : 2; /* vps_answer_t: is its public_ip6 the server's own address? */
    uint8_t unused : 1;          /* 0 */
} judged_t;

/* What a keepalive was besides a report of facts. */
typedef enum change_mark_t {
    CHANGE_FIRST = 1 << 0,  /* the first one since registration */
    CHANGE_RETURN = 1 << 1, /* the first one after the client was offline */
    CHANGE_PAST = 1 << 2    /* no keepalive of its own: a later one told of it */
} change_mark_t;

/*
 * One entry of the journal: a keepalive that changed what is known, or what is left of several. Of
 * is_servers_ipv6 it has what it said itself: the server may have another address since older answers.
 */
typedef struct change_t {
    uint32_t seq;       /* of the (newest) change; entries follow each other without a gap */
    uint32_t when;      /* sec since epoch, of the (newest) change; good until 2106 */
    uint32_t gap;       /* sec: length of the (longest) silence before a return */
    uint8_t marks;      /* change_mark_t, or-ed over all */
    uint8_t conditions; /* condition_t (assess.h), or-ed over all: what a folded one went through */
    uint8_t merged;     /* how many changes this entry stands for, at most 255; 0 = no entry */
    judged_t facts;     /* what was known after it */
} change_t;

typedef enum announced_state_t {
    ANNOUNCED_FIRST = 1 << 0,   /* its first keepalive */
    ANNOUNCED_OFFLINE = 1 << 1, /* each of these: told, and its end not yet */
    ANNOUNCED_LEAK = 1 << 2,
    ANNOUNCED_BYPASS = 1 << 3,
    ANNOUNCED_DOWN = 1 << 4,
    ANNOUNCED_IPV6_LEAK = 1 << 5
} announced_state_t;

/* What has been announced of a client; written by the monitor alone. */
typedef struct announced_t {
    uint32_t seq;        /* of the newest change that it covers */
    uint32_t number;     /* events of this client so far: the next one is number + 1 */
    uint32_t down_since; /* sec since epoch, while ANNOUNCED_DOWN */
    uint32_t leak_since; /* the same of each, 0 = not known */
    uint32_t ipv6_leak_since;
    uint32_t bypass_since;
    judged_t facts; /* as of seq */
    uint8_t state;  /* announced_state_t, or-ed */
} announced_t;

typedef struct client_t {
    vps_record_t report;    /* the last one, whole */
    uint64_t uid;           /* new at each registration, never used again; 0 = no client */
    uint32_t first_seen;    /* sec since epoch: registered, or first keepalive; good until 2106 */
    uint32_t last_seen;     /* sec since epoch: last keepalive; 0 = never */
    uint32_t last_change;   /* sec since epoch: newest change of a fact, or return; 0 = never */
    uint32_t keepalives;    /* accepted since registration */
    uint32_t seq;           /* number of changes */
    vps_addr_t observed_ip; /* where the last keepalive came from */
    judged_t judged;        /* the last known facts */
    announced_t announced;  /* how far the monitor has come */
    history_t history;      /* its lights of 24 h; written by the monitor alone */
    change_t changes[CLIENT_CHANGES]; /* the newest changes, oldest first, merged = 0 behind */
} client_t;

#endif
