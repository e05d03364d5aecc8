#include "outbox.h"

#include "clock.h"

#define DOUBLINGS_MAX 6 /* then OUTBOX_RETRY_MAX is reached */

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The wait after this many failures in a row, usec. */
static int64_t back_off(unsigned int failures)
{
    const unsigned int doublings = failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX;
    const int64_t wait = OUTBOX_RETRY_MIN << doublings;

    return wait < OUTBOX_RETRY_MAX ? wait : OUTBOX_RETRY_MAX;
}

/* Up to a fifth longer, so that many servers do not come back as one. */
static int64_t spread(int64_t wait, uint32_t random)
{
    return wait + wait / 5 * (random >> 16) / UINT16_MAX;
}

bool outbox_answered(outbox_t *outbox, const telegram_answer_t *answer, int64_t now,
                     uint32_t random)
{
    int64_t wait;

    if (answer->kind == TELEGRAM_OK) {
        *outbox = (outbox_t){.not_before = now + OUTBOX_PACE};
        return true;
    }
    if (answer->kind == TELEGRAM_UNPARSABLE && !outbox->plain) {
        outbox->plain = true;
        outbox->not_before = now;
        return false;
    }
    if (answer->kind == TELEGRAM_LATER) {
        wait = longer(back_off(outbox->failures), answer->retry_after * CLOCK_SECOND);
    } else {
        wait = OUTBOX_REFUSED_RETRY;
    }
    outbox->failures++;
    outbox->not_before = now + spread(wait, random);
    return false;
}
