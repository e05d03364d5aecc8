#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mount.h"
#include "pool.h"

static void test_paths(void **state)
{
    static const struct {
        const char *given, *path;
    } cases[] = {
        {"/", ""},
        {"/api/v1", "/api/v1"},
        {"/api/v1/", "/api/v1"},
        {"/a.b/..c/d..", "/a.b/..c/d.."},
        {"/~x-y_z:8", "/~x-y_z:8"},
        {"/\xc3\xbc", "/\xc3\xbc"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = NULL;

        assert_null(mount_path(&path, cases[i].given, pool));
        assert_string_equal(path, cases[i].path);
    }
}

static void test_bad_paths(void **state)
{
    static const char *const cases[] = {"",       "api",   "//",    "/a//b",  "/.",     "/..",
                                        "/a/./b", "/a/..", "/../a", "/a b",   "/a?b",   "/a#b",
                                        "/a%62",  "/a\\b", "/a\tb", "/a\x7f", "/a/b//", "*"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = NULL;

        if (mount_path(&path, cases[i], pool) == NULL) {
            fail_msg("'%s' is taken as '%s'", cases[i], path);
        }
    }
}

static apr_array_header_t *mounts_of(const char *api, const char *dashboard, const char *health)
{
    apr_array_header_t *mounts = apr_array_make(pool, 4, sizeof(mount_t));

    mount_add(mounts, MOUNT_API, api);
    mount_add(mounts, MOUNT_DASHBOARD, dashboard);
    mount_add(mounts, MOUNT_HEALTH, health);
    return mounts;
}

static void assert_found(const apr_array_header_t *mounts, const char *path, mount_kind_t kind,
                         const char *rest)
{
    const char *found_rest;
    const mount_t *found = mount_find(mounts, path, &found_rest);

    assert_non_null(found);
    assert_int_equal(found->kind, kind);
    assert_string_equal(found_rest, rest);
}

static void test_find_whole_segments(void **state)
{
    static const char *const others[] = {"/",           "/api",     "/api/v",
                                         "/api/v10",    "/API/v1",  "/x/api/v1",
                                         "/dashboards", "/healthy", "/x/health"};
    apr_array_header_t *mounts = mounts_of("/api/v1", "/dashboard", "");
    const char *rest;
    size_t i;

    (void)state;
    assert_null(mount_sort(mounts));
    assert_found(mounts, "/api/v1", MOUNT_API, "");
    assert_found(mounts, "/api/v1/", MOUNT_API, "/");
    assert_found(mounts, "/api/v1/clients/a", MOUNT_API, "/clients/a");
    assert_found(mounts, "/dashboard", MOUNT_DASHBOARD, "");
    assert_found(mounts, "/health", MOUNT_HEALTH, "");
    assert_found(mounts, "/health/live", MOUNT_HEALTH, "/live");
    assert_found(mounts, "/healthz", MOUNT_HEALTH, "");
    for (i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(mount_find(mounts, others[i], &rest));
    }
}

static void test_the_longest_wins(void **state)
{
    apr_array_header_t *mounts = mounts_of("/vpn/api", "", "/vpn");

    (void)state;
    mount_add(mounts, MOUNT_DASHBOARD, "/vpn/api/board");
    assert_null(mount_sort(mounts));
    assert_found(mounts, "/", MOUNT_DASHBOARD, "/");
    assert_found(mounts, "/vpn", MOUNT_DASHBOARD, "/vpn");
    assert_found(mounts, "/vpn/api/x", MOUNT_API, "/x");
    assert_found(mounts, "/vpn/api/board/x", MOUNT_DASHBOARD, "/x");
    assert_found(mounts, "/vpn/health", MOUNT_HEALTH, "");
}

static void test_two_kinds_at_one_path(void **state)
{
    apr_array_header_t *mounts = mounts_of("/x", "/x", "");

    (void)state;
    assert_string_equal(mount_sort(mounts), "/x");
    mounts = mounts_of("/health", "/dashboard", "");
    assert_string_equal(mount_sort(mounts), "/health");
    mounts = mounts_of("/a", "/b", "");
    mount_add(mounts, MOUNT_API, "/a"); /* the same twice is no conflict */
    assert_null(mount_sort(mounts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_find_whole_segments),
        cmocka_unit_test(test_the_longest_wins),
        cmocka_unit_test(test_two_kinds_at_one_path),
    };

    return cmocka_run_group_tests_name("mount", tests, pool_start, pool_stop);
}
