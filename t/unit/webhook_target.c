/* mod_vpnsentinel/webhook_target.h: URLs and secrets, good and bad. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pool.h"
#include "webhook_target.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_urls(void **state)
{
    static const struct {
        const char *url, *host, *path; /* path: NULL = nothing secret */
    } cases[] = {
        {"https://hooks.example.org/a/b?c=d", "hooks.example.org", "/a/b?c=d"},
        {"http://192.0.2.1:8080/", "192.0.2.1", NULL},
        {"http://example.org", "example.org", NULL},
        {"http://[2001:db8::1]:80?key", "[2001:db8::1]", "?key"},
    };
    webhook_target_t target;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(webhook_target_read(&target, cases[i].url, pool));
        assert_string_equal(target.url, cases[i].url);
        assert_string_equal(target.host, cases[i].host);
        if (cases[i].path == NULL) {
            assert_null(target.path);
        } else {
            assert_string_equal(target.path, cases[i].path);
        }
        assert_true(target.destination >= 1 && target.destination <= INT64_MAX);
        assert_null(target.secret);
    }
}

static void test_bad_urls(void **state)
{
    static const char *const urls[] = {
        "",
        "example.org",
        "ftp://example.org/",
        "https://",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org/a b",
        "https://example.org/\xC3\xA9",
        "https://ex%AAmple.org/",
    };
    webhook_target_t target;
    char longest[513] = "https://example.org/";

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        assert_non_null(webhook_target_read(&target, urls[i], pool));
    }
    memset(longest + strlen(longest), 'x', 512 - strlen(longest));
    assert_non_null(webhook_target_read(&target, longest, pool));
    longest[511] = '\0';
    assert_null(webhook_target_read(&target, longest, pool));
}

/* By it a queue is found after a restart: it must never change. */
static void test_destinations(void **state)
{
    webhook_target_t target, other;

    (void)state;
    assert_null(webhook_target_read(&target, "https://example.org/a", pool));
    assert_int_equal(target.destination, INT64_C(3868888743010003372));
    assert_null(webhook_target_read(&other, "https://example.org/b", pool));
    assert_int_not_equal(target.destination, other.destination);
}

static void test_secrets(void **state)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"0123456789abcdef", "0123456789abcdef"},
        {"whsec-0123456789abcdef", "whsec-0123456789abcdef"},
        {"whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "0123456789abcdef"},
        {"whsec_MDEyMzQ1Njc4OWFiY2RlZmc=", "0123456789abcdefg"},
        {"whsec_MDEyMzQ1Njc4OWFiY2RlZmdo", "0123456789abcdefgh"},
    };
    webhook_target_t target;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(webhook_target_read(&target, "https://example.org/", pool));
        assert_null(webhook_target_read_secret(&target, cases[i].text, pool));
        assert_int_equal(target.secret_size, strlen(cases[i].key));
        assert_memory_equal(target.secret, cases[i].key, target.secret_size);
    }
}

static void test_bad_secrets(void **state)
{
    static const char *const texts[] = {
        "",
        "0123456789abcde",
        "whsec_",
        "whsec_MDEyMzQ1Njc4OWFiY2Rl",       /* 15 bytes */
        "whsec_MDEyMzQ1Njc4OWFiY2RlZg=",    /* not a multiple of four */
        "whsec_MDEyMzQ1Njc4OWFiY2RlZg==\n", /* nor this */
        "whsec_MDEyMzQ1Njc4OWFi=2RlZmdo",
        "whsec_MDEyMzQ1Njc4OWFi Y2RlZmd",
        "whsec_====",
    };
    webhook_target_t target;
    char longest[258] = "";

    (void)state;
    assert_null(webhook_target_read(&target, "https://example.org/", pool));
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_non_null(webhook_target_read_secret(&target, texts[i], pool));
        assert_null(target.secret);
    }
    memset(longest, 'x', 257);
    assert_non_null(webhook_target_read_secret(&target, longest, pool));
    longest[256] = '\0';
    assert_null(webhook_target_read_secret(&target, longest, pool));
    assert_int_equal(target.secret_size, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),         cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_destinations), cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_bad_secrets),
    };

    return cmocka_run_group_tests_name("webhook_target", tests, pool_start, pool_stop);
}
