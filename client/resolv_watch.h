/*
 * Watches which resolvers a resolv.conf names, by inotify(7): that file, its folder, and the folder
 * of what it is a symbolic link to. So it is seen when it is written in place, also where it is
 * mounted over another file as in containers, and when it is replaced.
 *
 * Only the addresses of the resolvers count. A file without any is about to be written, or says
 * nothing: that is no change.
 */
#ifndef RESOLV_WATCH_H
#define RESOLV_WATCH_H

#include <limits.h>
#include <stdbool.h>

#include "resolvers.h"

#define RESOLV_WATCH_POINTS 3

typedef struct resolv_watch_t {
    int fd;                          /* readable when something happened; -1 = none to be had */
    int points[RESOLV_WATCH_POINTS]; /* what is watched; -1 = nothing */
    const char *path;                /* of the file */
    char target[PATH_MAX];           /* the same without symbolic links; "" = was never there */
    resolvers_t resolvers;           /* that it named when it was looked at last */
} resolv_watch_t;

/* path is kept. False: it cannot be watched, errno says why; the resolvers are those of now. */
bool resolv_watch_open(resolv_watch_t *out, const char *path);

void resolv_watch_close(resolv_watch_t *watch);

/* Look at what happened, without blocking. Returns whether it names other resolvers than before. */
bool resolv_watch_attend(resolv_watch_t *watch);

/*
 * Look at the file anew, and find out again what is to be watched: nothing tells that something was
 * mounted over it, or that a folder came into being. Returns as resolv_watch_attend() does.
 */
bool resolv_watch_refresh(resolv_watch_t *watch);

#endif
