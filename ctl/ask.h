/*
 * Asks the server's API, one question at a time, and says how that ended.
 *
 * An answer comes in bounded time, or not at all: VPN_SENTINEL_TIMEOUT is how long a server may say
 * nothing, ASK_WHOLE times as long what it may take in all.
 */
#ifndef ASK_H
#define ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "settings.h"
#include "split.h"

#define ASK_WHOLE 12
#define ASK_TEXT_SIZE 384     /* bytes of a text of others */
#define ASK_ANSWER_MAX 262144 /* bytes of an answer that is no list */

/* How a question ended. */
typedef enum ask_kind_t {
    ASK_OK,
    ASK_STOPPED,      /* something came in at stop_fd */
    ASK_UNREACHABLE,  /* no name, no connection, no answer in time, cut off */
    ASK_TLS,          /* no trusted connection */
    ASK_REDIRECT,     /* 3xx; never followed */
    ASK_UNAUTHORIZED, /* 401 */
    ASK_FORBIDDEN,    /* 403 */
    ASK_NOT_FOUND,    /* 404 of the API */
    ASK_LIMITED,      /* 429 */
    ASK_REFUSED,      /* any other 4xx of the API */
    ASK_FAILING,      /* 5xx */
    ASK_FOREIGN       /* from no VPN Sentinel server; or from one that nobody can understand */
} ask_kind_t;

/* The texts are as they came: not for a terminal. */
typedef struct ask_answer_t {
    ask_kind_t kind;
    long status;                 /* of HTTP; 0 = there was none */
    int64_t now;                 /* by the server's clock, else by ours; sec since epoch */
    int64_t retry_after;         /* sec that the server asks to wait; 0 = nothing said */
    char reason[ASK_TEXT_SIZE];  /* why it is not ASK_OK, part of a sentence; may be "" */
    char message[ASK_TEXT_SIZE]; /* of the API's error; "" = there is none */
} ask_answer_t;

typedef struct asker_t {
    const settings_t *settings;
    CURLM *multi;
    int stop_fd; /* when something can be read here, the question is given up; -1 = never */
} asker_t;

/* Returns false when memory is out. curl_global_init() must have been called. */
bool asker_open(asker_t *out, const settings_t *settings);
void asker_close(asker_t *asker);

/*
 * Ask for an object: path is below the API, "/status". Returns it, the caller's to free, or NULL when
 * the answer is not ASK_OK.
 */
json_object *ask(asker_t *asker, ask_answer_t *answer, const char *method, const char *path);

/*
 * Ask for a list, which goes to split as it comes: split_begin() is the caller's, split_end() is done
 * here. Returns whether it is whole, which is whether the answer is ASK_OK.
 */
bool ask_list(asker_t *asker, ask_answer_t *answer, const char *path, split_t *split);

/* Does it look as if the same question will be answered later? */
bool ask_may_pass(const ask_answer_t *answer);

/*
 * Say in a sentence why an answer is not ASK_OK and what to do about it, in size bytes; as the texts,
 * not for a terminal. Returns out.
 */
char *ask_fault(char *out, size_t size, const asker_t *asker, const ask_answer_t *answer);

#endif
