#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "event_ring.h"

#define READABLE (EVENT_RING_ENTRIES - 1)

static event_ring_t *ring;

/* Shared, as in httpd. */
static int set_up(void **state)
{
    void *memory =
        mmap(NULL, event_ring_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    ring = event_ring_create(memory);
    *state = memory;
    return 0;
}

static int tear_down(void **state)
{
    return munmap(*state, event_ring_size());
}

/* Every byte of it says which one it is. */
static event_t event_of(uint64_t id)
{
    event_t event;

    memset(&event, (int)(id % 251), sizeof event);
    event.id = id;
    return event;
}

static void append(uint64_t from, uint64_t to)
{
    for (uint64_t id = from; id <= to; id++) {
        const event_t event = event_of(id);

        event_ring_append(ring, &event);
    }
}

/* All that is readable, newest first: from this id down, count of them. */
static void assert_readable(uint64_t newest, uint64_t count)
{
    uint64_t cursor = event_ring_end(ring);

    assert_int_equal(event_ring_newest(ring), newest);
    for (uint64_t i = 0; i < count; i++) {
        const event_t expected = event_of(newest - i);
        event_t event;

        assert_true(event_ring_before(ring, &cursor, &event));
        assert_memory_equal(&event, &expected, sizeof event);
    }
    assert_false(event_ring_before(ring, &cursor, &(event_t){0}));
}

static void test_size(void **state)
{
    (void)state;
    assert_int_equal(event_ring_size() % 64, 0);
    assert_true(event_ring_size() > EVENT_RING_ENTRIES * sizeof(event_t));
}

static void test_reading(void **state)
{
    (void)state;
    assert_int_equal(event_ring_end(ring), 0);
    assert_readable(0, 0);
    append(1, 1);
    assert_readable(1, 1);
    append(2, READABLE);
    assert_readable(READABLE, READABLE);
    append(READABLE + 1, READABLE + 1);
    assert_readable(READABLE + 1, READABLE);
    append(READABLE + 2, 3 * READABLE);
    assert_readable(3 * READABLE, READABLE);
    assert_int_equal(event_ring_end(ring), 3 * READABLE);
}

static void test_finding_it_again(void **state)
{
    append(1, 5);
    ring = event_ring_create(*state);
    assert_readable(5, 5);
}

/* A reader that pauses between two events meets what was overwritten meanwhile. */
static void test_slow_reader(void **state)
{
    uint64_t cursor;
    event_t event;

    (void)state;
    append(1, 10);
    cursor = event_ring_end(ring);
    assert_true(event_ring_before(ring, &cursor, &event));
    append(11, 9 + READABLE - 1);
    assert_true(event_ring_before(ring, &cursor, &event));
    assert_int_equal(event.id, 9);
    assert_false(event_ring_before(ring, &cursor, &event));
    assert_int_equal(event.id, 9);
    append(9 + READABLE, 9 + READABLE);
    cursor = 9;
    assert_false(event_ring_before(ring, &cursor, &event));
    assert_int_equal(cursor, 9);
}

static void test_cursor_from_nowhere(void **state)
{
    static const uint64_t cursors[] = {6, 7, 100000, UINT64_MAX};
    event_t event;

    (void)state;
    append(1, 5);
    for (size_t i = 0; i < sizeof cursors / sizeof cursors[0]; i++) {
        uint64_t cursor = cursors[i];

        assert_false(event_ring_before(ring, &cursor, &event));
    }
}

/* A writer killed anywhere leaves whole events and a ring that goes on. */
static void test_killed_writer(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        const uint64_t first = event_ring_newest(ring) + 1;
        pid_t writer = fork();

        assert_true(writer >= 0);
        if (writer == 0) {
            append(first, UINT64_MAX);
        }
        while (event_ring_end(ring) < first + 2 * READABLE) {
            usleep(100);
        }
        kill(writer, SIGKILL);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        assert_true(event_ring_newest(ring) >= first + READABLE);
        assert_readable(event_ring_newest(ring), READABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_finding_it_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cursor_from_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_writer, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("event_ring", tests, NULL, NULL);
}
