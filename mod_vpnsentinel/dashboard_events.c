#include "dashboard_events.h"

#include "message.h"
#include "recent.h"

#define FACT_SIZE 512 /* bytes, enough for the longest with its NUL */

static void write_event(html_t *html, const event_t *event, int64_t wall, const char *base)
{
    char buffer[FACT_SIZE];
    text_t fact = text_begin(buffer, sizeof buffer, TEXT_PLAIN);

    /* By its id the script knows it again when it moves down. */
    html_printf(html, "<li id=\"e-%" APR_UINT64_T_HEX_FMT "-%" APR_UINT64_T_HEX_FMT "\">",
                event->uid, event->number);
    html_ago(html, event->when, wall);
    html_printf(html, " <span>%s", message_title((event_kind_t)event->kind));
    if (event->client_id[0] != '\0') {
        html_put(html, " <a href=\"");
        html_attribute(html, base);
        html_printf(html, "client/%s\">%s</a>", event->client_id, event->client_id);
    }
    message_fact(&fact, event);
    if (buffer[0] != '\0') {
        html_put(html, ": ");
        html_text(html, buffer);
    }
    html_put(html, "</span></li>\n");
}

void events_list(html_t *html, const char *client_id, int limit, int64_t wall, const char *base)
{
    recent_t *recent = apr_palloc(html->pool, sizeof *recent);
    const event_t *event;
    int count = 0;

    html_put(html, "<h2>Recent Events</h2>\n<ol class=\"events\">\n");
    recent_begin(recent);
    while (count < limit && (event = recent_next(recent)) != NULL) {
        if (client_id == NULL || strcmp(client_id, event->client_id) == 0) {
            write_event(html, event, wall, base);
            count++;
        }
    }
    html_put(html, "</ol>\n");
    if (recent->failed) {
        html_put(html, "<p>The events cannot be read.</p>\n");
    } else if (count == 0) {
        html_put(html, "<p>Nothing has been announced yet.</p>\n");
    }
}
