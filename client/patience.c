#include "patience.h"

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool has_changed(const change_t *change)
{
    return change != NULL && change->kinds != 0;
}

bool patience_is_hasty(const patience_t *patience, const change_t *change)
{
    return patience->until != 0 || has_changed(change);
}

int64_t patience_left(const patience_t *patience, const change_t *change, int64_t ms, int64_t now)
{
    int64_t left = ms;

    if (patience->begin != 0) {
        left = min(min(left, PATIENCE_ONE), patience->begin + PATIENCE_LOOK - now);
    }
    if (patience->until != 0) {
        left = min(left, patience->until - now);
    } else if (has_changed(change)) {
        left = min(left, change->first + PATIENCE_HASTE - now);
    }
    return max(left, 0);
}

int64_t patience_for_silence(const patience_t *patience, int64_t start, int64_t now)
{
    return patience->begin != 0 ? max(start + PATIENCE_SILENT - now, 0) : INT64_MAX;
}

bool patience_is_spent(const patience_t *patience, int64_t now)
{
    return patience->begin != 0 && now - patience->begin >= PATIENCE_SILENT_ALL;
}
