#include "delay.h"

#define DOUBLINGS_MAX 20 /* 2^20 s is longer than any interval */

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Evenly spread over 0 to range - 1. */
static int64_t spread(uint32_t random, int64_t range)
{
    return (int64_t)(((uint64_t)random * (uint64_t)range) >> 32);
}

static int64_t back_off(unsigned failures, uint32_t random)
{
    unsigned doublings = failures > 0 ? failures - 1 : 0;
    int64_t base = CLOCK_SECOND << min(doublings, DOUBLINGS_MAX);

    return base - base / 4 + spread(random, base / 2);
}

bool delay_backs_off(transfer_kind_t kind)
{
    switch (kind) {
    case TRANSFER_OK:
    case TRANSFER_UNAUTHORIZED:
    case TRANSFER_FORBIDDEN:
    case TRANSFER_LIMITED:
    case TRANSFER_REFUSED:
        return false;
    default:
        return true;
    }
}

int64_t delay_next(const delay_round_t *round)
{
    int64_t rest = round->took < round->interval ? round->interval - round->took : 0;
    int64_t asked = min(round->retry_after, DELAY_LIMITED_MAX);

    if (delay_backs_off(round->kind)) {
        return min(back_off(round->failures, round->random), rest);
    }
    if (round->kind == TRANSFER_LIMITED && asked > 0) {
        return asked + spread(round->random, asked / 10);
    }
    return rest;
}
