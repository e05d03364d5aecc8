/* Random numbers for tests: xorshift64, the same in every run. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static uint32_t random_below(uint32_t bound)
{
    static uint64_t state = 20260402;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % bound;
}

#endif
