#include "dns_verdict.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "country.h"
#include "dns_judge.h"
#include "log.h"

#define COMPONENT "dns"

_Static_assert(VPS_COUNTRY_MAX == VPS_DNS_LOC_MAX, "a country is copied as it is");

/* What it takes to find a verdict. */
typedef struct trial_t {
    const dns_view_t *view;
    places_t *places;
    const options_t *options;
    transfer_t *transfer;
    const vps_record_t *record;
    dns_exit_t exit;
} trial_t;

static const char *const words[] = {
    [VPS_DNS_VERDICT_UNKNOWN] = "unknown",         [VPS_DNS_VERDICT_TUNNEL] = "tunnel",
    [VPS_DNS_VERDICT_ALLOWED] = "allowed",         [VPS_DNS_VERDICT_LEAK] = "leak",
    [VPS_DNS_VERDICT_INTERCEPTED] = "intercepted",
};

static dns_exit_t exit_of(const vps_record_t *record)
{
    dns_exit_t exit = {.addr6 = record->public_ip6, .as = network_as(record->provider)};

    *(record->public_ip.version == 6 ? &exit.addr6 : &exit.addr4) = record->public_ip;
    return exit;
}

static const char *text_of(char out[VPS_ADDR_TEXT_SIZE], const vps_addr_t *addr)
{
    return addr->version != 0 ? vps_addr_format(out, addr) : "unknown";
}

static uint32_t as_of(const trial_t *trial, const vps_addr_t *addr)
{
    vps_place_t place;

    places_find(trial->places, trial->options, trial->transfer, addr, &place);
    return network_as(place.provider);
}

/* --- each server --- */

static vps_dns_verdict_t judge_server(const trial_t *trial, const dns_server_t *server)
{
    const dns_allowed_t *allowed = &trial->options->dns_allowed;
    dns_suspect_t suspect = {
        .path = server->path, .addr = server->addr, .origin = {.addr = server->exit}};
    vps_dns_verdict_t verdict = dns_judge_server(&suspect, &trial->exit, allowed);
    char addr[VPS_ADDR_TEXT_SIZE], origin[VPS_ADDR_TEXT_SIZE];

    if (verdict == VPS_DNS_VERDICT_LEAK || verdict == VPS_DNS_VERDICT_UNKNOWN) {
        suspect.origin.as = as_of(trial, &server->exit);
        verdict = dns_judge_server(&suspect, &trial->exit, allowed);
    }
    log_write(VPS_DEBUG, COMPONENT, "Verdict on %s: %s | Comes out at: %s | AS: %u",
              text_of(addr, &server->addr), words[verdict], text_of(origin, &server->exit),
              suspect.origin.as);
    return verdict;
}

/* --- port 53 --- */

/* One answer that is odd may be of an exit that has changed meanwhile. */
static bool is_intercepted(const trial_t *trial, dns_t *dns)
{
    const bool was_odd = dns->was_odd;
    network_origin_t direct = {.addr = trial->view->direct};
    bool is_odd;

    if (trial->view->direct_path != VPS_DNS_PATH_TUNNEL) {
        dns->was_odd = false;
        return false;
    }
    if (direct.addr.version == 0) {
        return false; /* nothing was seen, of which to make anything */
    }
    is_odd = dns_judge_is_odd(&direct, &trial->exit);
    if (is_odd) {
        direct.as = as_of(trial, &direct.addr);
        is_odd = dns_judge_is_odd(&direct, &trial->exit);
    }
    dns->was_odd = is_odd;
    return is_odd && was_odd;
}

/* --- which one is reported --- */

/* Is where a server comes out in another country than the exit, as far as both are known? */
static bool is_elsewhere(const trial_t *trial, const dns_server_t *server)
{
    vps_place_t place;
    char here[3], there[3];

    return places_find(trial->places, trial->options, trial->transfer, &server->exit, &place) &&
           vps_country_code(here, trial->record->location) &&
           vps_country_code(there, place.location) && strcmp(here, there) != 0;
}

/*
 * Is this server more worth a report than the one before? The server that is reported to compares
 * countries where there is no verdict: there one abroad is a leak, whatever the others do.
 */
static bool is_worse(const trial_t *trial, const dns_server_t *server, vps_dns_verdict_t verdict,
                     const dns_server_t *before, vps_dns_verdict_t verdict_before)
{
    if (verdict == verdict_before) {
        return verdict == VPS_DNS_VERDICT_UNKNOWN && !is_elsewhere(trial, before) &&
               is_elsewhere(trial, server);
    }
    return dns_judge_worse(verdict, verdict_before) == verdict;
}

/* The server that is reported, of those that come out somewhere; NULL = of none that is known. */
static const dns_server_t *choose(const trial_t *trial, const vps_dns_verdict_t *verdicts)
{
    const dns_server_t *servers = trial->view->servers;
    const dns_server_t *chosen = NULL;

    for (size_t i = 0; i < trial->view->count; i++) {
        if (servers[i].exit.version != 0 &&
            (chosen == NULL ||
             is_worse(trial, &servers[i], verdicts[i], chosen, verdicts[chosen - servers]))) {
            chosen = &servers[i];
        }
    }
    return chosen;
}

/* --- the record --- */

static vps_dns_path_t path_of_all(const dns_view_t *view)
{
    vps_dns_path_t paths[DNS_SERVERS_MAX];

    for (size_t i = 0; i < view->count; i++) {
        paths[i] = view->servers[i].path;
    }
    return dns_judge_path(paths, view->count);
}

static void fill_place(vps_record_t *record, const dns_view_t *view, const dns_server_t *chosen,
                       const vps_place_t *place)
{
    const char *country = place->location[0] != '\0' ? place->location : place->country;

    if (chosen != NULL) {
        record->dns_resolver_ip = chosen->exit;
    }
    if (record->dns_colo[0] == '\0') {
        memcpy(record->dns_colo, view->colo, sizeof(record->dns_colo));
    }
    if (country[0] != '\0') {
        memcpy(record->dns_loc, country, sizeof(record->dns_loc));
        record->dns_source = VPS_DNS_RESOLVER;
    } else if (record->dns_loc[0] != '\0') {
        record->dns_source = VPS_DNS_TRACE;
    }
}

static void tell(dns_t *dns, vps_dns_verdict_t verdict)
{
    const int64_t now = clock_elapsed();
    char length[OUTAGE_LENGTH_SIZE];

    if (verdict == VPS_DNS_VERDICT_LEAK || verdict == VPS_DNS_VERDICT_INTERCEPTED) {
        const bool news = outage_fail(&dns->verdict, verdict, now);

        log_write(news ? VPS_WARN : VPS_DEBUG, COMPONENT, "⚠️ %s",
                  verdict == VPS_DNS_VERDICT_LEAK
                      ? "DNS leaks: it goes past the tunnel"
                      : "DNS is intercepted: what goes by the tunnel comes out elsewhere");
    } else if (outage_end(&dns->verdict, now, length)) {
        log_write(VPS_INFO, COMPONENT, "✅ DNS is well again after %s: %s", length, words[verdict]);
    }
}

void dns_verdict(dns_t *dns, const dns_view_t *view, places_t *places, const options_t *options,
                 transfer_t *transfer, vps_record_t *record)
{
    const trial_t trial = {view, places, options, transfer, record, exit_of(record)};
    vps_dns_verdict_t verdicts[DNS_SERVERS_MAX] = {VPS_DNS_VERDICT_UNKNOWN};
    vps_dns_verdict_t all = VPS_DNS_VERDICT_UNKNOWN;
    const dns_server_t *chosen;
    vps_place_t place = {0};

    for (size_t i = 0; i < view->count; i++) {
        verdicts[i] = judge_server(&trial, &view->servers[i]);
        all = i == 0 ? verdicts[i] : dns_judge_worse(all, verdicts[i]);
    }
    if (is_intercepted(&trial, dns)) {
        all = dns_judge_worse(all, VPS_DNS_VERDICT_INTERCEPTED);
    }
    chosen = choose(&trial, verdicts);
    if (chosen != NULL) {
        places_find(places, options, transfer, &chosen->exit, &place);
    }
    fill_place(record, view, chosen, &place);
    record->dns_path = (uint8_t)path_of_all(view);
    record->dns_verdict = (uint8_t)all;
    tell(dns, all);
}
