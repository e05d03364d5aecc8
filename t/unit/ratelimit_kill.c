/*
 * The rate limit when a process dies in the middle of a hit: a child makes one hit, one instruction
 * at a time, and the parent looks at the table it would leave behind after each.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ratelimit_table.h"

#define WINDOW RATELIMIT_WINDOW_MS

/*
 * What a process was doing when it was killed: addresses 0 to 7, which fill the only set, had 4
 * hits each in the first milliseconds, and it counted one more, of the last of them or of address
 * 8, which takes the place of address 0.
 */
typedef struct last_hit_t {
    uint32_t limit_before;
    uint32_t limit;
    uint32_t number; /* of the address */
    int64_t now_ms;
} last_hit_t;

static void hit_and_exit(ratelimit_table_t *table, const last_hit_t *last)
{
    vps_addr_t addr = ipv4(last->number);

    raise(SIGSTOP); /* from here on the parent looks at each step */
    ratelimit_hit(table, &addr, last->limit, last->now_ms);
    _exit(0);
}

/*
 * Every address still gets its limit: now what it has left, give or take the hit of the one that
 * was being counted, or up to all of it where its entry expired, starts anew or was given up; and
 * a window later exactly its limit.
 */
static void assert_usable(const ratelimit_table_t *table, const last_hit_t *last)
{
    bool keeps_hits = last->now_ms < WINDOW && last->limit == last->limit_before;

    for (uint32_t number = 0; number <= RATELIMIT_WAYS; number++) {
        ratelimit_table_t *copy = new_table(RATELIMIT_WAYS);
        vps_addr_t addr = ipv4(number);

        memcpy(copy, table, ratelimit_size(RATELIMIT_WAYS));
        uint32_t left = allowed_of(copy, &addr, last->limit, last->now_ms, last->limit + 1);
        if (number == last->number) {
            uint32_t full = keeps_hits && number < RATELIMIT_WAYS ? last->limit - 4 : last->limit;
            assert_in_range(left, full - 1, full + 1 < last->limit ? full + 1 : last->limit);
        } else if (keeps_hits && number > 0 && number < RATELIMIT_WAYS) {
            assert_int_equal(left, last->limit - 4);
        } else {
            assert_in_range(left, last->limit - 4, last->limit);
        }
        int64_t later = last->now_ms + WINDOW + 500;
        assert_int_equal(allowed_of(copy, &addr, last->limit, later, last->limit + 1), last->limit);
        drop_table(copy, RATELIMIT_WAYS);
    }
}

/* Run the hit in a child, one instruction at a time. Returns the number of states seen. */
static int step_through(ratelimit_table_t *table, const last_hit_t *last)
{
    size_t size = ratelimit_size(RATELIMIT_WAYS);
    void *before = malloc(size);
    int status = 0;
    int states = 0;
    pid_t child = fork();

    assert_non_null(before);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(77);
        }
        hit_and_exit(table, last);
    }
    assert_true(child > 0);
    memset(before, 0, size);
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (memcmp(before, table, size) != 0) {
            memcpy(before, table, size);
            assert_usable(table, last);
            states++;
        }
        ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
    }
    free(before);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? states : -1;
}

static void test_killed_at_any_instruction(void **state)
{
    static const last_hit_t rows[] = {
        {30, 30, 7, 50},    /* exact, a hit more */
        {30, 30, 7, 70000}, /* exact, the old ones expired */
        {30, 30, 8, 50},    /* exact, a new address in a full set */
        {5, 5, 7, 50},      /* exact, the last one allowed */
        {90, 90, 7, 50},    /* counted, a hit more */
        {90, 90, 7, 40000}, /* counted, a later bucket */
        {90, 90, 7, 70000}, /* counted, the old ones expired */
        {90, 90, 8, 50},    /* counted, a new address in a full set */
        {30, 90, 7, 50},    /* from exact to counted */
        {90, 30, 7, 50},    /* from counted to exact */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ratelimit_table_t *table = new_table(RATELIMIT_WAYS);

        for (uint32_t number = 0; number < RATELIMIT_WAYS; number++) {
            vps_addr_t addr = ipv4(number);
            allowed_of(table, &addr, rows[i].limit_before, number, 4);
        }
        int states = step_through(table, &rows[i]);
        if (states < 0) {
            skip(); /* no ptrace here */
        }
        assert_in_range(states, 3, 1000);
        drop_table(table, RATELIMIT_WAYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_any_instruction),
    };

    return cmocka_run_group_tests_name("ratelimit_kill", tests, NULL, NULL);
}
