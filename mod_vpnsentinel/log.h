/*
 * The module's own log (VPNSentinelLog): lines "[2025-01-15 12:34:56] [component] message" in
 * UTF-8, which httpd's own logs would escape.
 *
 * Opened in the parent, written by all processes, each line by one write() to a file in append mode
 * or a pipe; gated by "LogLevel vpnsentinel:…". Thread-safe after log_open(). Text from outside may
 * be given as it is.
 */
#ifndef LOG_H
#define LOG_H

#include "mod_vpnsentinel.h"

#include <stdbool.h>

#include "logline.h"

/*
 * Open the configured log for this generation of the server. Returns false, with the reason in the
 * error log, when a log that was asked for cannot be opened; without the default one the server
 * goes on.
 */
bool log_open(apr_pool_t *pconf, server_rec *s);

/* Write a line about a request, if its level is on for it. component is a literal. */
void log_request(const request_rec *r, vps_level_t level, const char *component, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/*
 * The same about a request that was refused, which strangers can send in any number: beyond the
 * limit of flood.h such lines are left out, and a later one tells how many.
 */
void log_refusal(const request_rec *r, vps_level_t level, const char *component, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Write a line of the server itself, if its level is on for the main server. */
void log_server(vps_level_t level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
