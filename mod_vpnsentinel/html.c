#include "html.h"

#include <stdarg.h>

#include "httpd.h"

#include "apr_strings.h"

#include "valid.h"

static apr_status_t free_buffer(void *buffer)
{
    printbuf_free(buffer);
    return APR_SUCCESS;
}

html_t html_begin(apr_pool_t *pool, bool is_live)
{
    html_t html = {.out = printbuf_new(), .pool = pool, .is_live = is_live};

    html.failed = html.out == NULL;
    if (html.out != NULL) {
        apr_pool_cleanup_register(pool, html.out, free_buffer, apr_pool_cleanup_null);
    }
    return html;
}

static void append(html_t *html, const char *bytes, size_t len)
{
    if (!html->failed && printbuf_memappend(html->out, bytes, (int)len) < 0) {
        html->failed = true;
    }
}

void html_put(html_t *html, const char *markup)
{
    append(html, markup, strlen(markup));
}

void html_printf(html_t *html, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    html_put(html, apr_pvsprintf(html->pool, format, args));
    va_end(args);
}

void html_attribute(html_t *html, const char *text)
{
    html_put(html, ap_escape_html(html->pool, text));
}

void html_text(html_t *html, const char *text)
{
    html_put(html, "<bdi>");
    html_attribute(html, text);
    html_put(html, "</bdi>");
}

void html_text_or_unknown(html_t *html, const char *text)
{
    if (text[0] == '\0') {
        html_put(html, HTML_UNKNOWN);
        return;
    }
    html_text(html, text);
}

void html_address(html_t *html, const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    html_text_or_unknown(html, vps_addr_format(text, addr));
}

/* --- times --- */

void html_span(html_t *html, int64_t seconds)
{
    const int64_t minutes = seconds > 0 ? seconds / 60 : 0;
    const int64_t hours = minutes / 60, days = hours / 24;

    if (days > 0) {
        html_printf(html, "%" APR_INT64_T_FMT " d", days);
        if (hours % 24 > 0) {
            html_printf(html, " %d h", (int)(hours % 24));
        }
        return;
    }
    if (hours > 0) {
        html_printf(html, "%d h", (int)hours);
    }
    if (minutes % 60 > 0 || hours == 0) {
        html_printf(html, "%s%d min", hours > 0 ? " " : "", (int)(minutes % 60));
    }
}

/* In the greatest unit only. */
static const char *passed(apr_pool_t *pool, int64_t seconds)
{
    static const struct unit_t {
        int64_t up_to;
        int64_t size;
        const char *name;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {INT64_MAX, 86400, "days"}};
    const struct unit_t *unit = units;

    while (seconds >= unit->up_to) {
        unit++;
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s", seconds / unit->size, unit->name);
}

static const char *in_full(apr_pool_t *pool, const char *text)
{
    return apr_psprintf(pool, "%.10s %.8s UTC", text, text + 11);
}

void html_moment(html_t *html, int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    vps_time_format(text, when);
    html_printf(html, "<time datetime=\"%s\">%s</time>", text, in_full(html->pool, text));
}

void html_clock(html_t *html, int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    vps_time_format(text, when);
    html_printf(html, "<time datetime=\"%s\">%.5s</time>", text, text + 11);
}

static void put_relative(html_t *html, const char *kind, int64_t when, int64_t now,
                         const char *suffix)
{
    const int64_t seconds = now > when ? now - when : 0;
    char text[VPS_TIME_TEXT_SIZE];
    const char *full = in_full(html->pool, vps_time_format(text, when));

    html_printf(html, "<time class=\"%s\" datetime=\"%s\" title=\"%s\">%s%s</time>", kind, text,
                full, html->is_live ? full : passed(html->pool, seconds),
                html->is_live ? "" : suffix);
}

void html_ago(html_t *html, int64_t when, int64_t now)
{
    put_relative(html, "ago", when, now, " ago");
}

void html_since(html_t *html, int64_t when, int64_t now)
{
    put_relative(html, "since", when, now, "");
}

const char *html_written(const html_t *html, size_t *len)
{
    *len = html->out != NULL ? (size_t)html->out->bpos : 0;
    return html->out != NULL ? html->out->buf : "";
}
