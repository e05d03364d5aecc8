#include "mute.h"

#include <inttypes.h>
#include <stdio.h>

#define SETTING "mute"                  /* "<since> <until>", "" = not muted */
#define YEAR_9999 INT64_C(253402300799) /* its last second, since the epoch */

void mute_put(const mute_t *mute, store_t *store)
{
    char text[48] = "";

    if (mute->since != 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, mute->since, mute->until);
    }
    store_put_setting(store, SETTING, text);
}

void mute_recall(mute_t *mute, store_t *store)
{
    char text[48];
    int end = 0;

    if (!store_get_setting(store, SETTING, text, sizeof(text)) ||
        /* NOLINTNEXTLINE(cert-err34-c): numbers of 13 digits do not overflow. */
        sscanf(text, "%13" SCNd64 " %13" SCNd64 "%n", &mute->since, &mute->until, &end) != 2 ||
        text[end] != '\0' || mute->since <= 0 || mute->until < mute->since ||
        mute->until > YEAR_9999) {
        *mute = (mute_t){0};
    }
}

bool mute_follow_clock(mute_t *mute, store_t *store, int64_t now)
{
    if (mute->since <= now) {
        return false;
    }
    mute->until -= mute->since - now;
    mute->since = now;
    mute_put(mute, store);
    return true;
}

void mute_begin(mute_t *mute, store_t *store, int64_t now, int64_t until)
{
    if (!mute_is_on(mute, now) || mute->since > now) {
        mute->since = now;
    }
    mute->until = until;
    mute_put(mute, store);
}

void mute_end(mute_t *mute, store_t *store, int64_t now)
{
    if (mute_is_on(mute, now)) {
        (void)mute_follow_clock(mute, store, now);
        mute->until = now;
        mute_put(mute, store);
    }
}

void mute_clear(mute_t *mute, store_t *store)
{
    if (mute->since != 0) {
        *mute = (mute_t){0};
        mute_put(mute, store);
    }
}
