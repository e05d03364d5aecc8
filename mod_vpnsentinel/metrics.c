#include "metrics.h"

#include "http_protocol.h"

#include "answer.h"
#include "clock.h"
#include "config.h"
#include "exposition.h"
#include "metrics_clients.h"
#include "segment.h"
#include "status.h"

/* All that is told, as of one moment; but the places of clients, which are many. */
typedef struct snapshot_t {
    int64_t now;           /* monotonic usec */
    int64_t waiting_since; /* the same, 0 = nothing waits to be recorded */
    vitals_t vitals;
    server_ip_t own;
    fleet_metrics_t fleet;
} snapshot_t;

/* --- the server --- */

static void write_build(exposition_t *out)
{
    static const metric_t build = {"vpnsentinel_build", METRIC_INFO, NULL,
                                   "The version of the module."};
    static const metric_t start = {"vpnsentinel_start_time_seconds", METRIC_GAUGE, "seconds",
                                   "Since when the server has been in service, over reloads."};

    exposition_metric(out, &build);
    exposition_label(out, "version", VPS_VERSION);
    exposition_number(out, 1);
    exposition_metric(out, &start);
    exposition_number(out, registry_started_at(segment_registry()));
}

static void write_server_ip(exposition_t *out, const server_ip_t *own)
{
    static const metric_t known = {"vpnsentinel_server_public_ip_known", METRIC_GAUGE, NULL,
                                   "Is the server's own public address known, which bypasses are "
                                   "recognised by?"};

    exposition_metric(out, &known);
    exposition_label(out, "ip_version", "4");
    exposition_number(out, own->addr[0].version != 0);
    exposition_label(out, "ip_version", "6");
    exposition_number(out, own->addr[1].version != 0);
}

static void write_fleet(exposition_t *out, const fleet_metrics_t *fleet)
{
    static const metric_t clients = {"vpnsentinel_clients", METRIC_GAUGE, NULL,
                                     "How many clients there are."};
    static const metric_t omitted = {"vpnsentinel_clients_omitted", METRIC_GAUGE, NULL,
                                     "Clients without metrics of their own, because of "
                                     "VPNSentinelMetricsMaxClients."};
    static const metric_t used = {"vpnsentinel_registry_clients", METRIC_GAUGE, NULL,
                                  "Clients in the registry."};
    static const metric_t max = {"vpnsentinel_registry_clients_max", METRIC_GAUGE, NULL,
                                 "How many the registry takes."};
    int light;

    exposition_metric(out, &clients);
    for (light = 0; light < LIGHTS; light++) {
        exposition_label(out, "status", light == LIGHT_GREY ? "offline" : "online");
        exposition_label(out, "light", assess_light_name((light_t)light));
        exposition_number(out, fleet->census.lights[light]);
    }
    exposition_metric(out, &omitted);
    exposition_number(out, fleet->census.total - (int64_t)fleet->count);
    exposition_metric(out, &used);
    exposition_number(out, fleet->census.total);
    exposition_metric(out, &max);
    exposition_number(out, registry_max_clients(segment_registry()));
}

static void write_requests(exposition_t *out)
{
    static const metric_t keepalives = {"vpnsentinel_keepalives", METRIC_COUNTER, NULL,
                                        "Keepalives that were accepted."};
    static const metric_t refused = {"vpnsentinel_requests_refused", METRIC_COUNTER, NULL,
                                     "Requests to the API that were refused."};
    int reason;

    exposition_metric(out, &keepalives);
    exposition_number(out, (int64_t)registry_keepalives(segment_registry()));
    exposition_metric(out, &refused);
    for (reason = COUNT_REFUSED_FIRST; reason <= COUNT_REFUSED_LAST; reason++) {
        exposition_label(out, "reason", counters_reason((counter_t)reason));
        exposition_number(out, (int64_t)counters_get(segment_counters(), (counter_t)reason));
    }
}

/* --- the monitor and what it looks after --- */

static void write_counter(exposition_t *out, const metric_t *metric, counter_t counter)
{
    exposition_metric(out, metric);
    exposition_number(out, (int64_t)counters_get(segment_counters(), counter));
}

/* Without a sample when it is not known. */
static void write_moment(exposition_t *out, const metric_t *metric, int64_t when)
{
    exposition_metric(out, metric);
    if (when != 0) {
        exposition_number(out, when);
    }
}

static void write_monitor(exposition_t *out, const snapshot_t *snapshot)
{
    static const metric_t up = {"vpnsentinel_monitor_up", METRIC_GAUGE, NULL,
                                "Does the monitor process run?"};
    static const metric_t starts = {"vpnsentinel_monitor_starts", METRIC_COUNTER, NULL,
                                    "How often a monitor process has begun."};
    static const metric_t loops = {"vpnsentinel_monitor_loops", METRIC_COUNTER, NULL,
                                   "How often the monitor has been awake."};
    static const metric_t last_run = {"vpnsentinel_monitor_last_run_timestamp_seconds",
                                      METRIC_GAUGE, "seconds",
                                      "When the monitor looked at all clients last."};

    exposition_metric(out, &up);
    exposition_number(out, vitals_is_running(&snapshot->vitals, snapshot->now));
    write_counter(out, &starts, COUNT_MONITOR_STARTS);
    write_counter(out, &loops, COUNT_MONITOR_LOOPS);
    write_moment(out, &last_run, snapshot->vitals.last_run);
}

static void write_store(exposition_t *out, const snapshot_t *snapshot)
{
    static const metric_t state = {"vpnsentinel_store_state", METRIC_GAUGE, NULL,
                                   "1 for the state that the store is in, 0 for the others."};
    static const metric_t lag = {"vpnsentinel_store_lag_seconds", METRIC_GAUGE, "seconds",
                                 "How long the oldest change has been waiting to be recorded."};
    static const char *const words[] = {"ok", "degraded", "off"};
    const char *word = status_store_word(&snapshot->vitals);
    const bool is_known = snapshot->vitals.store_state != STORE_UNKNOWN;
    size_t i;

    exposition_metric(out, &state);
    for (i = 0; is_known && i < sizeof words / sizeof words[0]; i++) {
        exposition_label(out, "state", words[i]);
        exposition_number(out, strcmp(words[i], word) == 0);
    }
    exposition_metric(out, &lag);
    if (config_global()->state_dir != NULL) {
        exposition_seconds(out,
                           snapshot->waiting_since == 0 || snapshot->waiting_since > snapshot->now
                               ? 0
                               : snapshot->now - snapshot->waiting_since);
    }
}

static void write_notifications(exposition_t *out, const vitals_t *vitals)
{
    static const metric_t enabled = {"vpnsentinel_notifications_enabled", METRIC_GAUGE, NULL,
                                     "Are alerts sent by Telegram?"};
    static const metric_t muted = {"vpnsentinel_notifications_muted", METRIC_GAUGE, NULL,
                                   "Are alerts held back for now?"};
    static const metric_t sent = {"vpnsentinel_notifications_sent", METRIC_COUNTER, NULL,
                                  "Alerts that have been delivered, each once, in digests too."};
    static const metric_t failed = {"vpnsentinel_notifications_failed", METRIC_COUNTER, NULL,
                                    "Tries to deliver alerts that failed and are repeated."};
    static const metric_t queued = {"vpnsentinel_notifications_queued", METRIC_GAUGE, NULL,
                                    "Alerts that wait to be delivered."};
    static const metric_t oldest = {"vpnsentinel_notifications_oldest_queued_timestamp_seconds",
                                    METRIC_GAUGE, "seconds",
                                    "When the oldest of the alerts that wait was recorded."};
    static const metric_t success = {"vpnsentinel_notifications_last_success_timestamp_seconds",
                                     METRIC_GAUGE, "seconds", "When Telegram took a message last."};

    exposition_metric(out, &enabled);
    exposition_number(out, vitals->telegram_enabled);
    exposition_metric(out, &muted);
    exposition_number(out, vitals->muted_until != 0);
    write_counter(out, &sent, COUNT_SENT);
    write_counter(out, &failed, COUNT_SEND_FAILED);
    exposition_metric(out, &queued);
    exposition_number(out, (int64_t)vitals->queued);
    write_moment(out, &oldest, vitals->queued > 0 ? vitals->oldest : 0);
    write_moment(out, &success, vitals->last_success);
}

/* All together: by host they would tell apart what may be one and the same. */
static void write_webhooks(exposition_t *out, const vitals_t *vitals)
{
    static const metric_t sent = {"vpnsentinel_webhook_sent", METRIC_COUNTER, NULL,
                                  "Events that have been delivered to webhooks."};
    static const metric_t failed = {"vpnsentinel_webhook_failed", METRIC_COUNTER, NULL,
                                    "Tries to deliver to webhooks that failed and are repeated."};
    static const metric_t dropped = {"vpnsentinel_webhook_dropped", METRIC_COUNTER, NULL,
                                     "Events that were given up for a webhook, or went with it."};
    static const metric_t queued = {"vpnsentinel_webhook_queued", METRIC_GAUGE, NULL,
                                    "Events that wait to be delivered to webhooks."};
    uint64_t waiting = 0;
    uint32_t i;

    for (i = 0; i < vitals->webhooks; i++) {
        waiting += vitals->webhook[i].queued;
    }
    write_counter(out, &sent, COUNT_WEBHOOK_SENT);
    write_counter(out, &failed, COUNT_WEBHOOK_FAILED);
    write_counter(out, &dropped, COUNT_WEBHOOK_DROPPED);
    exposition_metric(out, &queued);
    exposition_number(out, (int64_t)waiting);
}

/* --- clients --- */

/*
 * The report of one that was counted, read only now: all would take a kilobyte each. NULL when it has
 * gone meanwhile.
 */
static const vps_record_t *report_of(client_view_t *view, const client_metrics_t *client)
{
    return registry_get_slot(segment_registry(), client->slot, view) == REGISTRY_OK &&
                   view->client.uid == client->uid
               ? &view->client.report
               : NULL;
}

static void write_last_seen(exposition_t *out, const fleet_metrics_t *fleet)
{
    static const metric_t metric = {"vpnsentinel_client_last_seen_timestamp_seconds", METRIC_GAUGE,
                                    "seconds", "When the client's last keepalive came."};
    const vps_record_t *report;
    client_view_t view;
    size_t i;

    exposition_metric(out, &metric);
    for (i = 0; i < fleet->count; i++) {
        report = fleet->clients[i].last_seen != 0 ? report_of(&view, &fleet->clients[i]) : NULL;
        if (report != NULL) {
            exposition_label(out, "client_id", report->client_id);
            exposition_number(out, fleet->clients[i].last_seen);
        }
    }
}

static void write_conditions(exposition_t *out, const fleet_metrics_t *fleet)
{
    static const metric_t metric = {"vpnsentinel_client_condition", METRIC_GAUGE, NULL,
                                    "1 while the client is in this condition, else 0."};
    const vps_record_t *report;
    client_view_t view;
    unsigned int n;
    size_t i;

    exposition_metric(out, &metric);
    for (i = 0; i < fleet->count; i++) {
        report = report_of(&view, &fleet->clients[i]);
        for (n = 0; n < CONDITIONS && report != NULL; n++) {
            exposition_label(out, "client_id", report->client_id);
            exposition_label(out, "condition", assess_condition_name(n));
            exposition_number(out, (fleet->clients[i].assessment.conditions & 1u << n) != 0);
        }
    }
}

static void write_place(exposition_t *out, const vps_record_t *report)
{
    char text[VPS_ADDR_TEXT_SIZE];

    exposition_label(out, "client_id", report->client_id);
    exposition_label(out, "public_ip", vps_addr_format(text, &report->public_ip));
    exposition_label(out, "public_ip6", vps_addr_format(text, &report->public_ip6));
    exposition_label(out, "location", report->location);
    exposition_label(out, "country", report->country);
    exposition_label(out, "city", report->city);
    exposition_label(out, "provider", report->provider);
    exposition_label(out, "dns_location", report->dns_loc);
    exposition_label(out, "version", report->client_version);
    exposition_number(out, 1);
}

static void write_info(exposition_t *out, const fleet_metrics_t *fleet)
{
    static const metric_t metric = {"vpnsentinel_client", METRIC_INFO, NULL,
                                    "What the client reported last."};
    const vps_record_t *report;
    client_view_t view;
    size_t i;

    exposition_metric(out, &metric);
    for (i = 0; i < fleet->count; i++) {
        report = report_of(&view, &fleet->clients[i]);
        if (report != NULL) {
            write_place(out, report);
        }
    }
}

/* --- all --- */

static bool take_snapshot(snapshot_t *snapshot, apr_pool_t *pool)
{
    registry_t *registry = segment_registry();
    const uint32_t max = (uint32_t)config_quantity(CONFIG_METRICS_MAX_CLIENTS);

    if (registry == NULL || !registry_acquire(registry)) {
        return false;
    }
    snapshot->vitals = *segment_vitals();
    registry_release(registry);
    snapshot->waiting_since = segment_waiting_since();
    snapshot->now = clock_monotonic();
    return registry_get_server_ip(registry, &snapshot->own) == REGISTRY_OK &&
           metrics_take_clients(&snapshot->fleet, max, pool);
}

static void write_bytes(void *ctx, const char *bytes, size_t len)
{
    (void)ap_rwrite(bytes, (int)len, ctx); /* who does not listen any more misses it */
}

static void write_all(request_rec *r, exposition_format_t format, const snapshot_t *snapshot)
{
    exposition_t *out = apr_palloc(r->pool, sizeof *out);

    exposition_begin(out, format, write_bytes, r);
    write_build(out);
    write_fleet(out, &snapshot->fleet);
    write_requests(out);
    write_notifications(out, &snapshot->vitals);
    write_webhooks(out, &snapshot->vitals);
    write_monitor(out, snapshot);
    write_store(out, snapshot);
    write_server_ip(out, &snapshot->own);
    write_last_seen(out, &snapshot->fleet);
    write_conditions(out, &snapshot->fleet);
    write_info(out, &snapshot->fleet);
    exposition_end(out);
}

static int answer_metrics(request_rec *r)
{
    const exposition_format_t format = exposition_format(apr_table_get(r->headers_in, "Accept"));
    snapshot_t *snapshot = apr_palloc(r->pool, sizeof *snapshot);

    if (!take_snapshot(snapshot, r->pool)) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "The registry cannot be reached");
    }
    answer_begin(r, HTTP_OK, exposition_content_type(format));
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    write_all(r, format, snapshot);
    return OK;
}

int metrics_handle(request_rec *r, const char *rest)
{
    if (rest[0] != '\0' && strcmp(rest, "/") != 0) {
        return answer_text(r, HTTP_NOT_FOUND, "Not found");
    }
    if (r->method_number != M_GET) {
        apr_table_setn(r->headers_out, "Allow", "GET, HEAD");
        return answer_text(r, HTTP_METHOD_NOT_ALLOWED, "Method not allowed");
    }
    return answer_metrics(r);
}
