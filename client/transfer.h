/*
 * Runs one HTTP request at a time, from start to end, on the daemon's only curl_multi. Its waits
 * are like all others (wait.h): a stop ends it at once, even in a name look-up.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stddef.h>

#include "clock.h"
#include "http.h"
#include "wait.h"

#define TRANSFER_REASON_SIZE 384 /* bytes */
#define TRANSFER_OVERTAKEN 1000  /* ms */
#define TRANSFER_HASTE 2500      /* ms for a look that is in a hurry */

/* How a request ended. */
typedef enum transfer_kind_t {
    TRANSFER_OK,           /* 200; what the body says is still to be read */
    TRANSFER_STOPPED,      /* a signal asked the daemon to end */
    TRANSFER_UNREACHABLE,  /* no name, no connection, no answer in time, cut off */
    TRANSFER_TLS,          /* no trusted connection */
    TRANSFER_REDIRECT,     /* 3xx; never followed */
    TRANSFER_UNAUTHORIZED, /* 401 */
    TRANSFER_FORBIDDEN,    /* 403 */
    TRANSFER_LIMITED,      /* 429 */
    TRANSFER_REFUSED,      /* any other 4xx */
    TRANSFER_FAILING,      /* 5xx */
    TRANSFER_FOREIGN /* no HTTP, too long, an odd status; or 200 with a body nobody expected */
} transfer_kind_t;

typedef struct transfer_t {
    CURLM *multi;
    wait_t *wait;
    int64_t
        until; /* of clock_elapsed(): looking around must have ended by then; 0 = it takes its time */
} transfer_t;

/*
 * How much of so many ms is left for looking around; 0 = none. A change of the network in the middle of
 * a look hastens it: another one will follow.
 */
static inline int64_t transfer_left(const transfer_t *transfer, int64_t ms)
{
    const change_watch_t *changes = transfer->wait != NULL ? transfer->wait->changes : NULL;
    int64_t until = transfer->until, left;

    if (until == 0 && changes != NULL && changes->change.kinds != 0) {
        until = changes->change.first + TRANSFER_HASTE;
    }
    left = until - clock_elapsed();
    if (until == 0 || left > ms) {
        return ms;
    }
    return left > 0 ? left : 0;
}

static inline bool transfer_is_hasty(const transfer_t *transfer)
{
    return transfer_left(transfer, INT64_MAX) != INT64_MAX;
}

/* Returns false when memory is out. curl_global_init() must have been called. */
bool transfer_open(transfer_t *out, wait_t *wait);

void transfer_close(transfer_t *transfer);

/* Add a header line to a list. Without memory it stays out, which the other side will tell. */
void transfer_header(struct curl_slist **list, const char *line);

/*
 * Run a request; one without time, timeout_ms 0, fails at once. The caller closes *http in any case, after it has read what it wants. One that has
 * no answer TRANSFER_OVERTAKEN after the network has changed is given up as unreachable: it may wait on
 * a way that is gone, and keep the news of that from being told.
 */
transfer_kind_t transfer_run(transfer_t *transfer, const vps_http_request_t *request,
                             vps_http_t *http);

/* What the answer asked to wait ("Retry-After"), in ms; 0 = nothing said. */
int64_t transfer_retry_after(const vps_http_t *http);

/*
 * Say why a request was not TRANSFER_OK, as part of a sentence: "HTTP 503", "Could not resolve
 * host: …". Secrets are masked (log.h). Returns out.
 */
char *transfer_reason(char out[TRANSFER_REASON_SIZE], transfer_kind_t kind, const vps_http_t *http);

#endif
