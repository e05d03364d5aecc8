/*
 * Runs one HTTP request at a time, from start to end, on the daemon's only curl_multi. Its waits
 * are like all others (wait.h): a stop ends it at once, even in a name look-up.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"
#include "patience.h"
#include "pulse.h"
#include "wait.h"

#define TRANSFER_REASON_SIZE 384 /* bytes */
#define TRANSFER_OVERTAKEN 1000  /* ms */

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
    patience_t patience;
    pulse_t pulse; /* since the look began */
} transfer_t;

/* Returns false when memory is out. curl_global_init() must have been called. */
bool transfer_open(transfer_t *out, wait_t *wait);

void transfer_close(transfer_t *transfer);

/* --- time for a look (patience.h) --- */

/* A look begins, or is over: then requests take the time that they are given. */
void transfer_look_begins(transfer_t *transfer);
void transfer_look_ends(transfer_t *transfer);

/* How much of so many ms is left for something that begins now; 0 = none. */
int64_t transfer_left(const transfer_t *transfer, int64_t ms);

bool transfer_is_hasty(const transfer_t *transfer);

/* Has nothing come in through the tunnel for so long that whoever counts calls is not to be asked? */
bool transfer_is_silent(transfer_t *transfer);

/* --- requests --- */

/* Add a header line to a list. Without memory it stays out, which the other side will tell. */
void transfer_header(struct curl_slist **list, const char *line);

/*
 * Run a request; one without time, timeout_ms 0, fails at once. The caller closes *http in any
 * case, after it has read what it wants. One that has no answer TRANSFER_OVERTAKEN after the network
 * has changed is given up as unreachable: it may wait on a way that is gone, and keep the news of that
 * from being told. So is one of a look through a tunnel that is silent.
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
