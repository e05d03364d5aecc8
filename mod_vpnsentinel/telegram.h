/*
 * The forms of Telegram's Bot API (core.telegram.org/bots/api): requests and answers of sendMessage.
 *
 * Pure functions, thread-safe.
 */
#ifndef TELEGRAM_H
#define TELEGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELEGRAM_BASE "https://api.telegram.org"
#define TELEGRAM_ANSWER_MAX 65536 /* bytes of an answer worth reading */
#define TELEGRAM_REASON_SIZE 160  /* bytes with the NUL */
#define TELEGRAM_WAIT_MAX 3600    /* sec; who asks to wait longer is asked again then */

typedef enum telegram_kind_t {
    TELEGRAM_OK,         /* 200 and "ok":true: it is theirs now */
    TELEGRAM_LATER,      /* not now: no answer, 5xx, 429, or one that is not of the Bot API */
    TELEGRAM_UNPARSABLE, /* they cannot read the message's HTML: send it plain */
    TELEGRAM_REFUSED     /* and will be until somebody changes something: token, chat, rights */
} telegram_kind_t;

typedef struct telegram_answer_t {
    telegram_kind_t kind;
    int64_t retry_after;               /* sec that they ask to wait; 0 = nothing said */
    char reason[TELEGRAM_REASON_SIZE]; /* unless OK: in words, valid UTF-8, no control characters */
} telegram_answer_t;

/* Could this be a bot's token: digits, a colon, then letters, digits, "-" and "_"? */
bool telegram_is_token(const char *text);

/* Could this be a chat: a 64-bit number, or "@" and a name? */
bool telegram_is_chat(const char *text);

/* Write BASE/bot<token>/<method>. Returns false when it does not fit. */
bool telegram_url(char *out, size_t size, const char *base, const char *token, const char *method);

/* The body of a sendMessage: a text in HTML or plain. malloc'ed, NULL when memory is out. */
char *telegram_message_body(const char *chat, const char *text, bool html);

/* An answer of HTTP, whoever gave it. */
typedef struct telegram_response_t {
    long status;         /* 0 = there was none */
    const char *body;    /* size bytes */
    size_t size;         /* bytes */
    int64_t retry_after; /* sec, of the header; 0 = nothing said */
    const char *reason;  /* with status 0: why, ASCII */
} telegram_response_t;

/* Judge it. token appears in no reason. */
void telegram_read_answer(telegram_answer_t *out, const telegram_response_t *response,
                          const char *token);

#endif
