/*
 * Fuzz entry point: paths of mounts, each in a line, and in the last line that of a request. A mount
 * that is found has the request's path in whole segments, and is the longest that has.
 */
#include "fuzz_httpd.h"

#include "mount.h"

static bool has(const mount_t *mount, const char *path)
{
    const size_t len = strlen(mount->path);

    return strncmp(path, mount->path, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static void check_found(const apr_array_header_t *mounts, const char *path)
{
    const char *rest = NULL;
    const mount_t *found = mount_find(mounts, path, &rest);

    check(found == NULL || (has(found, path) && rest == path + strlen(found->path)));
    for (int i = 0; i < mounts->nelts; i++) {
        const mount_t *other = &APR_ARRAY_IDX(mounts, i, mount_t);

        check(!has(other, path) || (found != NULL && strlen(found->path) >= strlen(other->path)));
    }
}

static void add_mount(apr_array_header_t *mounts, const char *path)
{
    const char *read = NULL, *wrong = mount_path(&read, path, mounts->pool);

    if (wrong != NULL) {
        check_sentence(wrong);
        return;
    }
    check(read[0] == '\0' || (read[0] == '/' && read[strlen(read) - 1] != '/'));
    check(strstr(read, "//") == NULL && strpbrk(read, " ?#%\\\n") == NULL);
    mount_add(mounts, (mount_kind_t)(mounts->nelts % (MOUNT_METRICS + 1)), read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    apr_array_header_t *mounts = apr_array_make(pool, 4, sizeof(mount_t));
    char *text = text_of(data, size);
    char *line = text, *end;

    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        add_mount(mounts, line);
        line = end + 1;
    }
    const char *twice = mount_sort(mounts);

    check(twice == NULL || mounts->nelts > 1);
    if (line[0] == '/') {
        check_found(mounts, line);
    }
    free(text);
    return 0;
}
