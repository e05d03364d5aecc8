#include "transfer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

#include "clock.h"
#include "secret.h"

#define USER_AGENT "mod_vpnsentinel/" VPS_VERSION
#define RETRY_AFTER_MAX 86400 /* sec; beyond a day it makes no difference */

/* A request under way. */
typedef struct transfer_t {
    vps_http_t http; /* the first member: CURLOPT_PRIVATE of its handle is both */
    struct curl_slist *header;
    const char *secret; /* or NULL */
    transfer_done_t *done;
    void *ctx;
    struct transfer_t *next;
} transfer_t;

struct transfers_t {
    CURLM *multi;
    const char *proxy; /* URL, "" = none */
    transfer_t *first; /* of those under way */
};

transfers_t *transfers_open(const char *proxy, apr_pool_t *pool)
{
    transfers_t *transfers = apr_pcalloc(pool, sizeof(*transfers));

    transfers->proxy = proxy != NULL ? apr_pstrdup(pool, proxy) : "";
    transfers->multi = curl_multi_init();
    return transfers->multi != NULL ? transfers : NULL;
}

/* --- a request --- */

static void destroy(transfer_t *transfer)
{
    vps_http_close(&transfer->http);
    curl_slist_free_all(transfer->header);
    free(transfer);
}

/* Take it off the list and out of libcurl's hands. */
static void detach(transfers_t *transfers, transfer_t *transfer)
{
    transfer_t **link = &transfers->first;

    while (*link != transfer) {
        link = &(*link)->next;
    }
    *link = transfer->next;
    curl_multi_remove_handle(transfers->multi, transfer->http.easy);
}

void transfers_close(transfers_t *transfers)
{
    while (transfers->first != NULL) {
        transfer_t *transfer = transfers->first;

        detach(transfers, transfer);
        destroy(transfer);
    }
    curl_multi_cleanup(transfers->multi);
}

static bool copy_header(struct curl_slist **out, const struct curl_slist *from)
{
    for (; from != NULL; from = from->next) {
        struct curl_slist *longer = curl_slist_append(*out, from->data);

        if (longer == NULL) {
            return false;
        }
        *out = longer;
    }
    return true;
}

/* Prepare its handle, with copies of what the caller keeps. */
static bool prepare(transfer_t *transfer, const char *proxy, const vps_http_request_t *request)
{
    vps_http_request_t copy = *request;

    if (!copy_header(&transfer->header, request->header)) {
        return false;
    }
    copy.header = transfer->header;
    copy.proxy = proxy;
    if (!vps_http_open(&transfer->http, &copy, USER_AGENT)) {
        return false;
    }
    return request->body == NULL ||
           curl_easy_setopt(transfer->http.easy, CURLOPT_COPYPOSTFIELDS, request->body) == CURLE_OK;
}

bool transfers_start(transfers_t *transfers, const vps_http_request_t *request, const char *secret,
                     transfer_done_t *done, void *ctx)
{
    transfer_t *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL) {
        return false;
    }
    transfer->secret = secret;
    transfer->done = done;
    transfer->ctx = ctx;
    if (!prepare(transfer, transfers->proxy, request) ||
        curl_multi_add_handle(transfers->multi, transfer->http.easy) != CURLM_OK) {
        destroy(transfer);
        return false;
    }
    transfer->next = transfers->first;
    transfers->first = transfer;
    return true;
}

/* --- its answer --- */

/* A header of the answer that is a number, -1 = none. */
static long number_of_header(CURL *easy, const char *name)
{
    struct curl_header *header;
    char *end;
    long number;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return -1;
    }
    number = strtol(header->value, &end, 10);
    return end != header->value && *end == '\0' && number >= 0 ? number : -1;
}

/* "Retry-After", or ip-api.com's way: no requests left (X-Rl) for some seconds (X-Ttl). */
static int64_t retry_after(CURL *easy)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0 && number_of_header(easy, "X-Rl") == 0) {
        seconds = number_of_header(easy, "X-Ttl");
    }
    if (seconds < 0) {
        return 0;
    }
    return seconds < RETRY_AFTER_MAX ? seconds : RETRY_AFTER_MAX;
}

/* libcurl's own text, but where it misleads, or counts milliseconds: then no two would be alike. */
static const char *text_of_error(const vps_http_t *http, CURLcode error)
{
    if (error == CURLE_WRITE_ERROR) {
        return "the answer is too long";
    }
    if (error == CURLE_OPERATION_TIMEDOUT || error == CURLE_COULDNT_CONNECT ||
        http->error[0] == '\0') {
        return curl_easy_strerror(error);
    }
    return http->error;
}

static void to_ascii(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            *text = '?';
        }
    }
}

static void explain(char out[TRANSFER_REASON_SIZE], const transfer_t *transfer, CURLcode error)
{
    char text[CURL_ERROR_SIZE];

    snprintf(text, sizeof(text), "%s", text_of_error(&transfer->http, error));
    to_ascii(secret_mask(text, transfer->secret));
    snprintf(out, TRANSFER_REASON_SIZE, "%.*s", TRANSFER_REASON_SIZE - 1, text);
}

static transfer_answer_t read_answer(const transfer_t *transfer, CURLcode result)
{
    const vps_http_t *http = &transfer->http;
    transfer_answer_t answer = {.body = ""};

    if (result != CURLE_OK) {
        explain(answer.reason, transfer, result);
        answer.begun = vps_http_status(http);
        return answer;
    }
    answer.status = vps_http_status(http);
    answer.retry_after = retry_after(http->easy);
    if (http->answer != NULL) {
        answer.body = http->answer;
        answer.size = http->answer_size;
    }
    if (answer.status != 200) {
        snprintf(answer.reason, sizeof(answer.reason), "HTTP %ld", answer.status);
    }
    return answer;
}

/* --- the loop --- */

/* Tell about one that has ended; false = there is none. */
static bool finish_one(transfers_t *transfers)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(transfers->multi, &left);
    transfer_answer_t answer;
    transfer_t *transfer;
    char *owner = NULL;

    if (message == NULL) {
        return false;
    }
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    transfer = (transfer_t *)owner;
    answer = read_answer(transfer, message->data.result);
    detach(transfers, transfer); /* ends the life of message */
    transfer->done(transfer->ctx, &answer);
    destroy(transfer);
    return true;
}

static int milliseconds_until(int64_t deadline)
{
    const int64_t usec = deadline - clock_monotonic();

    if (usec <= 0) {
        return 0;
    }
    return usec / 1000 < INT_MAX ? (int)(usec / 1000) + 1 : INT_MAX;
}

bool transfers_wait(transfers_t *transfers, int wake_fd, int64_t timeout)
{
    const int64_t now = clock_monotonic();
    const int64_t deadline = timeout < INT64_MAX - now ? now + timeout : INT64_MAX;

    for (;;) {
        struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
        int running, wait;

        curl_multi_perform(transfers->multi, &running);
        wait = finish_one(transfers) ? 0 : milliseconds_until(deadline);
        if (curl_multi_poll(transfers->multi, &wake, 1, wait, NULL) != CURLM_OK ||
            wake.revents != 0 || wait == 0) {
            return wake.revents != 0;
        }
    }
}
