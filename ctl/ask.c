#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "api_json.h"
#include "version.h"

#define URL_SIZE (2 * OPTIONS_URL_SIZE + 512)
#define HEADER_SIZE (OPTIONS_SECRET_SIZE + 16)
#define WHEN_MAX INT64_C(253402300799) /* sec since epoch: the last of year 9999 */
#define WAIT_MS 1000                   /* ms; libcurl wakes up earlier for its own timers */

bool asker_open(asker_t *out, const settings_t *settings)
{
    *out = (asker_t){.settings = settings, .multi = curl_multi_init(), .stop_fd = -1};
    return out->multi != NULL;
}

void asker_close(asker_t *asker)
{
    curl_multi_cleanup(asker->multi);
}

/* --- what comes back --- */

/* Where the body of an answer goes: a list to split, all else to text. */
typedef struct body_t {
    CURL *easy;
    split_t *split; /* NULL = no list */
    char *text;     /* ASK_ANSWER_MAX bytes at most */
    size_t size;    /* bytes of text */
} body_t;

static bool keep_text(body_t *body, const char *data, size_t size)
{
    char *grown;

    if (size > ASK_ANSWER_MAX - body->size) {
        return false;
    }
    grown = realloc(body->text, body->size + size);
    if (grown == NULL) {
        return false;
    }
    memcpy(grown + body->size, data, size);
    body->text = grown;
    body->size += size;
    return true;
}

/* libcurl's write callback: anything but size tells libcurl to give up. */
static size_t take_body(char *data, size_t unit, size_t size, void *user)
{
    body_t *body = user;
    long status = 0;
    bool taken;

    (void)unit; /* always 1 */
    curl_easy_getinfo(body->easy, CURLINFO_RESPONSE_CODE, &status);
    taken = status == 200 && body->split != NULL ? split_feed(body->split, data, size)
                                                 : keep_text(body, data, size);
    return taken ? size : 0;
}

/* --- running --- */

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

/* Returns CURLE_ABORTED_BY_CALLBACK when it is to stop. */
static CURLcode drive(const asker_t *asker)
{
    struct curl_waitfd stop = {.fd = asker->stop_fd, .events = CURL_WAIT_POLLIN};
    CURLcode result = CURLE_OK;
    int running;

    for (;;) {
        if (curl_multi_perform(asker->multi, &running) != CURLM_OK) {
            return CURLE_OUT_OF_MEMORY;
        }
        if (ended(asker->multi, &result)) {
            return result;
        }
        if (curl_multi_poll(asker->multi, &stop, asker->stop_fd >= 0 ? 1 : 0, WAIT_MS, NULL) !=
            CURLM_OK) {
            return CURLE_OUT_OF_MEMORY;
        }
        if (stop.revents != 0) {
            return CURLE_ABORTED_BY_CALLBACK;
        }
    }
}

static CURLcode set_question(CURL *easy, const char *method, long silence, body_t *body)
{
    CURLcode failed = CURLE_OK;

    if (strcmp(method, "GET") != 0) {
        failed |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
    failed |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, silence);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    return failed;
}

static CURLcode run(const asker_t *asker, vps_http_t *http, const vps_http_request_t *request,
                    const char *method, body_t *body)
{
    CURLcode result = CURLE_OUT_OF_MEMORY;

    if (!vps_http_open(http, request, VERSION_PRODUCT)) {
        return CURLE_OUT_OF_MEMORY;
    }
    body->easy = http->easy;
    if (set_question(http->easy, method, asker->settings->options.timeout, body) == CURLE_OK &&
        curl_multi_add_handle(asker->multi, http->easy) == CURLM_OK) {
        result = drive(asker);
        curl_multi_remove_handle(asker->multi, http->easy);
    }
    return result;
}

/* --- judging --- */

static ask_kind_t kind_of_error(CURLcode error)
{
    switch (error) {
    case CURLE_ABORTED_BY_CALLBACK:
        return ASK_STOPPED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return ASK_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is no HTTP counts as HTTP/0.9 */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
        return ASK_FOREIGN;
    default:
        return ASK_UNREACHABLE;
    }
}

static ask_kind_t kind_of_status(long status)
{
    switch (status) {
    case 200:
        return ASK_OK;
    case 401:
        return ASK_UNAUTHORIZED;
    case 403:
        return ASK_FORBIDDEN;
    case 404:
        return ASK_NOT_FOUND;
    case 429:
        return ASK_LIMITED;
    default:
        break;
    }
    if (status >= 300 && status < 400) {
        return ASK_REDIRECT;
    }
    if (status >= 400 && status < 500) {
        return ASK_REFUSED;
    }
    return status >= 500 && status < 600 ? ASK_FAILING : ASK_FOREIGN;
}

static void copy_text(char out[ASK_TEXT_SIZE], json_object *json, const char *name)
{
    json_object *value = json != NULL ? json_member(json, name) : NULL;

    if (json_object_is_type(value, json_type_string)) {
        snprintf(out, ASK_TEXT_SIZE, "%s", json_object_get_string(value));
    }
}

static void give_reason(ask_answer_t *answer, CURLcode error, const vps_http_t *http,
                        const split_t *split)
{
    const char *target = NULL;

    if (error == CURLE_WRITE_ERROR) {
        const char *fault = split != NULL ? split->fault : NULL;

        snprintf(answer->reason, ASK_TEXT_SIZE, "%s", fault != NULL ? fault : "it is too long");
    } else if (error != CURLE_OK) {
        snprintf(answer->reason, ASK_TEXT_SIZE, "%s",
                 http->error[0] != '\0' ? http->error : curl_easy_strerror(error));
    } else if (answer->kind == ASK_REDIRECT) {
        curl_easy_getinfo(http->easy, CURLINFO_REDIRECT_URL, &target);
        snprintf(answer->reason, ASK_TEXT_SIZE, "%s", target != NULL ? target : "nowhere");
        answer->reason[strcspn(answer->reason, "?#")] = '\0';
    } else {
        snprintf(answer->reason, ASK_TEXT_SIZE, "HTTP %ld", answer->status);
    }
}

/* An error that is not the API's own is of somebody else who lives there. */
static void look_at_error(ask_answer_t *answer, const body_t *body)
{
    json_object *json = json_read(body->text != NULL ? body->text : "", body->size);

    copy_text(answer->message, json, "message");
    if ((answer->kind == ASK_NOT_FOUND || answer->kind == ASK_REFUSED) &&
        answer->message[0] == '\0') {
        answer->kind = ASK_FOREIGN;
    }
    json_object_put(json);
}

/* The server's clock, by which its times are to be judged. */
static int64_t clock_of(CURL *easy)
{
    struct curl_header *date;
    time_t when = -1;

    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK) {
        when = curl_getdate(date->value, NULL);
    }
    return when >= 0 && when <= WHEN_MAX ? (int64_t)when : (int64_t)time(NULL);
}

static void judge(ask_answer_t *answer, CURLcode error, const vps_http_t *http, const body_t *body)
{
    curl_off_t seconds = 0;

    if (http->easy == NULL) {
        answer->kind = ASK_UNREACHABLE;
        snprintf(answer->reason, ASK_TEXT_SIZE, "out of memory");
        return;
    }
    answer->status = vps_http_status(http);
    answer->now = clock_of(http->easy);
    curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &seconds);
    answer->retry_after = seconds > 0 ? (int64_t)(seconds < 86400 ? seconds : 86400) : 0;
    answer->kind = error != CURLE_OK ? kind_of_error(error) : kind_of_status(answer->status);
    if (answer->kind != ASK_OK) {
        give_reason(answer, error, http, body->split);
        if (error == CURLE_OK) {
            look_at_error(answer, body);
        }
    }
}

/* --- asking --- */

static struct curl_slist *make_header(const options_t *options)
{
    char key[HEADER_SIZE];

    if (options->api_key[0] == '\0') {
        return NULL;
    }
    snprintf(key, sizeof(key), "X-API-Key: %s", options->api_key);
    return curl_slist_append(NULL, key);
}

static vps_http_tls_t make_tls(const options_t *options)
{
    return (vps_http_tls_t){
        .ca_file = options->tls_ca[0] != '\0' ? options->tls_ca : NULL,
        .cert_file = options->tls_cert[0] != '\0' ? options->tls_cert : NULL,
        .key_file = options->tls_key[0] != '\0' ? options->tls_key : NULL,
        .insecure = options->allow_insecure,
    };
}

static void ask_for(const asker_t *asker, ask_answer_t *answer, const char *method,
                    const char *path, body_t *body)
{
    const options_t *options = &asker->settings->options;
    const vps_http_tls_t tls = make_tls(options);
    struct curl_slist *header = make_header(options);
    char url[URL_SIZE];
    const vps_http_request_t request = {
        .url = url,
        .header = header,
        .timeout_ms = options->timeout * 1000 * ASK_WHOLE,
        .answer_max = 0, /* take_body() has limits of its own */
        .tls = &tls,
    };
    vps_http_t http = {0};

    memset(answer, 0, sizeof(*answer));
    answer->now = (int64_t)time(NULL);
    snprintf(url, sizeof(url), "%s%s%s", options->server_url, options->api_path, path);
    judge(answer, run(asker, &http, &request, method, body), &http, body);
    vps_http_close(&http);
    curl_slist_free_all(header);
}

static void be_foreign(ask_answer_t *answer, const char *reason)
{
    answer->kind = ASK_FOREIGN;
    snprintf(answer->reason, ASK_TEXT_SIZE, "%s", reason);
}

json_object *ask(asker_t *asker, ask_answer_t *answer, const char *method, const char *path)
{
    body_t body = {0};
    json_object *json = NULL;

    ask_for(asker, answer, method, path, &body);
    if (answer->kind == ASK_OK) {
        json = json_read(body.text != NULL ? body.text : "", body.size);
        if (json == NULL) {
            be_foreign(answer, "it is no valid JSON");
        }
    }
    free(body.text);
    return json;
}

bool ask_list(asker_t *asker, ask_answer_t *answer, const char *path, split_t *split)
{
    body_t body = {.split = split};
    bool is_whole;

    ask_for(asker, answer, "GET", path, &body);
    is_whole = split_end(split);
    if (answer->kind == ASK_OK && !is_whole) {
        be_foreign(answer, split->fault);
    }
    free(body.text);
    return answer->kind == ASK_OK;
}

bool ask_may_pass(const ask_answer_t *answer)
{
    return answer->kind == ASK_UNREACHABLE || answer->kind == ASK_LIMITED ||
           answer->kind == ASK_FAILING;
}

/* --- telling --- */

static void tell_key(char *out, size_t size, const asker_t *asker)
{
    const settings_t *settings = asker->settings;

    if (settings->key_source[0] != '\0') {
        snprintf(out, size, "%s refuses the API key, which is from %s",
                 settings->options.server_url, settings->key_source);
    } else {
        snprintf(out, size,
                 "%s wants an API key, and there is none: give --key-file, or set "
                 "VPN_SENTINEL_API_KEY or VPN_SENTINEL_API_KEY_FILE",
                 settings->options.server_url);
    }
}

static void tell_limit(char *out, size_t size, const char *url, const ask_answer_t *answer)
{
    if (answer->retry_after > 0) {
        snprintf(out, size, "%s is asked too often: try again in %lld s", url,
                 (long long)answer->retry_after);
    } else {
        snprintf(out, size, "%s is asked too often: try again later", url);
    }
}

char *ask_fault(char *out, size_t size, const asker_t *asker, const ask_answer_t *answer)
{
    const options_t *options = &asker->settings->options;
    const char *url = options->server_url;
    const char *colon = answer->message[0] != '\0' ? ": " : "";

    switch (answer->kind) {
    case ASK_OK:
    case ASK_STOPPED:
        snprintf(out, size, "stopped");
        break;
    case ASK_UNREACHABLE:
        snprintf(out, size, "%s does not answer: %s", url, answer->reason);
        break;
    case ASK_TLS:
        snprintf(out, size, "no trusted connection to %s (TLS): %s", url, answer->reason);
        break;
    case ASK_REDIRECT:
        snprintf(out, size, "%s redirects to %s, which is not followed: give its final address",
                 url, answer->reason);
        break;
    case ASK_UNAUTHORIZED:
        tell_key(out, size, asker);
        break;
    case ASK_LIMITED:
        tell_limit(out, size, url, answer);
        break;
    case ASK_FORBIDDEN:
    case ASK_NOT_FOUND:
    case ASK_REFUSED:
        snprintf(out, size, "%s refuses (%s)%s%s", url, answer->reason, colon, answer->message);
        break;
    case ASK_FAILING:
        snprintf(out, size, "%s fails (%s)%s%s", url, answer->reason, colon, answer->message);
        break;
    case ASK_FOREIGN:
        snprintf(out, size,
                 "the answer from %s%s is not of a VPN Sentinel server (%s): see --server and "
                 "VPN_SENTINEL_API_PATH",
                 url, options->api_path, answer->reason);
        break;
    }
    return out;
}
