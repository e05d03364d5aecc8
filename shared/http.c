#include "http.h"

#include <stdlib.h>
#include <string.h>

/* libcurl's write callback: append to the answer; anything but size tells libcurl to give up. */
static size_t keep_answer(char *data, size_t unit, size_t size, void *user)
{
    vps_http_t *http = user;
    char *grown;

    (void)unit; /* always 1 */
    if (size > http->answer_max - http->answer_size) {
        return 0;
    }
    grown = realloc(http->answer, http->answer_size + size + 1);
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + http->answer_size, data, size);
    http->answer = grown;
    http->answer_size += size;
    http->answer[http->answer_size] = '\0';
    return size;
}

static CURLcode set_rules(CURL *easy, long timeout_ms)
{
    long connect_ms = timeout_ms < VPS_HTTP_CONNECT_MS ? timeout_ms : VPS_HTTP_CONNECT_MS;
    CURLcode failed = CURLE_OK;

    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it, closing a handle waits for the resolver's thread as long as that hangs. */
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    return failed;
}

static CURLcode set_request(CURL *easy, const vps_http_request_t *request, const char *user_agent)
{
    CURLcode failed = CURLE_OK;

    failed |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->header);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECT_TO, request->connect_to);
    if (request->body != NULL) {
        failed |=
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
    return failed;
}

/* Whoever says which proxy is not asked for exceptions from the environment either. */
static CURLcode set_proxy(CURL *easy, const char *proxy)
{
    CURLcode failed = CURLE_OK;

    if (proxy != NULL) {
        failed |= curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
        failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    }
    return failed;
}

static CURLcode set_tls(CURL *easy, const vps_http_tls_t *tls)
{
    CURLcode failed = CURLE_OK;

    if (tls == NULL) {
        return CURLE_OK;
    }
    if (tls->ca_file != NULL) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file);
        /* Else the system's folder would count beside it. */
        failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        /* Else a file that was replaced would count only after a day. */
        failed |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
    if (tls->cert_file != NULL) {
        failed |= curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file);
        failed |= curl_easy_setopt(easy, CURLOPT_SSLKEY,
                                   tls->key_file != NULL ? tls->key_file : tls->cert_file);
        /* Else OpenSSL would ask the terminal for one, and wait. */
        failed |= curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
    }
    if (tls->insecure) {
        failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return failed;
}

static CURLcode set_answer(vps_http_t *http)
{
    CURLcode failed = CURLE_OK;

    failed |= curl_easy_setopt(http->easy, CURLOPT_WRITEFUNCTION, keep_answer);
    failed |= curl_easy_setopt(http->easy, CURLOPT_WRITEDATA, http);
    failed |= curl_easy_setopt(http->easy, CURLOPT_PRIVATE, http);
    failed |= curl_easy_setopt(http->easy, CURLOPT_ERRORBUFFER, http->error);
    return failed;
}

bool vps_http_open(vps_http_t *http, const vps_http_request_t *request, const char *user_agent)
{
    memset(http, 0, sizeof(*http));
    http->answer_max = request->answer_max;
    http->easy = curl_easy_init();
    if (http->easy == NULL) {
        return false;
    }
    if (set_rules(http->easy, request->timeout_ms) != CURLE_OK ||
        set_request(http->easy, request, user_agent) != CURLE_OK ||
        set_proxy(http->easy, request->proxy) != CURLE_OK ||
        set_tls(http->easy, request->tls) != CURLE_OK || set_answer(http) != CURLE_OK) {
        vps_http_close(http);
        return false;
    }
    return true;
}

void vps_http_close(vps_http_t *http)
{
    curl_easy_cleanup(http->easy);
    free(http->answer);
    memset(http, 0, sizeof(*http));
}

long vps_http_status(const vps_http_t *http)
{
    long status = 0;

    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}
