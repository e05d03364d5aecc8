#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE 512 /* bytes */

/* A number of the environment that is a whole one above 0, else 0. */
static long long number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long long value;

    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }
    errno = 0;
    value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? value : 0;
}

/* A path, or a name of the abstract kind, which begins with "@" here and with NUL there. */
static bool read_address(notify_t *out, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0;

    if (len < 2 || len >= sizeof(out->addr.sun_path) || (name[0] != '/' && name[0] != '@')) {
        return false;
    }
    out->addr.sun_family = AF_UNIX;
    memcpy(out->addr.sun_path, name, len);
    out->addr_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (name[0] == '@') {
        out->addr.sun_path[0] = '\0';
    } else {
        out->addr_size++;
    }
    return true;
}

/* Half of what the watchdog allows. */
static int64_t read_watchdog(void)
{
    long long usec = number("WATCHDOG_USEC");
    long long pid = number("WATCHDOG_PID");

    return usec < 2000 || (pid != 0 && pid != getpid()) ? 0 : usec / 2000;
}

void notify_open(notify_t *out)
{
    memset(out, 0, sizeof(*out));
    out->fd = -1;
    if (read_address(out, getenv("NOTIFY_SOCKET"))) {
        out->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        out->watchdog = out->fd >= 0 ? read_watchdog() : 0;
    }
    notify_forget();
}

void notify_forget(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_close(notify_t *notify)
{
    if (notify->fd >= 0) {
        close(notify->fd);
    }
    notify->fd = -1;
}

void notify_send(const notify_t *notify, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list args;
    int len;

    if (notify->fd < 0) {
        return;
    }
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    /* systemd may be restarting: the next word will reach it. */
    (void)sendto(notify->fd, text, strnlen(text, sizeof(text)), MSG_NOSIGNAL,
                 (const struct sockaddr *)&notify->addr, notify->addr_size);
}
