/*
 * The table is an array of sets of RATELIMIT_WAYS entries. An entry keeps the hits of one address,
 * in one of two forms:
 *
 *   exact    a ring of the last stamps: the low 32 bits of their time. Whenever a hit is added, the
 *            stamps that left the window are dropped. So all are less than a window older than
 *            newest_ms, which is complete, and a wrap of 32 bits (49 days) is never seen.
 *   counted  a ring of counters, one for each half second up to the one of newest_ms.
 *
 * A process may be killed between any two stores. Their order (in_order() holds the compiler to it)
 * makes every prefix of them a valid entry; the functions that write say how.
 */
#include <stdatomic.h>
#include <string.h>

#include <apr_siphash.h>

#include "ratelimit.h"

#define BUCKET_MS 500
/* The current half second and all that the window reaches back into. */
#define BUCKETS (RATELIMIT_WINDOW_MS / BUCKET_MS + 1)

typedef enum form_t { FORM_NONE = 0, FORM_EXACT, FORM_COUNTED } form_t;

typedef struct entry_t {
    int64_t newest_ms; /* ms, time of the last hit that was counted */
    vps_addr_t group;  /* whom this entry counts */
    uint8_t form;      /* form_t; FORM_NONE = never used */
    bool known;        /* a keepalive from here was accepted */
    uint8_t next;      /* exact: where the next stamp goes */
    uint8_t count;     /* exact: stamps before next */
    union {
        uint32_t stamps[RATELIMIT_EXACT_MAX]; /* ms, low 32 bits */
        uint16_t counters[BUCKETS];           /* hits; bucket number modulo BUCKETS */
    };
} entry_t;

_Static_assert(sizeof(entry_t) <= 288, "an entry has outgrown its bound");
_Static_assert(RATELIMIT_MAX <= UINT16_MAX, "a counter must hold a window's hits");
_Static_assert(sizeof(vps_addr_t) == 17, "groups are hashed and compared as bytes");

struct ratelimit_table_t {
    uint8_t key[APR_SIPHASH_KSIZE];
    uint32_t sets; /* a power of two */
    _Alignas(64) entry_t entries[];
};

static void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* --- exact form --- */

/* The time of the stamp that has this many newer ones behind it in the ring. */
static int64_t stamp_time(const entry_t *entry, uint32_t newer)
{
    uint32_t at = (entry->next + RATELIMIT_EXACT_MAX - 1 - newer) % RATELIMIT_EXACT_MAX;

    return entry->newest_ms - (uint32_t)((uint32_t)entry->newest_ms - entry->stamps[at]);
}

static uint32_t exact_hits(const entry_t *entry, int64_t now_ms)
{
    uint32_t hits = entry->count;

    while (hits > 0 && stamp_time(entry, hits - 1) <= now_ms - RATELIMIT_WINDOW_MS) {
        hits--;
    }
    return hits;
}

static int64_t exact_free_at(const entry_t *entry, uint32_t limit)
{
    return entry->count < limit ? 0 : stamp_time(entry, limit - 1) + RATELIMIT_WINDOW_MS;
}

/*
 * Killed before next moves: the hit is lost. Killed before count grows: the oldest one is lost.
 * There is a free place behind the last stamp, because an allowed hit finds fewer than
 * RATELIMIT_EXACT_MAX in the window.
 */
static void exact_add(entry_t *entry, int64_t now_ms)
{
    entry->count = (uint8_t)exact_hits(entry, now_ms);
    in_order();
    entry->stamps[entry->next] = (uint32_t)now_ms;
    entry->newest_ms = now_ms;
    in_order();
    entry->next = (entry->next + 1) % RATELIMIT_EXACT_MAX;
    in_order();
    entry->count++;
}

/* --- counted form --- */

/* Hits in the latest buckets of the ring, as many as still belong to the window. */
static uint32_t counted_hits(const entry_t *entry, int64_t now_ms)
{
    int64_t newest = entry->newest_ms / BUCKET_MS;
    int64_t oldest = now_ms / BUCKET_MS - (BUCKETS - 1);
    uint32_t at = newest % BUCKETS;
    uint32_t hits = 0;

    for (int64_t bucket = newest; bucket >= oldest && bucket > newest - BUCKETS; bucket--) {
        hits += entry->counters[at];
        at = at > 0 ? at - 1 : BUCKETS - 1;
    }
    return hits;
}

static int64_t counted_free_at(const entry_t *entry, uint32_t limit)
{
    int64_t newest = entry->newest_ms / BUCKET_MS;
    uint32_t at = newest % BUCKETS;
    uint32_t hits = 0;

    for (int64_t bucket = newest; bucket > newest - BUCKETS; bucket--) {
        hits += entry->counters[at];
        if (hits >= limit) {
            return (bucket + BUCKETS) * BUCKET_MS;
        }
        at = at > 0 ? at - 1 : BUCKETS - 1;
    }
    return 0;
}

/*
 * Killed before the counter grows: the hit is lost. The counters cleared on the way to the new
 * half second were those of buckets that have left the window.
 */
static void counted_add(entry_t *entry, int64_t now_ms)
{
    int64_t bucket = now_ms / BUCKET_MS;
    int64_t stale = bucket - entry->newest_ms / BUCKET_MS;

    for (int64_t i = 0; i < stale && i < BUCKETS; i++) {
        entry->counters[(bucket - i) % BUCKETS] = 0;
    }
    in_order();
    entry->newest_ms = now_ms;
    in_order();
    entry->counters[bucket % BUCKETS]++;
}

/* --- entries of either form --- */

static uint32_t hits_in_window(const entry_t *entry, int64_t now_ms)
{
    return entry->form == FORM_EXACT ? exact_hits(entry, now_ms) : counted_hits(entry, now_ms);
}

/* The time from which on fewer than limit hits are in the window. */
static int64_t free_at(const entry_t *entry, uint32_t limit)
{
    return entry->form == FORM_EXACT ? exact_free_at(entry, limit) : counted_free_at(entry, limit);
}

/* The hits stay in order, though a caller may have read the clock before it had the lock. */
static void add_hit(entry_t *entry, int64_t now_ms)
{
    int64_t when = now_ms > entry->newest_ms ? now_ms : entry->newest_ms;

    if (entry->form == FORM_EXACT) {
        exact_add(entry, when);
    } else {
        counted_add(entry, when);
    }
}

/*
 * Forget all hits. Zeroed, the window is empty as counters, and as stamps because count is 0.
 * Killed before the form is set: an entry of the old form that lost its hits, or one never used.
 */
static void start_anew(entry_t *entry, form_t form)
{
    entry->count = 0;
    in_order();
    memset(entry->counters, 0, sizeof(entry->counters));
    in_order();
    entry->form = (uint8_t)form;
}

/* Whom an address counts for. */
static vps_addr_t group_of(const vps_addr_t *addr)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    vps_addr_t group = *addr;

    if (group.version == 6 && memcmp(group.bytes, nat64, sizeof(nat64)) != 0) {
        memset(group.bytes + 8, 0, 8);
    }
    return group;
}

static entry_t *set_of(ratelimit_table_t *table, const vps_addr_t *group)
{
    uint64_t hash = apr_siphash24(group, sizeof(*group), table->key);

    return table->entries + (hash & (table->sets - 1)) * RATELIMIT_WAYS;
}

/*
 * Find a group. A set fills from its start and no entry becomes unused again: looking no further
 * than the first unused one keeps the memory behind it untouched.
 */
static entry_t *find(entry_t *set, const vps_addr_t *group)
{
    for (size_t i = 0; i < RATELIMIT_WAYS && set[i].form != FORM_NONE; i++) {
        if (memcmp(&set[i].group, group, sizeof(*group)) == 0) {
            return &set[i];
        }
    }
    return NULL;
}

/* The first unused entry, else the one with the fewest hits, the longest idle one among equals. */
static entry_t *cheapest(entry_t *set, int64_t now_ms)
{
    entry_t *best = NULL;
    uint32_t best_hits = 0;

    for (size_t i = 0; i < RATELIMIT_WAYS; i++) {
        if (set[i].form == FORM_NONE) {
            return &set[i];
        }
        uint32_t hits = hits_in_window(&set[i], now_ms);
        if (best == NULL || hits < best_hits ||
            (hits == best_hits && set[i].newest_ms < best->newest_ms)) {
            best = &set[i];
            best_hits = hits;
        }
    }
    return best;
}

/*
 * Give an entry to a new group. Killed while the group is written: an entry without hits for an
 * address that nobody may have, the next one to be given up.
 */
static entry_t *claim(entry_t *set, const vps_addr_t *group, form_t form, int64_t now_ms)
{
    entry_t *entry = cheapest(set, now_ms);

    start_anew(entry, entry->form);
    entry->known = false;
    in_order();
    entry->group = *group;
    in_order();
    entry->form = (uint8_t)form;
    return entry;
}

size_t ratelimit_size(uint32_t entries)
{
    return sizeof(ratelimit_table_t) + entries * sizeof(entry_t);
}

ratelimit_table_t *ratelimit_create(void *memory, uint32_t entries, const uint8_t key[16])
{
    ratelimit_table_t *table = memory;

    memcpy(table->key, key, sizeof(table->key));
    table->sets = entries / RATELIMIT_WAYS;
    return table;
}

ratelimit_verdict_t ratelimit_hit(ratelimit_table_t *table, const vps_addr_t *addr, uint32_t limit,
                                  int64_t now_ms)
{
    form_t form = limit <= RATELIMIT_EXACT_MAX ? FORM_EXACT : FORM_COUNTED;
    vps_addr_t group = group_of(addr);
    entry_t *set = set_of(table, &group);
    entry_t *entry = find(set, &group);

    if (entry == NULL) {
        entry = claim(set, &group, form, now_ms);
    } else if (entry->form != form) {
        start_anew(entry, form);
    }

    ratelimit_verdict_t verdict = {.known = entry->known};
    int64_t wait = free_at(entry, limit) - now_ms;
    if (wait > 0) {
        verdict.retry_after = (uint32_t)((wait + 999) / 1000);
    } else {
        verdict.allowed = true;
        add_hit(entry, now_ms);
    }
    return verdict;
}

void ratelimit_mark_known(ratelimit_table_t *table, const vps_addr_t *addr)
{
    vps_addr_t group = group_of(addr);
    entry_t *entry = find(set_of(table, &group), &group);

    if (entry != NULL) {
        entry->known = true;
    }
}
