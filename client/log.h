/*
 * The daemon's log: lines of shared/logline.h on standard error, one write each. One that nobody
 * takes there is dropped after a moment, and the next one that can be written tells how many were.
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

/*
 * Copy of text what fits into size bytes, with asterisks for each secret, and for what begins like
 * one at the end of text. A text of others that is cut, to be part of a line, must go through this
 * first: half a secret is not recognised in the middle of a line. out may be text. Returns out.
 */
char *log_mask(char *out, size_t size, const char *text);

/* Write a line; component is a literal of ours. */
void log_write(vps_level_t level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
