/*
 * Whether alerts are muted: recorded, but not sent. A setting of the store, so that it survives
 * everything that the store does.
 *
 * In the monitor only. All times are sec since epoch. A mute that has ended stays known until what
 * was held back is delivered (mute_clear): as one digest that tells how long it was.
 */
#ifndef MUTE_H
#define MUTE_H

#include "store.h"

typedef struct mute_t {
    int64_t since; /* 0 = neither muted nor just after it */
    int64_t until;
} mute_t;

/* As the store knows it. What makes no sense there counts as not muted. */
void mute_recall(mute_t *mute, store_t *store);

/*
 * Each puts the change into the store's transaction. A mute that goes on is prolonged or shortened;
 * mute_end() ends it now; mute_clear() makes it history; mute_put() changes nothing.
 */
void mute_begin(mute_t *mute, store_t *store, int64_t now, int64_t until);
void mute_end(mute_t *mute, store_t *store, int64_t now);
void mute_clear(mute_t *mute, store_t *store);
void mute_put(const mute_t *mute, store_t *store);

/*
 * The clock was set back to before the mute: it begins now, and is as long as it was. Returns false when
 * that is not so.
 */
bool mute_follow_clock(mute_t *mute, store_t *store, int64_t now);

static inline bool mute_is_on(const mute_t *mute, int64_t now)
{
    return mute->since != 0 && now < mute->until;
}

static inline bool mute_is_over(const mute_t *mute, int64_t now)
{
    return mute->since != 0 && now >= mute->until;
}

#endif
