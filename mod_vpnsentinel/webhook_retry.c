#include "webhook_retry.h"

#include "clock.h"

#define DOUBLINGS_MAX 6u /* 64 s is beyond the maximum */

webhook_verdict_t webhook_verdict(long status)
{
    if (status >= 200 && status < 300) {
        return WEBHOOK_DELIVERED;
    }
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429
               ? WEBHOOK_REFUSED
               : WEBHOOK_LATER;
}

static int64_t back_off(unsigned int failures)
{
    const int64_t wait = CLOCK_SECOND << (failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX);

    return wait < WEBHOOK_RETRY_MAX ? wait : WEBHOOK_RETRY_MAX;
}

int64_t webhook_wait(webhook_verdict_t verdict, unsigned int failures, int64_t retry_after,
                     uint32_t random)
{
    int64_t wait = verdict == WEBHOOK_REFUSED ? WEBHOOK_REFUSED_RETRY : back_off(failures);

    if (wait < retry_after * CLOCK_SECOND) {
        wait = retry_after * CLOCK_SECOND;
    }
    return wait + wait / 5 * (random >> 16) / UINT16_MAX;
}
