/* The limit of lines that strangers can cause. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flood.h"

#define PROCESSES 4
#define SECONDS 20000
#define CALLS (2 * FLOOD_LIMIT) /* of each process in each second */

/* Ask so often at one time; what is told goes to *told. Returns how many were admitted. */
static uint32_t ask(flood_t *flood, int64_t now, uint32_t times, uint32_t *told)
{
    uint32_t admitted = 0;

    *told = 0;
    while (times-- > 0) {
        uint32_t left_out = UINT32_MAX;

        admitted += flood_admits(flood, now, &left_out);
        *told += left_out;
    }
    return admitted;
}

static void test_seconds(void **state)
{
    /* In their order, on one limit. */
    static const struct {
        int64_t now;
        uint32_t asked;
        uint32_t admitted;
        uint32_t told;
    } table[] = {
        {1000, 1, 1, 0},                             /* the first ever */
        {1000, FLOOD_LIMIT - 1, FLOOD_LIMIT - 1, 0}, /* as many as may be */
        {1000, 1, 0, 0},                             /* one more */
        {1000, 99, 0, 0},                            /* a flood */
        {1001, 1, 1, 100},                           /* told with the first that may */
        {1001, FLOOD_LIMIT - 1, FLOOD_LIMIT - 1, 0}, /* once */
        {1001, 7, 0, 0},                             /* again too many */
        {1000, 3, 0, 0},                             /* a late process opens no second again */
        {5000, FLOOD_LIMIT + 2, FLOOD_LIMIT, 10},    /* any later second will do */
        {5001, 1, 1, 2},                             /* also what came after the telling */
        {5000, 2, 2, 0},                             /* a late process uses the newer second */
        {5001, FLOOD_LIMIT, FLOOD_LIMIT - 3, 0},     /* what that took is gone */
        {5002, 1, 1, 3},
        {5003, 1, 1, 0},                                        /* nothing to tell */
        {INT64_C(0xFFFFFFFF), FLOOD_LIMIT + 1, FLOOD_LIMIT, 0}, /* the last second of 136 years */
    };
    flood_t flood = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint32_t told;

        assert_int_equal(ask(&flood, table[i].now, table[i].asked, &told), table[i].admitted);
        assert_int_equal(told, table[i].told);
    }
}

/* What a process did. */
typedef struct tally_t {
    uint32_t admitted;
    uint32_t told;
} tally_t;

/* In the memory that the processes share. */
typedef struct shared_t {
    flood_t flood;
    _Atomic int ready; /* processes */
    tally_t tally[PROCESSES];
} shared_t;

static void work(shared_t *shared, tally_t *tally)
{
    alarm(60); /* in case that another could not be forked */
    shared->ready++;
    while (shared->ready < PROCESSES) {
        sched_yield();
    }
    for (int64_t now = 1; now <= SECONDS; now++) {
        uint32_t told;

        tally->admitted += ask(&shared->flood, now, CALLS, &told);
        tally->told += told;
    }
}

static void test_processes(void **state)
{
    shared_t *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t admitted = 0, told = 0;

    (void)state;
    assert_ptr_not_equal(shared, MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++) {
        const pid_t pid = fork();

        assert_int_not_equal(pid, -1);
        if (pid == 0) {
            work(shared, &shared->tally[i]);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_not_equal(wait(&status), -1);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        admitted += shared->tally[i].admitted;
        told += shared->tally[i].told;
    }
    assert_int_equal(admitted, SECONDS * FLOOD_LIMIT);
    assert_int_equal(admitted + told + shared->flood.left_out, PROCESSES * SECONDS * CALLS);
    munmap(shared, sizeof(*shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_processes),
    };

    return cmocka_run_group_tests_name("flood", tests, NULL, NULL);
}
