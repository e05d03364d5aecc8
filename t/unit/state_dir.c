/*
 * client/state_dir.h on a real disk: what one process leaves for another, what neither trusts.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_dir.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOBODY 65534
#define WRITTEN "vpn-sentinel-client state 1\npid=7\ninterval=60000\naccepted=5000\n"

static char parent[256];                 /* of what a test makes */
static char folder[sizeof(parent) + 16]; /* does not exist at first */
static char reason[STATE_DIR_REASON_SIZE];

static const char *path_of(const char *name)
{
    static char path[sizeof(folder) + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int start(void **state)
{
    (void)state;
    snprintf(parent, sizeof(parent), "/tmp/state_dir.XXXXXX");
    if (mkdtemp(parent) == NULL) {
        return -1;
    }
    snprintf(folder, sizeof(folder), "%s/run", parent);
    return 0;
}

static int stop(void **state)
{
    char command[sizeof(parent) + 16];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", parent);
    return system(command);
}

static void put_at(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void put(const char *name, const char *text)
{
    put_at(path_of(name), text);
}

/* Another process that holds the folder's lock, as a running daemon does. */
static pid_t hold_lock(void)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(path_of("lock"), O_RDWR | O_CREAT, 0600);

        prctl(PR_SET_PDEATHSIG, SIGKILL); /* when a test fails before it says end() */
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0 && write(ready[1], "x", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void assert_refused(const char *why)
{
    health_t health;
    pid_t pid;

    assert_false(state_dir_read(&health, &pid, folder, reason));
    assert_ptr_equal(strstr(reason, folder), reason);
    if (strstr(reason, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", reason, why);
    }
}

static void test_written_and_read(void **state)
{
    const health_t left[] = {
        {.accepted = 0, .interval = 1000},
        {.accepted = 5000, .interval = 60000},
        {.accepted = INT64_C(99999999999999), .interval = 86400000},
    };
    state_dir_t dir;
    health_t found;
    pid_t pid;

    (void)state;
    assert_true(state_dir_open(&dir, folder, reason));
    assert_refused("left no word");
    for (size_t i = 0; i < COUNT(left); i++) {
        assert_true(state_dir_write(&dir, &left[i]));
        memset(&found, 0xff, sizeof(found));
        assert_true(state_dir_read(&found, &pid, folder, reason));
        assert_int_equal(found.accepted, left[i].accepted);
        assert_int_equal(found.interval, left[i].interval);
        assert_int_equal(pid, getpid());
    }
    assert_int_equal(access(path_of("state.new"), F_OK), -1);
    state_dir_close(&dir);
    assert_int_equal(access(path_of("state"), F_OK), -1);
    assert_refused("no daemon is running");
    state_dir_close(&dir); /* a second time does no harm */
}

static void test_what_a_killed_daemon_left_counts_for_nothing(void **state)
{
    state_dir_t dir;
    const health_t health = {.accepted = 5000, .interval = 60000};

    (void)state;
    assert_true(state_dir_open(&dir, folder, reason));
    assert_true(state_dir_write(&dir, &health));
    close(dir.fd); /* as a kill does */
    close(dir.lock);
    assert_int_equal(access(path_of("state"), F_OK), 0);
    assert_refused("no daemon is running");

    put("state.new", "half a te");
    assert_true(state_dir_open(&dir, folder, reason));
    assert_true(state_dir_write(&dir, &health));
    state_dir_close(&dir);
}

static void test_two_daemons(void **state)
{
    state_dir_t first, second;

    (void)state;
    assert_true(state_dir_open(&first, folder, reason));
    assert_false(state_dir_open(&second, folder, reason));
    assert_int_equal(second.fd, -1);
    assert_non_null(strstr(reason, "in use by another daemon"));
    state_dir_close(&second);
    state_dir_close(&first);
    assert_true(state_dir_open(&second, folder, reason));
    state_dir_close(&second);
}

/* Many may ask at once; nobody who asks keeps a daemon from starting for longer than a moment. */
static void test_checks_do_not_disturb_each_other(void **state)
{
    state_dir_t dir;
    int other;

    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    other = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(other, LOCK_SH | LOCK_NB), 0);
    assert_refused("no daemon is running");
    close(other);
    assert_true(state_dir_open(&dir, folder, reason));
    state_dir_close(&dir);
}

/* Who may read the folder can lock it as well, which means nothing. */
static void test_locks_of_others_on_the_folder(void **state)
{
    static const int kinds[] = {LOCK_SH, LOCK_EX};
    const health_t health = {.accepted = 5000, .interval = 60000};
    struct stat info;
    state_dir_t dir;
    int other;

    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        other = open(folder, O_RDONLY | O_DIRECTORY);
        assert_int_equal(flock(other, kinds[i] | LOCK_NB), 0);
        put("state", WRITTEN);
        assert_refused("no daemon is running");
        assert_true(state_dir_open(&dir, folder, reason));
        assert_true(state_dir_write(&dir, &health));
        assert_int_equal(stat(path_of("lock"), &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        state_dir_close(&dir);
        close(other);
    }
}

/* One that asks at the very moment in which a daemon starts. */
static void test_asking_takes_no_lock(void **state)
{
    state_dir_t dir;
    health_t health;
    pid_t pid, asker;

    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    put("lock", "");
    asker = fork();
    assert_true(asker >= 0);
    if (asker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            state_dir_read(&health, &pid, folder, reason);
        }
    }
    for (int i = 0; i < 2000; i++) {
        assert_true(state_dir_open(&dir, folder, reason));
        state_dir_close(&dir);
    }
    end(asker);
}

static void test_hostile_locks(void **state)
{
    char target[sizeof(parent) + 16];
    state_dir_t dir;

    (void)state;
    snprintf(target, sizeof(target), "%s/elsewhere", parent);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(symlink(target, path_of("lock")), 0);
    assert_refused(strerror(ELOOP));
    assert_false(state_dir_open(&dir, folder, reason));
    assert_non_null(strstr(reason, strerror(ELOOP)));
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(unlink(path_of("lock")), 0);

    assert_int_equal(mkdir(path_of("lock"), 0755), 0);
    assert_refused("no daemon is running");
    assert_false(state_dir_open(&dir, folder, reason));
    assert_non_null(strstr(reason, strerror(EISDIR)));
    assert_int_equal(dir.fd, -1);
}

static void test_hostile_files(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "vpn-sentinel-client state 1\n",
        "vpn-sentinel-client state 2\npid=7\ninterval=60000\naccepted=5000\n",
        "vpn-sentinel-client state 1\npid=7\ninterval=60000\n",
        "vpn-sentinel-client state 1\npid=0\ninterval=60000\naccepted=5000\n",
        "vpn-sentinel-client state 1\npid=-7\ninterval=60000\naccepted=5000\n",
        "vpn-sentinel-client state 1\npid=7\ninterval=0\naccepted=5000\n",
        "vpn-sentinel-client state 1\npid=7\ninterval=-1\naccepted=5000\n",
        "vpn-sentinel-client state 1\npid=7\ninterval=86400001\naccepted=5000\n",
        "vpn-sentinel-client state 1\npid=7\ninterval=60000\naccepted=-5000\n",
        "vpn-sentinel-client state 1\npid=7\ninterval=60000\naccepted=99999999999999999999\n",
        WRITTEN "more",
        WRITTEN WRITTEN WRITTEN WRITTEN WRITTEN,
    };
    health_t health;
    pid_t pid, daemon;

    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    daemon = hold_lock();
    put("state", WRITTEN);
    assert_true(state_dir_read(&health, &pid, folder, reason));
    assert_int_equal(pid, 7);
    for (size_t i = 0; i < COUNT(texts); i++) {
        put("state", texts[i]);
        assert_refused("no state of a daemon");
    }
    end(daemon);
}

static void test_things_that_are_no_file(void **state)
{
    char target[sizeof(parent) + 16];
    pid_t daemon;

    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    daemon = hold_lock();
    snprintf(target, sizeof(target), "%s/elsewhere", parent);
    put_at(target, WRITTEN);
    assert_int_equal(symlink(target, path_of("state")), 0);
    assert_refused(strerror(ELOOP));
    assert_int_equal(unlink(path_of("state")), 0);

    assert_int_equal(mkfifo(path_of("state"), 0644), 0);
    assert_refused("not the daemon's");
    assert_int_equal(unlink(path_of("state")), 0);

    assert_int_equal(mkdir(path_of("state"), 0755), 0);
    assert_refused("not the daemon's");
    assert_int_equal(rmdir(path_of("state")), 0);
    if (geteuid() == 0) {
        put("state", WRITTEN);
        assert_int_equal(chown(path_of("state"), NOBODY, NOBODY), 0);
        assert_refused("not the daemon's");
    }
    end(daemon);
}

/* The daemon writes what it means to, wherever others have put links. */
static void test_the_daemon_follows_no_link(void **state)
{
    const health_t health = {.accepted = 5000, .interval = 60000};
    char target[sizeof(parent) + 16];
    struct stat info;
    state_dir_t dir;

    (void)state;
    snprintf(target, sizeof(target), "%s/precious", parent);
    assert_true(state_dir_open(&dir, folder, reason));
    put_at(target, "precious");
    assert_int_equal(symlink(target, path_of("state.new")), 0);
    assert_int_equal(symlink(target, path_of("state")), 0);
    assert_true(state_dir_write(&dir, &health));
    assert_int_equal(lstat(path_of("state"), &info), 0);
    assert_true(S_ISREG(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, strlen("precious"));
    state_dir_close(&dir);
}

static void assert_no_folder(const char *why)
{
    state_dir_t dir;

    assert_false(state_dir_open(&dir, folder, reason));
    assert_int_equal(dir.fd, -1);
    assert_non_null(strstr(reason, folder));
    if (strstr(reason, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", reason, why);
    }
    assert_refused(why);
}

static void test_hostile_folders(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chmod(folder, 01777), 0);
    assert_no_folder("everybody may write");
    assert_int_equal(rmdir(folder), 0);

    assert_int_equal(symlink(parent, folder), 0);
    assert_no_folder(strerror(ENOTDIR));
    assert_int_equal(unlink(folder), 0);

    put_at(folder, "a file");
    assert_no_folder(strerror(ENOTDIR));
    assert_int_equal(unlink(folder), 0);
}

/* A daemon keeps to its own; root may ask for that of another user, unless anybody could be it. */
static void test_a_folder_of_another_user(void **state)
{
    state_dir_t dir;
    health_t health;
    pid_t pid, daemon;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(mkdir(folder, 0755), 0);
    daemon = hold_lock();
    put("state", WRITTEN);
    assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
    assert_int_equal(chown(path_of("state"), NOBODY, NOBODY), 0);
    assert_true(state_dir_read(&health, &pid, folder, reason));
    assert_int_equal(chown(path_of("state"), NOBODY - 1, NOBODY - 1), 0);
    assert_refused("not the daemon's");
    assert_int_equal(chown(path_of("state"), NOBODY, NOBODY), 0);
    assert_int_equal(chmod(parent, 01777), 0);
    assert_refused("belongs to another user");
    end(daemon);

    assert_false(state_dir_open(&dir, folder, reason));
    assert_non_null(strstr(reason, "belongs to another user"));
    assert_int_equal(chmod(parent, 0700), 0);
    assert_false(state_dir_open(&dir, folder, reason));
    assert_non_null(strstr(reason, "belongs to another user"));
    assert_int_equal(dir.fd, -1);
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    state_dir_t dir;

    (void)state;
    assert_false(state_dir_open(&dir, "/nonexistent/run", reason));
    assert_string_equal(reason, "/nonexistent/run cannot be made: No such file or directory");
    assert_int_equal(dir.fd, -1);
}

static void test_a_folder_that_goes_away(void **state)
{
    const health_t health = {.accepted = 5000, .interval = 60000};
    state_dir_t dir;

    (void)state;
    assert_true(state_dir_open(&dir, folder, reason));
    assert_int_equal(unlink(path_of("lock")), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_false(state_dir_write(&dir, &health));
    assert_int_equal(errno, ENOENT);
    state_dir_close(&dir);
    assert_true(state_dir_open(&dir, folder, reason));
    assert_true(state_dir_write(&dir, &health));
    state_dir_close(&dir);
}

/* --- the folder in /tmp, for a user that has none there --- */

#define STRANGER 64999U /* a user's id that nobody has */

static char private_folder[64];

/* Runs a test as a user who may not write to /run. */
static void as_stranger(void (*test)(void))
{
    char lock[sizeof(private_folder) + 8];
    pid_t pid;
    int status;

    if (geteuid() != 0) {
        skip();
    }
    snprintf(private_folder, sizeof(private_folder), STATE_DIR_PRIVATE "%u", STRANGER);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setgid(STRANGER) == 0 && setuid(STRANGER) == 0) {
            test();
            _exit(0);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink(private_folder);
    snprintf(lock, sizeof(lock), "%s/lock", private_folder);
    unlink(lock);
    rmdir(private_folder);
    assert_int_equal(status, 0);
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "# line %d: %s; %s\n", __LINE__, #condition, reason);                  \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void use_private_folder(void)
{
    const health_t health = {.accepted = 5000, .interval = 60000};
    struct stat info;
    state_dir_t dir;
    health_t found;
    pid_t pid;

    CHECK(state_dir_open(&dir, "", reason));
    CHECK(stat(private_folder, &info) == 0 && (info.st_mode & 07777) == 0700);
    CHECK(state_dir_write(&dir, &health));
    CHECK(state_dir_read(&found, &pid, "", reason) && found.accepted == 5000);
    state_dir_close(&dir);
}

static void refuse_private_folder(void)
{
    state_dir_t dir;
    health_t found;
    pid_t pid;

    CHECK(!state_dir_open(&dir, "", reason));
    CHECK(strstr(reason, private_folder) != NULL);
    CHECK(!state_dir_read(&found, &pid, "", reason));
    CHECK(strstr(reason, private_folder) != NULL);
}

/* Whoever is not root trusts nobody else. */
static void refuse_configured_folder(void)
{
    state_dir_t dir;
    health_t found;
    pid_t pid;

    CHECK(!state_dir_open(&dir, folder, reason));
    CHECK(strstr(reason, "belongs to another user") != NULL);
    CHECK(!state_dir_read(&found, &pid, folder, reason));
    CHECK(strstr(reason, "belongs to another user") != NULL);
}

static void refuse_own_folder_open_to_others(void)
{
    CHECK(mkdir(private_folder, 0755) == 0);
    refuse_private_folder();
    CHECK(strstr(reason, "not ours alone") != NULL);
}

static void test_private_folder(void **state)
{
    (void)state;
    as_stranger(use_private_folder);
}

static void test_private_folder_of_others(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    snprintf(private_folder, sizeof(private_folder), STATE_DIR_PRIVATE "%u", STRANGER);
    assert_int_equal(mkdir(private_folder, 0700), 0);
    as_stranger(refuse_private_folder);
    assert_int_equal(symlink(parent, private_folder), 0);
    assert_int_equal(chown(parent, STRANGER, STRANGER), 0);
    as_stranger(refuse_private_folder);
    as_stranger(refuse_own_folder_open_to_others);
}

static void test_configured_folder_of_others(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(chmod(parent, 0755), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
    }
    as_stranger(refuse_configured_folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written_and_read, start, stop),
        cmocka_unit_test_setup_teardown(test_what_a_killed_daemon_left_counts_for_nothing, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_two_daemons, start, stop),
        cmocka_unit_test_setup_teardown(test_checks_do_not_disturb_each_other, start, stop),
        cmocka_unit_test_setup_teardown(test_locks_of_others_on_the_folder, start, stop),
        cmocka_unit_test_setup_teardown(test_asking_takes_no_lock, start, stop),
        cmocka_unit_test_setup_teardown(test_hostile_locks, start, stop),
        cmocka_unit_test_setup_teardown(test_hostile_files, start, stop),
        cmocka_unit_test_setup_teardown(test_things_that_are_no_file, start, stop),
        cmocka_unit_test_setup_teardown(test_the_daemon_follows_no_link, start, stop),
        cmocka_unit_test_setup_teardown(test_hostile_folders, start, stop),
        cmocka_unit_test_setup_teardown(test_a_folder_of_another_user, start, stop),
        cmocka_unit_test_setup_teardown(test_configured_folder_of_others, start, stop),
        cmocka_unit_test_setup_teardown(test_a_folder_that_cannot_be_made, start, stop),
        cmocka_unit_test_setup_teardown(test_a_folder_that_goes_away, start, stop),
        cmocka_unit_test_setup_teardown(test_private_folder, start, stop),
        cmocka_unit_test_setup_teardown(test_private_folder_of_others, start, stop),
    };

    return cmocka_run_group_tests_name("state_dir", tests, NULL, NULL);
}
