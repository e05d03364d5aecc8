/*
 * client/script.h: a script that the kernel cannot kill, because it waits for a network file system
 * that is gone. It is played: the kernel's word that a process has ended is held back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "script.h"

static bool is_unkillable;  /* no process is seen to end */
static int64_t clock_ahead; /* sec */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
pid_t __real_waitpid(pid_t pid, int *status, int options);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

/* Each look at the clock takes seconds here, so that no limit has to be waited for. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);

    now->tv_sec += clock_ahead;
    if (is_unkillable) {
        clock_ahead += 3;
    }
    return result;
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return is_unkillable ? 0 : __real_waitid(type, id, info, options);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    return is_unkillable ? 0 : __real_waitpid(pid, status, options);
}

/* A health script with this text; the caller removes it. */
static void write_script(char path[], const char *text)
{
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
}

#ifndef __clang__
/* gcc's analyzer does not follow a structure that script_run() returns. */
#pragma GCC diagnostic ignored "-Wanalyzer-use-of-uninitialized-value"
#endif

static void test_stuck(void **state)
{
    char path[] = "script-stuck-XXXXXX";
    char full[sizeof(path) + 2];
    script_t script = {0};
    wait_t wait;
    script_end_t end;

    (void)state;
    write_script(path, "#!/bin/sh\nexit 3\n");
    snprintf(full, sizeof(full), "./%s", path);
    assert_true(wait_open(&wait));

    is_unkillable = true;
    end = script_run(&script, full, &wait);
    assert_int_equal(end.kind, SCRIPT_LATE);
    assert_true(script.stuck > 0);
    end = script_run(&script, full, &wait);
    assert_int_equal(end.kind, SCRIPT_STUCK); /* no second one is started beside it */

    is_unkillable = false;
    while (script_run(&script, full, &wait).kind == SCRIPT_STUCK) {
        usleep(1000); /* the killed one is not gone yet */
    }
    assert_int_equal(script.stuck, 0);
    end = script_run(&script, full, &wait);
    assert_int_equal(end.kind, SCRIPT_EXITED);
    assert_int_equal(end.detail, 3);

    wait_close(&wait);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stuck)};

    return cmocka_run_group_tests_name("script_stuck", tests, NULL, NULL);
}
