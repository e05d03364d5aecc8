/* mod_vpnsentinel/undo.h: what is saved comes back, whatever the order, until it is committed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "undo.h"
#include "random.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define DATA_SIZE 8192

typedef struct segment_t {
    _Alignas(8) undo_t undo;
    uint8_t data[DATA_SIZE];
} segment_t;

static segment_t segment;
static uint8_t original[DATA_SIZE]; /* of segment.data */

/* --- helpers --- */

static int start(void **state)
{
    (void)state;
    memset(&segment, 0, sizeof(segment));
    for (size_t i = 0; i < DATA_SIZE; i++) {
        segment.data[i] = (uint8_t)(i * 7 + i / 256);
    }
    memcpy(original, segment.data, DATA_SIZE);
    return 0;
}

static bool save(size_t offset, uint32_t size)
{
    return undo_save(&segment.undo, &segment, segment.data + offset, size);
}

/* Save a range, then overwrite it. */
static void change(size_t offset, uint32_t size, uint8_t value)
{
    assert_true(save(offset, size));
    memset(segment.data + offset, value, size);
}

/* Fill the log with entries of 4 bytes. Returns how many went in. */
static uint32_t fill(void)
{
    uint32_t count = 0;

    while (save(4 * count, 4)) {
        memset(segment.data + 4 * count, 0xEE, 4);
        count++;
    }
    return count;
}

static void assert_original(void)
{
    assert_memory_equal(segment.data, original, DATA_SIZE);
}

/* --- tests --- */

static void test_empty_log(void **state)
{
    (void)state;
    assert_false(undo_rollback(&segment.undo, &segment));
    undo_commit(&segment.undo);
    assert_false(undo_rollback(&segment.undo, &segment));
    assert_original();
}

static void test_rollback_restores(void **state)
{
    static const uint32_t sizes[] = {0, 1, 2, 4, 7, 8, 9, 100, 256, 1000};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        change(i, sizes[i], 0xAA);
        assert_true(undo_rollback(&segment.undo, &segment));
        assert_original();
    }
}

static void test_commit_keeps(void **state)
{
    (void)state;
    change(16, 8, 0xAA);
    change(100, 50, 0xBB);
    undo_commit(&segment.undo);
    memcpy(original, segment.data, DATA_SIZE);
    assert_false(undo_rollback(&segment.undo, &segment));
    assert_original();

    /* What comes after it is undone alone. */
    change(20, 8, 0xCC);
    assert_true(undo_rollback(&segment.undo, &segment));
    assert_original();
}

static void test_second_rollback_does_nothing(void **state)
{
    (void)state;
    change(16, 8, 0xAA);
    assert_true(undo_rollback(&segment.undo, &segment));
    segment.data[16] = 0xBB;
    original[16] = 0xBB;
    assert_false(undo_rollback(&segment.undo, &segment));
    assert_original();
}

/* A range saved twice must end with its oldest content. */
static void test_overlapping_ranges(void **state)
{
    static const struct {
        size_t offset;
        uint32_t size;
    } changes[][3] = {
        {{0, 8}, {0, 8}, {0, 8}},      /* the same */
        {{0, 8}, {4, 8}, {8, 8}},      /* each over the end of the one before */
        {{8, 8}, {4, 8}, {0, 8}},      /* each over its start */
        {{0, 64}, {16, 16}, {20, 4}},  /* each inside */
        {{20, 4}, {16, 16}, {0, 64}},  /* each around */
        {{3, 17}, {300, 1}, {19, 13}}, /* one apart */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        for (size_t k = 0; k < COUNT(changes[i]); k++) {
            change(changes[i][k].offset, changes[i][k].size, (uint8_t)(0xF0 + k));
        }
        assert_true(undo_rollback(&segment.undo, &segment));
        assert_original();
    }
}

/* Random ranges, crowded enough to overlap, until the log is full. */
static void test_random_ranges(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        uint32_t offset, size;

        do {
            offset = random_below(600);
            size = random_below(120);
            if (!save(offset, size)) {
                break;
            }
            memset(segment.data + offset, (int)random_below(256), size);
        } while (random_below(100) != 0);
        if (random_below(4) == 0) {
            undo_commit(&segment.undo);
            memcpy(original, segment.data, DATA_SIZE);
        } else {
            (void)undo_rollback(&segment.undo, &segment);
            assert_original();
        }
    }
}

static void test_full_log(void **state)
{
    segment_t before;

    (void)state;
    assert_true(fill() >= 100);
    before = segment;
    assert_false(save(4000, 4));
    assert_false(save(4000, 1));
    assert_false(save(4000, 1000));
    assert_memory_equal(&segment, &before, sizeof(segment));

    /* A refused entry takes nothing from those before it, and the log is usable again. */
    assert_true(undo_rollback(&segment.undo, &segment));
    assert_original();
    assert_true(save(0, 4));
}

static void test_largest_range(void **state)
{
    static const uint32_t too_large[] = {UNDO_SIZE, UNDO_SIZE + 1, UINT32_MAX - 23, UINT32_MAX - 7,
                                         UINT32_MAX};
    uint32_t size = UNDO_SIZE;

    (void)state;
    for (size_t i = 0; i < COUNT(too_large); i++) {
        assert_false(save(0, too_large[i]));
        assert_int_equal(segment.undo.last, 0);
    }
    while (!save(0, size)) {
        size--;
    }
    assert_in_range(size, UNDO_SIZE - 16, UNDO_SIZE - 1);
    memset(segment.data, 0xAA, size);
    assert_false(save(size, 1));
    assert_true(undo_rollback(&segment.undo, &segment));
    assert_original();
}

/* has_room() promises exactly what undo_save() keeps. */
static void test_has_room(void **state)
{
    const uint32_t all = fill();

    (void)state;
    undo_commit(&segment.undo);
    for (uint32_t used = 0; used <= all; used++) {
        assert_true(undo_has_room(&segment.undo, 0));
        assert_true(undo_has_room(&segment.undo, all - used));
        assert_false(undo_has_room(&segment.undo, all - used + 1));
        assert_false(undo_has_room(&segment.undo, UINT32_MAX));
        assert_int_equal(save(0, 4), used < all);
    }
}

/* The segment of a killed process, mapped at another address by the one that repairs it. */
static void test_other_address(void **state)
{
    segment_t moved;

    (void)state;
    change(16, 8, 0xAA);
    change(20, 40, 0xBB);
    moved = segment;
    memset(&segment, 0xEE, sizeof(segment));
    assert_true(undo_rollback(&moved.undo, &moved));
    assert_memory_equal(moved.data, original, DATA_SIZE);
    assert_int_equal(segment.data[16], 0xEE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty_log, start),
        cmocka_unit_test_setup(test_rollback_restores, start),
        cmocka_unit_test_setup(test_commit_keeps, start),
        cmocka_unit_test_setup(test_second_rollback_does_nothing, start),
        cmocka_unit_test_setup(test_overlapping_ranges, start),
        cmocka_unit_test_setup(test_random_ranges, start),
        cmocka_unit_test_setup(test_full_log, start),
        cmocka_unit_test_setup(test_largest_range, start),
        cmocka_unit_test_setup(test_has_room, start),
        cmocka_unit_test_setup(test_other_address, start),
    };

    return cmocka_run_group_tests_name("undo", tests, NULL, NULL);
}
