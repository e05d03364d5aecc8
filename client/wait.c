#include "wait.h"

#include <string.h>

#include "clock.h"

bool wait_open(wait_t *out)
{
    out->vitals = NULL;
    out->changes = NULL;
    return signals_open(&out->signals);
}

void wait_close(wait_t *wait)
{
    signals_close(&wait->signals);
}

size_t wait_fds(const wait_t *wait, struct pollfd out[WAIT_FDS])
{
    size_t count = 0;

    out[count++] = (struct pollfd){.fd = wait->signals.fd, .events = POLLIN};
    if (wait->vitals != NULL) {
        count += vitals_fds(wait->vitals, out + count);
    }
    if (wait->changes != NULL) {
        count += change_watch_fds(wait->changes, out + count);
    }
    return count;
}

int64_t wait_timeout(const wait_t *wait, int64_t limit)
{
    return wait->vitals != NULL ? vitals_timeout(wait->vitals, limit) : limit;
}

bool wait_attend(wait_t *wait)
{
    signals_read(&wait->signals);
    if (wait->vitals != NULL) {
        vitals_attend(wait->vitals);
    }
    if (wait->changes != NULL) {
        change_watch_attend(wait->changes);
    }
    return !wait->signals.stop;
}

bool wait_poll(wait_t *wait, struct pollfd *own, size_t count, int64_t until)
{
    struct pollfd all[WAIT_OWN_MAX + WAIT_FDS];
    int64_t left = until - clock_elapsed();
    struct timespec timeout;

    if (count > 0) {
        memcpy(all, own, count * sizeof(own[0]));
    }
    left = wait_timeout(wait, left > 0 ? left : 0);
    timeout.tv_sec = left / CLOCK_SECOND;
    timeout.tv_nsec = left % CLOCK_SECOND * 1000000;
    if (ppoll(all, count + wait_fds(wait, all + count), &timeout, NULL) < 0) {
        for (size_t i = 0; i < count; i++) {
            all[i].revents = 0;
        }
    }
    if (count > 0) {
        memcpy(own, all, count * sizeof(own[0]));
    }
    return wait_attend(wait);
}
