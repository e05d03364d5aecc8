#include "badge.h"

#include "http_protocol.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "answer.h"
#include "config.h"
#include "dashboard_light.h"
#include "fleet.h"
#include "html.h"
#include "segment.h"
#include "valid.h"

#define PREFIX "/badge/"
#define SUFFIX ".svg"

#define MARGIN 8u /* beside a text */
#define SHAPE 20u /* width of the shape's place */
#define HEIGHT 20u

/* White on each of them can be read: 4.5 to 1 at least. */
static const char *const colours[LIGHTS] = {"#1a7f37", "#8a5a00", "#59636e", "#b42318"};

/* Around 0, 0; 10 wide. */
static const char *const shapes[LIGHTS] = {
    "<circle r=\"5\" fill=\"#fff\"/>", "<path d=\"M0-5.5 6 5H-6z\" fill=\"#fff\"/>",
    "<circle r=\"4\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2\"/>",
    "<path d=\"M-5-5H5V5H-5z\" fill=\"#fff\"/>"};

const char *badge_client_id(const char *rest, apr_pool_t *pool)
{
    const size_t before = strlen(PREFIX), behind = strlen(SUFFIX), len = strlen(rest);
    const char *id;

    if (!config_global()->badges || len <= before + behind || strncmp(rest, PREFIX, before) != 0 ||
        strcmp(rest + len - behind, SUFFIX) != 0) {
        return NULL;
    }
    id = apr_pstrmemdup(pool, rest + before, len - before - behind);
    return vps_valid_client_id(id, strlen(id)) ? id : NULL;
}

/* About, in the fonts that are asked for; others are fitted into it. */
static unsigned int width_of(const char *text)
{
    unsigned int width = 0;

    for (; *text != '\0'; text++) {
        if (strchr("fijlrtI1,- ", *text) != NULL) {
            width += 4;
        } else if (strchr("mwMW", *text) != NULL) {
            width += 10;
        } else {
            width += apr_isupper(*text) ? 8 : 7;
        }
    }
    return width;
}

static void write_text(html_t *svg, const char *text, unsigned int x)
{
    html_printf(svg, "<text x=\"%u\" y=\"14\" textLength=\"%u\">", x, width_of(text));
    html_attribute(svg, text);
    html_put(svg, "</text>");
}

static void write_badge(html_t *svg, const char *client_id, const char *words, light_t light)
{
    const unsigned int left = 2 * MARGIN + width_of(client_id);
    const unsigned int width = left + SHAPE + width_of(words) + MARGIN;

    html_printf(svg,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" role=\"img\">"
                "<title>",
                width, HEIGHT);
    html_attribute(svg, client_id);
    html_put(svg, ": ");
    html_attribute(svg, words);
    html_printf(svg,
                "</title><rect width=\"%u\" height=\"%u\" rx=\"3\" fill=\"%s\"/>"
                "<path d=\"M3 0H%uV20H3A3 3 0 0 1 0 17V3A3 3 0 0 1 3 0\" fill=\"#3d444d\"/>"
                "<g transform=\"translate(%u 10)\">%s</g>"
                "<g font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" fill=\"#fff\">",
                width, HEIGHT, colours[light], left, left + SHAPE / 2 + 1, shapes[light]);
    write_text(svg, client_id, MARGIN);
    write_text(svg, words, left + SHAPE);
    html_put(svg, "</g></svg>\n");
}

static int send_badge(request_rec *r, const char *client_id, const assessment_t *assessment)
{
    html_t words = html_begin(r->pool, false), svg = html_begin(r->pool, false);
    const char *text;
    size_t len;

    light_conditions(&words, assessment);
    write_badge(&svg, client_id, html_written(&words, &len), assessment->light);
    if (words.failed || svg.failed) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "Out of memory");
    }
    text = html_written(&svg, &len);
    (void)ap_rwrite(text, (int)len, r);
    return OK;
}

int badge_answer(request_rec *r, const char *client_id)
{
    registry_t *registry = segment_registry();
    client_view_t view;
    assess_facts_t facts;
    assessment_t assessment;
    registry_result_t result =
        registry != NULL ? registry_get(registry, client_id, &view) : REGISTRY_UNAVAILABLE;

    if (result == REGISTRY_ABSENT) {
        return answer_text(r, HTTP_NOT_FOUND, "There is no client of this id");
    }
    if (result != REGISTRY_OK || !fleet_facts(&facts)) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "The registry cannot be reached");
    }
    assessment = assess(&view.client, view.seen, &facts);
    answer_begin(r, HTTP_OK, "image/svg+xml; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "max-age=" BADGE_AGE);
    /* Nothing else is in it. */
    apr_table_setn(r->headers_out, "ETag",
                   apr_psprintf(r->pool, "\"" VPS_VERSION "-%x\"", assessment.conditions));
    if (ap_meets_conditions(r) == HTTP_NOT_MODIFIED) {
        r->status = HTTP_NOT_MODIFIED;
        return OK;
    }
    return send_badge(r, client_id, &assessment);
}
