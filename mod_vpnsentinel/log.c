#include "log.h"

#include "http_main.h"

#include "apr_file_io.h"

#include "clock.h"
#include "config.h"
#include "segment.h"

#define DEFAULT_LOG "logs/vpnsentinel.log"

static apr_file_t *log_file;

static apr_file_t *open_piped(apr_pool_t *p, const char *program)
{
    piped_log *piped = ap_open_piped_log(p, program);

    return piped != NULL ? ap_piped_log_write_fd(piped) : NULL;
}

static apr_file_t *open_file(apr_pool_t *p, server_rec *s, const char *name, int level)
{
    const char *path = ap_server_root_relative(p, name);
    apr_file_t *file = NULL;
    apr_status_t rv = APR_EBADPATH;

    if (path != NULL) {
        rv = apr_file_open(&file, path,
                           APR_FOPEN_WRITE | APR_FOPEN_APPEND | APR_FOPEN_CREATE |
                               APR_FOPEN_LARGEFILE,
                           APR_OS_DEFAULT, p);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | level, rv, s,
                     "VPNS0020: VPNSentinelLog: cannot open %s", path != NULL ? path : name);
        return NULL;
    }
    return file;
}

bool log_open(apr_pool_t *pconf, server_rec *s)
{
    const char *name = config_of(s)->log_name;

    log_file = NULL;
    if (name == NULL) {
        log_file = open_file(pconf, s, DEFAULT_LOG, APLOG_NOTICE);
        return true;
    }
    if (strcmp(name, "none") == 0) {
        return true;
    }
    log_file = name[0] == '|' ? open_piped(pconf, name + 1) : open_file(pconf, s, name, APLOG_ERR);
    return log_file != NULL;
}

static int httpd_level(vps_level_t level)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_INFO, APLOG_DEBUG};

    return levels[level];
}

/* Not APLOG_R_IS_LEVEL and its like: they hold for every level up to notice. */
static bool is_on_for_request(const request_rec *r, vps_level_t level)
{
    return log_file != NULL &&
           ap_get_request_module_loglevel(r, APLOG_MODULE_INDEX) >= httpd_level(level);
}

static bool is_on_for_server(vps_level_t level)
{
    return log_file != NULL &&
           ap_get_server_module_loglevel(ap_server_conf, APLOG_MODULE_INDEX) >= httpd_level(level);
}

/*
 * One write, so that lines of several processes do not mix. A full disk must not stop the answer.
 */
static void write_line(const char *component, const char *format, va_list args)
{
    char line[VPS_LOGLINE_SIZE];
    apr_size_t len = vps_logline_v(line, sizeof line, time(NULL), component, format, args);

    (void)apr_file_write(log_file, line, &len);
}

/* May a line that a stranger caused be written now? *left_out as in flood.h. */
static bool admits_refusal(uint32_t *left_out)
{
    flood_t *flood = segment_flood();

    *left_out = 0;
    return flood == NULL || flood_admits(flood, clock_monotonic() / CLOCK_SECOND, left_out);
}

void log_request(const request_rec *r, vps_level_t level, const char *component, const char *format,
                 ...)
{
    va_list args;

    if (is_on_for_request(r, level)) {
        va_start(args, format);
        write_line(component, format, args);
        va_end(args);
    }
}

void log_refusal(const request_rec *r, vps_level_t level, const char *component, const char *format,
                 ...)
{
    va_list args;
    uint32_t left_out;

    if (!is_on_for_request(r, level) || !admits_refusal(&left_out)) {
        return;
    }
    if (left_out > 0) {
        log_request(r, level, "api", "🔇 %u lines like these were left out", left_out);
    }
    va_start(args, format);
    write_line(component, format, args);
    va_end(args);
}

void log_server(vps_level_t level, const char *component, const char *format, ...)
{
    va_list args;

    if (is_on_for_server(level)) {
        va_start(args, format);
        write_line(component, format, args);
        va_end(args);
    }
}
