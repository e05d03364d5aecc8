/*
 * The tokens of JSON (RFC 8259 sections 3, 6 and 7). json-c is lenient there even when strict: it
 * takes NaN, Infinity, numbers like 01, raw control characters, and makes a lone surrogate U+FFFD;
 * and it cuts a member's name at an escaped NUL, which makes it another member's.
 *
 * No state; thread-safe.
 */
#ifndef VPS_JSON_TOKENS_H
#define VPS_JSON_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

/* Are the len bytes of text tokens of JSON? How they follow each other is json-c's business. */
bool vps_json_tokens_are_strict(const char *text, size_t len);

#endif
