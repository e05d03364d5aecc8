/*
 * A true sliding window of requests per client address, for any number of addresses in bounded
 * memory.
 *
 * The table is plain memory that the caller provides (shared between processes). It holds no
 * pointers. Every call but ratelimit_size() must be made under one lock; a process that dies inside
 * a call leaves the table usable (at worst one stamp of one address is lost). Nothing allocates.
 *
 * IPv4 counts by address, IPv6 by /64, but NAT64 (64:ff9b::/96) by full address.
 * A limit of at most RATELIMIT_EXACT_MAX is exact to the millisecond; above it the window is made
 * of half-second counters: at most half a second too strict, never too lax. Sets of RATELIMIT_WAYS
 * entries, found by keyed hash; a full set gives up the entry with the fewest hits in its window,
 * so that a flood of addresses cannot make the table forget a busy one.
 */
#ifndef RATELIMIT_H
#define RATELIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define RATELIMIT_WINDOW_MS 60000 /* ms; a hit counts for less than this long */
#define RATELIMIT_MAX 1000        /* highest limit, hits a window */
#define RATELIMIT_EXACT_MAX 60    /* highest limit that keeps every stamp */
#define RATELIMIT_WAYS 8          /* entries a set */

typedef struct ratelimit_table_t ratelimit_table_t; /* the head of the memory */

typedef struct ratelimit_verdict_t {
    bool allowed;         /* the hit was counted */
    uint32_t retry_after; /* sec until a hit is allowed, rounded up, at least 1; 0 when allowed */
    bool known;           /* a keepalive from this address was accepted (ratelimit_mark_known) */
} ratelimit_verdict_t;

/* Bytes needed for a table of this many entries (a power of two, at least RATELIMIT_WAYS). */
size_t ratelimit_size(uint32_t entries);

/*
 * Make an empty table in zeroed memory of ratelimit_size(entries) bytes, aligned to 64. Touches
 * only its head. key: 16 random bytes for the hash.
 */
ratelimit_table_t *ratelimit_create(void *memory, uint32_t entries, const uint8_t key[16]);

/*
 * Count a request of addr at now_ms (monotonic, not negative) against limit (1 to RATELIMIT_MAX)
 * hits a window. A refused request is not counted. An unknown address (version 0) is one address
 * like any other. A limit changed within the exact or within the counted form applies to the hits
 * so far; changed from one form to the other, every address starts anew.
 */
ratelimit_verdict_t ratelimit_hit(ratelimit_table_t *table, const vps_addr_t *addr, uint32_t limit,
                                  int64_t now_ms);

/* Remember, as long as addr stays in the table, that a client's keepalive was accepted from it. */
void ratelimit_mark_known(ratelimit_table_t *table, const vps_addr_t *addr);

#endif
