/*
 * What a client id, a text and a time from outside must look like.
 *
 * Pure functions, no allocation, thread-safe. Texts are pointer and length: they may hold NUL
 * bytes.
 */
#ifndef VPS_VALID_H
#define VPS_VALID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VPS_CLIENT_ID_MAX 100 /* bytes */

/* 1 to VPS_CLIENT_ID_MAX ASCII letters, digits and hyphens. */
bool vps_valid_client_id(const char *text, size_t len);

/*
 * Well-formed UTF-8 (RFC 3629, table 3-7 of the Unicode standard: no overlong forms, no surrogates,
 * nothing above U+10FFFF). An empty text is valid.
 */
bool vps_valid_utf8(const char *text, size_t len);

/*
 * Well-formed UTF-8 without control characters (C0, DEL, C1) and without U+FEFF (byte-order mark).
 */
bool vps_valid_text(const char *text, size_t len);

/*
 * Copy a text of a third party into size bytes with its NUL, cut at a character boundary when it is
 * too long. A text that vps_valid_text() refuses leaves out empty (unknown): it is never repaired.
 */
void vps_text_copy(char *out, size_t size, const char *text, size_t len);

/*
 * The ways to say "unknown" on the wire: empty, "unknown", "Unknown".
 */
bool vps_text_is_unknown(const char *text, size_t len);

/*
 * Read an ISO 8601 date and time: YYYY-MM-DDThh:mm:ss, optional fraction (dropped), then Z, ±hh:mm,
 * ±hhmm, ±hh or nothing (taken as UTC). The calendar is checked (29 February), there is no second
 * 60; years 1970 to 9999, in UTC too. *out: seconds since the epoch. Returns false, *out untouched,
 * on anything else.
 */
bool vps_time_parse(int64_t *out, const char *text, size_t len);

/* Longest text that vps_time_format() writes, with NUL: "2025-01-15T12:34:56Z". */
#define VPS_TIME_TEXT_SIZE 24

/* Write when (seconds since the epoch, 0 to year 9999) as "2025-01-15T12:34:56Z". Returns out. */
char *vps_time_format(char out[VPS_TIME_TEXT_SIZE], int64_t when);

#endif
