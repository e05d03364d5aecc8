/*
 * A text for Telegram (HTML of the Bot API, or plain) or the log, while it is being written.
 *
 * It holds what Telegram takes in one message and not a byte more than its buffer. Characters,
 * entities, what text_put() gets at once and what is in <code> or <b> are put whole or not at all;
 * once something did not fit, nothing more is put, so that no half line follows: take it back to a
 * mark and go on from there. Pure functions but for localtime_r(); thread-safe for one text_t each;
 * no allocation.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define TEXT_UNITS_MAX                                                                             \
    4096                /* UTF-16 code units after parsing: what Telegram takes in one message */
#define TEXT_SIZE 16384 /* bytes, for the longest message in HTML with its NUL */

typedef enum text_form_t { TEXT_PLAIN, TEXT_HTML } text_form_t;

typedef struct text_t {
    char *out;        /* of the caller; always ends in NUL */
    size_t size;      /* bytes there are */
    size_t used;      /* bytes of them, without the NUL */
    size_t units;     /* UTF-16 code units of what is read: an entity is 1, a tag 0 */
    text_form_t form; /* whether there is markup */
    bool is_over;     /* something did not fit */
} text_t;

/* An empty text in out, which must live as long; size: bytes, at least 1. */
text_t text_begin(char *out, size_t size, text_form_t form);

/* Words of ours, which need no escaping. */
void text_put(text_t *text, const char *words);

/* Words of others: UTF-8. */
void text_put_escaped(text_t *text, const char *words);

/* Markup, where there is some. */
void text_put_tag(text_t *text, const char *tag);

/* Words of others that people copy: in HTML a tap does it. */
void text_put_code(text_t *text, const char *words);

/* Words of ours that stand out. */
void text_put_bold(text_t *text, const char *words);

/* Words of ours that begin a line: what it tells comes behind them. */
void text_put_label(text_t *text, const char *label);

void text_put_number(text_t *text, uint64_t number);

/* To be copied, or "unknown". */
void text_put_address(text_t *text, const vps_addr_t *addr);

/* A country's code, or "unknown" for "". */
void text_put_country(text_t *text, const char *code);

/* "5 min 3 s": the greatest unit and the next one, unless that is 0. */
void text_put_duration(text_t *text, uint64_t seconds);

/* The times are sec since epoch, told in the server's zone; "unknown" when no calendar has them. */

/* "2026-11-28 15:30:00 CET". */
void text_put_time(text_t *text, int64_t when);

/* "15:30:00", and "2026-11-28 " before it when that is another day than now's. */
void text_put_clock(text_t *text, int64_t when, int64_t now);

/* "3 min ago", in the greatest unit only; "just now" below a minute, and when it is yet to come. */
void text_put_ago(text_t *text, int64_t when, int64_t now);

/* A place in the text. */
typedef struct text_mark_t {
    size_t used;
    size_t units;
} text_mark_t;

/* Where the text ends now. It must not be over. */
text_mark_t text_mark(const text_t *text);

/* Take back all that came since, and that it did not fit. */
void text_rewind(text_t *text, text_mark_t mark);

/* Did all fit, and would so many units more, of 4 bytes each? */
bool text_fits(const text_t *text, size_t reserve);

#endif
