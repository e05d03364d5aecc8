/*
 * The folder in which a daemon leaves word of its health for "--healthcheck", one small file, and what
 * it wants to know itself when it is started again.
 *
 * The daemon holds a lock, on a file beside it, as long as it runs; only its own user and root can
 * see that, so only these can ask. A state without a lock is what a killed
 * daemon, or one before a reboot, left behind, and counts for nothing.
 *
 * The folder is the configured one; without one it is /run/vpn-sentinel-client when that can be
 * written, else /tmp/vpn-sentinel-client-UID. In /tmp anybody could have made it: there it must be
 * ours and closed to all others. No folder is trusted that is a symbolic link, that everybody may
 * write to, or that belongs neither to us nor to root; but root, who asks with "--healthcheck", may
 * find that of another user's daemon, where not everybody could have made it. No file is trusted
 * that is not a plain one of the folder's owner, of root or of us.
 */
#ifndef STATE_DIR_H
#define STATE_DIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "health.h"

#define STATE_DIR_DEFAULT "/run/vpn-sentinel-client"
#define STATE_DIR_PRIVATE "/tmp/vpn-sentinel-client-" /* and the user's id */
#define STATE_DIR_PATH_SIZE 512
#define STATE_DIR_REASON_SIZE (STATE_DIR_PATH_SIZE + 128)

/* The daemon's side. fd -1 = not open. */
typedef struct state_dir_t {
    int fd;   /* of the folder */
    int lock; /* of the file that carries the lock */
} state_dir_t;

/*
 * Find the folder, make it when it is missing, and lock it; configured "" = the default ones. False
 * with a reason that names the folder, and *out not open.
 */
bool state_dir_open(state_dir_t *out, const char *configured, char reason[STATE_DIR_REASON_SIZE]);

/* Replace the file. Returns false with errno. */
bool state_dir_write(const state_dir_t *dir, const health_t *health);

/*
 * A small file of the daemon's own beside it, by the name of a literal; it stays when the folder is let
 * go. Keep: replace it. Returns false with errno. Recall: read it. Returns its length, at most size, or
 * -1 when there is none that is the daemon's own. Forget: remove it.
 */
bool state_dir_keep(const state_dir_t *dir, const char *name, const char *text, size_t len);
ssize_t state_dir_recall(const state_dir_t *dir, const char *name, char *text, size_t size);
void state_dir_forget(const state_dir_t *dir, const char *name);

/* Remove the state and let the folder go; a no-op when it is not open. */
void state_dir_close(state_dir_t *dir);

/*
 * The other side: what the running daemon left. Fills accepted and interval of *out, and the
 * daemon's process id as it sees it itself. False with a reason that says what is wrong.
 */
bool state_dir_read(health_t *out, pid_t *pid, const char *configured,
                    char reason[STATE_DIR_REASON_SIZE]);

#endif
