#include "mount.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"

static bool has_dot_segment(const char *path)
{
    const char *segment;

    for (segment = path; segment != NULL; segment = strchr(segment + 1, '/')) {
        size_t len = strcspn(segment + 1, "/");

        if ((len == 1 && segment[1] == '.') || (len == 2 && strncmp(segment + 1, "..", 2) == 0)) {
            return true;
        }
    }
    return false;
}

const char *mount_path(const char **out, const char *path, apr_pool_t *p)
{
    size_t len = strlen(path);
    size_t i;

    if (path[0] != '/') {
        return "must begin with a slash";
    }
    for (i = 0; i < len; i++) {
        if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f || strchr("?#%\\", path[i]) != NULL) {
            return "must be a plain path, without space, '?', '#', '%' or '\\'";
        }
    }
    if (strstr(path, "//") != NULL || has_dot_segment(path)) {
        return "must have no empty, '.' or '..' segment";
    }
    *out = apr_pstrmemdup(p, path, path[len - 1] == '/' ? len - 1 : len);
    return NULL;
}

static void push(apr_array_header_t *mounts, mount_kind_t kind, const char *path)
{
    mount_t *mount = apr_array_push(mounts);

    mount->kind = kind;
    mount->path = path;
}

void mount_add(apr_array_header_t *mounts, mount_kind_t kind, const char *path)
{
    if (kind == MOUNT_HEALTH) {
        push(mounts, kind, apr_pstrcat(mounts->pool, path, "/health", NULL));
        push(mounts, kind, apr_pstrcat(mounts->pool, path, "/healthz", NULL));
    } else {
        push(mounts, kind, path);
    }
}

static int longest_first(const void *a, const void *b)
{
    const mount_t *one = a, *other = b;
    size_t len_one = strlen(one->path), len_other = strlen(other->path);

    if (len_one != len_other) {
        return len_one > len_other ? -1 : 1;
    }
    return strcmp(one->path, other->path);
}

const char *mount_sort(apr_array_header_t *mounts)
{
    const mount_t *mount = (const mount_t *)mounts->elts;
    int i;

    qsort(mounts->elts, (size_t)mounts->nelts, sizeof(mount_t), longest_first);
    for (i = 1; i < mounts->nelts; i++) {
        if (mount[i].kind != mount[i - 1].kind && strcmp(mount[i].path, mount[i - 1].path) == 0) {
            return mount[i].path;
        }
    }
    return NULL;
}

/* What is behind the prefix when it is whole segments of the path, else NULL. */
static const char *behind(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(path, prefix, len) != 0 || (path[len] != '\0' && path[len] != '/')) {
        return NULL;
    }
    return path + len;
}

const mount_t *mount_find(const apr_array_header_t *mounts, const char *path, const char **rest)
{
    const mount_t *mount = (const mount_t *)mounts->elts;
    int i;

    for (i = 0; i < mounts->nelts; i++) {
        *rest = behind(path, mount[i].path);
        if (*rest != NULL) {
            return &mount[i];
        }
    }
    return NULL;
}
