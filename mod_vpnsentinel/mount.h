/*
 * Mounts: which URL paths belong to the module. A mount has whole path segments and everything
 * below; the longest wins.
 */
#ifndef MOUNT_H
#define MOUNT_H

#include "apr_tables.h"

typedef enum mount_kind_t { MOUNT_API, MOUNT_DASHBOARD, MOUNT_HEALTH, MOUNT_METRICS } mount_kind_t;

/* One mount of a server. */
typedef struct mount_t {
    mount_kind_t kind;
    const char *path; /* what it has: "" for everything, else "/a/b" without a slash at the end */
} mount_t;

/*
 * Read a directive's path: absolute, no ".", "..", "//", "?", "#", "%" or control characters. *out
 * is as mount_t.path. Returns NULL, or what is wrong: a half sentence that goes on behind the path.
 */
const char *mount_path(const char **out, const char *path, apr_pool_t *p);

/* Add one to an array of mount_t. The health mount at PATH has PATH/health and PATH/healthz. */
void mount_add(apr_array_header_t *mounts, mount_kind_t kind, const char *path);

/*
 * Order an array of mount_t for look-up. Returns NULL, or a path that two kinds of mounts have.
 */
const char *mount_sort(apr_array_header_t *mounts);

/*
 * The mount that has an absolute path, of an array that is sorted; *rest is what
 * is behind it: "" or "/…". NULL when none has.
 */
const mount_t *mount_find(const apr_array_header_t *mounts, const char *path, const char **rest);

#endif
