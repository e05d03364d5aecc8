#include "hindsight.h"

#include "assess.h"

/* When a change was seen by the server's clock, but not before the one that is told before it. */
static int64_t when_of(const vps_change_t *change, const vps_record_t *report, int64_t when,
                       int64_t earliest)
{
    const int64_t reported = report->timestamp != 0 ? report->timestamp : when;
    const int64_t age = change->at < reported ? reported - change->at : 0;
    const int64_t seen = age < when ? when - age : 0;

    return seen > earliest ? seen : earliest;
}

size_t hindsight_make(hindsight_t out[VPS_PAST_MAX], const vps_past_t *past,
                      const vps_record_t *report, int64_t when)
{
    vps_record_t seen = {0}; /* of one time */
    unsigned facts = 0;      /* bits of vps_fact_t: in it */
    int64_t before = 0;
    size_t count = 0;

    for (size_t i = 0; i < past->count; i++) {
        const int64_t at = when_of(&past->changes[i], report, when, before);
        const unsigned fact = 1U << past->changes[i].fact;

        if (count == 0 || at != before || (facts & fact) != 0) { /* within a second, too */
            seen = (vps_record_t){0};
            facts = 0;
            out[count++].when = at;
        }
        facts |= fact;
        vps_change_apply(&seen, &past->changes[i]);
        assess_judged(&out[count - 1].judged, &seen);
        before = at;
    }
    return count;
}
