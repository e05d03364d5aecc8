/* Answers to getUpdates and getMe: what is read of them keeps the promises of telegram_update.h. */
#include <stdlib.h>
#include <string.h>

#include "telegram_update.h"
#include "valid.h"

#define NEXT 1000 /* the offset that was asked for */

/* What was visited. */
typedef struct seen_t {
    size_t count;
    int64_t highest; /* id */
} seen_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_id(int64_t id)
{
    return id >= 0 && id <= TELEGRAM_ID_MAX;
}

static void check_name(const char *name, size_t size)
{
    const size_t len = strnlen(name, size);

    check(len < size && (len == 0 || len >= 4));
    check(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == len);
}

static void visit(void *ctx, const telegram_update_t *update)
{
    const size_t len = strnlen(update->text, sizeof(update->text));
    seen_t *seen = ctx;

    check(update->id > 0 && is_id(update->id));
    check(update->chat >= -TELEGRAM_ID_MAX && update->chat <= TELEGRAM_ID_MAX);
    check(is_id(update->thread) && is_id(update->message) && is_id(update->date));
    check(len < sizeof(update->text) && vps_valid_text(update->text, len));
    check(update->chat != 0 || (len == 0 && update->message == 0 && !update->is_private));
    check_name(update->chat_name, sizeof(update->chat_name));
    seen->count++;
    seen->highest = update->id > seen->highest ? update->id : seen->highest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    seen_t seen = {0, NEXT - 1};
    int64_t next = NEXT;
    char name[TELEGRAM_NAME_SIZE];
    bool good = telegram_read_updates((const char *)data, size, &next, visit, &seen);

    check(good || seen.count == 0);
    check(next == NEXT || seen.count > 0);
    check(next == seen.highest + 1 || (next > 0 && next < NEXT));
    memset(name, 0xff, sizeof(name));
    good = telegram_read_name(name, sizeof(name), (const char *)data, size);
    check(good == (name[0] != '\0'));
    check_name(name, sizeof(name));
    return 0;
}
