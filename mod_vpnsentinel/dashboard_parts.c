#include "dashboard_parts.h"

#include "config.h"
#include "dashboard_light.h"
#include "dashboard_svg.h"
#include "status.h"

#define NOTICE_SECONDS 3600 /* how long a refusal by the rate limit is shown */

/* --- notices --- */

static void notice_of_rate_limit(html_t *html, const notice_t *notice)
{
    html_put(html, "<p class=\"notice\" role=\"status\">The rate limit refuses ");
    html_address(html, &notice->addr);
    html_put(html, ", an address that clients report from: they may seem offline. Raise "
                   "VPNSentinelRateLimit if many clients share it; set up mod_remoteip if it is a "
                   "proxy's.</p>\n");
}

void part_notices(html_t *html, const server_picture_t *server)
{
    if (!vitals_is_running(&server->vitals, server->now)) {
        html_put(html, "<p class=\"notice\" role=\"status\">The monitor does not run: nothing is "
                       "announced or stored. See the server's error log.</p>\n");
    } else if (!server->vitals.loaded) {
        html_put(html,
                 "<p class=\"notice\" role=\"status\">What the server kept from before its start "
                 "is not read yet: clients may be missing.</p>\n");
    }
    if (server->notice.when != 0 && server->wall - server->notice.when <= NOTICE_SECONDS) {
        notice_of_rate_limit(html, &server->notice);
    }
}

/* --- summary --- */

/* A number that leads to the clients it counts; light: light_t, or QUERY_ANY_LIGHT for all. */
static void write_count(html_t *html, const query_t *query, int light, int64_t count,
                        const char *word)
{
    query_t those = *query;

    those.light = light;
    those.page = 1;
    html_printf(html, "<li class=\"%s\"><a href=\"",
                light == QUERY_ANY_LIGHT ? "all" : assess_light_name((light_t)light));
    html_attribute(html, query_link(&those, html->pool));
    html_printf(html, "\"%s>", query->light == light ? " aria-current=\"true\"" : "");
    if (light != QUERY_ANY_LIGHT) {
        light_mark(html, (light_t)light);
    }
    html_printf(html, "<b>%" APR_INT64_T_FMT "</b> %s</a></li>\n", count, word);
}

void part_summary(html_t *html, const query_t *query, const fleet_picture_t *picture)
{
    const census_t *census = &picture->census;
    int light;

    html_put(html, "<ul class=\"summary\">\n");
    write_count(html, query, QUERY_ANY_LIGHT, census->total,
                census->total == 1 ? "client" : "clients");
    for (light = LIGHTS - 1; light >= 0; light--) {
        write_count(html, query, light, census->lights[light], light_word((light_t)light));
    }
    html_printf(html,
                "</ul>\n<p class=\"online\">%" APR_INT64_T_FMT " online, %" APR_INT64_T_FMT
                " offline</p>\n",
                census->total - census->offline, census->offline);
}

/* --- Server Details --- */

static void write_own_address(html_t *html, const server_ip_t *own)
{
    if (own->source == SERVER_IP_UNKNOWN) {
        html_printf(html,
                    "<span class=\"unknown\">not known%s: bypasses cannot be recognised</span>",
                    config_global()->server_ip_mode == CONFIG_SERVER_IP_AUTO ? " yet" : "");
        return;
    }
    if (own->addr[0].version != 0) {
        html_address(html, &own->addr[0]);
    }
    if (own->addr[1].version != 0) {
        html_put(html, own->addr[0].version != 0 ? ", " : "");
        html_address(html, &own->addr[1]);
    }
}

/* " (error)", nothing without one. */
static void write_error(html_t *html, const char *error)
{
    if (error != NULL && error[0] != '\0') {
        html_put(html, " (");
        html_text(html, error);
        html_put(html, ")");
    }
}

static void write_telegram(html_t *html, const server_picture_t *server)
{
    const vitals_t *vitals = &server->vitals;

    html_printf(html, "%s, %" APR_UINT64_T_FMT " queued", vitals->telegram_enabled ? "on" : "off",
                vitals->queued);
    if (vitals->oldest > 0) {
        html_put(html, ", the oldest ");
        html_ago(html, vitals->oldest, server->wall);
    }
    if (vitals->muted_until > 0) {
        html_put(html, ", muted until ");
        html_moment(html, vitals->muted_until);
    }
    if (vitals->last_success > 0) {
        html_put(html, ", last delivered ");
        html_ago(html, vitals->last_success, server->wall);
    }
    write_error(html, vitals->telegram_error);
    write_error(html, vitals->bot_error);
}

/* "Webhook HOST: 0 queued, last delivered …", an entry each. */
static void write_webhook(html_t *html, const webhook_vitals_t *webhook, int64_t wall)
{
    html_put(html, "</dd><dt>Webhook ");
    html_text(html, webhook->host);
    html_printf(html, "</dt><dd>%" APR_UINT64_T_FMT " queued", webhook->queued);
    if (webhook->oldest > 0) {
        html_put(html, ", the oldest ");
        html_ago(html, webhook->oldest, wall);
    }
    if (webhook->last_success > 0) {
        html_put(html, ", last delivered ");
        html_ago(html, webhook->last_success, wall);
    }
    write_error(html, webhook->error);
}

void part_details(html_t *html, const server_picture_t *server)
{
    const vitals_t *vitals = &server->vitals;
    uint32_t i;

    html_put(html, "<h2>Server Details</h2>\n<dl><dt>Public IP</dt><dd>");
    write_own_address(html, &server->server_ip);
    html_printf(html, "</dd><dt>Monitor</dt><dd>%s</dd><dt>Store</dt><dd>%s",
                vitals_is_running(vitals, server->now) ? "running" : "not running",
                status_store_word(vitals));
    write_error(html, status_store_error(vitals));
    html_put(html, "</dd><dt>Telegram</dt><dd>");
    write_telegram(html, server);
    for (i = 0; i < vitals->webhooks; i++) {
        write_webhook(html, &vitals->webhook[i], server->wall);
    }
    html_put(html, "</dd><dt>Uptime</dt><dd>");
    html_since(html, registry_started_at(segment_registry()), server->wall);
    html_put(html, "</dd><dt>Version</dt><dd>" VPS_VERSION "</dd></dl>\n");
}

/* --- legend --- */

void part_legend(html_t *html)
{
    static const char *const meanings[LIGHTS] = {
        "the VPN works, and DNS goes by it",
        "DNS leaks, or nobody knows where it comes out",
        "no report within the threshold",
        "bypass, IPv6 leak, or the VPN is down",
    };
    int light;

    html_put(html, "<h2>Legend</h2>\n<dl>");
    for (light = LIGHTS - 1; light >= 0; light--) {
        html_put(html, "<dt>");
        light_mark(html, (light_t)light);
        html_printf(html, "%s ", light_word((light_t)light));
        svg_swatch(html, (unsigned int)light + 1);
        html_printf(html, "</dt><dd>%s</dd>", meanings[light]);
    }
    html_printf(html, "<dt>%s ", svg_cell_word(0));
    svg_swatch(html, 0);
    html_put(html, "</dt><dd>not known yet, or the server did not run</dd></dl>\n"
                   "<p>A quarter of an hour is as bad as its worst moment.</p>\n");
}
