/*
 * An alert that waits to be delivered: as much of its event as it takes to decide when and how.
 */
#ifndef ALERT_H
#define ALERT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct alert_t {
    uint64_t message; /* id in the store, in order of recording */
    uint64_t uid;     /* of the client, 0 = the server; with number the event's identity */
    uint64_t number;
    int64_t when;    /* sec since epoch: when it happened */
    uint8_t kind;    /* event_kind_t */
    uint8_t repeats; /* earlier events of this client and kind within OUTBOX_FLAP_WINDOW */
    bool is_taken;   /* by outbox_plan(): it goes into the next message */
} alert_t;

#endif
