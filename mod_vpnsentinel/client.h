/*
 * What the registry keeps of one client. POD of fixed size, lives in shared memory.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdint.h>

#include "record.h"

#define CLIENT_CHANGES 4              /* entries of the journal */
#define CLIENT_NEVER_SEEN INT64_C(-1) /* "seen" of a client that never sent a keepalive */

/*
 * The facts that changes are judged by, each the last one that was known. "" and 0 = never known.
 */
typedef struct judged_t {
    vps_addr_t public_ip;
    char place[3];         /* country of the exit, ISO 3166-1 alpha-2 */
    char dns[3];           /* country where DNS comes out, alpha-2 */
    uint8_t vpn_connected; /* vps_answer_t */
} judged_t;

typedef enum change_kind_t {
    CHANGE_NONE = 0,
    CHANGE_ADDRESS, /* another public IP */
    CHANGE_PLACE,   /* another country of the exit */
    CHANGE_DNS,     /* another country of DNS */
    CHANGE_VPN,     /* vpn_connected turned */
    CHANGE_RETURN,  /* a keepalive after a gap beyond the offline threshold */
    CHANGE_FOLDED   /* several older changes that the journal had no room for */
} change_kind_t;

/* What it was or became; the kind tells which member. */
typedef union change_value_t {
    vps_addr_t addr;    /* CHANGE_ADDRESS */
    char country[3];    /* CHANGE_PLACE, CHANGE_DNS */
    uint8_t answer;     /* CHANGE_VPN: vps_answer_t */
    uint8_t seconds[4]; /* CHANGE_RETURN, from: length of the gap, a uint32_t as it is in memory */
} change_value_t;

/* One entry of the journal, or what is left of several. */
typedef struct change_t {
    uint32_t seq;   /* of the (newest) change */
    uint32_t when;  /* sec since epoch, of the (newest) change; good until 2106 */
    uint8_t kind;   /* change_kind_t */
    uint8_t merged; /* how many changes this entry stands for, at most 255 */
    change_value_t from;
    change_value_t to;
} change_t;

typedef struct client_t {
    vps_record_t report;    /* the last one, whole */
    uint64_t uid;           /* new at each registration, never used again; 0 = no client */
    int64_t first_seen;     /* sec since epoch: registered, or first keepalive */
    int64_t last_seen;      /* sec since epoch: last keepalive; 0 = never */
    int64_t last_change;    /* sec since epoch: newest change of a judged fact; 0 = never */
    uint64_t keepalives;    /* accepted since registration */
    uint32_t seq;           /* number of judged changes */
    vps_addr_t observed_ip; /* where the last keepalive came from */
    judged_t judged;        /* the last known facts */
    change_t changes[CLIENT_CHANGES]; /* the newest changes, oldest first, CHANGE_NONE behind */
} client_t;

#endif
