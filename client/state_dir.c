#include "state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define FILE_NAME "state"
#define FILE_NAME_NEW "state.new"
#define LOCK_NAME "lock"
#define FILE_SIZE 256 /* bytes of text, more than enough */
#define FILE_FORMAT "vpn-sentinel-client state 1\npid=%d\ninterval=%lld\naccepted=%lld\n"
/* The same for sscanf(), with numbers that cannot overflow. */
#define FILE_FORMAT_READ                                                                           \
    "vpn-sentinel-client state 1\npid=%9d\ninterval=%15lld\naccepted=%15lld\n%n"

#define INTERVAL_MAX (24 * CLOCK_HOUR) /* that can be configured */

/* Who opens the folder. */
typedef enum side_t { SIDE_DAEMON, SIDE_ASKER } side_t;

/* --- folders --- */

/* Where the folder may be, best first. */
typedef struct places_t {
    size_t count;
    struct {
        char path[STATE_DIR_PATH_SIZE];
        bool is_private; /* anybody could have made it */
    } place[2];
} places_t;

static places_t find_places(const char *configured)
{
    places_t places = {0};

    if (configured[0] != '\0') {
        places.count = 1;
        snprintf(places.place[0].path, STATE_DIR_PATH_SIZE, "%s", configured);
        return places;
    }
    places.count = 2;
    snprintf(places.place[0].path, STATE_DIR_PATH_SIZE, STATE_DIR_DEFAULT);
    snprintf(places.place[1].path, STATE_DIR_PATH_SIZE, STATE_DIR_PRIVATE "%u", geteuid());
    places.place[1].is_private = true;
    return places;
}

static bool is_trusted_user(uid_t uid)
{
    return uid == geteuid() || uid == 0;
}

/*
 * Root may ask for a daemon of any user, whose folder is that user's. Who it should be is not told:
 * where everybody could have made the folder, anybody may be it.
 */
static bool is_of_a_daemon(int fd)
{
    struct stat parent;

    return geteuid() == 0 && fstatat(fd, "..", &parent, 0) == 0 && (parent.st_mode & S_IWOTH) == 0;
}

/* NULL, or what is wrong with the folder. */
static const char *distrust(int fd, bool is_private, side_t side)
{
    struct stat info;

    if (fstat(fd, &info) != 0) {
        return strerror(errno);
    }
    if (is_private && (info.st_uid != geteuid() || (info.st_mode & 077) != 0)) {
        return "it is not ours alone";
    }
    if ((info.st_mode & S_IWOTH) != 0) {
        return "everybody may write to it";
    }
    if (!is_trusted_user(info.st_uid) && !(side == SIDE_ASKER && is_of_a_daemon(fd))) {
        return "it belongs to another user";
    }
    return NULL;
}

/* Returns the folder's descriptor, or -1 with a reason. */
static int open_trusted(const char *path, bool is_private, side_t side,
                        char reason[STATE_DIR_REASON_SIZE])
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *fault;

    if (fd < 0) {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s: %s", path, strerror(errno));
        return -1;
    }
    fault = distrust(fd, is_private, side);
    if (fault != NULL) {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s: %s", path, fault);
        close(fd);
        return -1;
    }
    return fd;
}

/* --- the daemon's side --- */

static int open_writable(const char *path, bool is_private, char reason[STATE_DIR_REASON_SIZE])
{
    int fd;

    if (mkdir(path, is_private ? 0700 : 0755) != 0 && errno != EEXIST) {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s cannot be made: %s", path, strerror(errno));
        return -1;
    }
    fd = open_trusted(path, is_private, SIDE_DAEMON, reason);
    if (fd >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/*
 * Take the folder's lock. It is on a file that only our user and root can open: a folder that all
 * may read, all could lock. It stays when we end: one that is removed while another daemon opens it
 * would be a lock of nothing.
 *
 * It is one that can be asked for without being taken: who asks is never in a daemon's way.
 * Returns its descriptor, or -1 with errno, EAGAIN when another daemon holds it.
 */
static int take_lock(int dir)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        const int fault = errno == EACCES ? EAGAIN : errno;

        close(fd);
        errno = fault;
        return -1;
    }
    return fd;
}

/* Returns false with a reason. */
static bool lock(state_dir_t *dir, const char *path, char reason[STATE_DIR_REASON_SIZE])
{
    dir->lock = take_lock(dir->fd);
    if (dir->lock >= 0) {
        return true;
    }
    if (errno == EAGAIN) {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s is in use by another daemon", path);
    } else {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s/" LOCK_NAME ": %s", path, strerror(errno));
    }
    close(dir->fd);
    dir->fd = -1;
    return false;
}

bool state_dir_open(state_dir_t *out, const char *configured, char reason[STATE_DIR_REASON_SIZE])
{
    const places_t places = find_places(configured);

    out->fd = out->lock = -1;
    for (size_t i = 0; i < places.count; i++) {
        out->fd = open_writable(places.place[i].path, places.place[i].is_private, reason);
        if (out->fd >= 0) {
            /* Not the next place if it is locked: --healthcheck could not tell the two apart. */
            return lock(out, places.place[i].path, reason);
        }
    }
    return false;
}

static bool write_new(int dir, mode_t mode, const char *text, size_t len)
{
    int fd;
    bool written;

    unlinkat(dir, FILE_NAME_NEW, 0); /* of one that was killed in here */
    fd = openat(dir, FILE_NAME_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return false;
    }
    written = write(fd, text, len) == (ssize_t)len;
    return close(fd) == 0 && written;
}

static bool replace(int dir, const char *name, mode_t mode, const char *text, size_t len)
{
    return write_new(dir, mode, text, len) && renameat(dir, FILE_NAME_NEW, dir, name) == 0;
}

bool state_dir_write(const state_dir_t *dir, const health_t *health)
{
    char text[FILE_SIZE];
    int len = snprintf(text, sizeof(text), FILE_FORMAT, (int)getpid(), (long long)health->interval,
                       (long long)health->accepted);

    return replace(dir->fd, FILE_NAME, 0644, text, (size_t)len);
}

bool state_dir_keep(const state_dir_t *dir, const char *name, const char *text, size_t len)
{
    if (dir->fd < 0) {
        errno = EBADF;
        return false;
    }
    return replace(dir->fd, name, 0600, text, len);
}

ssize_t state_dir_recall(const state_dir_t *dir, const char *name, char *text, size_t size)
{
    struct stat info;
    ssize_t len = -1;
    int fd =
        dir->fd >= 0 ? openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && is_trusted_user(info.st_uid) &&
        (info.st_mode & 022) == 0 && info.st_size >= 0 && (size_t)info.st_size <= size) {
        len = read(fd, text, size);
    }
    close(fd);
    return len;
}

void state_dir_forget(const state_dir_t *dir, const char *name)
{
    if (dir->fd >= 0) {
        unlinkat(dir->fd, name, 0);
    }
}

void state_dir_close(state_dir_t *dir)
{
    if (dir->fd < 0) {
        return;
    }
    unlinkat(dir->fd, FILE_NAME, 0);
    unlinkat(dir->fd, FILE_NAME_NEW, 0);
    close(dir->fd);
    close(dir->lock);
    dir->fd = dir->lock = -1;
}

/* --- the other side --- */

/* NULL when a daemon holds the lock, or why that cannot be said. */
static const char *find_lock(int dir)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = openat(dir, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int fault = errno;

    if (fd >= 0) {
        fault = fcntl(fd, F_OFD_GETLK, &lock) != 0 ? errno : 0;
        close(fd);
    }
    if (fault != 0 && fault != ENOENT) {
        return strerror(fault);
    }
    return fault == ENOENT || lock.l_type == F_UNLCK ? "no daemon is running that writes there"
                                                     : NULL;
}

/* NULL, or what is wrong with the file. */
static const char *read_file(int dir, char text[FILE_SIZE])
{
    /* A pipe in its place must not make us wait. */
    int fd = openat(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info, folder;
    ssize_t len;

    if (fd < 0) {
        return errno == ENOENT ? "the daemon has left no word there" : strerror(errno);
    }
    if (fstat(fd, &info) != 0 || fstat(dir, &folder) != 0 || !S_ISREG(info.st_mode) ||
        (info.st_uid != folder.st_uid && !is_trusted_user(info.st_uid))) {
        close(fd);
        return "its file is not the daemon's";
    }
    len = read(fd, text, FILE_SIZE - 1);
    close(fd);
    if (len < 0) {
        return strerror(errno);
    }
    text[len] = '\0';
    return NULL;
}

static bool parse(health_t *out, pid_t *pid, const char *text)
{
    long long interval, accepted;
    int id, end = 0;

    /* NOLINTNEXTLINE(cert-err34-c): no number can overflow. */
    if (sscanf(text, FILE_FORMAT_READ, &id, &interval, &accepted, &end) != 3 || text[end] != '\0' ||
        end == 0 || id <= 0 || interval <= 0 || interval > INTERVAL_MAX || accepted < 0) {
        return false;
    }
    *out = (health_t){.interval = interval, .accepted = accepted};
    *pid = id;
    return true;
}

static bool read_place(health_t *out, pid_t *pid, const char *path, bool is_private,
                       char reason[STATE_DIR_REASON_SIZE])
{
    char text[FILE_SIZE];
    const char *fault;
    int dir = open_trusted(path, is_private, SIDE_ASKER, reason);

    if (dir < 0) {
        return false;
    }
    fault = find_lock(dir);
    if (fault == NULL) {
        fault = read_file(dir, text);
    }
    close(dir);
    if (fault == NULL && !parse(out, pid, text)) {
        fault = "its file is no state of a daemon";
    }
    if (fault != NULL) {
        snprintf(reason, STATE_DIR_REASON_SIZE, "%s: %s", path, fault);
    }
    return fault == NULL;
}

bool state_dir_read(health_t *out, pid_t *pid, const char *configured,
                    char reason[STATE_DIR_REASON_SIZE])
{
    const places_t places = find_places(configured);
    size_t len = 0;

    for (size_t i = 0; i < places.count; i++) {
        char why[STATE_DIR_REASON_SIZE];

        if (read_place(out, pid, places.place[i].path, places.place[i].is_private, why)) {
            return true;
        }
        snprintf(reason + len, STATE_DIR_REASON_SIZE - len, "%s%s", i > 0 ? "; " : "", why);
        len = strlen(reason);
    }
    return false;
}
