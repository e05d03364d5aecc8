#include "health.h"

#include <time.h>

#include "clock.h"

int64_t health_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * CLOCK_SECOND + ts.tv_nsec / 1000000;
}

bool health_is_ready(const health_t *health, int64_t now)
{
    return health->accepted > 0 && health->accepted <= now &&
           now - health->accepted < HEALTH_INTERVALS * health->interval;
}

bool health_is_alive(const health_t *health, int64_t now)
{
    return now <= health->promise;
}
