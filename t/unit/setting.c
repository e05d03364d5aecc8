/* mod_vpnsentinel/setting.h: values of directives and of the environment, good and bad. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "apr_network_io.h"
#include "setting.h"
#include "pool.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define MS INT64_C(1000) /* usec */
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void test_env(void **state)
{
    static const char name[] = "VPN_SENTINEL_UNIT_TEST";

    (void)state;
    unsetenv(name);
    assert_null(setting_env(name));
    setenv(name, "", 1);
    assert_null(setting_env(name));
    setenv(name, " ", 1);
    assert_string_equal(setting_env(name), " ");
    setenv(name, "value", 1);
    assert_string_equal(setting_env(name), "value");
    unsetenv(name);
}

static void test_fault(void **state)
{
    (void)state;
    assert_string_equal(setting_fault(pool, "VPNSentinelRateLimit", "%s", "must be a number"),
                        "VPNSentinelRateLimit: '%s' is not allowed: must be a number");
    assert_string_equal(setting_fault(pool, "VPNSentinelTelegramToken", NULL, "must be a token"),
                        "VPNSentinelTelegramToken: the value is not allowed: must be a token");
}

static void test_number(void **state)
{
    static const struct {
        const char *text;
        int value;
    } cases[] = {{"1", 1}, {"30", 30}, {"1000", 1000}, {"010", 10}, {"000000000000000000001", 1}};
    static const char *const bad[] = {"",    "0",   "-1",  "+1",  " 1", "1 ",  "1\n", "1.0",
                                      "0x1", "1e2", "1,2", "one", "1s", "--1", "-",   "1001"};
    /* Most would be inside when cut to fewer bits. */
    static const char *const too_large[] = {"2147483648", "4294967297", "18446744073709551617",
                                            "99999999999999999999999"};
    apr_int64_t value = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(setting_number(pool, &value, cases[i].text, 1, 1000));
        assert_int_equal(value, cases[i].value);
    }
    assert_null(setting_number(pool, &value, "2147483647", 0, INT_MAX));
    assert_int_equal(value, INT_MAX);
    assert_null(setting_number(pool, &value, "0", 0, INT_MAX));
    assert_int_equal(value, 0);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_string_equal(setting_number(pool, &value, bad[i], 1, 1000),
                            "must be a whole number from 1 to 1000");
    }
    for (size_t i = 0; i < COUNT(too_large); i++) {
        assert_non_null(setting_number(pool, &value, too_large[i], 0, INT_MAX));
    }
    assert_int_equal(value, 0); /* a refused text leaves it alone */
}

static void test_duration(void **state)
{
    static const struct {
        const char *text;
        apr_time_t value;
    } cases[] = {
        {"2", 2 * SECOND},      {"300", 300 * SECOND},
        {"300s", 300 * SECOND}, {"300S", 300 * SECOND},
        {"2000ms", 2 * SECOND}, {"2500Ms", 2500 * MS},
        {"5mi", 5 * MINUTE},    {"5min", 5 * MINUTE},
        {"5MIN", 5 * MINUTE},   {"1h", HOUR},
        {"24H", DAY},           {"7d", 7 * DAY},
        {"7D", 7 * DAY},        {"0300", 300 * SECOND},
        {"604800", 7 * DAY},    {"604800000ms", 7 * DAY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        apr_time_t value = -1;

        assert_null(setting_duration(pool, &value, cases[i].text, 2, 604800));
        assert_int_equal(value, cases[i].value);
    }
}

static void assert_no_durations(const char *const texts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        apr_time_t value = -77;

        assert_string_equal(setting_duration(pool, &value, texts[i], 2, 604800),
                            "must be 2 to 604800 seconds, or a number with ms, s, min, h or d");
        assert_int_equal(value, -77);
    }
}

static void test_duration_refused(void **state)
{
    static const char *const outside[] = {"0",           "1",  "0d",   "1999ms", "604801",
                                          "604800001ms", "8d", "169h", "10081mi"};
    static const char *const malformed[] = {
        "",     "s",      "ms",   "d",     "-5",     "+5",  " 5",   "5 ", "5 s",
        "5.5",  "5,5",    "1.5h", "5m",    "5M",     "5us", "5sx",  "5w", "5y",
        "5ms1", "10s10s", "5sec", "5mins", "5hours", "0x5", "five", "5\n"};
    /* Most would be inside when cut to 64 bits of usec. */
    static const char *const too_large[] = {
        "99999999999999999999", "9223372036854775807", "9223372036854775807d",
        "106751992d",           "18446744073712",      "18446744073711552ms",
        "307445734562min",      "5124095577h",         "213503983d"};

    (void)state;
    assert_no_durations(outside, COUNT(outside));
    assert_no_durations(malformed, COUNT(malformed));
    assert_no_durations(too_large, COUNT(too_large));
}

static void test_boolean(void **state)
{
    static const char *const yes[] = {"true", "on", "yes", "1", "True", "ON", "yES"};
    static const char *const no[] = {"false", "off", "no", "0", "False", "OFF", "nO"};
    static const char *const bad[] = {"", " ", "2", "01", "t", "y", "true ", " on", "yess", "none"};
    bool value;

    (void)state;
    for (size_t i = 0; i < COUNT(yes); i++) {
        value = false;
        assert_null(setting_boolean(&value, yes[i]));
        assert_true(value);
        assert_null(setting_boolean(&value, no[i]));
        assert_false(value);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        value = i % 2 == 0;
        assert_string_equal(setting_boolean(&value, bad[i]),
                            "must be true, false, on, off, yes, no, 1 or 0");
        assert_int_equal(value, i % 2 == 0);
    }
}

static bool in_networks(const apr_array_header_t *networks, const char *address)
{
    apr_sockaddr_t *addr;
    bool inside = false;

    assert_int_equal(apr_sockaddr_info_get(&addr, address, APR_UNSPEC, 0, 0, pool), APR_SUCCESS);
    for (int i = 0; i < networks->nelts; i++) {
        inside |= apr_ipsubnet_test(APR_ARRAY_IDX(networks, i, apr_ipsubnet_t *), addr) != 0;
    }
    return inside;
}

static void test_networks(void **state)
{
    static const struct {
        const char *text;
        int count;
        const char *in, *out; /* addresses inside and outside */
    } cases[] = {
        {"192.0.2.1", 1, "192.0.2.1", "192.0.2.2"},
        {"192.0.2.77/24", 1, "192.0.2.1", "192.0.1.255"},
        {"0.0.0.0/0", 2, "255.255.255.255", "2001:db8::1"},
        {"::/0", 2, "2001:db8::1", "192.0.2.1"},
        {"192.0.2.0/32", 1, "192.0.2.0", "192.0.2.1"},
        {"128.0.0.0/1", 1, "192.0.2.1", "127.255.255.255"},
        {"2001:db8::1", 1, "2001:db8::1", "2001:db8::2"},
        {"2001:db8::/32", 1, "2001:db8:ffff::1", "2001:db9::"},
        {"2001:DB8:0:0::/128", 1, "2001:db8::", "2001:db8::1"},
        {"::ffff:192.0.2.0/24", 1, "192.0.2.9", "192.0.3.1"},
        {"192.0.2.1 2001:db8::/32,198.51.100.0/24", 3, "2001:db8::5", "198.51.101.0"},
        {" , 192.0.2.1 ,\t, 198.51.100.0/24 ,", 2, "198.51.100.7", "192.0.2.0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        apr_array_header_t *networks = apr_array_make(pool, 1, sizeof(apr_ipsubnet_t *));

        assert_null(setting_networks(networks, cases[i].text));
        assert_int_equal(networks->nelts, cases[i].count);
        assert_true(in_networks(networks, cases[i].in));
        assert_false(in_networks(networks, cases[i].out));
        assert_null(setting_networks(networks, "203.0.113.0/24")); /* lines add up */
        assert_int_equal(networks->nelts, cases[i].count + 1);
    }
}

static void assert_no_networks(const char *const texts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        apr_array_header_t *networks = apr_array_make(pool, 1, sizeof(apr_ipsubnet_t *));

        assert_non_null(setting_networks(networks, texts[i]));
    }
}

static void test_networks_refused(void **state)
{
    static const char *const cases[] = {"10.1",        "10.0.0/8",     "10.0.0.0/",   "10.0.0.0/33",
                                        "10.0.0.0/-1", "10.0.0.0/+8",  "10.0.0.0/8x", "10.0.0.0/0x",
                                        "10.0.0.0//8", "10.0.0.0/8/8", "/8",          "256.0.0.1",
                                        "010.0.0.1",   "192.0.2.1;",   "192.0.2.1 x", "x,192.0.2.1",
                                        "example.org", "all",          "2001:db8::/", ""};
    static const char *const longer[] = {"10.0.0.0/255.0.0.0",
                                         "10.0.0.0/4294967304",
                                         "::ffff:192.0.2.0/96",
                                         "2001:db8::/129",
                                         "[2001:db8::1]",
                                         "fe80::1%eth0",
                                         " ,"};

    (void)state;
    assert_no_networks(cases, COUNT(cases));
    assert_no_networks(longer, COUNT(longer));
}

/* Lines of VPNSentinelServerPublicIP, one after the other, what they come to; NULL = refused. */
static void test_addresses(void **state)
{
    static const struct {
        const char *first, *second; /* second: NULL = one line only */
        const char *ipv4, *ipv6;
    } cases[] = {
        {"2001:DB8::1", NULL, "", "2001:db8::1"},
        {"192.0.2.1 2001:db8::1", NULL, "192.0.2.1", "2001:db8::1"},
        {"2001:db8::1,192.0.2.1", NULL, "192.0.2.1", "2001:db8::1"},
        {"192.0.2.1", "2001:db8::1", "192.0.2.1", "2001:db8::1"},
        {"::ffff:192.0.2.1", NULL, "192.0.2.1", ""},
        {"192.0.2.1 192.0.2.2", NULL, NULL, NULL},
        {"192.0.2.1", "192.0.2.1", NULL, NULL},
        {"::ffff:192.0.2.1 192.0.2.2", NULL, NULL, NULL},
        {"192.0.2.1 none", NULL, NULL, NULL},
        {"192.0.2.0/24", NULL, NULL, NULL},
        {"example.org", NULL, NULL, NULL},
        {" ,", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        vps_addr_t out[2] = {{0}, {0}};
        char text[VPS_ADDR_TEXT_SIZE];
        bool is = setting_addresses(pool, out, cases[i].first);

        if (cases[i].second != NULL) {
            assert_true(is);
            is = setting_addresses(pool, out, cases[i].second);
        }
        assert_int_equal(is, cases[i].ipv4 != NULL);
        if (is) {
            assert_string_equal(vps_addr_format(text, &out[0]), cases[i].ipv4);
            assert_string_equal(vps_addr_format(text, &out[1]), cases[i].ipv6);
        }
    }
}

/* A URL of this many bytes. */
static const char *long_url(size_t size)
{
    char *url = apr_palloc(pool, size + 1);

    memset(url, 'x', size);
    url[size] = '\0';
    return memcpy(url, "http://", 7);
}

static void test_base_url(void **state)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"https://api.telegram.org", "https://api.telegram.org"},
        {"HTTP://Example.org/", "HTTP://Example.org"},
        {"http://127.0.0.1:8081", "http://127.0.0.1:8081"},
        {"http://[2001:db8::1]:8081/bots//", "http://[2001:db8::1]:8081/bots"},
        {"https://example.org/a/b", "https://example.org/a/b"},
    };
    static const char *const bad[] = {"",
                                      "/",
                                      "http",
                                      "http:",
                                      "http:/",
                                      "http://",
                                      "http:///",
                                      "https://:443",
                                      "https://?",
                                      "example.org",
                                      "//example.org",
                                      "http:example.org",
                                      "ftp://example.org",
                                      "file:///etc/passwd",
                                      "xhttp://example.org",
                                      "socks5://example.org",
                                      "https://user@example.org",
                                      "https://user:word@example.org",
                                      "https://:word@example.org",
                                      "https://example.org?a",
                                      "https://example.org/#a",
                                      "https://example.org/a b",
                                      " https://example.org",
                                      "https://example.org\n",
                                      "https://example.org:port",
                                      "https://example.org:65536",
                                      "https://[2001:db8::1",
                                      "https://b\303\274cher.example"};
    const char *value = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(setting_base_url(pool, &value, cases[i].text));
        assert_string_equal(value, cases[i].value);
    }
    assert_null(setting_base_url(pool, &value, long_url(511)));
    value = NULL;
    assert_non_null(setting_base_url(pool, &value, long_url(512)));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_non_null(setting_base_url(pool, &value, bad[i]));
    }
    assert_null(value);
}

static void test_proxy_url(void **state)
{
    static const char *const good[] = {
        "http://proxy.example:3128", "https://proxy.example",       "socks4://127.0.0.1:1080",
        "socks4a://proxy.example",   "socks5://[2001:db8::1]:1080", "SOCKS5H://proxy.example/",
        "http://user:word@proxy:80", "socks5h://user@proxy.example"};
    static const char *const bad[] = {"",
                                      "proxy.example:3128",
                                      "socks://proxy.example",
                                      "socks6://proxy.example",
                                      "ftp://proxy.example",
                                      "http://",
                                      "http://user:word@",
                                      "http://user:wo#rd@proxy.example",
                                      "http://proxy.example:0x50",
                                      "http://proxy example"};
    const char *value = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_null(setting_proxy_url(pool, &value, good[i]));
        assert_string_equal(value, good[i]);
    }
    value = NULL;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_non_null(setting_proxy_url(pool, &value, bad[i]));
    }
    assert_null(value);
}

static void test_word(void **state)
{
    static const char *const bad[] = {"", " ", "a b", "a\n", "a\r\nX: y", "\xc3\xbc", "a\x7f"};
    char longest[258] = "";
    const char *value = NULL;

    (void)state;
    memset(longest, '~', 256);
    assert_null(setting_word(pool, &value, longest));
    assert_string_equal(value, longest);
    longest[256] = '!';
    value = NULL;
    assert_non_null(setting_word(pool, &value, longest));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_non_null(setting_word(pool, &value, bad[i]));
    }
    assert_null(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_duration_refused),
        cmocka_unit_test(test_boolean),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_networks_refused),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_base_url),
        cmocka_unit_test(test_proxy_url),
        cmocka_unit_test(test_word),
    };

    return cmocka_run_group_tests_name("setting", tests, pool_start, pool_stop);
}
