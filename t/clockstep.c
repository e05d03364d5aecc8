/*
 * Preloaded into a test's httpd: steps the wall clock of all its processes, and leaves the
 * monotonic one alone. How far, in seconds, is an int64_t in the file that VPS_CLOCK_STEP names; a
 * change of the file is seen at once.
 *
 * Without the variable, or the file, the clock is the true one.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *step; /* in the mapped file */

__attribute__((constructor)) static void clockstep_open(void)
{
    const char *name = getenv("VPS_CLOCK_STEP");
    int fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *map;

    if (fd == -1) {
        return;
    }
    map = mmap(NULL, sizeof(*step), PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) {
        step = map;
    }
    close(fd);
}

/* The true time comes from the system call, because the C library's functions are the ones here. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);

    if (status == 0 && step != NULL &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += *step;
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
