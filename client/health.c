#include "health.h"

bool health_is_ready(const health_t *health, int64_t now)
{
    return health->accepted > 0 && health->accepted <= now &&
           now - health->accepted < HEALTH_INTERVALS * health->interval;
}

bool health_is_alive(const health_t *health, int64_t now)
{
    return now <= health->promise;
}
