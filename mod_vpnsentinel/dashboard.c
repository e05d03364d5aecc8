#include "dashboard.h"

#include "http_protocol.h"

#include "apr_strings.h"

#include "answer.h"
#include "clock.h"
#include "config.h"
#include "dashboard_css.h"
#include "fleet.h"
#include "keepalive.h"
#include "segment.h"
#include "status.h"

#define ROWS_MAX 1000        /* clients on the page; the API lists all */
#define REFRESH_SECONDS "10" /* between two loads of the page */
#define NOTICE_SECONDS 3600  /* how long a refusal by the rate limit is shown */

/* A client as the page shows it. */
typedef struct row_t {
    client_view_t view;
    assessment_t assessment;
} row_t;

/* The fleet as the page shows it. */
typedef struct picture_t {
    int64_t lights[LIGHTS];
    int64_t total;
    int64_t now; /* monotonic usec */
    row_t *rows; /* worst first */
    int64_t row_count;
    notice_t notice;
    vitals_t vitals;
    server_ip_t server_ip;
} picture_t;

static const char *const light_marks[LIGHTS] = {"●", "▲", "○", "■"};
static const char *const light_words[LIGHTS] = {"secure", "DNS", "offline", "alarm"};

/* --- what to show --- */

static bool count_lights(fleet_t *fleet, picture_t *picture)
{
    assessment_t assessment;

    fleet_begin(fleet);
    picture->now = fleet->facts.now;
    while (fleet_next(fleet, &assessment) != NULL) {
        picture->lights[assessment.light]++;
        picture->total++;
    }
    return !fleet->failed;
}

/* How many clients of each light the page has room for, the worst light served first. */
static int64_t share_rows(const picture_t *picture, int64_t share[LIGHTS])
{
    int64_t room = ROWS_MAX;
    int light;

    for (light = LIGHTS - 1; light >= 0; light--) {
        share[light] = picture->lights[light] < room ? picture->lights[light] : room;
        room -= share[light];
    }
    return ROWS_MAX - room;
}

static int worst_first(const void *a, const void *b)
{
    const row_t *one = a, *other = b;

    if (one->assessment.light != other->assessment.light) {
        return one->assessment.light > other->assessment.light ? -1 : 1;
    }
    return strcmp(one->view.client.report.client_id, other->view.client.report.client_id);
}

static bool collect_rows(request_rec *r, fleet_t *fleet, picture_t *picture)
{
    int64_t share[LIGHTS];
    int64_t room = share_rows(picture, share);
    const client_view_t *view;
    assessment_t assessment;

    picture->rows = apr_palloc(r->pool, (apr_size_t)room * sizeof *picture->rows);
    fleet_begin(fleet);
    while (picture->row_count < room && (view = fleet_next(fleet, &assessment)) != NULL) {
        if (share[assessment.light] > 0) {
            share[assessment.light]--;
            picture->rows[picture->row_count].view = *view;
            picture->rows[picture->row_count].assessment = assessment;
            picture->row_count++;
        }
    }
    qsort(picture->rows, (size_t)picture->row_count, sizeof *picture->rows, worst_first);
    return !fleet->failed;
}

static bool take_picture(request_rec *r, picture_t *picture)
{
    fleet_t *fleet = apr_palloc(r->pool, sizeof *fleet);

    memset(picture, 0, sizeof *picture);
    if (!count_lights(fleet, picture) || !collect_rows(r, fleet, picture) ||
        !registry_acquire(segment_registry())) {
        return false;
    }
    picture->notice = *segment_notice();
    picture->vitals = *segment_vitals();
    registry_release(segment_registry());
    return registry_get_server_ip(segment_registry(), &picture->server_ip) == REGISTRY_OK;
}

/* --- HTML --- */

/* The one way of text into the page. <bdi> keeps right-to-left text from reordering what is around
 * it. */
static const char *escape(request_rec *r, const char *text)
{
    return apr_pstrcat(r->pool, "<bdi>", ap_escape_html(r->pool, text), "</bdi>", NULL);
}

static const char *escape_or_unknown(request_rec *r, const char *text)
{
    return text[0] != '\0' ? escape(r, text) : "<span class=\"unknown\">unknown</span>";
}

static const char *escape_addr(request_rec *r, const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    return escape_or_unknown(r, vps_addr_format(text, addr));
}

/* "City, Region, Country" of what is known. */
static const char *location(request_rec *r, const vps_record_t *report)
{
    const char *parts[3] = {report->city, report->region,
                            report->country[0] != '\0' ? report->country : report->location};
    const char *text = "";
    int i;

    for (i = 0; i < 3; i++) {
        if (parts[i][0] != '\0') {
            text = apr_pstrcat(r->pool, text, text[0] != '\0' ? ", " : "", parts[i], NULL);
        }
    }
    return escape_or_unknown(r, text);
}

/* "203.0.113.1, 2001:db8::1 (IPv6: leak)"; of IPv6 only what is known. */
static const char *public_ip(request_rec *r, const vps_record_t *report)
{
    const char *text = escape_addr(r, &report->public_ip);
    const char *verdict = vps_word(VPS_WORD_IPV6_VERDICT, report->ipv6_verdict);

    if (report->public_ip6.version != 0) {
        text = apr_pstrcat(r->pool, text, ", ", escape_addr(r, &report->public_ip6), NULL);
    }
    return verdict[0] != '\0' ? apr_pstrcat(r->pool, text, " (IPv6: ", verdict, ")", NULL) : text;
}

/* "leak, US (IAD)": the verdict, if there is one, and where DNS comes out. */
static const char *dns(request_rec *r, const vps_record_t *report)
{
    const char *verdict = vps_word(VPS_WORD_DNS_VERDICT, report->dns_verdict);
    const char *colo = report->dns_colo[0] != '\0'
                           ? apr_pstrcat(r->pool, " (", escape(r, report->dns_colo), ")", NULL)
                           : "";

    return apr_pstrcat(r->pool, verdict, verdict[0] != '\0' ? ", " : "",
                       escape_or_unknown(r, report->dns_loc), colo, NULL);
}

static const char *vpn(const vps_record_t *report)
{
    static const char *const words[] = {"<span class=\"unknown\">unknown</span>", "down",
                                        "connected"};

    return words[report->vpn_connected];
}

static const char *duration(request_rec *r, int64_t seconds)
{
    if (seconds < 120) {
        return apr_psprintf(r->pool, "%" APR_INT64_T_FMT " s", seconds);
    }
    if (seconds < 7200) {
        return apr_psprintf(r->pool, "%" APR_INT64_T_FMT " min", seconds / 60);
    }
    if (seconds < 172800) {
        return apr_psprintf(r->pool, "%" APR_INT64_T_FMT " h", seconds / 3600);
    }
    return apr_psprintf(r->pool, "%" APR_INT64_T_FMT " days", seconds / 86400);
}

static const char *last_seen(request_rec *r, const client_view_t *view, int64_t now)
{
    char when[VPS_TIME_TEXT_SIZE];

    if (view->seen == CLIENT_NEVER_SEEN) {
        return "never";
    }
    return apr_psprintf(r->pool, "<time datetime=\"%s\" title=\"%s\">%s ago</time>",
                        vps_time_format(when, view->client.last_seen), when,
                        duration(r, now > view->seen ? (now - view->seen) / CLOCK_SECOND : 0));
}

/* The conditions in words: "bypass, DNS leak". */
static const char *state_words(request_rec *r, const assessment_t *assessment)
{
    static const char *const words[CONDITIONS] = {"DNS leak", "DNS unknown", "bypass",
                                                  "VPN down", "offline",     "IPv6 leak"};
    const char *text = "";
    int n;

    for (n = CONDITIONS - 1; n >= 0; n--) {
        if (assessment->conditions & 1u << n) {
            text = apr_pstrcat(r->pool, text, text[0] != '\0' ? ", " : "", words[n], NULL);
        }
    }
    return text[0] != '\0' ? text : "secure";
}

static void write_row(request_rec *r, const row_t *row, int64_t now)
{
    const vps_record_t *report = &row->view.client.report;
    const char *color = assess_light_name(row->assessment.light);

    (void)ap_rprintf(r,
                     "<tr class=\"%s\"><th scope=\"row\">%s</th>"
                     "<td><span class=\"mark\" aria-hidden=\"true\">%s</span> %s</td>",
                     color, escape(r, report->client_id), light_marks[row->assessment.light],
                     state_words(r, &row->assessment));
    (void)ap_rprintf(r, "<td>%s</td><td>%s</td><td>%s</td>", public_ip(r, report),
                     location(r, report), last_seen(r, &row->view, now));
    (void)ap_rprintf(r, "<td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n",
                     escape_or_unknown(r, report->provider), vpn(report), dns(r, report),
                     escape_or_unknown(r, report->client_version));
}

static void write_table(request_rec *r, const picture_t *picture)
{
    int64_t i;

    if (picture->total == 0) {
        (void)ap_rputs("<p>No client has reported yet.</p>\n", r);
        return;
    }
    (void)ap_rputs("<table>\n<caption>Clients, worst first</caption>\n<thead><tr>"
                   "<th scope=\"col\">Client ID</th><th scope=\"col\">Status</th>"
                   "<th scope=\"col\">Public IP</th><th scope=\"col\">Location</th>"
                   "<th scope=\"col\">Last Seen</th><th scope=\"col\">Provider</th>"
                   "<th scope=\"col\">VPN</th><th scope=\"col\">DNS</th>"
                   "<th scope=\"col\">Version</th></tr></thead>\n<tbody>\n",
                   r);
    for (i = 0; i < picture->row_count; i++) {
        write_row(r, &picture->rows[i], picture->now);
    }
    (void)ap_rputs("</tbody>\n</table>\n", r);
    if (picture->row_count < picture->total) {
        (void)ap_rprintf(r,
                         "<p>The %" APR_INT64_T_FMT " worst of %" APR_INT64_T_FMT
                         " clients are shown; the API lists all.</p>\n",
                         picture->row_count, picture->total);
    }
}

static void write_summary(request_rec *r, const picture_t *picture)
{
    int light;

    (void)ap_rprintf(r, "<ul class=\"summary\">\n<li>%" APR_INT64_T_FMT " clients</li>\n",
                     picture->total);
    for (light = LIGHTS - 1; light >= 0; light--) {
        (void)ap_rprintf(r,
                         "<li class=\"%s\"><span class=\"mark\" aria-hidden=\"true\">%s</span> "
                         "%" APR_INT64_T_FMT " %s</li>\n",
                         assess_light_name((light_t)light), light_marks[light],
                         picture->lights[light], light_words[light]);
    }
    (void)ap_rputs("</ul>\n", r);
}

static void write_notice(request_rec *r, const notice_t *notice)
{
    if (notice->when == 0 || clock_wall() / CLOCK_SECOND - notice->when > NOTICE_SECONDS) {
        return;
    }
    (void)ap_rprintf(
        r,
        "<p class=\"notice\" role=\"status\">The rate limit refuses %s, an address that clients "
        "report from: they may seem offline. Raise VPNSentinelRateLimit if many clients "
        "share it; set up mod_remoteip if it is a proxy's.</p>\n",
        escape_addr(r, &notice->addr));
}

static const char *own_address(request_rec *r, const server_ip_t *own)
{
    if (own->source != SERVER_IP_UNKNOWN) {
        return escape_addr(r, own->addr[0].version != 0 ? &own->addr[0] : &own->addr[1]);
    }
    return apr_pstrcat(r->pool, "<span class=\"unknown\">not known",
                       config_global()->server_ip_mode == CONFIG_SERVER_IP_AUTO ? " yet" : "",
                       ": bypasses cannot be recognised</span>", NULL);
}

/* " (error)", nothing without one. */
static const char *in_brackets(request_rec *r, const char *error)
{
    return error != NULL && error[0] != '\0'
               ? apr_pstrcat(r->pool, " (", escape(r, error), ")", NULL)
               : "";
}

static const char *store(request_rec *r, const vitals_t *vitals)
{
    return apr_pstrcat(r->pool, status_store_word(vitals),
                       in_brackets(r, status_store_error(vitals)), NULL);
}

/* A time in full, as <time>; sec since epoch. */
static const char *moment(request_rec *r, int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    vps_time_format(text, when);
    return apr_psprintf(r->pool, "<time datetime=\"%s\">%s</time>", text, text);
}

/* The same, by how long ago it was. */
static const char *ago(request_rec *r, int64_t when)
{
    const int64_t passed = clock_wall() / CLOCK_SECOND - when;
    char text[VPS_TIME_TEXT_SIZE];

    vps_time_format(text, when);
    return apr_psprintf(r->pool, "<time datetime=\"%s\" title=\"%s\">%s ago</time>", text, text,
                        duration(r, passed > 0 ? passed : 0));
}

static const char *telegram(request_rec *r, const vitals_t *vitals)
{
    const char *text = apr_psprintf(r->pool, "%s, %" APR_UINT64_T_FMT " queued",
                                    vitals->telegram_enabled ? "on" : "off", vitals->queued);

    if (vitals->oldest > 0) {
        text = apr_pstrcat(r->pool, text, ", the oldest ", ago(r, vitals->oldest), NULL);
    }
    if (vitals->muted_until > 0) {
        text = apr_pstrcat(r->pool, text, ", muted until ", moment(r, vitals->muted_until), NULL);
    }
    if (vitals->last_success > 0) {
        text = apr_pstrcat(r->pool, text, ", last delivered ", ago(r, vitals->last_success), NULL);
    }
    return apr_pstrcat(r->pool, text, in_brackets(r, vitals->telegram_error),
                       in_brackets(r, vitals->bot_error), NULL);
}

static void write_server_details(request_rec *r, const picture_t *picture)
{
    const vitals_t *vitals = &picture->vitals;
    int64_t uptime = registry_uptime(segment_registry(), picture->now);
    bool runs = vitals_is_running(vitals, picture->now);

    (void)ap_rprintf(r, "<section><h2>Server Details</h2>\n%s<dl><dt>Public IP</dt><dd>%s</dd>",
                     runs ? ""
                          : "<p class=\"notice\" role=\"status\">The monitor does not run: nothing "
                            "is announced or stored. See the server's error log.</p>\n",
                     own_address(r, &picture->server_ip));
    (void)ap_rprintf(r,
                     "<dt>Monitor</dt><dd>%s</dd><dt>Store</dt><dd>%s</dd>"
                     "<dt>Telegram</dt><dd>%s</dd>",
                     runs ? "running" : "not running", store(r, vitals), telegram(r, vitals));
    (void)ap_rprintf(r,
                     "<dt>Uptime</dt><dd>%s</dd><dt>Version</dt><dd>" VPS_VERSION "</dd></dl>"
                     "</section>\n",
                     duration(r, uptime / CLOCK_SECOND));
}

/* Relative, so that the page works behind a proxy under any other path: "" for a page that ends in
 * a slash. */
static const char *style_base(request_rec *r)
{
    const char *slash = strrchr(r->uri, '/');

    return slash == NULL || slash[1] == '\0'
               ? "./"
               : apr_pstrcat(r->pool, "./", ap_escape_uri(r->pool, slash + 1), "/", NULL);
}

static int write_page(request_rec *r)
{
    picture_t picture;

    if (segment_registry() == NULL || !take_picture(r, &picture)) {
        return answer_text(r, HTTP_SERVICE_UNAVAILABLE, "The registry cannot be reached");
    }
    answer_begin(r, HTTP_OK, "text/html; charset=utf-8");
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'");
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    (void)ap_rprintf(r,
                     "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta http-equiv=\"refresh\" content=\"" REFRESH_SECONDS "\">\n"
                     "<title>VPN Sentinel Dashboard</title>\n"
                     "<link rel=\"stylesheet\" href=\"%sdashboard.css\">\n</head>\n<body>\n<main>\n"
                     "<h1>VPN Sentinel Monitoring</h1>\n",
                     ap_escape_html(r->pool, style_base(r)));
    write_summary(r, &picture);
    write_notice(r, &picture.notice);
    write_table(r, &picture);
    write_server_details(r, &picture);
    (void)ap_rputs("</main>\n</body>\n</html>\n", r);
    return OK;
}

static int write_style(request_rec *r)
{
    answer_begin(r, HTTP_OK, "text/css; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "max-age=300");
    (void)ap_rputs(dashboard_css, r);
    return OK;
}

int dashboard_handle(request_rec *r, const char *rest)
{
    bool is_page = rest[0] == '\0' || strcmp(rest, "/") == 0;

    if (config_global()->dashboard_disabled || (!is_page && strcmp(rest, "/dashboard.css") != 0)) {
        return answer_text(r, HTTP_NOT_FOUND, "Not found");
    }
    if (r->method_number != M_GET) {
        apr_table_setn(r->headers_out, "Allow", "GET, HEAD");
        return answer_text(r, HTTP_METHOD_NOT_ALLOWED, "Method not allowed");
    }
    return is_page ? write_page(r) : write_style(r);
}
