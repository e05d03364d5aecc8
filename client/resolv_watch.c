#include "resolv_watch.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define READS_MAX 64 /* that one attend may take; more wait for the next */

/* Not each write: a file that is being written is looked at when it is closed. */
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |       \
     IN_MOVE_SELF)

/* --- the file --- */

static bool has_changed(resolv_watch_t *watch)
{
    resolvers_t now;

    resolvers_read(&now, watch->path);
    if (now.count == 0 || resolvers_equal(&now, &watch->resolvers)) {
        return false;
    }
    watch->resolvers = now;
    return true;
}

/* --- what is watched --- */

static int watch_folder(int fd, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t len = slash != NULL ? (size_t)(slash - path) + 1 : 0;

    if (len == 0 || len >= sizeof(folder)) {
        return -1;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    return inotify_add_watch(fd, folder, EVENTS);
}

static bool is_among(int point, const int points[RESOLV_WATCH_POINTS])
{
    for (size_t i = 0; i < RESOLV_WATCH_POINTS; i++) {
        if (points[i] == point) {
            return true;
        }
    }
    return false;
}

/*
 * One that is watched already keeps its number. While the target is not there, it is expected where
 * it was.
 */
static void set_points(resolv_watch_t *watch)
{
    int points[RESOLV_WATCH_POINTS];
    char target[PATH_MAX];

    if (realpath(watch->path, target) != NULL) {
        memcpy(watch->target, target, strlen(target) + 1);
    }
    points[0] = inotify_add_watch(watch->fd, watch->path, EVENTS);
    points[1] = watch_folder(watch->fd, watch->path);
    points[2] = watch_folder(watch->fd, watch->target);
    for (size_t i = 0; i < RESOLV_WATCH_POINTS; i++) {
        if (watch->points[i] >= 0 && !is_among(watch->points[i], points)) {
            inotify_rm_watch(watch->fd, watch->points[i]); /* may be gone by itself */
        }
    }
    memcpy(watch->points, points, sizeof(points));
}

static bool is_name_of(const char *name, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && strcmp(slash + 1, name) == 0;
}

/* May this have changed the file? Its folders have others, whose names tell. */
static bool concerns(const resolv_watch_t *watch, const struct inotify_event *event)
{
    if ((event->mask & (EVENTS | IN_Q_OVERFLOW)) == 0) {
        return false;
    }
    return event->len == 0 || is_name_of(event->name, watch->path) ||
           is_name_of(event->name, watch->target);
}

static bool is_touched(const resolv_watch_t *watch)
{
    alignas(struct inotify_event) char events[4096];
    bool touched = false;
    ssize_t got;

    for (int reads = 0; reads < READS_MAX && (got = read(watch->fd, events, sizeof(events))) > 0;
         reads++) {
        for (const char *at = events; at < events + got;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;

            touched = concerns(watch, event) || touched;
            at += sizeof(*event) + event->len;
        }
    }
    return touched;
}

/* --- what others call --- */

bool resolv_watch_open(resolv_watch_t *out, const char *path)
{
    memset(out, 0, sizeof(*out));
    memset(out->points, -1, sizeof(out->points));
    out->path = path;
    out->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (out->fd >= 0) {
        set_points(out);
    }
    resolvers_read(&out->resolvers, path);
    return out->fd >= 0;
}

void resolv_watch_close(resolv_watch_t *watch)
{
    if (watch->fd >= 0) {
        close(watch->fd);
        watch->fd = -1;
    }
}

bool resolv_watch_attend(resolv_watch_t *watch)
{
    return watch->fd >= 0 && is_touched(watch) && resolv_watch_refresh(watch);
}

bool resolv_watch_refresh(resolv_watch_t *watch)
{
    if (watch->fd >= 0) {
        set_points(watch);
    }
    return has_changed(watch);
}
