#include "outage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

bool outage_fail(outage_t *outage, unsigned kind, int64_t now)
{
    uint32_t bit = UINT32_C(1) << kind;
    bool news = (outage->kinds & bit) == 0;

    if (!outage->lasts) {
        outage->since = now;
    }
    outage->lasts = true;
    outage->kinds |= bit;
    return news;
}

void outage_repeat(outage_t *outage)
{
    outage->kinds = 0;
}

/* The two largest units are enough for people. */
static void format_length(char out[OUTAGE_LENGTH_SIZE], int64_t ms)
{
    int64_t s = ms / CLOCK_SECOND;

    if (s < 60) {
        snprintf(out, OUTAGE_LENGTH_SIZE, "%" PRId64 " s", s);
    } else if (s < 3600) {
        snprintf(out, OUTAGE_LENGTH_SIZE, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    } else if (s < 86400) {
        snprintf(out, OUTAGE_LENGTH_SIZE, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    } else {
        snprintf(out, OUTAGE_LENGTH_SIZE, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
    }
}

bool outage_end(outage_t *outage, int64_t now, char length[OUTAGE_LENGTH_SIZE])
{
    bool was = outage->lasts;

    if (was) {
        format_length(length, now - outage->since);
    }
    memset(outage, 0, sizeof(*outage));
    return was;
}
