/*
 * Tells systemd how the daemon is (sd_notify(3)): a datagram to the socket that $NOTIFY_SOCKET
 * names. Without one, as in a container, nothing is told.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct notify_t {
    int fd; /* -1 = nobody listens */
    socklen_t addr_size;
    struct sockaddr_un addr;
    int64_t watchdog; /* ms between two signs of life, 0 = none wanted */
} notify_t;

/* Read the environment, then notify_forget(). */
void notify_open(notify_t *out);

/*
 * Remove from the environment what notify_open() reads: it is for this process, and no script of
 * its must speak in its name. For who tells nothing.
 */
void notify_forget(void);

void notify_close(notify_t *notify);

/* Send lines NAME=value. It never blocks; what cannot be delivered is lost. */
void notify_send(const notify_t *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
