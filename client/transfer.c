#include "transfer.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "version.h"

#define WAIT_MS 1000 /* ms; libcurl wakes up earlier for its own timers */

bool transfer_open(transfer_t *out, wait_t *wait)
{
    memset(out, 0, sizeof(*out));
    out->wait = wait;
    out->multi = curl_multi_init();
    return out->multi != NULL;
}

void transfer_close(transfer_t *transfer)
{
    curl_multi_cleanup(transfer->multi);
}

void transfer_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer != NULL) {
        *list = longer;
    }
}

/* --- time for a look --- */

static const change_t *change_of(const transfer_t *transfer)
{
    return transfer->wait->changes != NULL ? &transfer->wait->changes->change : NULL;
}

void transfer_look_begins(transfer_t *transfer)
{
    transfer->patience.begin = clock_elapsed();
    pulse_begin(&transfer->pulse);
}

void transfer_look_ends(transfer_t *transfer)
{
    transfer->patience.begin = 0;
}

int64_t transfer_left(const transfer_t *transfer, int64_t ms)
{
    return patience_left(&transfer->patience, change_of(transfer), ms, clock_elapsed());
}

bool transfer_is_hasty(const transfer_t *transfer)
{
    return patience_is_hasty(&transfer->patience, change_of(transfer));
}

bool transfer_is_silent(transfer_t *transfer)
{
    return patience_is_spent(&transfer->patience, clock_elapsed()) &&
           !pulse_beats(&transfer->pulse);
}

/* --- requests --- */

/* Has the only transfer ended? Then its result is in *result. */
static bool ended(CURLM *multi, CURLcode *result)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);

    if (message == NULL || message->msg != CURLMSG_DONE) {
        return false;
    }
    *result = message->data.result;
    return true;
}

/* Poll for so many ms at most. Returns false when libcurl cannot. */
static bool poll_once(transfer_t *transfer, int64_t ms)
{
    struct pollfd watched[WAIT_FDS];
    struct curl_waitfd extra[WAIT_FDS];
    const size_t count = wait_fds(transfer->wait, watched);

    for (size_t i = 0; i < count; i++) {
        extra[i] = (struct curl_waitfd){.fd = watched[i].fd, .events = CURL_WAIT_POLLIN};
    }
    return curl_multi_poll(transfer->multi, extra, (unsigned)count,
                           (int)wait_timeout(transfer->wait, ms), NULL) == CURLM_OK;
}

/*
 * Has the network changed since a request began, and time passed since? Of the changes in a round
 * only the first counts, so that no more than one of its requests is given up.
 */
static bool is_overtaken(const transfer_t *transfer, int64_t start)
{
    const change_watch_t *changes = transfer->wait->changes;

    return changes != NULL && changes->change.kinds != 0 && changes->change.first >= start &&
           clock_elapsed() >= changes->change.first + TRANSFER_OVERTAKEN;
}

/* ms until a request that began at start is given up because the tunnel is silent; 0 = now. */
static int64_t time_for_silence(transfer_t *transfer, int64_t start)
{
    const int64_t ms = patience_for_silence(&transfer->patience, start, clock_elapsed());

    return ms == 0 && pulse_beats(&transfer->pulse) ? INT64_MAX : ms;
}

/*
 * Returns CURLE_ABORTED_BY_CALLBACK when a signal asks to stop, CURLE_INTERFACE_FAILED when the
 * network has changed.
 */
static CURLcode drive(transfer_t *transfer)
{
    const int64_t start = clock_elapsed();
    CURLcode result = CURLE_OK;
    int64_t left;
    int running;

    for (;;) {
        if (!wait_attend(transfer->wait)) {
            return CURLE_ABORTED_BY_CALLBACK;
        }
        if (curl_multi_perform(transfer->multi, &running) != CURLM_OK) {
            return CURLE_OUT_OF_MEMORY;
        }
        if (ended(transfer->multi, &result)) {
            return result;
        }
        if (is_overtaken(transfer, start)) {
            return CURLE_INTERFACE_FAILED;
        }
        left = time_for_silence(transfer, start);
        if (left == 0) {
            return CURLE_OPERATION_TIMEDOUT;
        }
        if (!poll_once(transfer, left < WAIT_MS ? left : WAIT_MS)) {
            return CURLE_OUT_OF_MEMORY;
        }
    }
}

static transfer_kind_t kind_of_status(long status)
{
    switch (status) {
    case 200:
        return TRANSFER_OK;
    case 401:
        return TRANSFER_UNAUTHORIZED;
    case 403:
        return TRANSFER_FORBIDDEN;
    case 429:
        return TRANSFER_LIMITED;
    default:
        break;
    }
    if (status >= 300 && status < 400) {
        return TRANSFER_REDIRECT;
    }
    if (status >= 400 && status < 500) {
        return TRANSFER_REFUSED;
    }
    return status >= 500 && status < 600 ? TRANSFER_FAILING : TRANSFER_FOREIGN;
}

static transfer_kind_t kind_of_error(CURLcode error)
{
    switch (error) {
    case CURLE_ABORTED_BY_CALLBACK:
        return TRANSFER_STOPPED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return TRANSFER_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is no HTTP counts as HTTP/0.9 */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
        return TRANSFER_FOREIGN;
    default:
        return TRANSFER_UNREACHABLE;
    }
}

/* libcurl leaves the text empty for some errors, and its word for an overlong answer misleads. */
static void complete_error(vps_http_t *http, CURLcode error)
{
    if (error == CURLE_WRITE_ERROR) {
        snprintf(http->error, sizeof(http->error), "the answer is too long");
    } else if (error == CURLE_INTERFACE_FAILED) {
        snprintf(http->error, sizeof(http->error), "the network has changed");
    } else if (http->error[0] == '\0') {
        snprintf(http->error, sizeof(http->error), "%s", curl_easy_strerror(error));
    }
}

transfer_kind_t transfer_run(transfer_t *transfer, const vps_http_request_t *request,
                             vps_http_t *http)
{
    CURLcode result = CURLE_OUT_OF_MEMORY;

    if (request->timeout_ms <= 0) { /* which libcurl would take for no limit */
        memset(http, 0, sizeof(*http));
        complete_error(http, CURLE_OPERATION_TIMEDOUT);
        return TRANSFER_UNREACHABLE;
    }
    if (!vps_http_open(http, request, VERSION_PRODUCT)) {
        complete_error(http, result);
        return TRANSFER_UNREACHABLE;
    }
    /* A connection or an address kept from an earlier round may belong to a tunnel that is gone. */
    curl_easy_setopt(http->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(http->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    if (curl_multi_add_handle(transfer->multi, http->easy) == CURLM_OK) {
        result = drive(transfer);
        curl_multi_remove_handle(transfer->multi, http->easy);
    }
    if (result == CURLE_OK) {
        http->error[0] = '\0'; /* may tell of an address that was tried in vain before */
        return kind_of_status(vps_http_status(http));
    }
    complete_error(http, result);
    return kind_of_error(result);
}

int64_t transfer_retry_after(const vps_http_t *http)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds < 0) {
        return 0;
    }
    /* Beyond a day it makes no difference, and the product must not overflow. */
    return (int64_t)(seconds < 86400 ? seconds : 86400) * CLOCK_SECOND;
}

/* Without its query, which may hold whatever the redirecting side likes to remember. */
static void redirect_reason(char out[TRANSFER_REASON_SIZE], const vps_http_t *http)
{
    const char *target = NULL;
    char shown[TRANSFER_REASON_SIZE - 32]; /* leaves room for the words around it */

    curl_easy_getinfo(http->easy, CURLINFO_REDIRECT_URL, &target);
    if (target == NULL) {
        target = "nowhere";
    }
    log_mask(shown, sizeof(shown), target);
    shown[strcspn(shown, "?#")] = '\0';
    snprintf(out, TRANSFER_REASON_SIZE, "HTTP %ld to %s", vps_http_status(http), shown);
}

char *transfer_reason(char out[TRANSFER_REASON_SIZE], transfer_kind_t kind, const vps_http_t *http)
{
    if (http->error[0] != '\0') {
        log_mask(out, TRANSFER_REASON_SIZE, http->error);
    } else if (kind == TRANSFER_REDIRECT) {
        redirect_reason(out, http);
    } else {
        snprintf(out, TRANSFER_REASON_SIZE, "HTTP %ld", vps_http_status(http));
    }
    return out;
}
