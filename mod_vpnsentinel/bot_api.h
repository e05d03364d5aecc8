/*
 * Calls methods of the Bot API. In the monitor only.
 */
#ifndef BOT_API_H
#define BOT_API_H

#include "telegram.h"
#include "transfer.h"

#define BOT_API_TIMEOUT_MS 20000L /* ms for a request that has its answer at once */

/* Where it is and who we are. The texts outlive all calls. */
typedef struct bot_api_t {
    const char *base; /* URL without a slash at its end */
    const char *token;
    transfers_t *transfers;
} bot_api_t;

/* body: size bytes, of any answer; valid during the call only. */
typedef void bot_api_done_t(void *ctx, const telegram_answer_t *answer, const char *body,
                            size_t size);

/* One that calls, one request at a time. */
typedef struct bot_api_caller_t {
    const bot_api_t *api;
    bot_api_done_t *done;
    void *ctx;
} bot_api_caller_t;

/* What is asked. */
typedef struct bot_api_call_t {
    const char *method;
    const char *body;  /* JSON; NULL = it could not be had, the call fails */
    long timeout_ms;   /* for the whole transfer */
    size_t answer_max; /* bytes of an answer */
} bot_api_call_t;

/*
 * Call it; caller, which outlives the request, is told what came of it. When it cannot even begin,
 * because memory is out, that is before this returns.
 */
void bot_api_call(bot_api_caller_t *caller, const bot_api_call_t *call);

#endif
