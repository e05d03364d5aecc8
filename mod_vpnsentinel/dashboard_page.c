#include "dashboard_page.h"

#include "answer.h"
#include "dashboard_document.h"
#include "dashboard_events.h"
#include "dashboard_parts.h"
#include "dashboard_svg.h"
#include "dashboard_table.h"

#define EVENTS 12 /* on the page */

/* --- the parts --- */

static void write_notices(html_t *html, const document_t *document)
{
    part_notices(html, document->server);
}

static void write_summary(html_t *html, const document_t *document)
{
    part_summary(html, document->query, document->fleet);
}

static void write_chart(html_t *html, const document_t *document)
{
    html_put(html, "<h2>Last 24 Hours</h2>\n");
    svg_chart(html, &document->fleet->history);
    svg_axis(html);
    svg_worst(html, &document->fleet->history, document->server->wall);
}

static void write_found(html_t *html, const document_t *document)
{
    table_found(html, document->query, document->fleet);
}

static void write_table_head(html_t *html, const document_t *document)
{
    table_head(html, document->query, document->fleet);
}

static void write_pager(html_t *html, const document_t *document)
{
    table_pager(html, document->query, document->fleet);
}

static void write_events(html_t *html, const document_t *document)
{
    events_list(html, NULL, EVENTS, document->server->wall, document->base);
}

static void write_details(html_t *html, const document_t *document)
{
    part_details(html, document->server);
}

static const part_t parts[] = {
    {"notices", write_notices}, {"summary", write_summary},    {"chart", write_chart},
    {"found", write_found},     {"columns", write_table_head}, {"pager", write_pager},
    {"events", write_events},   {"details", write_details},    {NULL, NULL},
};

/* --- the page around them --- */

static void write_hidden(html_t *html, const char *name, const char *value)
{
    if (value[0] != '\0') {
        html_printf(html, "<input type=\"hidden\" name=\"%s\" value=\"%s\">", name, value);
    }
}

static void write_search(html_t *html, const query_t *query)
{
    html_put(html, "<form role=\"search\"><label for=\"q\">Search</label> "
                   "<input type=\"search\" id=\"q\" name=\"q\" maxlength=\"100\" "
                   "autocomplete=\"off\" spellcheck=\"false\" value=\"");
    html_attribute(html, query->search);
    html_put(html, "\">");
    write_hidden(html, "light",
                 query->light == QUERY_ANY_LIGHT ? "" : assess_light_name((light_t)query->light));
    write_hidden(html, "sort", query_sort(query, html->pool));
    html_put(html, " <button>Search</button></form>\n");
}

static void write_table(html_t *html, const document_t *document)
{
    const fleet_picture_t *fleet = document->fleet;
    size_t i;

    html_printf(html, "<table%s>\n<caption>Clients</caption>\n",
                fleet->row_count == 0 ? " hidden" : "");
    document_part(html, document, "thead", "columns");
    html_put(html, "<tbody id=\"rows\">\n");
    for (i = 0; i < fleet->row_count; i++) {
        table_row(html, &fleet->rows[i], document->server->wall, document->base);
    }
    html_put(html, "</tbody>\n</table>\n");
}

static void layout(html_t *html, const document_t *document)
{
    html_put(html, "<header><h1>VPN Sentinel Monitoring</h1>\n"
                   "<p id=\"live\" role=\"status\"></p></header>\n<main>\n");
    document_part(html, document, "div", "notices");
    html_put(html, "<div class=\"overview\">\n");
    document_part(html, document, "section", "summary");
    document_part(html, document, "section", "chart");
    html_put(html, "</div>\n<section class=\"clients\">\n<div class=\"tools\">\n");
    write_search(html, document->query);
    document_part(html, document, "p", "found");
    html_put(html, "</div>\n");
    write_table(html, document);
    document_part(html, document, "nav", "pager");
    html_put(html, "</section>\n<div class=\"more\">\n");
    document_part(html, document, "section", "events");
    document_part(html, document, "section", "details");
    html_put(html, "<section id=\"legend\">");
    part_legend(html);
    html_put(html, "</section>\n</div>\n</main>\n");
}

int page_answer(request_rec *r, const char *base)
{
    query_t query;
    const char *fault = query_read(&query, r->args, r->pool);
    const fleet_picture_t *fleet;

    if (fault != NULL) {
        return answer_text(r, HTTP_BAD_REQUEST, fault);
    }
    fleet = picture_fleet(r, &query);
    if (fleet == NULL) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "The registry cannot be reached");
    }
    return document_answer(r, &(document_t){
                                  .title = "VPN Sentinel Dashboard",
                                  .base = base,
                                  .since = query.since,
                                  .query = &query,
                                  .server = &fleet->server,
                                  .fleet = fleet,
                                  .parts = parts,
                                  .layout = layout,
                              });
}
