/*
 * client/wait.h, vitals.h and notify.h in one process: what a wait does beside waiting, told to a
 * systemd and asked by a prober that this test plays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "wait.h"

#define HOUR CLOCK_HOUR
#define WATCHDOG_MS 200

static char folder[64];
static int supervisor = -1; /* systemd's end */
static options_t options;
static vitals_t vitals;
static wait_t ear;

/* --- systemd --- */

static void listen_at(const char *name)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

    memcpy(addr.sun_path, name, strlen(name));
    if (name[0] == '@') {
        addr.sun_path[0] = '\0';
    } else {
        size++;
    }
    supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(supervisor >= 0);
    assert_int_equal(bind(supervisor, (struct sockaddr *)&addr, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

/* The next message, "" when there is none. */
static const char *heard(void)
{
    static char text[1024];
    ssize_t len = recv(supervisor, text, sizeof(text) - 1, 0);

    text[len > 0 ? len : 0] = '\0';
    return text;
}

static bool hears(const char *text)
{
    for (const char *message = heard(); message[0] != '\0'; message = heard()) {
        if (strcmp(message, text) == 0) {
            return true;
        }
    }
    return false;
}

/* --- the daemon --- */

static int start(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/wait.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    memset(&options, 0, sizeof(options));
    snprintf(options.run_dir, sizeof(options.run_dir), "%s/run", folder);
    options.interval = 60;
    options.timeout = 10;
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("NOTIFY_SOCKET");
    return wait_open(&ear) ? 0 : -1;
}

static int stop(void **state)
{
    char command[sizeof(folder) + 16];

    (void)state;
    wait_close(&ear);
    if (supervisor >= 0) {
        close(supervisor);
        supervisor = -1;
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void begin(void)
{
    vitals_open(&vitals, &options);
    vitals_round_begins(&vitals, &options);
    ear.vitals = &vitals;
}

static void finish(void)
{
    ear.vitals = NULL;
    vitals_close(&vitals);
}

static void begin_watched(long long usec)
{
    char text[32], name[64];

    snprintf(text, sizeof(text), "%lld", usec);
    setenv("WATCHDOG_USEC", text, 1);
    snprintf(name, sizeof(name), "@vpn-sentinel-client-%d", (int)getpid());
    listen_at(name);
    begin();
}

/* --- signals --- */

static void test_a_stop_ends_every_wait(void **state)
{
    (void)state;
    kill(getpid(), SIGTERM);
    assert_false(wait_poll(&ear, NULL, 0, clock_elapsed() + HOUR));
    assert_true(ear.signals.stop);
    assert_false(wait_poll(&ear, NULL, 0, 0));
}

static void test_other_signals_wake(void **state)
{
    (void)state;
    kill(getpid(), SIGUSR1);
    assert_true(wait_poll(&ear, NULL, 0, clock_elapsed() + HOUR));
    assert_true(ear.signals.report);
    assert_false(ear.signals.reload);
}

static void test_own_descriptors(void **state)
{
    struct pollfd own[2];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    own[0] = (struct pollfd){.fd = ends[1], .events = 0};
    own[1] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    assert_true(wait_poll(&ear, own, 2, clock_elapsed()));
    assert_int_equal(own[1].revents, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(wait_poll(&ear, own, 2, clock_elapsed() + HOUR));
    assert_int_equal(own[0].revents, 0);
    assert_int_equal(own[1].revents, POLLIN);
    close(ends[0]);
    close(ends[1]);
}

static void test_it_ends_in_time(void **state)
{
    int64_t until = clock_elapsed() + 30;

    (void)state;
    while (clock_elapsed() < until) {
        assert_true(wait_poll(&ear, NULL, 0, until));
    }
    assert_true(wait_poll(&ear, NULL, 0, until - HOUR)); /* over long ago */
}

/* --- the network --- */

static void write_resolver(const char *path, const char *address)
{
    FILE *out = fopen(path, "we");

    assert_non_null(out);
    assert_true(fprintf(out, "nameserver %s\n", address) > 0);
    assert_int_equal(fclose(out), 0);
}

static void test_a_change_is_heard(void **state)
{
    change_watch_t changes;
    char path[sizeof(folder) + 16];

    (void)state;
    snprintf(path, sizeof(path), "%s/resolv.conf", folder);
    write_resolver(path, "192.0.2.1");
    change_watch_open(&changes, path);
    ear.changes = &changes;
    write_resolver(path, "192.0.2.2");
    while ((changes.change.kinds & CHANGE_RESOLVERS) == 0) {
        assert_true(wait_poll(&ear, NULL, 0, clock_elapsed() + HOUR));
    }
    assert_true(changes.change.last >= changes.change.first && changes.change.first > 0);
    assert_true((change_watch_take(&changes) & CHANGE_RESOLVERS) != 0);
    assert_int_equal(changes.change.kinds, 0);
    change_watch_close(&changes);
}

/* Neither of its descriptors can be had: there is nothing to wait for. */
static void test_changes_that_cannot_be_heard(void **state)
{
    change_watch_t changes;
    struct pollfd fds[CHANGE_WATCH_FDS];
    struct rlimit before, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    change_watch_open(&changes, "/nonexistent/resolv.conf");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(change_watch_fds(&changes, fds), 0);
    ear.changes = &changes;
    assert_true(wait_poll(&ear, NULL, 0, 0));
    assert_int_equal(change_watch_take(&changes), 0);
    change_watch_close(&changes);
}

/* --- systemd --- */

static void test_what_systemd_is_told(void **state)
{
    char path[sizeof(folder) + 16];
    const char *message;

    (void)state;
    snprintf(path, sizeof(path), "%s/notify", folder);
    listen_at(path);
    begin();
    assert_null(getenv("NOTIFY_SOCKET"));
    vitals_reloading(&vitals);
    vitals_reloaded(&vitals, &options);
    assert_string_equal(heard(), ""); /* nothing before the first round is over */

    vitals_round_ends(&vitals, false, "Server unreachable", 1000);
    assert_string_equal(heard(), "READY=1\nSTATUS=Server unreachable");
    vitals_round_ends(&vitals, true, "Last report accepted", 1000);
    assert_string_equal(heard(), "STATUS=Last report accepted");

    vitals_reloading(&vitals);
    message = heard();
    assert_ptr_equal(strstr(message, "RELOADING=1\nMONOTONIC_USEC="), message);
    vitals_reloaded(&vitals, &options);
    assert_string_equal(heard(), "READY=1");

    finish();
    assert_string_equal(heard(), "STOPPING=1");
    assert_string_equal(heard(), "");
}

static void test_nobody_listens(void **state)
{
    static const char *const names[] = {"",
                                        "/",
                                        "@",
                                        "relative",
                                        "vsock:2:1",
                                        "/nonexistent/socket",
                                        "@vpn-sentinel-client-nobody"};
    char endless[300];

    (void)state;
    memset(endless, 'x', sizeof(endless) - 1);
    endless[0] = '/';
    endless[sizeof(endless) - 1] = '\0';
    for (size_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
        setenv("NOTIFY_SOCKET", i == 0 ? endless : names[i - 1], 1);
        setenv("WATCHDOG_USEC", "1000000", 1);
        begin();
        vitals_round_ends(&vitals, true, "Last report accepted", 1000);
        assert_true(wait_poll(&ear, NULL, 0, 0));
        finish();
    }
}

static void test_signs_of_life(void **state)
{
    int count = 0;
    const int64_t until = clock_elapsed() + CLOCK_MINUTE;

    (void)state;
    begin_watched(WATCHDOG_MS * 1000);
    assert_int_equal(vitals.notify.watchdog, WATCHDOG_MS / 2);
    while (count < 3 && clock_elapsed() < until) {
        assert_true(wait_poll(&ear, NULL, 0, clock_elapsed() + HOUR));
        count += hears("WATCHDOG=1");
    }
    assert_int_equal(count, 3); /* although nothing happened for an hour */
    finish();
}

/* A round that does not come to its end, whatever it waits for meanwhile. */
static void test_a_loop_that_hangs_gives_none(void **state)
{
    (void)state;
    begin_watched(WATCHDOG_MS * 1000);
    vitals.health.promise = clock_awake() - 1;
    for (int i = 0; i < 5; i++) {
        vitals.next_sign = 0;
        assert_true(wait_poll(&ear, NULL, 0, 0));
    }
    assert_false(hears("WATCHDOG=1"));

    vitals_round_ends(&vitals, false, "Server unreachable", 1000);
    vitals.next_sign = 0;
    assert_true(wait_poll(&ear, NULL, 0, 0));
    assert_true(hears("WATCHDOG=1"));
    finish();
}

static void test_watchdogs_of_others(void **state)
{
    static const char *const usecs[] = {"0", "-5", "", "soon", "1999", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(usecs) / sizeof(usecs[0]); i++) {
        setenv("WATCHDOG_USEC", usecs[i], 1);
        setenv("NOTIFY_SOCKET", "@vpn-sentinel-client-nobody", 1);
        begin();
        assert_int_equal(vitals.notify.watchdog, 0);
        finish();
    }
    setenv("WATCHDOG_USEC", "1000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    setenv("NOTIFY_SOCKET", "@vpn-sentinel-client-nobody", 1);
    begin();
    assert_int_equal(vitals.notify.watchdog, 0);
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    finish();
}

/* --- the health port --- */

static int free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&addr, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
    close(fd);
    return ntohs(addr.sin_port);
}

/* Does not wait for being let in. */
static int call(void)
{
    const struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)options.health_port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
        assert_int_equal(errno, EINPROGRESS);
    }
    return fd;
}

/* What the daemon answers while it waits for something else, until the connection ends. */
static const char *ask(const char *request)
{
    static char answer[4096];
    const int64_t until = clock_elapsed() + CLOCK_MINUTE;
    size_t sent = 0, len = 0;
    int fd = call();

    for (;;) {
        ssize_t put = send(fd, request + sent, strlen(request + sent), MSG_NOSIGNAL);
        ssize_t got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);

        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            break;
        }
        sent += put > 0 ? (size_t)put : 0;
        len += got > 0 ? (size_t)got : 0;
        assert_true(clock_elapsed() < until);
        assert_true(wait_poll(&ear, NULL, 0, clock_elapsed() + 10));
    }
    close(fd);
    answer[len] = '\0';
    return answer;
}

static void assert_answer(const char *path, const char *status, const char *word)
{
    char request[128], line[64], member[64];
    const char *answer;

    snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    snprintf(member, sizeof(member), "\r\n\r\n{\"status\":\"%s\",\"timestamp\":\"20", word);
    answer = ask(request);
    if (strncmp(answer, line, strlen(line)) != 0 || strstr(answer, member) == NULL) {
        fail_msg("%s: %s", path, answer);
    }
}

static void begin_with_port(void)
{
    options.health_port = free_port();
    begin();
}

static void test_what_probers_are_told(void **state)
{
    (void)state;
    begin_with_port();
    assert_answer("/client/health", "200", "healthy");
    assert_answer("/client/health/ready", "503", "not_ready");
    assert_answer("/client/health/startup", "503", "not_started");

    vitals_round_ends(&vitals, false, "Server unreachable", 1000);
    assert_answer("/client/health/ready", "503", "not_ready");
    assert_answer("/client/health/startup", "200", "started");
    vitals_round_ends(&vitals, true, "Last report accepted", 1000);
    assert_answer("/client/health/ready", "200", "ready");

    vitals.health.accepted -= HEALTH_INTERVALS * vitals.health.interval;
    assert_answer("/client/health/ready", "503", "not_ready");
    vitals.health.promise = clock_awake() - 1;
    assert_answer("/client/health", "503", "unhealthy");
    assert_answer("/client/health/startup", "200", "started");
    finish();
}

/* Each of them in turn while another connection is open and silent. */
static void test_garbage(void **state)
{
    static const char *const requests[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /client/health/../../etc/passwd HTTP/1.0\r\n\r\n",
        "GET /client/health%2fready HTTP/1.0\r\n\r\n",
        "POST /client/health HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n",
        "POST /client/health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    static char endless[20000];
    int silent;

    (void)state;
    begin_with_port();
    silent = call();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        assert_null(strstr(ask(requests[i]), " 200 "));
        assert_answer("/client/health", "200", "healthy");
    }
    memset(endless, 'x', sizeof(endless) - 1);
    memcpy(endless, "GET /", 5);
    memcpy(endless + sizeof(endless) - 5, "\r\n\r\n", 4);
    assert_null(strstr(ask(endless), " 200 "));
    assert_answer("/client/health", "200", "healthy");
    close(silent);
    finish();
}

/* More than there is room for; when they have been silent for a while, others have their turn. */
static void test_many_silent_ones(void **state)
{
    int silent[64];

    (void)state;
    begin_with_port();
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        silent[i] = call();
        assert_true(wait_poll(&ear, NULL, 0, 0));
    }
    assert_answer("/client/health", "200", "healthy");
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        close(silent[i]);
    }
    finish();
}

/* It never ends its header, and is never silent for long. */
static void test_one_that_drips(void **state)
{
    const int64_t until = clock_awake() + CLOCK_MINUTE;
    char byte;
    int fd;

    (void)state;
    begin_with_port();
    fd = call();
    do {
        const int64_t next = clock_elapsed() + 500;

        assert_true(clock_awake() < until);
        send(fd, "G", 1, MSG_NOSIGNAL);
        while (clock_elapsed() < next) {
            assert_true(wait_poll(&ear, NULL, 0, next));
        }
    } while (recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN);
    assert_answer("/client/health", "200", "healthy");
    close(fd);
    finish();
}

static void test_a_port_that_is_taken(void **state)
{
    static vitals_t other;
    options_t others;

    (void)state;
    begin_with_port();
    others = options;
    snprintf(others.run_dir, sizeof(others.run_dir), "%s/other", folder);
    vitals_open(&other, &others);
    assert_null(other.port.daemons[0]);
    finish();
    vitals_round_ends(&other, true, "Last report accepted", 1000); /* it is tried again */
    assert_non_null(other.port.daemons[0]);
    vitals_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_stop_ends_every_wait, start, stop),
        cmocka_unit_test_setup_teardown(test_other_signals_wake, start, stop),
        cmocka_unit_test_setup_teardown(test_own_descriptors, start, stop),
        cmocka_unit_test_setup_teardown(test_it_ends_in_time, start, stop),
        cmocka_unit_test_setup_teardown(test_a_change_is_heard, start, stop),
        cmocka_unit_test_setup_teardown(test_changes_that_cannot_be_heard, start, stop),
        cmocka_unit_test_setup_teardown(test_what_systemd_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_nobody_listens, start, stop),
        cmocka_unit_test_setup_teardown(test_signs_of_life, start, stop),
        cmocka_unit_test_setup_teardown(test_a_loop_that_hangs_gives_none, start, stop),
        cmocka_unit_test_setup_teardown(test_watchdogs_of_others, start, stop),
        cmocka_unit_test_setup_teardown(test_what_probers_are_told, start, stop),
        cmocka_unit_test_setup_teardown(test_garbage, start, stop),
        cmocka_unit_test_setup_teardown(test_many_silent_ones, start, stop),
        cmocka_unit_test_setup_teardown(test_one_that_drips, start, stop),
        cmocka_unit_test_setup_teardown(test_a_port_that_is_taken, start, stop),
    };

    return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
