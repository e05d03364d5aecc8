#include "ipv6.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "ipv6_judge.h"
#include "log.h"
#include "trace.h"
#include "vpn_sight.h"

#define COMPONENT "ipv6"
#define TRACE_PATH "/cdn-cgi/trace"

/* What a probe found. */
typedef struct finding_t {
    ipv6_probe_t probe;
    vps_addr_t addr; /* as which it came out; unknown = it did not */
    char text[TRANSFER_REASON_SIZE];
} finding_t;

/* --- the probe --- */

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool has_connected(const vps_http_t *http)
{
    curl_off_t usec = 0;

    return curl_easy_getinfo(http->easy, CURLINFO_CONNECT_TIME_T, &usec) != CURLE_OK || usec != 0;
}

/* Did the kernel or somebody on the way say that there is no connection to be had? */
static bool is_closed(const vps_http_t *http)
{
    long error = 0;

    return curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &error) == CURLE_OK && error != 0 &&
           error != ETIMEDOUT;
}

/* What a request that was not answered says, in whole or cut short. */
static ipv6_probe_t read_failure(transfer_kind_t kind, const vps_http_t *http, bool is_whole)
{
    if (http->easy == NULL) {
        return IPV6_NOT_PROBED;
    }
    if (kind != TRANSFER_UNREACHABLE || has_connected(http)) {
        return IPV6_UNCLEAR;
    }
    if (is_closed(http)) {
        return IPV6_CLOSED;
    }
    return is_whole ? IPV6_SILENT : IPV6_NOT_PROBED;
}

static void read_trace(finding_t *out, const vps_http_t *http)
{
    vps_trace_t trace;

    if (vps_trace_parse(&trace, http->answer, http->answer_size) && trace.ip.version == 6 &&
        vps_addr_is_public(&trace.ip)) {
        out->probe = IPV6_CAME_OUT;
        out->addr = trace.ip;
        vps_addr_format(out->text, &trace.ip);
    } else {
        out->probe = IPV6_UNCLEAR;
        snprintf(out->text, sizeof(out->text), "no IPv6 address in the answer");
    }
}

static void run_probe(finding_t *out, const options_t *options, transfer_t *transfer)
{
    const int64_t limit = min(options->timeout * CLOCK_SECOND, IPV6_PROBE_MAX);
    const int64_t start = clock_elapsed();
    char url[OPTIONS_URL_SIZE + sizeof(TRACE_PATH)];
    const vps_http_request_t request = {
        .url = url,
        .timeout_ms = transfer_left(transfer, limit),
        .answer_max = VPS_TRACE_BODY_MAX,
        .proxy = "",
    };
    vps_http_t http;
    transfer_kind_t kind;

    snprintf(url, sizeof(url), "%s" TRACE_PATH, options->trace6_url);
    kind = transfer_run(transfer, &request, &http);
    if (kind == TRANSFER_OK) {
        read_trace(out, &http);
    } else {
        transfer_reason(out->text, kind, &http);
        out->probe = read_failure(kind, &http, ipv6_judge_is_whole(clock_elapsed() - start, limit));
    }
    vps_http_close(&http);
}

/* The exit's address says as much as a probe, where it can have been reached by the tunnel only. */
static finding_t find_exit(const vpn_sight_t *sight, const options_t *options, transfer_t *transfer,
                           const vps_addr_t *public_ip)
{
    finding_t out = {.probe = IPV6_NOT_PROBED, .text = "not probed"};

    if (sight->way6.link == VPN_LINK_TUNNEL && public_ip->version == 6) {
        out.probe = IPV6_CAME_OUT;
        out.addr = *public_ip;
        vps_addr_format(out.text, public_ip);
    } else if (ipv6_judge_wants_probe(sight) && options->trace6_url[0] != '\0' &&
               transfer_left(transfer, 1) > 0 &&
               (sight->way6.link != VPN_LINK_TUNNEL || !transfer_is_silent(transfer))) {
        run_probe(&out, options, transfer);
    }
    return out;
}

/* --- telling --- */

static void tell(ipv6_t *known, vps_ipv6_verdict_t verdict, const vpn_sight_t *sight,
                 const finding_t *finding)
{
    static const char *const words[] = {
        [VPS_IPV6_VERDICT_UNKNOWN] = "unknown",
        [VPS_IPV6_VERDICT_TUNNEL] = "tunnel",
        [VPS_IPV6_VERDICT_BLOCKED] = "blocked",
        [VPS_IPV6_VERDICT_LEAK] = "leak",
    };
    const char *way = sight->way6.name[0] != '\0' ? sight->way6.name : "no interface that is known";
    const int64_t now = clock_elapsed();
    char length[OUTAGE_LENGTH_SIZE];

    log_write(VPS_DEBUG, COMPONENT, "Verdict: %s | Leaves by: %s | Comes out at: %s",
              words[verdict], way, finding->text);
    if (verdict == VPS_IPV6_VERDICT_LEAK) {
        log_write(outage_fail(&known->leak, 0, now) ? VPS_WARN : VPS_DEBUG, COMPONENT,
                  "⚠️ IPv6 leaks: it leaves by %s, past the tunnel %s, and comes out at %s",
                  way, sight->way4.name, finding->text);
    } else if (verdict != VPS_IPV6_VERDICT_UNKNOWN && outage_end(&known->leak, now, length)) {
        log_write(VPS_INFO, COMPONENT, "✅ IPv6 does not leak any more after %s: %s", length,
                  words[verdict]);
    }
}

bool ipv6_look(ipv6_t *known, const options_t *options, transfer_t *transfer, vps_record_t *record)
{
    vpn_sight_t sight = {.was_tunnel = false};
    vps_ipv6_verdict_t verdict;
    finding_t finding;

    vpn_sight_take(&sight);
    finding = find_exit(&sight, options, transfer, &record->public_ip);
    if (transfer->wait->signals.stop) {
        return false;
    }
    verdict = ipv6_judge(&known->past, &sight, finding.probe);
    tell(known, verdict, &sight, &finding);
    record->ipv6_verdict = (uint8_t)verdict;
    record->public_ip6 = record->public_ip.version == 6 && finding.addr.version == 0
                             ? record->public_ip
                             : finding.addr;
    return true;
}
