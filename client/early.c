#include "early.h"

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The first early round is not bound to one before. */
static int64_t allowed(const early_t *early)
{
    const int64_t apart = early->start != 0 ? early->start + EARLY_APART : 0;

    return max(max(apart, early->hold), early->spent - (EARLY_BURST - 1) * EARLY_STEP);
}

int64_t early_due(const early_t *early, const change_t *change)
{
    int64_t wanted = EARLY_NEVER;

    if (change->kinds != 0) {
        wanted = min(change->last + EARLY_QUIET, change->first + EARLY_LATEST);
    }
    if (early->again != 0) {
        wanted = min(wanted, early->again);
    }
    return wanted != EARLY_NEVER ? max(wanted, allowed(early)) : EARLY_NEVER;
}

bool early_begin(early_t *early, const change_t *change, bool is_early, int64_t now)
{
    const bool is_second = early->again != 0 && now >= early->again;

    if (is_early) {
        early->start = now;
        early->spent = max(early->spent, now) + EARLY_STEP;
    }
    if (change->kinds != 0) {
        early->again = now + EARLY_AGAIN;
    } else if (is_second) {
        early->again = 0;
    }
    return change->kinds != 0 || is_second;
}
