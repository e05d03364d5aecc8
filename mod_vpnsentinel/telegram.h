/*
 * The forms of Telegram's Bot API (core.telegram.org/bots/api): the bodies of requests, and the
 * verdict on an answer, which is the same for every method. What getUpdates and getMe bring is
 * read in telegram_update.h.
 *
 * Pure functions, thread-safe.
 */
#ifndef TELEGRAM_H
#define TELEGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELEGRAM_BASE "https://api.telegram.org"
#define TELEGRAM_ANSWER_MAX 65536 /* bytes of an answer worth reading, but of getUpdates */
#define TELEGRAM_UPDATES_MAX                                                                       \
    1048576                      /* bytes of an answer of getUpdates; one update is far below it */
#define TELEGRAM_REASON_SIZE 160 /* bytes with the NUL */
#define TELEGRAM_WAIT_MAX 3600   /* sec; who asks to wait longer is asked again then */
#define TELEGRAM_RETRY_MIN INT64_C(1000000)  /* usec of the first wait after a failure; doubles */
#define TELEGRAM_RETRY_MAX INT64_C(60000000) /* usec */
#define TELEGRAM_REFUSED_RETRY INT64_C(300000000) /* usec between tries while refused */
#define TELEGRAM_ID_MAX ((INT64_C(1) << 52) - 1)  /* of a chat, either sign; a message, a thread */

typedef enum telegram_kind_t {
    TELEGRAM_OK,         /* 200 and "ok":true: it is done */
    TELEGRAM_LATER,      /* not now: no answer, 5xx, 429, or one that is not of the Bot API */
    TELEGRAM_UNPARSABLE, /* not this text: HTML that they cannot read, too long, empty */
    TELEGRAM_NO_THREAD,  /* the chat's topic is closed or gone: send it without a thread */
    TELEGRAM_MIGRATED,   /* the group has become another chat: migrated_to */
    TELEGRAM_CONFLICT,   /* of getUpdates: somebody else polls with this token, or has a webhook */
    TELEGRAM_REFUSED     /* and will be until somebody changes something: token, chat, rights */
} telegram_kind_t;

typedef struct telegram_answer_t {
    telegram_kind_t kind;
    int64_t retry_after;               /* with LATER: sec that they ask to wait; 0 = nothing said */
    int64_t migrated_to;               /* with MIGRATED: the chat's new number, negative; else 0 */
    char reason[TELEGRAM_REASON_SIZE]; /* unless OK: in words, valid UTF-8, no control characters */
} telegram_answer_t;

/* Could this be a bot's token: digits, a colon, then letters, digits, "-" and "_"? */
bool telegram_is_token(const char *text);

/* Could this be a chat: a 64-bit number, or "@" and a name? */
bool telegram_is_chat(const char *text);

/* Write BASE/bot<token>/<method>. Returns false when it does not fit. */
bool telegram_url(char *out, size_t size, const char *base, const char *token, const char *method);

typedef struct telegram_message_t {
    const char *chat; /* number or "@name" */
    int64_t thread;   /* of a forum's topic, 0 = none */
    int64_t reply_to; /* number of the message that it answers, 0 = none; it may be gone by now */
    const char *text; /* valid UTF-8 */
    bool is_html;
    bool is_silent; /* arrives without a sound */
} telegram_message_t;

/* The body of a sendMessage; links get no preview. malloc'ed JSON, NULL when memory is out. */
char *telegram_message_body(const telegram_message_t *message);

/*
 * The body of a getUpdates: at most limit (1-100) messages and channel posts from this offset on
 * (0 = whatever they have), for which they wait up to timeout sec (0-50). malloc'ed JSON, NULL when
 * memory is out.
 */
char *telegram_poll_body(int64_t offset, int timeout, int limit);

/* A command that Telegram's clients propose while somebody types. */
typedef struct telegram_command_t {
    const char *name;        /* 1-32 of [a-z0-9_], without a slash */
    const char *description; /* valid UTF-8, 1-256 characters */
} telegram_command_t;

/* The body of a setMyCommands (count at most 100). malloc'ed JSON, NULL when memory is out. */
char *telegram_commands_body(const telegram_command_t *commands, size_t count);

/* An answer of HTTP, whoever gave it. */
typedef struct telegram_response_t {
    long status;         /* 0 = there was none */
    const char *body;    /* size bytes */
    size_t size;         /* bytes; more than TELEGRAM_UPDATES_MAX are not read */
    int64_t retry_after; /* sec, of the header; 0 = nothing said */
    const char *reason;  /* with status 0: why, ASCII */
} telegram_response_t;

/* Judge it, whatever was asked. token appears in no reason. */
void telegram_read_answer(telegram_answer_t *out, const telegram_response_t *response,
                          const char *token);

/* How long to wait before the same is asked again after an answer that is not OK, and so many
 * failures in a row before it, usec. */
int64_t telegram_retry(const telegram_answer_t *answer, unsigned int failures);

#endif
