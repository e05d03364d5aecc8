/*
 * Stands in for what parts of the module need of httpd and of the module's own log: the lines are
 * kept. Include after cmocka.h.
 */
#ifndef HTTPD_LOG_H
#define HTTPD_LOG_H

#include <stdio.h>
#include <string.h>

#include "http_main.h"
#include "log.h"

#define KEPT_MAX 64
#define KEPT_SIZE 512 /* bytes */

typedef struct kept_t {
    size_t count;
    int level[KEPT_MAX];
    char line[KEPT_MAX][KEPT_SIZE]; /* "[component] message" */
} kept_t;

static kept_t log_lines, error_log_lines; /* of VPNSentinelLog, of httpd's error log */

module vpnsentinel_module;
server_rec *ap_server_conf;

static void keep_line(kept_t *kept, int level, const char *component, const char *format,
                      va_list args)
{
    size_t len;

    assert_true(kept->count < KEPT_MAX);
    kept->level[kept->count] = level;
    len = (size_t)snprintf(kept->line[kept->count], KEPT_SIZE, "[%s] ", component);
    (void)vsnprintf(kept->line[kept->count] + len, KEPT_SIZE - len, format, args);
    kept->count++;
}

void log_server(vps_level_t level, const char *component, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    keep_line(&log_lines, (int)level, component, format, args);
    va_end(args);
}

void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *fmt, ...)
{
    va_list args;

    (void)file, (void)line, (void)module_index, (void)status, (void)s;
    va_start(args, fmt);
    keep_line(&error_log_lines, level, "error", fmt, args);
    va_end(args);
}

static void forget_lines(void)
{
    memset(&log_lines, 0, sizeof(log_lines));
    memset(&error_log_lines, 0, sizeof(error_log_lines));
}

/* How many lines of this level, and with this text in them, were logged? */
static unsigned count_lines(vps_level_t level, const char *text)
{
    unsigned count = 0;

    for (size_t i = 0; i < log_lines.count; i++) {
        count += log_lines.level[i] == (int)level && strstr(log_lines.line[i], text) != NULL;
    }
    return count;
}

/* Wherever the text went, it is in no log. */
static inline void assert_not_logged(const char *text)
{
    for (size_t i = 0; i < log_lines.count; i++) {
        assert_null(strstr(log_lines.line[i], text));
    }
    for (size_t i = 0; i < error_log_lines.count; i++) {
        assert_null(strstr(error_log_lines.line[i], text));
    }
}

#endif
