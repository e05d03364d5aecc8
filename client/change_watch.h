/*
 * Hears of changes of the network while the daemon waits: from the kernel (rtnetlink(7), which needs
 * no rights) and of the system's resolvers (resolv_watch.h). What counts is in uplinks.h.
 *
 * Where one of the two is not to be had, a debug line says so, and only the interval counts.
 */
#ifndef CHANGE_WATCH_H
#define CHANGE_WATCH_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "change.h"
#include "uplinks.h"
#include "resolv_watch.h"

#define CHANGE_WATCH_FDS 2

typedef struct change_watch_t {
    struct mnl_socket *netlink; /* NULL = not to be had */
    resolv_watch_t resolv;
    uplinks_t uplinks; /* as it was when the last round with a change began */
    change_t change;   /* since the last round began */
} change_watch_t;

/* resolv_conf is kept. */
void change_watch_open(change_watch_t *out, const char *resolv_conf);

void change_watch_close(change_watch_t *watch);

/*
 * A round begins, which will see all that has changed so far: returns the kinds of that, for the
 * last time. What changes from now on is for another round.
 */
unsigned change_watch_take(change_watch_t *watch);

/* --- for wait.h --- */

/* Fill what is to be polled for; returns how many. */
size_t change_watch_fds(const change_watch_t *watch, struct pollfd out[CHANGE_WATCH_FDS]);

/* Take what there is to hear and note it in watch->change. Never blocks. */
void change_watch_attend(change_watch_t *watch);

#endif
