#include "server_status.h"

#include "mod_vpnsentinel.h"

#include "http_protocol.h"
#include "mod_status.h"

#include "apr_optional_hooks.h"

#include "clock.h"
#include "fleet.h"
#include "html.h"
#include "segment.h"
#include "status.h"

/* All that is told. */
typedef struct numbers_t {
    census_t census;
    vitals_t vitals;
    uint64_t keepalives;
    uint64_t refused;
    uint32_t max_clients;
    bool monitor_runs;
} numbers_t;

static bool take_numbers(numbers_t *numbers, apr_pool_t *pool)
{
    registry_t *registry = segment_registry();
    int reason;

    memset(numbers, 0, sizeof *numbers);
    if (registry == NULL || !fleet_census(&numbers->census, apr_palloc(pool, sizeof(fleet_t)))) {
        return false;
    }
    segment_copy_vitals(&numbers->vitals);
    numbers->monitor_runs = vitals_is_running(&numbers->vitals, clock_monotonic());
    numbers->keepalives = registry_keepalives(registry);
    numbers->max_clients = registry_max_clients(registry);
    for (reason = COUNT_REFUSED_FIRST; reason <= COUNT_REFUSED_LAST; reason++) {
        numbers->refused += counters_get(segment_counters(), (counter_t)reason);
    }
    return true;
}

static const char *monitor_word(const numbers_t *numbers)
{
    return numbers->monitor_runs ? "running" : "down";
}

/* --- lines --- */

static void write_lines(request_rec *r, const numbers_t *numbers)
{
    const int64_t *lights = numbers->census.lights;

    ap_rprintf(r, "VpnSentinelVersion: %s\n", VPS_VERSION);
    ap_rprintf(r, "VpnSentinelClients: %" APR_INT64_T_FMT "\n", numbers->census.total);
    ap_rprintf(r, "VpnSentinelClientsMax: %u\n", numbers->max_clients);
    ap_rprintf(r, "VpnSentinelGreen: %" APR_INT64_T_FMT "\n", lights[LIGHT_GREEN]);
    ap_rprintf(r, "VpnSentinelYellow: %" APR_INT64_T_FMT "\n", lights[LIGHT_YELLOW]);
    ap_rprintf(r, "VpnSentinelGrey: %" APR_INT64_T_FMT "\n", lights[LIGHT_GREY]);
    ap_rprintf(r, "VpnSentinelRed: %" APR_INT64_T_FMT "\n", lights[LIGHT_RED]);
    ap_rprintf(r, "VpnSentinelKeepalives: %" APR_UINT64_T_FMT "\n", numbers->keepalives);
    ap_rprintf(r, "VpnSentinelRefused: %" APR_UINT64_T_FMT "\n", numbers->refused);
    ap_rprintf(r, "VpnSentinelMonitor: %s\n", monitor_word(numbers));
    ap_rprintf(r, "VpnSentinelStore: %s\n", status_store_word(&numbers->vitals));
    ap_rprintf(r, "VpnSentinelTelegram: %s\n", numbers->vitals.telegram_enabled ? "on" : "off");
    ap_rprintf(r, "VpnSentinelQueued: %" APR_UINT64_T_FMT "\n", numbers->vitals.queued);
}

/* --- HTML --- */

static void begin_entry(html_t *html, const char *name)
{
    html_printf(html, "<dt>%s: ", name);
}

static void write_reason(html_t *html, const char *reason)
{
    if (reason != NULL && reason[0] != '\0') {
        html_put(html, ": ");
        html_attribute(html, reason);
    }
    html_put(html, "</dt>\n");
}

static void write_section(html_t *html, const numbers_t *numbers)
{
    const vitals_t *vitals = &numbers->vitals;
    const int64_t *lights = numbers->census.lights;

    html_put(html, "<hr />\n<h2>VPN Sentinel " VPS_VERSION "</h2>\n<dl>");
    begin_entry(html, "Clients");
    html_printf(html,
                "%" APR_INT64_T_FMT " of at most %u: %" APR_INT64_T_FMT
                " green (secure), %" APR_INT64_T_FMT " yellow (DNS), %" APR_INT64_T_FMT
                " red (alarm), %" APR_INT64_T_FMT " grey (offline)</dt>\n",
                numbers->census.total, numbers->max_clients, lights[LIGHT_GREEN],
                lights[LIGHT_YELLOW], lights[LIGHT_RED], lights[LIGHT_GREY]);
    begin_entry(html, "Requests");
    html_printf(html,
                "%" APR_UINT64_T_FMT " keepalives accepted, %" APR_UINT64_T_FMT
                " requests refused</dt>\n",
                numbers->keepalives, numbers->refused);
    begin_entry(html, "Monitor");
    html_printf(html, "%s</dt>\n", monitor_word(numbers));
    begin_entry(html, "Store");
    html_put(html, status_store_word(vitals));
    write_reason(html, status_store_error(vitals));
    begin_entry(html, "Telegram");
    html_put(html, vitals->telegram_enabled ? "on" : "off");
    html_printf(html, ", %" APR_UINT64_T_FMT " queued", vitals->queued);
    write_reason(html, vitals->telegram_error);
    html_put(html, "</dl>\n");
}

static int tell(request_rec *r, int flags)
{
    numbers_t *numbers = apr_palloc(r->pool, sizeof *numbers);
    html_t html;
    const char *text;
    size_t len;

    if (!take_numbers(numbers, r->pool)) {
        return DECLINED;
    }
    if (flags & AP_STATUS_SHORT) {
        write_lines(r, numbers);
        return OK;
    }
    html = html_begin(r->pool, false);
    write_section(&html, numbers);
    text = html_written(&html, &len);
    (void)ap_rwrite(text, (int)len, r);
    return OK;
}

void server_status_hook(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, tell, NULL, NULL, APR_HOOK_MIDDLE);
}
