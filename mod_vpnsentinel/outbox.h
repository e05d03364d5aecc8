/*
 * When the next message may be sent: the policy of delivery, without doing it.
 *
 * One message at a time, in order, each until it is accepted. Pure functions; times on the
 * monotonic clock, usec.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "telegram.h"

#define OUTBOX_PACE INT64_C(1000000)       /* usec between two messages to one chat */
#define OUTBOX_RETRY_MIN INT64_C(1000000)  /* usec of the first wait after a failure; doubles */
#define OUTBOX_RETRY_MAX INT64_C(60000000) /* usec */
#define OUTBOX_REFUSED_RETRY INT64_C(300000000) /* usec between tries while refused */

typedef struct outbox_t {
    int64_t not_before;    /* nothing is sent earlier */
    unsigned int failures; /* in a row */
    bool plain;            /* the message at hand goes without HTML */
} outbox_t;

/* Take note of the answer to the message at hand; random: any number, spreads the waits by up to a
 * fifth. Returns true when the message is done with. */
bool outbox_answered(outbox_t *outbox, const telegram_answer_t *answer, int64_t now,
                     uint32_t random);

#endif
