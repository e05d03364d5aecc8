/*
 * Preloaded into a test's programs: steps the clocks of all their processes. How far, in seconds, is
 * an int64_t in a file; a change of the file is seen at once. Without the variable, or the file, the
 * clocks are the true ones.
 *
 * VPS_CLOCK_STEP names the file for the wall clock alone.
 *
 * VPS_CLOCK_SUSPEND names the file for the clock that counts suspends (CLOCK_BOOTTIME): its step is
 * how long the machine has been suspended, which the monotonic clock does not see, nor does any
 * timeout. A timer of that clock fires, as the kernel's does, when its time has come in a suspend;
 * one timer is enough here, and only poll() and ppoll() are woken by it.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 20000000 /* that a change of the file may go unseen in a wait */

static const volatile int64_t zero;
static const volatile int64_t *step = &zero;    /* in the mapped file */
static const volatile int64_t *suspend = &zero; /* in the other */

/* The timer of the clock that counts suspends. */
static struct {
    int fd; /* -1 = there is none */
    int flags;
    struct itimerspec at; /* by the clock that it is believed to have */
    int64_t suspend;      /* when it was set */
} timer = {.fd = -1};

static const volatile int64_t *open_step(const char *variable)
{
    const char *name = getenv(variable);
    int fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *map;

    if (fd == -1) {
        return &zero;
    }
    map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        return &zero;
    }
    return map;
}

__attribute__((constructor)) static void clockstep_open(void)
{
    step = open_step("VPS_CLOCK_STEP");
    suspend = open_step("VPS_CLOCK_SUSPEND");
}

/* The true time comes from the system call, because the C library's functions are the ones here. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);

    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += *step;
    }
    if (status == 0 && clock == CLOCK_BOOTTIME) {
        now->tv_sec += *suspend;
    }
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec time;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

int timerfd_create(int clock, int flags)
{
    int fd = (int)syscall(SYS_timerfd_create, clock, flags);

    if (clock == CLOCK_BOOTTIME) {
        timer.fd = fd;
    }
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    struct itimerspec truly = *at;
    bool stops = at->it_value.tv_sec == 0 && at->it_value.tv_nsec == 0;

    if (fd == timer.fd) {
        timer.flags = flags;
        timer.at = *at;
        timer.suspend = *suspend;
    }
    if (fd == timer.fd && (flags & TFD_TIMER_ABSTIME) != 0 && !stops) {
        truly.it_value.tv_sec -= timer.suspend;
        if (truly.it_value.tv_sec < 0) {
            truly.it_value = (struct timespec){.tv_nsec = 1}; /* long over; 0 would stop it */
        }
    }
    return (int)syscall(SYS_timerfd_settime, fd, flags, &truly, old);
}

/* ns of the monotonic clock, which no step concerns. */
static int64_t moment(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    const int64_t end = timeout != NULL
                            ? moment() + timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec
                            : INT64_MAX;

    for (;;) {
        const int64_t left = end - moment();
        struct timespec slice = {.tv_nsec = left < 0 ? 0 : left < SLICE_NS ? left : SLICE_NS};
        const int ready = (int)syscall(SYS_ppoll, fds, count, &slice, mask, _NSIG / 8);

        if (ready != 0 || left <= SLICE_NS) {
            return ready;
        }
        if (timer.fd != -1 && timer.suspend != *suspend) {
            timerfd_settime(timer.fd, timer.flags, &timer.at, NULL);
        }
    }
}

int poll(struct pollfd *fds, nfds_t count, int ms)
{
    const struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    return ppoll(fds, count, ms >= 0 ? &timeout : NULL, NULL);
}

/* What they are called by programs that are built with _FORTIFY_SOURCE. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the C library's names */
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size)
{
    (void)size;
    return ppoll(fds, count, timeout, mask);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size)
{
    (void)size;
    return poll(fds, count, ms);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
