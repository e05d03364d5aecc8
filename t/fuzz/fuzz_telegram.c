/* Answers of the Bot API, and of whoever answers in its place: whatever comes, the verdict is sane. */
#include <stdlib.h>
#include <string.h>

#include "telegram.h"
#include "valid.h"

#define TOKEN "7654321:AAtest-token"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void check_answer(long status, const uint8_t *data, size_t size)
{
    const telegram_response_t response = {
        .status = status,
        .body = (const char *)data,
        .size = size,
        .retry_after = size % 2 == 0 ? INT64_MAX : 0,
        .reason = "no connection",
    };
    telegram_answer_t answer;
    size_t len;

    memset(&answer, 0xff, sizeof(answer));
    telegram_read_answer(&answer, &response, TOKEN);
    len = strnlen(answer.reason, sizeof(answer.reason));
    check(len < sizeof(answer.reason) && vps_valid_text(answer.reason, len));
    check((len == 0) == (answer.kind == TELEGRAM_OK));
    check(strstr(answer.reason, TOKEN) == NULL);
    check(answer.retry_after >= 0 && answer.retry_after <= TELEGRAM_WAIT_MAX);
    check(status != 429 || answer.retry_after > 0);
    check(answer.kind != TELEGRAM_OK || status == 200);
    check(answer.kind != TELEGRAM_UNPARSABLE || status == 400);
    check(answer.kind != TELEGRAM_NO_THREAD || status == 400);
    check(answer.kind != TELEGRAM_MIGRATED || status == 400);
    check(answer.kind != TELEGRAM_CONFLICT || status == 409);
    check((answer.kind == TELEGRAM_MIGRATED) == (answer.migrated_to < 0));
    check(answer.migrated_to >= -TELEGRAM_ID_MAX && answer.migrated_to <= 0);
    check(answer.kind != TELEGRAM_REFUSED || (status >= 400 && status < 500));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {0, 200, 302, 400, 401, 403, 404, 409, 429, 500};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        check_answer(statuses[i], data, size);
    }
    return 0;
}
