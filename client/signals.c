#include "signals.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool signals_open(signals_t *out)
{
    sigset_t set;

    memset(out, 0, sizeof(*out));
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would hide how children end */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return false;
    }
    out->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return out->fd >= 0;
}

void signals_close(signals_t *signals)
{
    close(signals->fd);
}

void signals_read(signals_t *signals)
{
    struct signalfd_siginfo info;

    while (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGHUP:
            signals->reload = true;
            break;
        case SIGUSR1:
            signals->report = true;
            break;
        case SIGCHLD:
            break;
        default:
            signals->stop = true;
            break;
        }
    }
}
