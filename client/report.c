#include "report.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "keepalive.h"
#include "log.h"

#define URL_SIZE (2 * OPTIONS_URL_SIZE + 16)
#define HEADER_SIZE (OPTIONS_SECRET_SIZE + 16)
#define ANSWER_MAX 16384   /* bytes of the server's answer */
#define ANSWER_DEPTH_MAX 8 /* nested arrays and objects in it */
#define PLACE_SIZE 192     /* bytes of "city, country" */
#define MESSAGE_SIZE 201   /* bytes of the server's message that are told */

/* --- body --- */

static bool add_member(json_object *body, const char *name, json_object *value)
{
    if (value == NULL || json_object_object_add(body, name, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

const char *report_body(json_object **body, const vps_record_t *record, const vps_past_t *past)
{
    char text[VPS_TIME_TEXT_SIZE];

    vps_time_format(text, record->timestamp);
    *body = vps_record_to_json(record);
    if (*body == NULL || !add_member(*body, "timestamp", json_object_new_string(text)) ||
        (past->count > 0 && !add_member(*body, "journal", vps_past_to_json(past)))) {
        json_object_put(*body);
        *body = NULL;
        return NULL;
    }
    return json_object_to_json_string_ext(*body,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* --- answer --- */

/* The answer as a JSON object of the caller's, NULL when it is none. */
static json_object *parse_answer(const vps_http_t *http)
{
    json_tokener *tokener;
    json_object *answer = NULL;

    if (http->answer == NULL) {
        return NULL;
    }
    tokener = json_tokener_new_ex(ANSWER_DEPTH_MAX);
    if (tokener != NULL) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        answer = json_tokener_parse_ex(tokener, http->answer, (int)http->answer_size + 1);
        json_tokener_free(tokener);
    }
    if (!json_object_is_type(answer, json_type_object)) {
        json_object_put(answer);
        return NULL;
    }
    return answer;
}

/* A text member of the answer, "" when there is none; it lives as long as the answer. */
static const char *member(json_object *answer, const char *name)
{
    json_object *value = NULL;

    if (answer == NULL || !json_object_object_get_ex(answer, name, &value) ||
        !json_object_is_type(value, json_type_string)) {
        return "";
    }
    return json_object_get_string(value);
}

/* --- telling --- */

/* "San Francisco, US", as much of it as is known. */
static const char *place_text(char out[PLACE_SIZE], const vps_record_t *record)
{
    const char *country = record->location[0] != '\0' ? record->location : record->country;
    const char *between = record->city[0] != '\0' && country[0] != '\0' ? ", " : "";

    snprintf(out, PLACE_SIZE, "%s%s%s", record->city, between, country);
    return out[0] != '\0' ? out : "unknown";
}

static void tell_success(const course_news_t *news, const vps_record_t *record)
{
    char addr[VPS_ADDR_TEXT_SIZE];
    char place[PLACE_SIZE];

    if (news->recovery) {
        log_write(VPS_INFO, "report", "✅ The server accepts reports again after %s", news->length);
    }
    vps_addr_format(addr, &record->public_ip);
    log_write(VPS_INFO, "report", "✅ Keepalive accepted: %s | IP: %s | Location: %s",
              record->client_id, addr[0] != '\0' ? addr : "unknown", place_text(place, record));
}

static const struct {
    const char *what;
    const char *remedy;
} failure_texts[] = {
    [TRANSFER_UNREACHABLE] = {"Server unreachable", ""},
    [TRANSFER_TLS] = {"No trusted connection to the server (TLS)", ""},
    [TRANSFER_REDIRECT] = {"Server redirects, which is not followed",
                           ": VPN_SENTINEL_SERVER_URL must be its final address"},
    [TRANSFER_UNAUTHORIZED] = {"Server refuses the API key", ": see VPN_SENTINEL_API_KEY"},
    [TRANSFER_FORBIDDEN] = {"Server refuses this address", ": see its list of allowed addresses"},
    [TRANSFER_LIMITED] = {"Server says: too many requests", ""},
    [TRANSFER_REFUSED] = {"Server refuses the report", ""},
    [TRANSFER_FAILING] = {"Server fails", ""},
    [TRANSFER_FOREIGN] = {"Answer is not from a VPN Sentinel server",
                          ": a captive portal, or a wrong VPN_SENTINEL_SERVER_URL?"},
};

const char *report_outcome(transfer_kind_t kind)
{
    return kind == TRANSFER_OK ? "Last report accepted" : failure_texts[kind].what;
}

static void tell_failure(const course_news_t *news, transfer_kind_t kind, const vps_http_t *http,
                         const char *message)
{
    char reason[TRANSFER_REASON_SIZE];
    char shown[MESSAGE_SIZE];

    log_write(news->failure ? VPS_WARN : VPS_DEBUG, "report", "❌ %s (%s%s%s)%s",
              failure_texts[kind].what, transfer_reason(reason, kind, http),
              message[0] != '\0' ? ": " : "", log_mask(shown, sizeof(shown), message),
              failure_texts[kind].remedy);
}

/* --- sending --- */

static struct curl_slist *report_header(const options_t *options)
{
    char key[HEADER_SIZE];
    struct curl_slist *header = NULL;

    transfer_header(&header, "Content-Type: application/json");
    if (options->api_key[0] != '\0') {
        snprintf(key, sizeof(key), "X-API-Key: %s", options->api_key);
        transfer_header(&header, key);
    }
    return header;
}

static vps_http_tls_t report_tls(const options_t *options)
{
    return (vps_http_tls_t){
        .ca_file = options->tls_ca[0] != '\0' ? options->tls_ca : NULL,
        .cert_file = options->tls_cert[0] != '\0' ? options->tls_cert : NULL,
        .key_file = options->tls_key[0] != '\0' ? options->tls_key : NULL,
        .insecure = options->allow_insecure,
    };
}

static transfer_kind_t post(const report_setup_t *setup, const char *body,
                            struct curl_slist *connect_to, vps_http_t *http)
{
    const options_t *options = setup->options;
    char url[URL_SIZE];
    struct curl_slist *header = report_header(options);
    vps_http_tls_t tls = report_tls(options);
    vps_http_request_t request = {
        .url = url,
        .header = header,
        .body = body,
        .body_size = strlen(body),
        .timeout_ms = options->timeout * 1000,
        .answer_max = ANSWER_MAX,
        .tls = &tls,
        .connect_to = connect_to,
    };
    transfer_kind_t kind;

    snprintf(url, sizeof(url), "%s%s/keepalive", options->server_url, options->api_path);
    kind = transfer_run(setup->transfer, &request, http);
    curl_slist_free_all(header);
    return kind;
}

/* By its name, and where it was when that is not found; the other way round there is no time for. */
static transfer_kind_t post_somewhere(const report_setup_t *setup, const char *body,
                                      vps_http_t *http)
{
    struct curl_slist *known = found_list(setup->found, setup->options);
    transfer_kind_t kind = post(setup, body, setup->is_hasty ? known : NULL, http);

    if (kind == TRANSFER_UNREACHABLE && known != NULL && found_no_name(http)) {
        vps_http_close(http);
        kind = post(setup, body, known, http);
    }
    curl_slist_free_all(known);
    return kind;
}

/* Judge the answer, and tell. */
static report_result_t conclude(course_t *course, transfer_kind_t kind, const vps_record_t *record,
                                const vps_http_t *http)
{
    json_object *answer = parse_answer(http);
    report_result_t result = {.retry_after = transfer_retry_after(http)};
    const char *observed;
    course_news_t news;

    if (kind == TRANSFER_OK && strcmp(member(answer, "status"), "ok") != 0) {
        kind = TRANSFER_FOREIGN;
    }
    if (kind != TRANSFER_STOPPED) {
        news = course_judge(course, kind, clock_elapsed());
        if (kind == TRANSFER_OK) {
            observed = member(answer, "observed_ip");
            vps_addr_parse(&result.observed_ip, observed, strlen(observed));
            tell_success(&news, record);
        } else {
            tell_failure(&news, kind, http, member(answer, "message"));
        }
    }
    json_object_put(answer);
    result.kind = kind;
    return result;
}

report_result_t report_send(const report_setup_t *setup, const vps_record_t *record,
                            const vps_past_t *past)
{
    report_result_t result = {.kind = TRANSFER_UNREACHABLE};
    vps_http_t http;
    json_object *body;
    const char *text = report_body(&body, record, past);

    if (text == NULL) {
        log_write(VPS_ERROR, "report", "❌ Out of memory");
        return result;
    }
    result.kind = post_somewhere(setup, text, &http);
    result = conclude(setup->course, result.kind, record, &http);
    if (result.kind == TRANSFER_OK) { /* a captive portal is none that is to be found again */
        found_note(setup->found, setup->options, &http);
    }
    vps_http_close(&http);
    json_object_put(body);
    return result;
}
