#include "counters.h"

#include <stddef.h>

void counters_add(counters_t *counters, counter_t what, uint64_t number)
{
    if (counters != NULL) {
        atomic_fetch_add_explicit(&counters->count[what], number, memory_order_relaxed);
    }
}

uint64_t counters_get(const counters_t *counters, counter_t what)
{
    return atomic_load_explicit(&counters->count[what], memory_order_relaxed);
}

const char *counters_reason(counter_t refused)
{
    static const char *const reasons[COUNT_REFUSED_LAST + 1] = {
        [COUNT_REFUSED_ALLOW_LIST] = "allow_list",
        [COUNT_REFUSED_RATE_LIMIT] = "rate_limit",
        [COUNT_REFUSED_KEY] = "key",
        [COUNT_REFUSED_NOT_FOUND] = "not_found",
        [COUNT_REFUSED_METHOD] = "method",
        [COUNT_REFUSED_TYPE] = "content_type",
        [COUNT_REFUSED_SIZE] = "size",
        [COUNT_REFUSED_CONTENT] = "content",
        [COUNT_REFUSED_FULL] = "registry_full"};

    return reasons[refused];
}

counter_t counters_of_status(int status)
{
    switch (status) {
    case 404:
        return COUNT_REFUSED_NOT_FOUND;
    case 405:
        return COUNT_REFUSED_METHOD;
    case 413:
        return COUNT_REFUSED_SIZE;
    case 415:
        return COUNT_REFUSED_TYPE;
    default:
        return status >= 400 && status < 500 ? COUNT_REFUSED_CONTENT : COUNTERS;
    }
}
