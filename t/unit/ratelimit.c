/*
 * The sliding window of the rate limit: edges, a comparison with a plain model under random
 * traffic, floods of addresses, and memory that stays untouched.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "ratelimit_table.h"

#define WINDOW RATELIMIT_WINDOW_MS
#define MODEL_HITS 4096 /* more than any model here is told of within two windows */

/* --- helpers --- */

static vps_addr_t ipv6(const char *text)
{
    vps_addr_t addr = {.version = 6};

    assert_int_equal(inet_pton(AF_INET6, text, addr.bytes), 1);
    return addr;
}

static void assert_refused(ratelimit_table_t *table, const vps_addr_t *addr, uint32_t limit,
                           int64_t now_ms, uint32_t retry_after)
{
    ratelimit_verdict_t verdict = ratelimit_hit(table, addr, limit, now_ms);

    assert_false(verdict.allowed);
    assert_int_equal(verdict.retry_after, retry_after);
}

/* xorshift64: the same numbers in every run. */
static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % bound;
}

/* The times of all allowed hits of one address, oldest first. */
typedef struct model_t {
    int64_t hit[MODEL_HITS]; /* ms */
    uint32_t hits;
} model_t;

static void model_add(model_t *model, int64_t now_ms)
{
    if (model->hits == MODEL_HITS) {
        model->hits /= 2;
        memmove(model->hit, model->hit + model->hits, model->hits * sizeof(model->hit[0]));
    }
    model->hit[model->hits++] = now_ms;
}

/* Hits less than span before now. */
static uint32_t model_count(const model_t *model, int64_t now_ms, int64_t span)
{
    uint32_t count = 0;

    while (count < model->hits && model->hit[model->hits - 1 - count] > now_ms - span) {
        count++;
    }
    return count;
}

/* 0 = allowed, else what retry_after must say. */
static uint32_t model_retry_after(const model_t *model, uint32_t limit, int64_t now_ms)
{
    if (model_count(model, now_ms, WINDOW) < limit) {
        return 0;
    }
    int64_t wait = model->hit[model->hits - limit] + WINDOW - now_ms;
    return (uint32_t)((wait + 999) / 1000);
}

/* --- one address --- */

static void test_edges_of_the_exact_window(void **state)
{
    /* The second and third are clocks about to pass 2^31 and 2^32 ms within the window. */
    static const int64_t starts[] = {0, (INT64_C(1) << 31) - 30000, (INT64_C(1) << 32) - 30000,
                                     INT64_C(3) * 365 * 86400 * 1000 + 123};
    vps_addr_t addr = ipv4(1);

    (void)state;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        ratelimit_table_t *table = new_table(8);
        int64_t start = starts[i];

        for (int hit = 0; hit < 30; hit++) {
            ratelimit_verdict_t verdict = ratelimit_hit(table, &addr, 30, start + hit * 1000);
            assert_true(verdict.allowed);
            assert_int_equal(verdict.retry_after, 0);
        }
        assert_refused(table, &addr, 30, start + 29000, 31);
        assert_refused(table, &addr, 30, start + 29001, 31);
        assert_refused(table, &addr, 30, start + 58999, 2);
        assert_refused(table, &addr, 30, start + 59000, 1);
        assert_refused(table, &addr, 30, start + 59999, 1);
        assert_true(ratelimit_hit(table, &addr, 30, start + 60000).allowed);
        assert_refused(table, &addr, 30, start + 60000, 1);
        assert_refused(table, &addr, 30, start + 60999, 1);
        assert_true(ratelimit_hit(table, &addr, 30, start + 61000).allowed);
        drop_table(table, 8);
    }
}

static void test_edges_of_the_counted_window(void **state)
{
    static const int64_t starts[] = {0, (INT64_C(1) << 31) - 30148, (INT64_C(1) << 32) - 30296,
                                     INT64_C(3) * 365 * 86400 * 1000};
    vps_addr_t addr = ipv4(1);

    (void)state;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        ratelimit_table_t *table = new_table(8);
        int64_t start = starts[i];

        assert_int_equal(start % 500, 0);
        assert_int_equal(allowed_of(table, &addr, 100, start, 70), 70);
        assert_int_equal(allowed_of(table, &addr, 100, start + 30000, 40), 30);
        /* All hits of a half second leave together, when the last that it may hold would. */
        assert_refused(table, &addr, 100, start + 30000, 31);
        assert_refused(table, &addr, 100, start + 60499, 1);
        assert_int_equal(allowed_of(table, &addr, 100, start + 60500, 100), 70);
        assert_refused(table, &addr, 100, start + 60500, 30);
        assert_int_equal(allowed_of(table, &addr, 100, start + 90500, 100), 30);
        drop_table(table, 8);
    }
}

static void test_refused_hits_do_not_count(void **state)
{
    static const uint32_t limits[] = {1, 30, 60, 61, 1000};
    vps_addr_t addr = ipv4(1);

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        ratelimit_table_t *table = new_table(8);
        uint32_t limit = limits[i];

        assert_int_equal(allowed_of(table, &addr, limit, 0, limit + 5), limit);
        for (int64_t now = 0; now < 60000; now += 100) {
            assert_false(ratelimit_hit(table, &addr, limit, now).allowed);
        }
        assert_int_equal(allowed_of(table, &addr, limit, 60500, limit + 5), limit);
        drop_table(table, 8);
    }
}

/* An old stamp must not look new again when the low 32 bits of the clock come round. */
static void test_hits_do_not_return_after_years(void **state)
{
    static const uint32_t limits[] = {30, 100};
    vps_addr_t addr = ipv4(1);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int64_t turns = 1; turns < 20; turns++) {
            ratelimit_table_t *table = new_table(8);
            uint32_t limit = limits[i];
            int64_t later = 5000 + (turns << 31);

            assert_int_equal(allowed_of(table, &addr, limit, 5000, limit), limit);
            assert_true(ratelimit_hit(table, &addr, limit, later).allowed);
            assert_int_equal(allowed_of(table, &addr, limit, later + 1, limit), limit - 1);
            drop_table(table, 8);
        }
    }
}

/* Two processes read the clock, then take the lock in the other order. */
static void test_a_clock_a_little_behind(void **state)
{
    static const uint32_t limits[] = {2, 100};
    vps_addr_t addr = ipv4(1);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ratelimit_table_t *table = new_table(8);
        uint32_t limit = limits[i];

        assert_true(ratelimit_hit(table, &addr, limit, 100500).allowed);
        assert_int_equal(allowed_of(table, &addr, limit, 100490, limit), limit - 1);
        assert_false(ratelimit_hit(table, &addr, limit, 100495).allowed);
        assert_int_equal(allowed_of(table, &addr, limit, 161000, limit + 1), limit);
        drop_table(table, 8);
    }
}

static void test_change_of_limit(void **state)
{
    ratelimit_table_t *table = new_table(8);
    vps_addr_t addr = ipv4(1);

    (void)state;
    assert_int_equal(allowed_of(table, &addr, 30, 0, 40), 30);
    assert_int_equal(allowed_of(table, &addr, 40, 1000, 40), 10); /* raised: the hits stay */
    assert_refused(table, &addr, 10, 2000, 59);                   /* lowered: all count */
    assert_refused(table, &addr, 35, 2000, 58);
    ratelimit_mark_known(table, &addr);

    assert_int_equal(allowed_of(table, &addr, 100, 3000, 110), 100); /* another form: anew */
    assert_true(ratelimit_hit(table, &addr, 100, 3000).known);
    assert_int_equal(allowed_of(table, &addr, 150, 4000, 110), 50);
    assert_int_equal(allowed_of(table, &addr, 30, 5000, 40), 30);
    assert_true(ratelimit_hit(table, &addr, 30, 5000).known);
    drop_table(table, 8);
}

/* --- random traffic against the model --- */

/* Uneven traffic: bursts, rarely a pause, more rarely a gap of more than a window. */
static int64_t random_step(uint32_t limit)
{
    if (random_below(20 * limit) == 0) {
        return random_below(150000);
    }
    if (random_below(6 * limit) == 0) {
        return random_below(20000);
    }
    return random_below(100) < 40 ? 0 : random_below(2 * WINDOW / limit);
}

static void assert_like_model(ratelimit_verdict_t verdict, const model_t *model, uint32_t limit,
                              int64_t now_ms)
{
    if (limit <= RATELIMIT_EXACT_MAX) {
        assert_int_equal(verdict.retry_after, model_retry_after(model, limit, now_ms));
        assert_int_equal(verdict.allowed, verdict.retry_after == 0);
    } else if (verdict.allowed) {
        assert_true(model_count(model, now_ms, WINDOW) < limit);
    } else {
        assert_true(model_count(model, now_ms, WINDOW + 500) >= limit);
    }
}

/* A refused address is allowed when it comes back as told, and not a second earlier. */
static void assert_retry_after_is_true(const ratelimit_table_t *table, const vps_addr_t *addr,
                                       uint32_t limit, int64_t now_ms, uint32_t retry_after)
{
    ratelimit_table_t *copy = new_table(8);

    memcpy(copy, table, ratelimit_size(8));
    assert_in_range(retry_after, 1, 61);
    if (retry_after > 1) {
        int64_t early = now_ms + (retry_after - 1) * 1000;
        assert_false(ratelimit_hit(copy, addr, limit, early).allowed);
    }
    assert_true(ratelimit_hit(copy, addr, limit, now_ms + retry_after * 1000).allowed);
    drop_table(copy, 8);
}

static void test_random_traffic(void **state)
{
    static const uint32_t limits[] = {1, 2, 7, 30, 59, 60, 61, 120, 500, 1000};
    vps_addr_t addr = ipv4(1);

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        ratelimit_table_t *table = new_table(8);
        model_t *model = calloc(1, sizeof(*model));
        uint32_t limit = limits[i];
        uint32_t refused = 0;
        /* The low 32 bits of the clock wrap half-way. */
        int64_t now = (INT64_C(1) << 32) - 20000 * (WINDOW / limit);

        assert_non_null(model);
        random_state = 20261122 + limit;
        for (int step = 0; step < 40000; step++) {
            now += random_step(limit);
            ratelimit_verdict_t verdict = ratelimit_hit(table, &addr, limit, now);
            assert_like_model(verdict, model, limit, now);
            if (verdict.allowed) {
                model_add(model, now);
            } else if (++refused % 16 == 0) {
                assert_retry_after_is_true(table, &addr, limit, now, verdict.retry_after);
            }
        }
        assert_in_range(refused, 1000, 39000); /* the traffic was about the limit */
        free(model);
        drop_table(table, 8);
    }
}

/* --- many addresses --- */

static void test_flood_of_addresses(void **state)
{
    enum { ENTRIES = 4096, BUSY = 5 };
    static const struct {
        uint32_t limit;
        uint32_t flood; /* addresses, ten a millisecond */
    } rows[] = {{30, 1000000}, {100, 200000}};
    model_t *models = calloc(BUSY, sizeof(*models));

    (void)state;
    assert_non_null(models);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        ratelimit_table_t *table = new_table(ENTRIES);
        uint32_t refused = 0;

        memset(models, 0, BUSY * sizeof(*models));
        for (uint32_t i = 0; i < rows[row].flood; i++) {
            int64_t now = 1000 + i / 10;
            vps_addr_t other = ipv4(0x0a000000 + i);
            assert_true(ratelimit_hit(table, &other, rows[row].limit, now).allowed);
            if (i % 100 != 0) {
                continue;
            }
            uint32_t who = i / 100 % BUSY;
            vps_addr_t busy = ipv4(0xc6336400 + who);
            ratelimit_verdict_t verdict = ratelimit_hit(table, &busy, rows[row].limit, now);
            assert_like_model(verdict, &models[who], rows[row].limit, now);
            if (verdict.allowed) {
                model_add(&models[who], now);
            }
            refused += !verdict.allowed;
        }
        assert_true(refused > rows[row].flood / 200);
        drop_table(table, ENTRIES);
    }
    free(models);
}

/* Address i of 0 to 7 gets 10 - i hits, all have the same limit of 10. */
static void test_full_set_gives_up_the_fewest_hits(void **state)
{
    ratelimit_table_t *table = new_table(RATELIMIT_WAYS); /* a single set */
    vps_addr_t idle = ipv4(0);
    vps_addr_t fewest = ipv4(RATELIMIT_WAYS - 1);
    vps_addr_t fresh[] = {ipv4(100), ipv4(101), ipv4(102)};

    (void)state;
    for (uint32_t i = 0; i < RATELIMIT_WAYS; i++) {
        uint32_t number = (i + 3) % RATELIMIT_WAYS; /* neither stands first in the set */
        vps_addr_t addr = ipv4(number);
        assert_int_equal(allowed_of(table, &addr, 10, i, 10 - number), 10 - number);
    }
    assert_int_equal(allowed_of(table, &fresh[0], 10, 1000, 12), 10);
    for (uint32_t number = 1; number < RATELIMIT_WAYS - 1; number++) {
        vps_addr_t kept = ipv4(number);
        assert_int_equal(allowed_of(table, &kept, 10, 1000 + number, 12), number);
    }
    assert_false(ratelimit_hit(table, &idle, 10, 1020).allowed);

    /* All have 10 hits now: the longest idle one goes. */
    assert_int_equal(allowed_of(table, &fewest, 10, 2000, 12), 10);
    assert_false(ratelimit_hit(table, &fresh[0], 10, 2000).allowed);
    assert_int_equal(allowed_of(table, &idle, 10, 3000, 12), 10);

    /* Hits that left the window do not defend an entry. */
    assert_int_equal(allowed_of(table, &idle, 10, 63000, 4), 4);
    for (size_t i = 1; i < 3; i++) {
        assert_true(ratelimit_hit(table, &fresh[i], 10, 63000).allowed);
    }
    assert_int_equal(allowed_of(table, &idle, 10, 63000, 12), 6);
    drop_table(table, RATELIMIT_WAYS);
}

static void test_addresses_that_count_together(void **state)
{
    static const struct {
        const char *a, *b;
        bool together;
    } rows[] = {
        {"2001:db8:1:2::1", "2001:db8:1:2::1", true},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"::1", "::2", true},
        {"64:ff9b::c000:201", "64:ff9b::c000:201", true},
        {"64:ff9b::c000:201", "64:ff9b::c000:202", false},
        {"64:ff9b:1::1", "64:ff9b:1::2", true},
        {"64:ff9b::1:c000:201", "64:ff9b::1:c000:202", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ratelimit_table_t *table = new_table(8);
        vps_addr_t a = ipv6(rows[i].a);
        vps_addr_t b = ipv6(rows[i].b);

        assert_int_equal(allowed_of(table, &a, 3, 0, 5), 3);
        assert_int_equal(allowed_of(table, &b, 3, 0, 5), rows[i].together ? 0 : 3);
        drop_table(table, 8);
    }
}

static void test_unknown_and_other_versions_count_apart(void **state)
{
    ratelimit_table_t *table = new_table(8);
    vps_addr_t addrs[] = {{.version = 0}, ipv4(0), ipv6("::"), ipv4(1)};

    (void)state;
    for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
        assert_int_equal(allowed_of(table, &addrs[i], 4, 0, 6), 4);
    }
    assert_refused(table, &addrs[0], 4, 0, 60);
    drop_table(table, 8);
}

static void test_known_addresses(void **state)
{
    ratelimit_table_t *table = new_table(8);
    vps_addr_t known = ipv6("2001:db8::1");
    vps_addr_t same = ipv6("2001:db8::2");
    vps_addr_t other = ipv4(7);

    (void)state;
    ratelimit_mark_known(table, &known); /* not in the table yet: nothing to remember it by */
    assert_false(ratelimit_hit(table, &known, 2, 0).known);
    ratelimit_mark_known(table, &known);
    assert_true(ratelimit_hit(table, &same, 2, 0).known);
    assert_refused(table, &same, 2, 0, 60);
    assert_true(ratelimit_hit(table, &same, 2, 0).known);
    assert_true(ratelimit_hit(table, &same, 2, 10 * WINDOW).known);
    assert_false(ratelimit_hit(table, &other, 2, 10 * WINDOW).known);

    for (uint32_t i = 0; i < RATELIMIT_WAYS; i++) { /* pushed out: forgotten */
        vps_addr_t flood = ipv4(100 + i);
        assert_false(ratelimit_hit(table, &flood, 2, 20 * WINDOW + i).known);
    }
    assert_false(ratelimit_hit(table, &known, 2, 20 * WINDOW + 100).known);
    drop_table(table, 8);
}

/* --- memory --- */

static size_t resident_pages(void *memory, size_t size)
{
    static unsigned char vector[4096];
    size_t pages = (size + (size_t)sysconf(_SC_PAGESIZE) - 1) / (size_t)sysconf(_SC_PAGESIZE);
    size_t resident = 0;

    assert_true(pages <= sizeof(vector));
    assert_int_equal(mincore(memory, size, vector), 0);
    for (size_t i = 0; i < pages; i++) {
        resident += vector[i] & 1;
    }
    return resident;
}

static void test_unused_entries_stay_untouched(void **state)
{
    enum { ENTRIES = 8192, ADDRESSES = 50 };
    ratelimit_table_t *table = new_table(ENTRIES);
    size_t size = ratelimit_size(ENTRIES);

    (void)state;
    assert_true(size <= 64 + (size_t)ENTRIES * 288);
    assert_int_equal(resident_pages(table, size), 1);
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        vps_addr_t addr = ipv4(i);
        allowed_of(table, &addr, 30, 5, 40);
        ratelimit_mark_known(table, &addr);
    }
    assert_in_range(resident_pages(table, size), 2, 1 + 2 * ADDRESSES);

    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        used += ((const uint8_t *)table)[i] != 0;
    }
    assert_in_range(used, ADDRESSES * 30, 64 + ADDRESSES * 288);
    drop_table(table, ENTRIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_of_the_exact_window),
        cmocka_unit_test(test_edges_of_the_counted_window),
        cmocka_unit_test(test_refused_hits_do_not_count),
        cmocka_unit_test(test_hits_do_not_return_after_years),
        cmocka_unit_test(test_a_clock_a_little_behind),
        cmocka_unit_test(test_change_of_limit),
        cmocka_unit_test(test_random_traffic),
        cmocka_unit_test(test_flood_of_addresses),
        cmocka_unit_test(test_full_set_gives_up_the_fewest_hits),
        cmocka_unit_test(test_addresses_that_count_together),
        cmocka_unit_test(test_unknown_and_other_versions_count_apart),
        cmocka_unit_test(test_known_addresses),
        cmocka_unit_test(test_unused_entries_stay_untouched),
    };

    return cmocka_run_group_tests_name("ratelimit", tests, NULL, NULL);
}
