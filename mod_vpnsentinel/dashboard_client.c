#include "dashboard_client.h"

#include "apr_strings.h"

#include "answer.h"
#include "dashboard_document.h"
#include "dashboard_events.h"
#include "dashboard_light.h"
#include "dashboard_parts.h"
#include "dashboard_svg.h"
#include "dashboard_table.h"
#include "keepalive.h"

#define EVENTS 100 /* on the page */

static const vps_record_t *report_of(const document_t *document)
{
    return &document->client->view.client.report;
}

/* --- how it is --- */

static void write_notices(html_t *html, const document_t *document)
{
    part_notices(html, document->server);
}

/* "DNS leak for 3 min, since …": what began at a known time, as it was announced. */
static void write_duration(html_t *html, const document_t *document, const char *what,
                           uint32_t since)
{
    if (since != 0) {
        html_printf(html, "<li>%s for ", what);
        html_since(html, since, document->server->wall);
        html_put(html, ", since ");
        html_moment(html, since);
        html_put(html, "</li>");
    }
}

static void write_state(html_t *html, const document_t *document)
{
    const row_t *client = document->client;
    const announced_t *announced = &client->view.client.announced;
    const unsigned int conditions = client->assessment.conditions;

    html_put(html, "<p class=\"state\">");
    light_mark(html, client->assessment.light);
    light_conditions(html, &client->assessment);
    html_put(html, "</p>\n<ul>");
    if (conditions & CONDITION_BYPASS) {
        write_duration(html, document, "Bypass", announced->bypass_since);
    }
    if (conditions & CONDITION_IPV6_LEAK) {
        write_duration(html, document, "IPv6 leak", announced->ipv6_leak_since);
    }
    if (conditions & CONDITION_VPN_DOWN) {
        write_duration(html, document, "VPN down", announced->down_since);
    }
    if (conditions & CONDITION_DNS_LEAK) {
        write_duration(html, document, "DNS leak", announced->leak_since);
    }
    if (conditions & CONDITION_OFFLINE) {
        write_duration(html, document, "Silent", client->view.client.last_seen);
    }
    html_put(html, "</ul>\n");
}

/* --- its day --- */

/* "14:15–15:00 alarm": each stretch of the day in words. */
static void write_stretches(html_t *html, const uint8_t cells[HISTORY_CELLS], int64_t wall)
{
    unsigned int begin, end;

    html_put(html, "<ul class=\"stretches\">");
    for (begin = 0; begin < HISTORY_CELLS; begin = end) {
        for (end = begin + 1; end < HISTORY_CELLS && cells[end] == cells[begin]; end++) {
        }
        html_put(html, "<li>");
        svg_swatch(html, cells[begin]);
        html_put(html, " ");
        html_clock(html, svg_cell_begin(begin, wall));
        html_put(html, "–");
        if (end < HISTORY_CELLS) {
            html_clock(html, svg_cell_begin(end, wall));
        } else {
            html_put(html, "now");
        }
        html_printf(html, " %s</li>\n", svg_cell_word(cells[begin]));
    }
    html_put(html, "</ul>\n<p class=\"hint\">Times are UTC.</p>\n");
}

static void write_day(html_t *html, const document_t *document)
{
    html_put(html, "<h2>Last 24 Hours</h2>\n");
    svg_strip(html, document->client->cells);
    svg_axis(html);
    write_stretches(html, document->client->cells, document->server->wall);
}

/* --- its last report --- */

static void write_text(html_t *html, const char *name, const char *text)
{
    html_printf(html, "<dt>%s</dt><dd>", name);
    html_text_or_unknown(html, text);
    html_put(html, "</dd>");
}

static void write_address(html_t *html, const char *name, const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    write_text(html, name, vps_addr_format(text, addr));
}

/* otherwise: what 0 means. */
static void write_time(html_t *html, const char *name, int64_t when, const char *otherwise)
{
    html_printf(html, "<dt>%s</dt><dd>", name);
    if (when != 0) {
        html_moment(html, when);
    } else {
        html_put(html, otherwise);
    }
    html_put(html, "</dd>");
}

static void write_exit(html_t *html, const vps_record_t *report)
{
    html_put(html, "<h3>Exit</h3>\n<dl>");
    write_address(html, "Public IP", &report->public_ip);
    write_text(html, "City", report->city);
    write_text(html, "Region", report->region);
    write_text(html, "Country", report->country);
    write_text(html, "Country code", report->location);
    write_text(html, "Time zone", report->timezone);
    write_text(html, "Provider", report->provider);
    html_put(html, "<dt>VPN</dt><dd>");
    cell_vpn(html, report);
    html_put(html, "</dd>");
    write_address(html, "Public IPv6", &report->public_ip6);
    write_text(html, "IPv6 verdict", vps_word(VPS_WORD_IPV6_VERDICT, report->ipv6_verdict));
    html_put(html, "</dl>\n");
}

static void write_dns(html_t *html, const vps_record_t *report)
{
    html_put(html, "<h3>DNS</h3>\n<dl>");
    write_text(html, "Verdict", vps_word(VPS_WORD_DNS_VERDICT, report->dns_verdict));
    write_text(html, "Comes out in", report->dns_loc);
    write_address(html, "Resolver", &report->dns_resolver_ip);
    write_text(html, "Way to the name servers", vps_word(VPS_WORD_DNS_PATH, report->dns_path));
    write_text(html, "Data centre", report->dns_colo);
    write_text(html, "Known by", vps_word(VPS_WORD_DNS_SOURCE, report->dns_source));
    html_put(html, "</dl>\n");
}

static void write_life(html_t *html, const document_t *document)
{
    const client_t *client = &document->client->view.client;

    html_put(html, "<h3>Reports</h3>\n<dl>");
    html_put(html, "<dt>Last seen</dt><dd>");
    cell_last_seen(html, &document->client->view, document->server->wall);
    html_put(html, "</dd>");
    write_address(html, "From", &client->observed_ip);
    write_time(html, "Client's clock", client->report.timestamp, HTML_UNKNOWN);
    write_time(html, "First seen", client->first_seen, HTML_UNKNOWN);
    write_time(html, "Last change", client->last_change, "never");
    html_printf(html, "<dt>Keepalives</dt><dd>%u</dd>", client->keepalives);
    write_text(html, "Version", client->report.client_version);
    html_put(html, "</dl>\n");
}

static void write_report(html_t *html, const document_t *document)
{
    html_put(html, "<h2>Last Report</h2>\n<div class=\"columns\"><div>");
    write_exit(html, report_of(document));
    html_put(html, "</div><div>");
    write_dns(html, report_of(document));
    html_put(html, "</div><div>");
    write_life(html, document);
    html_put(html, "</div></div>\n");
}

static void write_events(html_t *html, const document_t *document)
{
    events_list(html, report_of(document)->client_id, EVENTS, document->server->wall,
                document->base);
}

/* --- the page --- */

static const part_t parts[] = {
    {"notices", write_notices}, {"state", write_state},   {"day", write_day},
    {"report", write_report},   {"events", write_events}, {NULL, NULL},
};

static void layout(html_t *html, const document_t *document)
{
    html_printf(html, "<header><h1>%s</h1>\n<p><a href=\"", report_of(document)->client_id);
    html_attribute(html, document->base[0] != '\0' ? document->base : "./");
    html_put(html, "\">VPN Sentinel Monitoring</a></p>\n<p id=\"live\" role=\"status\"></p>"
                   "</header>\n<main>\n");
    document_part(html, document, "div", "notices");
    document_part(html, document, "section", "state");
    document_part(html, document, "section", "day");
    document_part(html, document, "section", "report");
    document_part(html, document, "section", "events");
    html_put(html, "</main>\n");
}

int client_answer(request_rec *r, const char *client_id, const char *base)
{
    query_t query;
    const char *fault = query_read(&query, r->args, r->pool);
    const server_picture_t *server;
    const row_t *client;

    if (fault != NULL) {
        return answer_text(r, HTTP_BAD_REQUEST, fault);
    }
    server = picture_server(r);
    if (server == NULL || !picture_client(r, server, client_id, &client)) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "The registry cannot be reached");
    }
    if (client == NULL) {
        return picture_is_partial(server)
                   ? document_later(r)
                   : answer_text(r, HTTP_NOT_FOUND, "There is no client of this id");
    }
    return document_answer(
        r, &(document_t){
               .title = apr_pstrcat(r->pool, client_id, " – VPN Sentinel Dashboard", NULL),
               .base = base,
               .since = query.since,
               .query = &query,
               .server = server,
               .client = client,
               .parts = parts,
               .layout = layout,
           });
}
