/*
 * The monitor's outgoing HTTP requests: any number at once, on one curl_multi; it is the only place
 * that waits.
 *
 * In the monitor process only, from one thread. curl_global_init() must have been called.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "apr_pools.h"

#include "http.h"

#define TRANSFER_REASON_SIZE 200 /* bytes with the NUL */

typedef struct transfers_t transfers_t;

/* How a request ended. Valid during the completion only. */
typedef struct transfer_answer_t {
    long status;         /* of HTTP; 0 = there was no answer, or not all of it */
    long begun;          /* with status 0: that of an answer that broke off, 0 = there was none */
    const char *body;    /* NUL-terminated, "" when there is none */
    size_t size;         /* bytes of it */
    int64_t retry_after; /* sec that the answer asked to wait, at most a day; 0 = nothing said */
    char reason[TRANSFER_REASON_SIZE]; /* when it is not 200: in words, secrets masked, ASCII */
} transfer_answer_t;

/* Called once for each request that transfers_start() took, out of transfers_wait(). It may start
 * another one. */
typedef void transfer_done_t(void *ctx, const transfer_answer_t *answer);

/* proxy: URL or NULL. NULL when memory is out. */
transfers_t *transfers_open(const char *proxy, apr_pool_t *pool);

/* Give up what still runs, without its completion, and close; never waits. */
void transfers_close(transfers_t *transfers);

/*
 * Begin a request. Its body and its header list are copied. secret: a text that must appear in no
 * reason (part of the URL), or NULL; it lives as long as the request. Returns false when it could
 * not begin; then done is not called.
 */
bool transfers_start(transfers_t *transfers, const vps_http_request_t *request, const char *secret,
                     transfer_done_t *done, void *ctx);

/*
 * Run what is under way until something may have happened: a completion (already called then),
 * wake_fd readable, or the time is over (usec, not negative). Returns true when wake_fd is readable.
 */
bool transfers_wait(transfers_t *transfers, int wake_fd, int64_t timeout);

#endif
