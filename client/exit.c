#include "exit.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "service.h"
#include "vpn_sight.h"

#define COMPONENT "exit"
#define URL_SIZE (OPTIONS_URL_SIZE + 32)
#define HEADER_SIZE (OPTIONS_SECRET_SIZE + 16)

/* What one look needs. */
typedef struct look_t {
    exit_t *known;
    places_t *places;
    const options_t *options;
    transfer_t *transfer;
} look_t;

static bool is_stopped(const transfer_t *transfer)
{
    return transfer->wait->signals.stop;
}

/* How an outage of the address is told: one kind of it each. */
enum { ADDRESS_UNKNOWN, ADDRESS_OBSERVED };

/* --- gluetun --- */

static struct curl_slist *gluetun_header(const options_t *options)
{
    char line[HEADER_SIZE];
    struct curl_slist *header = NULL;

    if (options->gluetun_api_key[0] != '\0') {
        snprintf(line, sizeof(line), "X-API-Key: %s", options->gluetun_api_key);
        transfer_header(&header, line);
    }
    return header;
}

static const char *gluetun_remedy(transfer_kind_t kind)
{
    switch (kind) {
    case TRANSFER_UNAUTHORIZED:
    case TRANSFER_FORBIDDEN:
        return ": VPN_SENTINEL_GLUETUN_API_KEY must be the key of one of gluetun's roles whose "
               "routes have \"GET /v1/publicip/ip\"";
    case TRANSFER_FOREIGN:
        return ": it knows no public address, or is no control server of gluetun";
    default:
        return "";
    }
}

/* What gluetun says; of no address when it says nothing, or there is none. */
static void ask_gluetun(const look_t *look, vps_place_t *out)
{
    const options_t *options = look->options;
    vps_http_t http;
    char url[URL_SIZE];
    struct curl_slist *header;
    transfer_kind_t kind;

    memset(out, 0, sizeof(*out));
    if (options->gluetun_url[0] == '\0') {
        return;
    }
    snprintf(url, sizeof(url), "%s/v1/publicip/ip", options->gluetun_url);
    header = gluetun_header(options);
    kind = service_get(look->transfer, options, url, header, VPS_PLACE_BODY_MAX, &http);
    if (kind == TRANSFER_OK &&
        !vps_place_parse(out, VPS_PLACE_GLUETUN, http.answer, http.answer_size)) {
        kind = TRANSFER_FOREIGN;
    }
    service_tell(&look->known->gluetun, COMPONENT, "gluetun", kind, &http, gluetun_remedy(kind));
    vps_http_close(&http);
    curl_slist_free_all(header);
}

/* --- the trace --- */

/* The caller closes *http. proxy: as in http.h. */
static transfer_kind_t get_trace(const look_t *look, const char *base, const char *proxy,
                                 vps_http_t *http, vps_trace_t *out)
{
    char url[URL_SIZE];
    const vps_http_request_t request = {
        .url = url,
        .timeout_ms = transfer_left(look->transfer, look->options->timeout * CLOCK_SECOND),
        .answer_max = VPS_TRACE_BODY_MAX,
        .proxy = proxy,
    };
    transfer_kind_t kind;

    snprintf(url, sizeof(url), "%s/cdn-cgi/trace", base);
    kind = transfer_run(look->transfer, &request, http);
    if (kind == TRANSFER_OK && !vps_trace_parse(out, http->answer, http->answer_size)) {
        return TRANSFER_FOREIGN;
    }
    return kind;
}

static bool is_ipv6_alone(void)
{
    vpn_sight_t sight = {.was_tunnel = false};

    vpn_sight_take(&sight);
    return vpn_judge_is_ipv6_alone(&sight);
}

/* Where IPv6 is all there is, the usual address leads nowhere. */
static void ask_trace(const look_t *look, vps_trace_t *out)
{
    const char *base6 = look->options->trace6_url;
    vps_http_t http;
    transfer_kind_t kind;

    memset(out, 0, sizeof(*out));
    kind = get_trace(look, look->options->trace_url, NULL, &http, out);
    if (kind == TRANSFER_UNREACHABLE && base6[0] != '\0' && is_ipv6_alone()) {
        vps_http_close(&http);
        kind = get_trace(look, base6, "", &http, out);
    }
    if (service_tell(&look->known->trace, COMPONENT, "Cloudflare's trace", kind, &http, "")) {
        places_retry(look->places);
    }
    if (!vps_addr_is_public(&out->ip)) {
        memset(&out->ip, 0, sizeof(out->ip));
    }
    vps_http_close(&http);
}

/* --- who we are --- */

/* Where they disagree, this daemon may be outside of the tunnel that gluetun speaks of. */
static void compare(const look_t *look, const vps_addr_t *gluetun, const vps_addr_t *trace)
{
    outage_t *outage = &look->known->disagreeing;
    const int64_t now = clock_elapsed();
    char length[OUTAGE_LENGTH_SIZE];
    char theirs[VPS_ADDR_TEXT_SIZE];
    char ours[VPS_ADDR_TEXT_SIZE];

    if (gluetun->version == 0 || gluetun->version != trace->version) {
        return; /* nothing to compare */
    }
    if (vps_addr_equal(gluetun, trace)) {
        if (outage_end(outage, now, length)) {
            log_write(VPS_INFO, COMPONENT, "✅ gluetun and the trace agree again after %s", length);
        }
    } else if (outage_fail(outage, 0, now)) {
        log_write(VPS_WARN, COMPONENT,
                  "⚠️ gluetun tells the address %s, but this client comes out at %s: is it in "
                  "gluetun's network?",
                  vps_addr_format(theirs, gluetun), vps_addr_format(ours, trace));
    }
}

/* Who the look-up services say we are. */
static vps_addr_t ask_self(const look_t *look)
{
    exit_t *known = look->known;
    vps_place_t place;

    if (clock_elapsed() >= known->self_until) {
        places_find_self(look->places, look->options, look->transfer, &place);
        known->self = place.public_ip;
        known->self_until = place.public_ip.version != 0 ? clock_elapsed() + EXIT_SELF_AGE : 0;
    }
    return known->self;
}

static void tell_address(exit_t *known, const vps_addr_t *addr, bool is_observed)
{
    const int64_t now = clock_elapsed();
    const unsigned kind = is_observed ? ADDRESS_OBSERVED : ADDRESS_UNKNOWN;
    char length[OUTAGE_LENGTH_SIZE];

    if (addr->version != 0 && !is_observed) {
        if (outage_end(&known->address, now, length)) {
            log_write(VPS_INFO, COMPONENT, "✅ The address is known again after %s", length);
        }
        return;
    }
    log_write(outage_fail(&known->address, kind, now) ? VPS_WARN : VPS_DEBUG, COMPONENT,
              "⚠️ No look-up service answers: reporting %s",
              is_observed ? "the address that the server saw"
                          : "without address and place; the server sees the address");
}

/*
 * What the client sees by itself counts more than what gluetun tells, which may be of a network that
 * the client is not in. Two families are no contradiction: then IPv4 is as good as gluetun's word.
 */
static vps_addr_t choose(const vps_addr_t *gluetun, const vps_addr_t *trace)
{
    const bool is_seen =
        trace->version != 0 && (gluetun->version == 0 || gluetun->version == trace->version);

    return is_seen ? *trace : *gluetun;
}

static vps_addr_t find_address(const look_t *look, const vps_addr_t *gluetun,
                               const vps_addr_t *trace)
{
    exit_t *known = look->known;
    vps_addr_t addr = choose(gluetun, trace);
    bool is_observed = false;

    if (addr.version == 0) {
        addr = ask_self(look);
    } else if (!vps_addr_equal(&addr, &known->self)) {
        known->self_until = 0; /* told by somebody who sees more often */
    }
    if (addr.version == 0 && known->is_observed) {
        addr = known->observed;
        is_observed = true;
    }
    if (!is_stopped(look->transfer)) {
        tell_address(known, &addr, is_observed);
    }
    return addr;
}

/* --- what others call --- */

bool exit_look(exit_t *known, places_t *places, const options_t *options, transfer_t *transfer,
               exit_seen_t *out)
{
    const look_t look = {
        .known = known, .places = places, .options = options, .transfer = transfer};
    vps_place_t gluetun;
    vps_addr_t addr;

    ask_gluetun(&look, &gluetun);
    if (options->service == OPTIONS_SERVICE_AUTO || options->service == OPTIONS_SERVICE_GLUETUN) {
        places_learn(places, &gluetun);
    }
    ask_trace(&look, &out->trace);
    compare(&look, &gluetun.public_ip, &out->trace.ip);
    addr = find_address(&look, &gluetun.public_ip, &out->trace.ip);
    places_find(places, options, transfer, &addr, &out->place);
    out->place.public_ip = addr;
    return !is_stopped(transfer);
}

void exit_fill(vps_record_t *record, const exit_seen_t *seen)
{
    const vps_place_t *place = &seen->place;

    record->public_ip = place->public_ip;
    memcpy(record->location, place->location, sizeof(record->location));
    memcpy(record->city, place->city, sizeof(record->city));
    memcpy(record->region, place->region, sizeof(record->region));
    memcpy(record->country, place->country, sizeof(record->country));
    memcpy(record->provider, place->provider, sizeof(record->provider));
    memcpy(record->timezone, place->timezone, sizeof(record->timezone));
    memcpy(record->dns_loc, seen->trace.dns_loc, sizeof(record->dns_loc));
    memcpy(record->dns_colo, seen->trace.dns_colo, sizeof(record->dns_colo));
}

void exit_observe(exit_t *known, places_t *places, const vps_addr_t *observed)
{
    known->is_observed = vps_addr_is_public(observed);
    if (!known->is_observed) {
        return;
    }
    if (known->observed.version != 0 && !vps_addr_equal(&known->observed, observed)) {
        known->self_until = 0;
        places_retry(places);
    }
    known->observed = *observed;
}

void exit_refresh(exit_t *known)
{
    known->self_until = 0;
}
