#include "log.h"

#include "apr_file_io.h"

#include "config.h"

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

bool log_is_on(const request_rec *r, vps_level_t level)
{
    /* Not APLOG_R_IS_LEVEL: that holds for every level up to notice. */
    return log_file != NULL &&
           ap_get_request_module_loglevel(r, APLOG_MODULE_INDEX) >= httpd_level(level);
}

void log_request(const request_rec *r, vps_level_t level, const char *component, const char *format,
                 ...)
{
    char line[VPS_LOGLINE_SIZE];
    va_list args;
    size_t len;

    if (!log_is_on(r, level)) {
        return;
    }
    va_start(args, format);
    len = vps_logline_v(line, sizeof line, time(NULL), component, format, args);
    va_end(args);
    /* One write, so that lines of several processes do not mix. A full disk must not stop the
     * answer. */
    (void)apr_file_write(log_file, line, &len);
}
