#include "bot_api.h"

#include <stdlib.h>
#include <string.h>

static void answered(void *ctx, const transfer_answer_t *http)
{
    const bot_api_caller_t *caller = ctx;
    const telegram_response_t response = {.status = http->status,
                                          .body = http->body,
                                          .size = http->size,
                                          .retry_after = http->retry_after,
                                          .reason = http->reason};
    telegram_answer_t answer;

    telegram_read_answer(&answer, &response, caller->api->token);
    caller->done(caller->ctx, &answer, http->body, http->size);
}

static bool start(bot_api_caller_t *caller, const bot_api_call_t *call, const char *url,
                  struct curl_slist *header)
{
    const vps_http_request_t request = {
        .url = url,
        .header = header,
        .body = call->body,
        .body_size = strlen(call->body),
        .timeout_ms = call->timeout_ms,
        .answer_max = call->answer_max,
    };

    return transfers_start(caller->api->transfers, &request, caller->api->token, answered, caller);
}

void bot_api_call(bot_api_caller_t *caller, const bot_api_call_t *call)
{
    const bot_api_t *api = caller->api;
    const size_t size =
        strlen(api->base) + strlen(api->token) + strlen(call->method) + sizeof("/bot/");
    struct curl_slist *header = curl_slist_append(NULL, "Content-Type: application/json");
    char *url = malloc(size);

    if (call->body == NULL || header == NULL || url == NULL ||
        !telegram_url(url, size, api->base, api->token, call->method) ||
        !start(caller, call, url, header)) {
        const transfer_answer_t none = {.body = "", .reason = "out of memory"};

        answered(caller, &none);
    }
    curl_slist_free_all(header);
    free(url);
}
