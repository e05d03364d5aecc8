/*
 * One line of the product's own log: "[2025-01-15 12:34:56] [component] message\n", local time.
 *
 * The message may hold text from outside: everything that could forge, break or reorder a line
 * (control characters, bidirectional ones, invalid UTF-8) is written as \xHH, a backslash as two;
 * other UTF-8 stays readable.
 *
 * Pure but for localtime_r(); thread-safe; no allocation.
 */
#ifndef VPS_LOGLINE_H
#define VPS_LOGLINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define VPS_LOGLINE_SIZE 2048 /* bytes, enough for every line we write; longer ones are cut */

/* Verbosity, and the names that people configure: "ERROR", "WARN", "INFO", "DEBUG". */
typedef enum vps_level_t { VPS_ERROR, VPS_WARN, VPS_INFO, VPS_DEBUG } vps_level_t;

/* Read a level's name, in any case. Returns false, *out untouched, for an unknown one. */
bool vps_level_parse(vps_level_t *out, const char *name);

/*
 * Write a whole line with its newline and a NUL into size bytes (at least 64). Too long a message
 * is cut at a character boundary and ends in "...", the newline is always there. component is a
 * literal of ours of at most 16 bytes. Returns the length without the NUL.
 */
size_t vps_logline(char *out, size_t size, time_t when, const char *component, const char *format,
                   ...) __attribute__((format(printf, 5, 6)));

/* The same with a va_list. */
size_t vps_logline_v(char *out, size_t size, time_t when, const char *component, const char *format,
                     va_list args);

#endif
