#include "dashboard_table.h"

#include "apr_strings.h"

#include "dashboard_light.h"
#include "dashboard_select.h"
#include "dashboard_svg.h"
#include "keepalive.h"

/* --- cells --- */

/* "203.0.113.1, 2001:db8::1 IPv6 leak"; of IPv6 only what is known. */
void cell_public_ip(html_t *html, const vps_record_t *report)
{
    const char *verdict = vps_word(VPS_WORD_IPV6_VERDICT, report->ipv6_verdict);

    html_address(html, &report->public_ip);
    if (report->public_ip6.version != 0) {
        html_put(html, ", ");
        html_address(html, &report->public_ip6);
    }
    if (verdict[0] != '\0') {
        html_printf(html, " <small>IPv6 %s</small>", verdict);
    }
}

/* "City, Region, Country" of what is known. */
void cell_location(html_t *html, const vps_record_t *report)
{
    const char *parts[3] = {report->city, report->region,
                            report->country[0] != '\0' ? report->country : report->location};
    const char *comma = "";
    int i;

    for (i = 0; i < 3; i++) {
        if (parts[i][0] != '\0') {
            html_put(html, comma);
            html_text(html, parts[i]);
            comma = ", ";
        }
    }
    if (comma[0] == '\0') {
        html_text_or_unknown(html, "");
    }
}

void cell_last_seen(html_t *html, const client_view_t *view, int64_t wall)
{
    if (view->client.last_seen == 0) {
        html_put(html, "never");
        return;
    }
    html_ago(html, view->client.last_seen, wall);
}

void cell_vpn(html_t *html, const vps_record_t *report)
{
    static const char *const words[] = {"", "down", "connected"};

    if (report->vpn_connected == VPS_UNKNOWN) {
        html_text_or_unknown(html, "");
        return;
    }
    html_put(html, words[report->vpn_connected]);
}

/* "leak, US IAD": the verdict, if there is one, and where DNS comes out. */
void cell_dns(html_t *html, const vps_record_t *report)
{
    const char *verdict = vps_word(VPS_WORD_DNS_VERDICT, report->dns_verdict);

    html_printf(html, "%s%s", verdict, verdict[0] != '\0' ? ", " : "");
    html_text_or_unknown(html, report->dns_loc);
    if (report->dns_colo[0] != '\0') {
        html_put(html, " <small>");
        html_text(html, report->dns_colo);
        html_put(html, "</small>");
    }
}

/* --- a row --- */

/* By the label the style finds the cell, wherever it puts it on a narrow screen. */
static void begin_cell(html_t *html, const char *label)
{
    html_printf(html, "<td data-label=\"%s\">", label);
}

static void write_name(html_t *html, const row_t *row, const char *base)
{
    const char *client_id = row->view.client.report.client_id; /* letters, digits and hyphens */

    html_printf(html, "<th scope=\"row\"><a href=\"");
    html_attribute(html, base);
    html_printf(html, "client/%s\">%s</a></th>", client_id, client_id);
}

void table_row(html_t *html, const row_t *row, int64_t wall, const char *base)
{
    const vps_record_t *report = &row->view.client.report;

    html_printf(html, "<tr id=\"c-%s\" class=\"%s\">", report->client_id,
                assess_light_name(row->assessment.light));
    write_name(html, row, base);
    begin_cell(html, "Status");
    light_mark(html, row->assessment.light);
    light_conditions(html, &row->assessment);
    html_put(html, "</td>");
    begin_cell(html, "Public IP");
    cell_public_ip(html, report);
    html_put(html, "</td>");
    begin_cell(html, "Location");
    cell_location(html, report);
    html_put(html, "</td>");
    begin_cell(html, "Last Seen");
    cell_last_seen(html, &row->view, wall);
    html_put(html, "</td>");
    begin_cell(html, "Last 24 Hours");
    svg_strip(html, row->cells);
    html_put(html, "</td>");
    begin_cell(html, "Provider");
    html_text_or_unknown(html, report->provider);
    html_put(html, "</td>");
    begin_cell(html, "VPN");
    cell_vpn(html, report);
    html_put(html, "</td>");
    begin_cell(html, "DNS");
    cell_dns(html, report);
    html_put(html, "</td>");
    begin_cell(html, "Version");
    html_text_or_unknown(html, report->client_version);
    html_put(html, "</td></tr>\n");
}

/* --- the head --- */

/* A link that sorts by a column; by the one that it is sorted by already, the other way round. */
static void write_column(html_t *html, const query_t *query, const char *name, sort_t sort)
{
    const bool is_sorted = query->sort == sort;
    query_t other = *query;

    other.sort = sort;
    other.descending = is_sorted && !query->descending;
    other.page = 1;
    html_printf(html, "<th scope=\"col\"%s><a href=\"",
                !is_sorted          ? ""
                : query->descending ? " aria-sort=\"descending\""
                                    : " aria-sort=\"ascending\"");
    html_attribute(html, query_link(&other, html->pool));
    html_printf(html, "\">%s</a></th>", name);
}

void table_head(html_t *html, const query_t *query, const fleet_picture_t *picture)
{
    if (picture->row_count == 0) {
        return;
    }
    html_put(html, "<tr>");
    write_column(html, query, "Client ID", SORT_ID);
    write_column(html, query, "Status", SORT_STATUS);
    write_column(html, query, "Public IP", SORT_IP);
    write_column(html, query, "Location", SORT_LOCATION);
    write_column(html, query, "Last Seen", SORT_SEEN);
    html_put(html, "<th scope=\"col\">Last 24 Hours</th>");
    write_column(html, query, "Provider", SORT_PROVIDER);
    write_column(html, query, "VPN", SORT_VPN);
    write_column(html, query, "DNS", SORT_DNS);
    write_column(html, query, "Version", SORT_VERSION);
    html_put(html, "</tr>");
}

/* --- the pages --- */

static void write_range(html_t *html, const fleet_picture_t *picture)
{
    const uint64_t before = (uint64_t)(picture->page - 1) * SELECT_ROWS;

    if (picture->pages > 1) {
        html_printf(html, "%" APR_UINT64_T_FMT "–%" APR_UINT64_T_FMT " of ", before + 1,
                    before + picture->row_count);
    }
}

void table_found(html_t *html, const query_t *query, const fleet_picture_t *picture)
{
    const bool is_filtered = query->search[0] != '\0' || query->light != QUERY_ANY_LIGHT;

    if (picture->census.total == 0) {
        html_put(html, "No client has reported yet.");
        return;
    }
    if (is_filtered && picture->matches == 0) {
        html_put(html, "No client is like that. <a href=\"?\">Show all</a>");
        return;
    }
    write_range(html, picture);
    html_printf(html, "%" APR_INT64_T_FMT " client%s%s", picture->matches,
                picture->matches == 1 ? "" : "s", is_filtered ? " found" : "");
    if (is_filtered) {
        html_put(html, ". <a href=\"?\">Show all</a>");
    }
    if (picture->matches > (int64_t)QUERY_PAGE_MAX * SELECT_ROWS) {
        html_put(html, ". More than can be paged through: search for the rest");
    }
}

static void write_page_link(html_t *html, const query_t *query, uint32_t page, const char *rel,
                            const char *text)
{
    query_t other = *query;

    other.page = page;
    html_printf(html, "<a rel=\"%s\" href=\"", rel);
    html_attribute(html, query_link(&other, html->pool));
    html_printf(html, "\">%s</a> ", text);
}

void table_pager(html_t *html, const query_t *query, const fleet_picture_t *picture)
{
    if (picture->pages == 1) {
        return;
    }
    if (picture->page > 1) {
        write_page_link(html, query, picture->page - 1, "prev", "← Page before");
    }
    html_printf(html, "<span>Page %u of %u</span> ", picture->page, picture->pages);
    if (picture->page < picture->pages) {
        write_page_link(html, query, picture->page + 1, "next", "Next page →");
    }
}
