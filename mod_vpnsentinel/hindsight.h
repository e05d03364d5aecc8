/*
 * The journal of a report (shared/past.h) as the registry judges it: what was so when, before the
 * keepalive that tells it.
 *
 * The clocks of client and server need not agree: how long before the report a change was seen is
 * taken from the client's, and counted back from the server's. Pure, no allocation, thread-safe.
 */
#ifndef HINDSIGHT_H
#define HINDSIGHT_H

#include "client.h"
#include "past.h"

/* What was seen at one time. */
typedef struct hindsight_t {
    int64_t when;    /* sec since epoch */
    judged_t judged; /* what a change does not tell is unknown */
} hindsight_t;

/*
 * Make them of the journal of a report that came at when (sec since epoch). Returns how many; they are
 * in the order of the journal, and none is of a later time than the next or than when. What came and
 * went within a second is two of the same time.
 */
size_t hindsight_make(hindsight_t out[VPS_PAST_MAX], const vps_past_t *past,
                      const vps_record_t *report, int64_t when);

#endif
