#include "interrupt.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int signals = -1;
static int keys = -1; /* -1 = nobody types */

static bool is_ignored(int signal)
{
    struct sigaction action;

    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int interrupt_open(bool has_keys)
{
    static const int wanted[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (!is_ignored(wanted[i])) {
            sigaddset(&set, wanted[i]);
        }
    }
    keys = has_keys ? STDIN_FILENO : -1;
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0) {
        signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    return signals;
}

static interrupt_t meaning(uint32_t signal)
{
    switch (signal) {
    case SIGCONT:
    case SIGWINCH:
        return INTERRUPT_REDRAW;
    case SIGTSTP:
        return INTERRUPT_PAUSE;
    default:
        return INTERRUPT_STOP;
    }
}

static bool is_ready(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&watched, 1, 0) == 1;
}

/* One key, or the end of them. */
static interrupt_t take_key(void)
{
    char key;

    return read(keys, &key, 1) != 1 || key == 'q' || key == 'Q' ? INTERRUPT_STOP : INTERRUPT_NONE;
}

interrupt_t interrupt_take(void)
{
    interrupt_t most = INTERRUPT_NONE;
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const interrupt_t found = meaning(info.ssi_signo);

        most = found > most ? found : most;
    }
    while (most != INTERRUPT_STOP && is_ready(keys)) {
        const interrupt_t found = take_key();

        most = found > most ? found : most;
    }
    return most;
}

void interrupt_wait(int64_t ms)
{
    struct pollfd watched[] = {{.fd = signals, .events = POLLIN}, {.fd = keys, .events = POLLIN}};

    poll(watched, 2, ms > 0 ? (int)ms : 0); /* one that is -1 is passed over */
}
