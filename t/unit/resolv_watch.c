/*
 * client/resolv_watch.h on a real disk: however a resolv.conf comes to name other resolvers, it is
 * seen; whatever else is done to it or beside it is no change.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "resolv_watch.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define A "nameserver 192.0.2.1"
#define B "nameserver 192.0.2.2"

static char folder[64];
static char path[sizeof(folder) + 32];
static resolv_watch_t watch;

static void run(const char *commands)
{
    char line[1024];

    snprintf(line, sizeof(line), "cd '%s' && { %s; }", folder, commands);
    assert_int_equal(system(line), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/resolv.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/etc/resolv.conf", folder);
    run("mkdir etc run");
    return 0;
}

static int tear_down(void **state)
{
    char line[sizeof(folder) + 16];

    (void)state;
    snprintf(line, sizeof(line), "rm -rf '%s'", folder);
    return system(line);
}

/* What is done before, what is done then, and is that a change? */
static const struct {
    const char *before, *then;
    bool is_change;
} cases[] = {
    {"echo " A " >etc/resolv.conf", "echo " B " >etc/resolv.conf", true},
    {"echo " A " >etc/resolv.conf", "echo " B " >>etc/resolv.conf", true},
    {"echo " A " >etc/resolv.conf", "echo " A " >etc/resolv.conf", false},
    {"echo " A " >etc/resolv.conf", "echo search example.com >>etc/resolv.conf", false},
    {"echo " A " >etc/resolv.conf", "touch etc/resolv.conf", false},
    {"echo " A " >etc/resolv.conf", "echo " B " >etc/other; mv etc/other etc/resolv.conf", true},
    {"echo " A " >etc/resolv.conf", "echo " A " >etc/other; mv etc/other etc/resolv.conf", false},
    {"echo " A " >etc/resolv.conf", "echo " B " >etc/resolv.conf.dhcp; rm etc/resolv.conf.dhcp",
     false},
    {"echo nameserver fe80::1%eth0 >etc/resolv.conf",
     "echo nameserver fe80::1%eth1 >etc/resolv.conf", true},
    {"echo " A " >etc/resolv.conf", "rm etc/resolv.conf", false},
    {"echo " A " >etc/resolv.conf", "rm etc/resolv.conf; echo " B " >etc/resolv.conf", true},
    {"echo " A " >etc/resolv.conf", ": >etc/resolv.conf", false},
    {"echo " A " >etc/resolv.conf", "echo " B " >run/r; ln -sf ../run/r etc/resolv.conf", true},
    {"echo " A " >run/r; ln -s ../run/r etc/resolv.conf", "echo " B " >run/r", true},
    {"echo " A " >run/r; ln -s ../run/r etc/resolv.conf", "echo " B " >run/n; mv run/n run/r",
     true},
    {"echo " A " >run/r; ln -s ../run/r etc/resolv.conf", "rm run/r; echo " B " >run/r", true},
    {"echo " A " >run/r; ln -s ../run/r etc/resolv.conf", "echo " B " >run/n", false},
    {"echo " A " >run/r; echo " B " >run/q; ln -s ../run/r etc/resolv.conf",
     "ln -sfn ../run/q etc/resolv.conf", true},
    /* As where a file is mounted over another: only the file itself tells. */
    {"echo " A " >run/r; ln run/r etc/resolv.conf", "echo " B " >run/r", true},
    {":", "echo " A " >etc/resolv.conf", true},
    {":", ":", false},
};

static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        run("rm -rf etc/* run/*");
        run(cases[i].before);
        assert_true(resolv_watch_open(&watch, path));
        assert_false(resolv_watch_attend(&watch));
        run(cases[i].then);
        if (resolv_watch_attend(&watch) != cases[i].is_change) {
            fail_msg("%s, then %s", cases[i].before, cases[i].then);
        }
        assert_false(resolv_watch_attend(&watch));
        assert_false(resolv_watch_refresh(&watch));
        resolv_watch_close(&watch);
    }
}

/* It is watched on, whatever it was replaced by. */
static void test_one_after_the_other(void **state)
{
    static const char *const ways[] = {
        "echo $NEXT >etc/resolv.conf",
        "echo $NEXT >etc/n; mv etc/n etc/resolv.conf",
        "echo $NEXT >run/r; ln -sf ../run/r etc/resolv.conf",
        "echo $NEXT >run/r",
        "echo $NEXT >run/n; mv run/n run/r",
        "rm etc/resolv.conf; echo $NEXT >etc/resolv.conf",
    };
    char line[256];

    (void)state;
    run("echo " A " >etc/resolv.conf");
    assert_true(resolv_watch_open(&watch, path));
    for (unsigned i = 0; i < 60; i++) {
        snprintf(line, sizeof(line), "NEXT='nameserver 198.51.100.%u'; %s", i,
                 ways[i % COUNT(ways)]);
        run(line);
        if (!resolv_watch_attend(&watch)) {
            fail_msg("%u: %s", i, line);
        }
    }
    resolv_watch_close(&watch);
}

/* The folder of what it is a link to is not there yet, as when a machine starts. */
static void test_a_link_to_nowhere(void **state)
{
    (void)state;
    run("ln -s ../run/later/r etc/resolv.conf");
    assert_true(resolv_watch_open(&watch, path));
    run("mkdir run/later; echo " A " >run/later/r");
    assert_false(resolv_watch_attend(&watch));
    assert_true(resolv_watch_refresh(&watch)); /* a round begins */
    run("echo " B " >run/later/r");
    assert_true(resolv_watch_attend(&watch));
    resolv_watch_close(&watch);
}

/* What it links to is away for a while. */
static void test_a_link_to_what_comes_back(void **state)
{
    (void)state;
    run("echo " A " >run/r; ln -s ../run/r etc/resolv.conf");
    assert_true(resolv_watch_open(&watch, path));
    run("rm run/r");
    assert_false(resolv_watch_attend(&watch));
    run("echo " A " >run/r");
    assert_false(resolv_watch_attend(&watch));
    run("rm run/r");
    assert_false(resolv_watch_attend(&watch));
    run("echo " B " >run/r");
    assert_true(resolv_watch_attend(&watch));
    resolv_watch_close(&watch);
}

static void test_not_to_be_had(void **state)
{
    struct rlimit before, none;

    (void)state;
    run("echo " A " >etc/resolv.conf");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_false(resolv_watch_open(&watch, path));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(resolv_watch_attend(&watch));
    assert_true(resolv_watch_refresh(&watch));
    run("echo " B " >etc/resolv.conf");
    assert_false(resolv_watch_attend(&watch));
    assert_true(resolv_watch_refresh(&watch));
    resolv_watch_close(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_after_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_to_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_to_what_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_to_be_had, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("resolv_watch", tests, NULL, NULL);
}
