#include "dashboard_document.h"

#include "http_protocol.h"

#include "apr_hash.h"
#include "apr_strings.h"

#include "answer.h"
#include "dashboard_assets.h"
#include "dashboard_table.h"

#define PARTS_MAX 12u
#define KNOWN_NUMBERS 4u /* before those of the parts */

/* --- the page --- */

void document_part(html_t *html, const document_t *document, const char *element, const char *id)
{
    const part_t *part;

    for (part = document->parts; part->id != NULL; part++) {
        if (strcmp(part->id, id) == 0) {
            html_printf(html, "<%s id=\"%s\">", element, id);
            part->write(html, document);
            html_printf(html, "</%s>\n", element);
        }
    }
}

static void write_asset(html_t *html, const document_t *document, asset_t asset)
{
    html_attribute(html, document->base);
    html_put(html, asset_link(asset, html->pool));
}

static void write_head(html_t *html, const document_t *document)
{
    html_put(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n<title>");
    html_attribute(html, document->title);
    html_put(html, "</title>\n<link rel=\"icon\" href=\"");
    write_asset(html, document, ASSET_ICON);
    html_put(html, "\">\n<link rel=\"stylesheet\" href=\"");
    write_asset(html, document, ASSET_CSS);
    html_put(html, "\">\n<script src=\"");
    write_asset(html, document, ASSET_JS);
    html_put(html, "\" defer></script>\n</head>\n");
}

static int answer_page(request_rec *r, const document_t *document)
{
    html_t html = html_begin(r->pool, false);
    const char *text;
    size_t len;

    write_head(&html, document);
    html_put(&html, "<body>\n");
    document->layout(&html, document);
    html_put(&html, "</body>\n</html>\n");
    if (html.failed) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "Out of memory");
    }
    answer_begin(r, HTTP_OK, "text/html; charset=utf-8");
    text = html_written(&html, &len);
    (void)ap_rwrite(text, (int)len, r);
    return OK;
}

/* --- what is new --- */

/*
 * What somebody has already, as the text "registry.revision.wall.order.part.part…" of hexadecimal
 * numbers: which registry it was, an answer's revision and time, and checksums.
 */
typedef struct known_t {
    uint32_t registry;
    uint32_t revision;
    int64_t wall;
    uint32_t order;
    uint32_t parts[PARTS_MAX];
} known_t;

static uint32_t this_registry(void)
{
    return (uint32_t)registry_incarnation(segment_registry());
}

static size_t count_parts(const document_t *document)
{
    size_t parts = 0;

    while (document->parts[parts].id != NULL) {
        parts++;
    }
    return parts;
}

/* Returns false when it is none of ours, or of another kind of page. */
static bool parse_known(known_t *known, const char *since, size_t parts)
{
    uint64_t numbers[KNOWN_NUMBERS + PARTS_MAX] = {0};
    size_t count = 0, i;
    char *end;

    for (; count < KNOWN_NUMBERS + parts; since = end + (*end == '.')) {
        numbers[count++] = (uint64_t)apr_strtoi64(since, &end, 16);
        if (end == since || (*end != '.' && *end != '\0')) {
            return false;
        }
    }
    if (*since != '\0') {
        return false;
    }
    known->registry = (uint32_t)numbers[0];
    known->revision = (uint32_t)numbers[1];
    known->wall = (int64_t)numbers[2];
    known->order = (uint32_t)numbers[3];
    for (i = 0; i < parts; i++) {
        known->parts[i] = (uint32_t)numbers[KNOWN_NUMBERS + i];
    }
    return true;
}

/* All 0 when nothing is known. */
static known_t read_known(const char *since, size_t parts)
{
    known_t known;

    if (!parse_known(&known, since, parts)) {
        memset(&known, 0, sizeof known);
    }
    return known;
}

static const char *write_known(apr_pool_t *pool, const known_t *known, size_t parts)
{
    const char *text = apr_psprintf(pool, "%x.%x.%" APR_UINT64_T_HEX_FMT ".%x", known->registry,
                                    known->revision, (uint64_t)known->wall, known->order);
    size_t i;

    for (i = 0; i < parts; i++) {
        text = apr_psprintf(pool, "%s.%x", text, known->parts[i]);
    }
    return text;
}

/* Never 0: so it is of what nobody has, even when that has become empty. */
static uint32_t checksum(const html_t *html)
{
    size_t len;
    const char *text = html_written(html, &len);
    apr_ssize_t bytes = (apr_ssize_t)len;
    const uint32_t sum = apr_hashfunc_default(text, &bytes);

    return sum != 0 ? sum : 1;
}

/* Takes value over. Returns false without memory. */
static bool add(json_object *json, const char *name, json_object *value)
{
    if (value == NULL || json_object_object_add(json, name, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

static bool add_html(json_object *json, const char *name, const html_t *html)
{
    size_t len;
    const char *text = html_written(html, &len);

    return !html->failed && add(json, name, json_object_new_string_len(text, (int)len));
}

/* Add the object unless it is empty; takes it over. */
static bool add_filled(json_object *json, const char *name, json_object *object)
{
    if (object != NULL && json_object_object_length(object) == 0) {
        json_object_put(object);
        return true;
    }
    return add(json, name, object);
}

static bool add_parts(request_rec *r, json_object *json, const document_t *document,
                      const known_t *had, known_t *has)
{
    json_object *parts = json_object_new_object();
    size_t i;
    bool done = parts != NULL;

    for (i = 0; done && document->parts[i].id != NULL; i++) {
        html_t html = html_begin(r->pool, true);

        document->parts[i].write(&html, document);
        has->parts[i] = checksum(&html);
        if (has->parts[i] != had->parts[i] || html.failed) {
            done = add_html(parts, document->parts[i].id, &html);
        }
    }
    if (!done) {
        json_object_put(parts);
        return false;
    }
    return add_filled(json, "parts", parts);
}

/* "ID light" of each row. */
static bool add_order(request_rec *r, json_object *json, const fleet_picture_t *fleet,
                      const known_t *had, known_t *has)
{
    html_t all = html_begin(r->pool, true);
    json_object *order = json_object_new_array();
    bool done = order != NULL;
    size_t i;

    for (i = 0; done && i < fleet->row_count; i++) {
        const row_t *row = &fleet->rows[i];
        const char *entry = apr_pstrcat(r->pool, row->view.client.report.client_id, " ",
                                        assess_light_name(row->assessment.light), NULL);

        html_printf(&all, "%s\n", entry);
        done = json_object_array_add(order, json_object_new_string(entry)) == 0;
    }
    has->order = checksum(&all);
    if (!done || has->order == had->order) {
        json_object_put(order);
        return done && !all.failed;
    }
    return add(json, "order", order);
}

static bool is_new(const row_t *row, const known_t *had, const known_t *has)
{
    return registry_changed_since(segment_registry(), row->view.slot, had->revision) ||
           had->wall / HISTORY_CELL_SECONDS != has->wall / HISTORY_CELL_SECONDS;
}

static bool add_row(request_rec *r, json_object *rows, const document_t *document, const row_t *row)
{
    html_t html = html_begin(r->pool, true);

    table_row(&html, row, document->server->wall, document->base);
    return add_html(rows, row->view.client.report.client_id, &html);
}

static bool add_rows(request_rec *r, json_object *json, const document_t *document,
                     const known_t *had, const known_t *has)
{
    json_object *rows = json_object_new_object();
    json_object *seen = json_object_new_object();
    bool done = rows != NULL && seen != NULL;
    size_t i;

    for (i = 0; done && i < document->fleet->row_count; i++) {
        const row_t *row = &document->fleet->rows[i];
        const client_t *client = &row->view.client;

        if (is_new(row, had, has)) {
            done = add_row(r, rows, document, row);
        } else if ((int64_t)client->last_seen >= had->wall) {
            done = add(seen, client->report.client_id, answer_time(client->last_seen));
        }
    }
    if (!done) {
        json_object_put(rows);
        json_object_put(seen);
        return false;
    }
    done = add_filled(json, "rows", rows);
    return add_filled(json, "seen", seen) && done;
}

int document_later(request_rec *r)
{
    apr_table_setn(r->headers_out, "Retry-After", "1");
    return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "The server has just started");
}

static int answer_news(request_rec *r, const document_t *document, const known_t *had)
{
    json_object *json = json_object_new_object();
    known_t has = {.registry = this_registry(),
                   .revision = document->server->revision,
                   .wall = document->server->wall};
    bool done = json != NULL;

    done = done && add_parts(r, json, document, had, &has);
    if (document->fleet != NULL) {
        done = done && add_order(r, json, document->fleet, had, &has) &&
               add_rows(r, json, document, had, &has);
    }
    done = done && add(json, "now", answer_time(document->server->wall)) &&
           add(json, "since",
               json_object_new_string(write_known(r->pool, &has, count_parts(document))));
    if (!done) {
        json_object_put(json);
        json = NULL;
    }
    return answer_json(r, HTTP_OK, json);
}

/* Of another registry, whose revisions tell nothing of this one's, nothing is known. */
static int answer_since(request_rec *r, const document_t *document)
{
    known_t had = read_known(document->since, count_parts(document));

    if (had.registry != this_registry()) {
        if (had.registry != 0 && picture_is_partial(document->server)) {
            return document_later(r); /* the fleet from before is better than none */
        }
        memset(&had, 0, sizeof had);
    }
    return answer_news(r, document, &had);
}

int document_answer(request_rec *r, const document_t *document)
{
    return document->since != NULL ? answer_since(r, document) : answer_page(r, document);
}
