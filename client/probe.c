#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "trace.h"

#define URL_SIZE (OPTIONS_URL_SIZE + VPS_ADDR_TEXT_SIZE + 32)
#define HEADER_SIZE (OPTIONS_SECRET_SIZE + 32)

/* What one look at the world needs, and how it goes on. */
typedef struct look_t {
    probe_t *probe;
    const options_t *options;
    transfer_t *transfer;
    int64_t now; /* ms, monotonic */
    bool stopped;
} look_t;

static const char *const provider_names[PROBE_PROVIDERS] = {
    [VPS_PLACE_IPINFO] = "ipinfo",
    [VPS_PLACE_IPAPI] = "ip-api",
};

/* --- telling --- */

static void tell_failure(look_t *look, outage_t *outage, const char *who, transfer_kind_t kind,
                         const vps_http_t *http)
{
    char reason[TRANSFER_REASON_SIZE];
    bool news = outage_fail(outage, kind, look->now);

    log_write(news ? VPS_WARN : VPS_DEBUG, "probe", "⚠️ No usable answer from %s: %s", who,
              transfer_reason(reason, kind, http));
}

static void tell_success(look_t *look, outage_t *outage, const char *who)
{
    char length[OUTAGE_LENGTH_SIZE];

    if (outage_end(outage, look->now, length)) {
        log_write(VPS_INFO, "probe", "✅ %s answers again after %s", who, length);
    }
}

static void tell_address(look_t *look, const vps_addr_t *addr)
{
    char length[OUTAGE_LENGTH_SIZE];

    if (addr->version == 0) {
        bool news = outage_fail(&look->probe->address, 0, look->now);

        log_write(news ? VPS_WARN : VPS_DEBUG, "probe",
                  "⚠️ No look-up service answers: reporting without address and place; "
                  "the server sees the address");
    } else if (outage_end(&look->probe->address, look->now, length)) {
        log_write(VPS_INFO, "probe", "✅ The address is known again after %s", length);
    }
}

/* --- asking --- */

/* GET url; header may be NULL. The caller closes *http. */
static transfer_kind_t get(look_t *look, const char *url, struct curl_slist *header,
                           size_t answer_max, vps_http_t *http)
{
    vps_http_request_t request = {
        .url = url,
        .header = header,
        .timeout_ms = look->options->timeout * 1000,
        .answer_max = answer_max,
    };
    transfer_kind_t kind = transfer_run(look->transfer, &request, http);

    look->now = clock_monotonic();
    look->stopped = kind == TRANSFER_STOPPED;
    return kind;
}

static void ask_trace(look_t *look, vps_trace_t *trace)
{
    vps_http_t http;
    char url[URL_SIZE];
    transfer_kind_t kind;

    memset(trace, 0, sizeof(*trace));
    snprintf(url, sizeof(url), "%s/cdn-cgi/trace", look->options->trace_url);
    kind = get(look, url, NULL, VPS_TRACE_BODY_MAX, &http);
    if (kind == TRANSFER_OK && !vps_trace_parse(trace, http.answer, http.answer_size)) {
        kind = TRANSFER_FOREIGN;
    }
    if (kind == TRANSFER_OK) {
        tell_success(look, &look->probe->trace, "Cloudflare's trace");
    } else if (!look->stopped) {
        tell_failure(look, &look->probe->trace, "Cloudflare's trace", kind, &http);
    }
    vps_http_close(&http);
}

/* addr unknown = who am I? */
static void place_url(char out[URL_SIZE], const options_t *options, vps_place_source_t source,
                      const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    vps_addr_format(text, addr);
    if (source == VPS_PLACE_IPAPI) {
        snprintf(out, URL_SIZE, "%s/json/%s", options->ipapi_url, text);
    } else {
        snprintf(out, URL_SIZE, "%s%s%s/json", options->ipinfo_url, text[0] != '\0' ? "/" : "",
                 text);
    }
}

/* A number of seconds in a header of the answer, in ms; -1 when there is none. */
static int64_t header_ms(const vps_http_t *http, const char *name)
{
    struct curl_header *header;
    char *end;
    long seconds;

    if (curl_easy_header(http->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return -1;
    }
    seconds = strtol(header->value, &end, 10);
    if (end == header->value || *end != '\0' || seconds < 0) {
        return -1;
    }
    return (seconds < 86400 ? seconds : 86400) * CLOCK_SECOND;
}

/* How long the provider is to be left alone after this answer; 0 = not at all. */
static int64_t rest_after(transfer_kind_t kind, const vps_http_t *http)
{
    int64_t asked = transfer_retry_after(http);

    if (kind == TRANSFER_OK && header_ms(http, "X-Rl") != 0) {
        return 0;
    }
    if (kind == TRANSFER_UNREACHABLE || kind == TRANSFER_TLS || kind == TRANSFER_FAILING) {
        return PROBE_RETRY;
    }
    if (asked <= 0) {
        asked = header_ms(http, "X-Ttl");
    }
    if (asked <= 0) {
        return PROBE_REST;
    }
    return asked < PROBE_REST_MAX ? asked : PROBE_REST_MAX;
}

static struct curl_slist *place_header(const options_t *options, vps_place_source_t source)
{
    char line[HEADER_SIZE];
    struct curl_slist *header = NULL;

    transfer_header(&header, "Accept: application/json");
    if (source == VPS_PLACE_IPINFO && options->ipinfo_token[0] != '\0') {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", options->ipinfo_token);
        transfer_header(&header, line);
    }
    return header;
}

/* Is this an answer about addr (any address when unknown)? Then it is in *place. */
static bool read_place(vps_place_t *place, vps_place_source_t source, const vps_addr_t *addr,
                       const vps_http_t *http)
{
    return vps_place_parse(place, source, http->answer, http->answer_size) &&
           (addr->version == 0 || vps_addr_equal(&place->public_ip, addr));
}

static bool ask_provider(look_t *look, vps_place_source_t source, const vps_addr_t *addr,
                         vps_place_t *place)
{
    probe_t *probe = look->probe;
    struct curl_slist *header = place_header(look->options, source);
    vps_http_t http;
    char url[URL_SIZE];
    transfer_kind_t kind;

    place_url(url, look->options, source, addr);
    kind = get(look, url, header, VPS_PLACE_BODY_MAX, &http);
    if (kind == TRANSFER_OK && !read_place(place, source, addr, &http)) {
        kind = TRANSFER_FOREIGN;
    }
    if (!look->stopped) {
        probe->rest_until[source] = look->now + rest_after(kind, &http);
    }
    if (kind == TRANSFER_OK) {
        tell_success(look, &probe->provider[source], provider_names[source]);
    } else if (!look->stopped) {
        tell_failure(look, &probe->provider[source], provider_names[source], kind, &http);
    }
    vps_http_close(&http);
    curl_slist_free_all(header);
    return kind == TRANSFER_OK;
}

/* Ask the providers in turn for the place of addr, or for our own when it is unknown; cache it. */
static bool look_up_place(look_t *look, const vps_addr_t *addr)
{
    probe_t *probe = look->probe;
    vps_place_t place;

    for (int source = 0; source < PROBE_PROVIDERS && !look->stopped; source++) {
        if (look->now < probe->rest_until[source]) {
            continue;
        }
        if (ask_provider(look, (vps_place_source_t)source, addr, &place)) {
            probe->place = place;
            probe->place_until = look->now + PROBE_PLACE_AGE;
            return true;
        }
    }
    return false;
}

/* --- knowing --- */

/* The trace shows our address: see to it that the cached place is the one of that address. */
static void follow_trace(look_t *look, const vps_addr_t *addr)
{
    probe_t *probe = look->probe;
    bool same = vps_addr_equal(&probe->place.public_ip, addr);

    if (!same) {
        probe->self_until = 0;
    }
    if (!same || look->now >= probe->place_until) {
        look_up_place(look, addr);
    }
}

/* No trace: who we are, as far as the providers say. */
static vps_addr_t ask_who_we_are(look_t *look)
{
    const vps_addr_t unknown = {0};
    probe_t *probe = look->probe;

    if (look->now >= probe->self_until) {
        if (!look_up_place(look, &unknown)) {
            return unknown;
        }
        probe->self_until = look->now + PROBE_SELF_AGE;
    }
    return probe->place.public_ip;
}

static void fill_record(vps_record_t *record, const vps_addr_t *addr, const vps_trace_t *trace,
                        const vps_place_t *place)
{
    record->public_ip = *addr;
    memcpy(record->dns_loc, trace->dns_loc, sizeof(record->dns_loc));
    memcpy(record->dns_colo, trace->dns_colo, sizeof(record->dns_colo));
    if (!vps_addr_equal(&place->public_ip, addr)) {
        return; /* the place of another address is none */
    }
    memcpy(record->location, place->location, sizeof(record->location));
    memcpy(record->city, place->city, sizeof(record->city));
    memcpy(record->region, place->region, sizeof(record->region));
    memcpy(record->country, place->country, sizeof(record->country));
    memcpy(record->provider, place->provider, sizeof(record->provider));
    memcpy(record->timezone, place->timezone, sizeof(record->timezone));
}

void probe_refresh(probe_t *probe)
{
    probe->place_until = 0;
    probe->self_until = 0;
    memset(probe->rest_until, 0, sizeof(probe->rest_until));
}

bool probe_run(probe_t *probe, const options_t *options, transfer_t *transfer, vps_record_t *record)
{
    look_t look = {.probe = probe, .options = options, .transfer = transfer};
    vps_trace_t trace;
    vps_addr_t addr;

    ask_trace(&look, &trace);
    addr = trace.ip;
    if (look.stopped) {
        return false;
    }
    if (addr.version != 0) {
        follow_trace(&look, &addr);
    } else {
        addr = ask_who_we_are(&look);
    }
    if (look.stopped) {
        return false;
    }
    tell_address(&look, &addr);
    fill_record(record, &addr, &trace, &probe->place);
    return true;
}
