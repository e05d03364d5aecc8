/*
 * The daemon's log: lines of shared/logline.h on standard error, one write each.
 *
 * Texts of other programs (an answer, an error of libcurl) may be logged as they are: control
 * characters are escaped by vps_logline(), and the secrets named by log_hide() become asterisks
 * even when a server echoes them.
 */
#ifndef LOG_H
#define LOG_H

#include "logline.h"

/* Lines above this level are dropped; VPS_INFO before the first call. */
void log_set_level(vps_level_t level);

/*
 * Never show these texts from now on. They are kept by pointer and read at each line. One
 * shorter than LOG_HIDDEN_MIN is no secret, and hiding it would spoil every line.
 */
#define LOG_HIDDEN_MIN 4 /* bytes */
void log_hide(const char *api_key, const char *token, const char *gluetun_key);

/* Write a line; component is a literal of ours. */
void log_write(vps_level_t level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
