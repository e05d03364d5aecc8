/*
 * What the tests of the rate limit share: tables in shared memory and addresses. Include it after
 * cmocka.h.
 */
#ifndef RATELIMIT_TABLE_H
#define RATELIMIT_TABLE_H

#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>

#include "ratelimit.h"

/* A table in shared memory, as the module has it; give it back by drop_table(). */
static inline ratelimit_table_t *new_table(uint32_t entries)
{
    static const uint8_t key[16] = "0123456789abcde";
    void *memory = mmap(NULL, ratelimit_size(entries), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return ratelimit_create(memory, entries, key);
}

static inline void drop_table(ratelimit_table_t *table, uint32_t entries)
{
    munmap(table, ratelimit_size(entries));
}

static inline vps_addr_t ipv4(uint32_t number)
{
    vps_addr_t addr = {.version = 4};
    uint32_t bytes = htonl(number);

    memcpy(addr.bytes, &bytes, sizeof(bytes));
    return addr;
}

/* How many of the next tries at one moment are allowed. */
static inline uint32_t allowed_of(ratelimit_table_t *table, const vps_addr_t *addr, uint32_t limit,
                                  int64_t now_ms, uint32_t tries)
{
    uint32_t allowed = 0;

    for (uint32_t i = 0; i < tries; i++) {
        allowed += ratelimit_hit(table, addr, limit, now_ms).allowed;
    }
    return allowed;
}

#endif
