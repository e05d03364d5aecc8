/*
 * mod_vpnsentinel/index.h: a comparison with a plain model under random insertions and removals,
 * the arithmetic of the buckets, growth and what holds it back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "index.h"
#include "random.h"

#define SLOTS 300u    /* no power of two */
#define CHAIN_MAX 64u /* links of the longest chain that is split */

/* As in shared memory. */
typedef struct segment_t {
    _Alignas(8) undo_t undo;
    uint32_t buckets;
    uint32_t bucket[SLOTS];
    uint32_t next[SLOTS];
    uint32_t hash[SLOTS];
} segment_t;

static segment_t segment;
static index_t table;

/* The model: which slots are in the index, with which hash. */
static struct {
    bool present[SLOTS];
    uint32_t hash[SLOTS];
    uint32_t count;
} model;

static int start(void **state)
{
    (void)state;
    memset(&segment, 0, sizeof(segment));
    memset(&model, 0, sizeof(model));
    segment.buckets = INDEX_FIRST_BUCKETS;
    table = (index_t){.base = &segment,
                      .undo = &segment.undo,
                      .buckets = &segment.buckets,
                      .bucket = segment.bucket,
                      .next = segment.next,
                      .hash = segment.hash,
                      .capacity = SLOTS};
    return 0;
}

static void insert(uint32_t slot, uint32_t hash)
{
    model.present[slot] = true;
    model.hash[slot] = hash;
    model.count++;
    index_insert(&table, slot, hash, model.count);
    undo_commit(&segment.undo);
}

static void take_out(uint32_t slot)
{
    model.count -= model.present[slot];
    model.present[slot] = false;
    index_remove(&table, slot);
    undo_commit(&segment.undo);
}

/* A look-up gives the slots of the model, each once. */
static void assert_found(uint32_t hash)
{
    bool found[SLOTS] = {false};
    uint32_t slot;

    for (slot = index_first(&table, hash); slot != INDEX_NONE;
         slot = index_after(&table, slot, hash)) {
        assert_true(slot < SLOTS);
        assert_false(found[slot]);
        found[slot] = true;
    }
    for (slot = 0; slot < SLOTS; slot++) {
        assert_int_equal(found[slot], model.present[slot] && model.hash[slot] == hash);
    }
}

/* Every chain holds slots of its bucket only, and all chains together each slot once. */
static void assert_index_is_model(void)
{
    uint32_t chained = 0;

    assert_in_range(segment.buckets, INDEX_FIRST_BUCKETS, SLOTS);
    for (uint32_t bucket = 0; bucket < segment.buckets; bucket++) {
        for (uint32_t link = segment.bucket[bucket]; link != 0; link = segment.next[link - 1]) {
            assert_in_range(link, 1, SLOTS);
            assert_true(model.present[link - 1]);
            assert_int_equal(index_bucket_of(model.hash[link - 1], segment.buckets), bucket);
            chained++;
            assert_true(chained <= model.count);
        }
    }
    assert_int_equal(chained, model.count);
    for (uint32_t bucket = segment.buckets; bucket < SLOTS; bucket++) {
        assert_int_equal(segment.bucket[bucket], 0);
    }
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        assert_found(model.hash[slot]);
        assert_true(model.present[slot] || segment.next[slot] == 0);
    }
}

static void assert_same_index(const segment_t *before)
{
    assert_memory_equal(&segment.buckets, &before->buckets,
                        sizeof(segment) - offsetof(segment_t, buckets));
}

/* Some alike, some different but of one bucket at first, most anywhere. */
static uint32_t random_hash(void)
{
    return random_below(3) == 0 ? random_below(20) * 64 : random_below(UINT32_MAX);
}

/* --- the arithmetic of the buckets --- */

/* A bucket that is not in use yet has a stand-in: the one without its highest bit. */
static void test_bucket_of(void **state)
{
    static const struct {
        uint32_t hash, buckets, bucket;
    } cases[] = {
        {0, 1, 0},       {65, 1, 0},      {63, 64, 63},    {64, 64, 0},  {64, 65, 64},
        {65, 65, 1},     {128, 65, 0},    {192, 65, 64},   {65, 66, 65}, {127, 127, 63},
        {127, 128, 127}, {255, 129, 127}, {128, 129, 128},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(index_bucket_of(cases[i].hash, cases[i].buckets), cases[i].bucket);
    }
    assert_int_equal(index_bucket_of(1000000, 1000000), 1000000 - 524288);
    assert_int_equal(index_bucket_of(UINT32_MAX, UINT32_C(1) << 31), INT32_MAX);
}

/* One more bucket takes hashes only from the bucket that is split, and all get a bucket in use. */
static void test_growth_moves_one_bucket_only(void **state)
{
    (void)state;
    for (uint32_t buckets = INDEX_FIRST_BUCKETS; buckets < 5 * INDEX_FIRST_BUCKETS; buckets++) {
        const uint32_t split = buckets & ~(buckets < 128 ? 64u : buckets < 256 ? 128u : 256u);

        for (int i = 0; i < 500; i++) {
            const uint32_t hash = random_below(UINT32_MAX);
            const uint32_t before = index_bucket_of(hash, buckets);
            const uint32_t after = index_bucket_of(hash, buckets + 1);

            assert_true(before < buckets);
            assert_true(after == before || (before == split && after == buckets));
        }
    }
}

/* --- against the model --- */

static void test_random_changes(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const uint32_t slot = random_below(SLOTS);
        const uint32_t hash = model.present[slot] ? model.hash[slot] : random_hash();
        const bool wanted = random_below(100) < (i / 4000 % 2 == 0 ? 99 : 5); /* by waves */

        if (wanted && !model.present[slot]) {
            insert(slot, hash);
        } else if (!wanted) {
            take_out(slot);
        }
        assert_found(hash);
        if (i % 250 == 0) {
            assert_index_is_model();
        }
    }
    assert_int_equal(segment.buckets, SLOTS);
}

/* A change that is cut off leaves nothing behind: every word of it is in the undo log. */
static void test_every_change_can_be_undone(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        const segment_t before = segment;
        const uint32_t slot = random_below(SLOTS);

        if (model.present[slot]) {
            index_remove(&table, slot);
        } else {
            index_insert(&table, slot, random_hash(), model.count + 1);
        }
        assert_true(undo_rollback(&segment.undo, &segment));
        assert_same_index(&before);
        if (model.present[slot] && random_below(3) == 0) {
            take_out(slot);
        } else if (!model.present[slot]) {
            insert(slot, random_hash());
        }
    }
    assert_index_is_model();
}

/* One bucket more for each slot more than buckets, to the last. */
static void test_growth_to_full_capacity(void **state)
{
    (void)state;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        insert(slot, random_below(UINT32_MAX));
        assert_int_equal(segment.buckets,
                         slot < INDEX_FIRST_BUCKETS ? INDEX_FIRST_BUCKETS : slot + 1);
    }
    assert_index_is_model();
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        take_out(slot);
    }
    insert(0, UINT32_MAX);
    assert_int_equal(segment.buckets, SLOTS); /* it neither shrinks nor grows further */
    assert_index_is_model();
}

static void test_removal_of_a_slot_in_no_chain(void **state)
{
    (void)state;
    take_out(7);
    insert(1, 0);
    insert(2, 0);
    take_out(7); /* its hash is 0 as well */
    take_out(2);
    take_out(2);
    assert_index_is_model();
}

/* --- what holds growth back --- */

/* All hashes alike: nothing is split, all is found. Growth goes on when the chain is shorter. */
static void test_chain_too_long_to_split(void **state)
{
    (void)state;
    for (uint32_t slot = 0; slot < 200; slot++) {
        insert(slot, 0);
        assert_int_equal(segment.buckets, INDEX_FIRST_BUCKETS);
    }
    assert_index_is_model();
    for (uint32_t slot = 0; slot < 150; slot++) {
        take_out(slot);
    }
    for (uint32_t slot = 0; slot < 150; slot++) {
        insert(slot, random_below(UINT32_MAX) | 1);
    }
    assert_true(segment.buckets > INDEX_FIRST_BUCKETS);
    assert_index_is_model();
}

/* A split that the undo log has no room for waits: no word is ever changed unsaved. */
static void test_no_room_for_a_split(void **state)
{
    for (uint32_t room = 3; room <= CHAIN_MAX + 16; room++) {
        segment_t before;

        (void)start(state);
        for (uint32_t slot = 0; slot < CHAIN_MAX; slot++) {
            insert(slot, slot % 2 * 64);
        }
        before = segment;
        while (undo_has_room(&segment.undo, room + 1)) {
            assert_true(undo_save(&segment.undo, &segment, &segment.buckets, sizeof(uint32_t)));
        }
        index_insert(&table, CHAIN_MAX, 1, CHAIN_MAX + 1);
        if (room < CHAIN_MAX || room == CHAIN_MAX + 16) {
            assert_int_equal(segment.buckets, INDEX_FIRST_BUCKETS + (room > CHAIN_MAX));
        }
        assert_true(undo_rollback(&segment.undo, &segment));
        assert_same_index(&before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_of),
        cmocka_unit_test(test_growth_moves_one_bucket_only),
        cmocka_unit_test_setup(test_random_changes, start),
        cmocka_unit_test_setup(test_every_change_can_be_undone, start),
        cmocka_unit_test_setup(test_growth_to_full_capacity, start),
        cmocka_unit_test_setup(test_removal_of_a_slot_in_no_chain, start),
        cmocka_unit_test_setup(test_chain_too_long_to_split, start),
        cmocka_unit_test(test_no_room_for_a_split),
    };

    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
