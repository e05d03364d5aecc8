/*
 * What an answer to a webhook's request means, and when to send again: the policy, without doing it.
 *
 * What is temporary, or may be, is tried again after 1, 2, 4 … 60 seconds. What is refused takes
 * somebody to mend it: it is tried again every ten minutes. A receiver that asks for more time gets it.
 * Pure functions.
 */
#ifndef WEBHOOK_RETRY_H
#define WEBHOOK_RETRY_H

#include <stdint.h>

#define WEBHOOK_RETRY_MAX INT64_C(60000000)      /* usec between two tries, at most, … */
#define WEBHOOK_REFUSED_RETRY INT64_C(600000000) /* usec … and when it is refused */
#define WEBHOOK_AGE_MAX INT64_C(259200)          /* sec (3 days) for which an event is tried */
#define WEBHOOK_QUEUE_MAX UINT64_C(10000)        /* events that wait; the oldest go */

typedef enum webhook_verdict_t {
    WEBHOOK_DELIVERED,
    WEBHOOK_LATER,  /* no answer, a redirect, which is not followed, 408, 425, 429, 5xx */
    WEBHOOK_REFUSED /* any other 4xx */
} webhook_verdict_t;

/* status: of HTTP, 0 = there was no answer. */
webhook_verdict_t webhook_verdict(long status);

/*
 * How long to wait before the next try, usec. failures: tries that failed before this one, in a row;
 * retry_after: sec that were asked for, 0 = none; random: any number, makes it up to a fifth longer, so
 * that many servers do not come back as one.
 */
int64_t webhook_wait(webhook_verdict_t verdict, unsigned int failures, int64_t retry_after,
                     uint32_t random);

#endif
