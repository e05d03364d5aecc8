#include "flood.h"

/* Take a place in the window; a later second opens a new one. */
static bool take_place(flood_t *flood, uint64_t now)
{
    uint64_t window = atomic_load(&flood->window);
    uint64_t wanted;

    do {
        /* A process that read the clock before another opened a later second counts with that. */
        if (now > window >> 32) {
            wanted = now << 32 | 1;
        } else if ((uint32_t)window < FLOOD_LIMIT) {
            wanted = window + 1;
        } else {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&flood->window, &window, wanted));
    return true;
}

bool flood_admits(flood_t *flood, int64_t now_sec, uint32_t *left_out)
{
    bool admitted = take_place(flood, (uint32_t)now_sec);

    if (admitted) {
        *left_out = atomic_exchange(&flood->left_out, 0);
    } else {
        *left_out = 0;
        atomic_fetch_add(&flood->left_out, 1);
    }
    return admitted;
}
