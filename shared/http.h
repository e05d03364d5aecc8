/*
 * Prepares libcurl handles so that every outgoing request obeys the same rules: http and https
 * only, no redirects (a key must not travel to an address nobody configured), no signals, verified
 * peers unless told otherwise, bounded time, bounded answer, prompt end of a pending name look-up.
 * It runs nothing: the caller drives the handle with its own curl_multi.
 *
 * curl_global_init() must have been called in this process. Not thread-safe for one vps_http_t.
 */
#ifndef VPS_HTTP_H
#define VPS_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#define VPS_HTTP_CONNECT_MS 10000L /* ms for name look-up, connection and TLS, when not less */

/* Whom to trust as the other side, and who we are there. Files are PEM. */
typedef struct vps_http_tls_t {
    const char *ca_file;   /* these CAs and no others; NULL = the system's */
    const char *cert_file; /* certificate of ours, NULL = none */
    const char *key_file;  /* its key, without a passphrase; NULL = in cert_file */
    bool insecure;         /* trust anybody */
} vps_http_tls_t;

/*
 * What to ask. Texts are copied by libcurl but for body, which must live until the transfer ends.
 */
typedef struct vps_http_request_t {
    const char *url;           /* absolute, http or https */
    struct curl_slist *header; /* extra header lines or NULL; the caller's, outlives the transfer */
    const char *body;          /* NULL = GET, else POST of body_size bytes */
    size_t body_size;          /* bytes */
    long timeout_ms;           /* for the whole transfer */
    size_t answer_max;         /* bytes of answer body; a longer one fails with CURLE_WRITE_ERROR */
    const char *proxy; /* URL, "" = none; NULL = what the environment says (libcurl's way) */
    const vps_http_tls_t *tls;     /* NULL = the system's CAs, no certificate of ours */
    struct curl_slist *connect_to; /* CURLOPT_CONNECT_TO or NULL; the caller's, as header */
} vps_http_request_t;

/* A prepared transfer and what came back. */
typedef struct vps_http_t {
    CURL *easy;
    char *answer;       /* body so far, NUL-terminated, NULL before the first byte */
    size_t answer_size; /* bytes without the NUL */
    size_t answer_max;  /* bytes */
    char error[CURL_ERROR_SIZE];
} vps_http_t;

/*
 * Prepare *http for a request; user_agent is "name/version". Returns false when memory is out; then
 * nothing needs closing. CURLOPT_PRIVATE of the handle is http itself.
 */
bool vps_http_open(vps_http_t *http, const vps_http_request_t *request, const char *user_agent);

/* Free handle and answer. The handle must have left its multi. A zeroed *http is fine. */
void vps_http_close(vps_http_t *http);

/* The status of the answer, 0 before there is one. */
long vps_http_status(const vps_http_t *http);

#endif
