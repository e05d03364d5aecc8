/* shared/addr.h: what is an address, its canonical text, equality. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "addr.h"

static void canonical_text(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"203.0.113.42", "203.0.113.42"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        /* RFC 5952 section 4.2.2: a single zero group is not shortened. */
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        /* 4.2.3: the longest run is, and of two equal ones the first. */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        /* RFC 4291 section 2.5.5: embedded IPv4. */
        {"::ffff:203.0.113.42", "203.0.113.42"},
        {"::FFFF:cb00:712a", "203.0.113.42"},
        {"0:0:0:0:0:ffff:203.0.113.42", "203.0.113.42"},
        {"0000:0000:0000:0000:0000:ffff:203.100.113.142", "203.100.113.142"},
        {"::13.1.68.3", "::13.1.68.3"},
        {"::d01:4403", "::13.1.68.3"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::ffff:0:203.0.113.42", "::ffff:0:cb00:712a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[VPS_ADDR_TEXT_SIZE];
        vps_addr_t addr, again;

        assert_true(vps_addr_parse(&addr, cases[i].in, strlen(cases[i].in)));
        assert_string_equal(vps_addr_format(text, &addr), cases[i].out);
        assert_true(vps_addr_parse(&again, text, strlen(text)));
        assert_true(vps_addr_equal(&addr, &again));
    }
}

static void not_an_address(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "unknown",
        "localhost",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.256",
        "1.2.3.04",
        "1.2.3.00",
        "01.2.3.4",
        "0x7f.0.0.1",
        "2130706433",
        "1.2.3.-4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4\n",
        "1.2.3.4/32",
        "1.2.3.4:80",
        "\xd9\xa1.2.3.4",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "1::2::3",
        "12345::",
        "g::",
        "::1 ",
        "[::1]",
        "fe80::1%eth0",
        "::1/128",
        "::ffff:1.2.3",
        "::ffff:1.2.3.04",
        "::ffff:1.2.3.4.5",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "00000:0000:0000:0000:0000:0000:0000:0001",
        "1111:2222:3333:4444:5555:6666:123.123.123.1234",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[VPS_ADDR_TEXT_SIZE];
        vps_addr_t addr;

        memset(&addr, 0xff, sizeof(addr));
        assert_false(vps_addr_parse(&addr, cases[i], strlen(cases[i])));
        assert_int_equal(addr.version, 0);
        assert_string_equal(vps_addr_format(text, &addr), "");
    }
}

/* The length counts, not a NUL. */
static void text_without_nul(void **state)
{
    vps_addr_t addr;

    (void)state;
    assert_true(vps_addr_parse(&addr, "1.2.3.45", 7));
    assert_int_equal(addr.bytes[3], 4);
    assert_false(vps_addr_parse(&addr, "1.2.3.4\0", 8));
    assert_false(vps_addr_parse(&addr, "1.2.3.4\0.5", 10));
    assert_false(vps_addr_parse(&addr, "\0", 1));
}

static void bytes(void **state)
{
    static const vps_addr_t v4 = {4, {192, 0, 2, 1}};
    static const vps_addr_t v6 = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0xff}};
    vps_addr_t addr;

    (void)state;
    memset(&addr, 0xff, sizeof(addr));
    assert_true(vps_addr_parse(&addr, "192.0.2.1", 9));
    assert_memory_equal(&addr, &v4, sizeof(addr));
    assert_true(vps_addr_parse(&addr, "2001:db8::ff", 12));
    assert_memory_equal(&addr, &v6, sizeof(addr));
}

static void from_bytes(void **state)
{
    static const uint8_t v4[4] = {192, 0, 2, 1};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0xff};
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    vps_addr_t addr, parsed;

    (void)state;
    memset(&addr, 0xff, sizeof(addr));
    assert_true(vps_addr_parse(&parsed, "192.0.2.1", 9));
    vps_addr_from_bytes(&addr, 4, v4);
    assert_memory_equal(&addr, &parsed, sizeof(addr));
    memset(&addr, 0xff, sizeof(addr));
    vps_addr_from_bytes(&addr, 6, mapped);
    assert_memory_equal(&addr, &parsed, sizeof(addr));
    assert_true(vps_addr_parse(&parsed, "2001:db8::ff", 12));
    vps_addr_from_bytes(&addr, 6, v6);
    assert_memory_equal(&addr, &parsed, sizeof(addr));
}

/* The first and last address of each range, and their neighbours. */
static void public_addresses(void **state)
{
    static const struct {
        bool is_public;
        const char *text;
    } cases[] = {
        {false, "0.0.0.0"},
        {false, "0.255.255.255"},
        {true, "1.0.0.0"},
        {true, "9.255.255.255"},
        {false, "10.0.0.0"},
        {false, "10.255.255.255"},
        {true, "11.0.0.0"},
        {true, "100.63.255.255"},
        {false, "100.64.0.0"},
        {false, "100.127.255.255"},
        {true, "100.128.0.0"},
        {true, "126.255.255.255"},
        {false, "127.0.0.0"},
        {false, "127.255.255.255"},
        {true, "128.0.0.0"},
        {true, "169.253.255.255"},
        {false, "169.254.0.0"},
        {false, "169.254.255.255"},
        {true, "169.255.0.0"},
        {true, "172.15.255.255"},
        {false, "172.16.0.0"},
        {false, "172.31.255.255"},
        {true, "172.32.0.0"},
        {true, "192.167.255.255"},
        {false, "192.168.0.0"},
        {false, "192.168.255.255"},
        {true, "192.169.0.0"},
        {true, "198.17.255.255"},
        {false, "198.18.0.0"},
        {false, "198.19.255.255"},
        {true, "198.20.0.0"},
        {true, "223.255.255.255"},
        {false, "224.0.0.0"},
        {false, "255.255.255.255"},
        {false, "::ffff:10.0.0.1"},
        {true, "::ffff:192.0.2.1"},
        {false, "::"},
        {false, "::1"},
        {true, "2606:4700::1111"},
        {true, "fbff::1"},
        {false, "fc00::"},
        {false, "fdff:ffff::"},
        {true, "fe00::"},
        {false, "fe80::"},
        {false, "febf:ffff::"},
        {true, "fec0::"},
        {false, "ff00::"},
        {false, "ffff::"},
        {true, "198.51.100.1"},
        {true, "203.0.113.1"},
        {true, "2001:db8::1"},
    };
    const vps_addr_t unknown = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vps_addr_t addr;

        assert_true(vps_addr_parse(&addr, cases[i].text, strlen(cases[i].text)));
        if (vps_addr_is_public(&addr) != cases[i].is_public) {
            fail_msg("%s", cases[i].text);
        }
    }
    assert_false(vps_addr_is_public(&unknown));
}

static void equality(void **state)
{
    static const vps_addr_t unknown = {0};
    vps_addr_t a, b;

    (void)state;
    assert_true(vps_addr_parse(&a, "203.0.113.42", 12));
    assert_true(vps_addr_parse(&b, "::ffff:203.0.113.42", 19));
    assert_true(vps_addr_equal(&a, &b));
    assert_true(vps_addr_parse(&b, "203.0.113.43", 12));
    assert_false(vps_addr_equal(&a, &b));
    /* The same bytes in another family. */
    assert_true(vps_addr_parse(&a, "1.2.3.4", 7));
    assert_true(vps_addr_parse(&b, "102:304::", 9));
    assert_false(vps_addr_equal(&a, &b));
    assert_false(vps_addr_equal(&a, &unknown));
    assert_false(vps_addr_equal(&unknown, &unknown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text),   cmocka_unit_test(not_an_address),
        cmocka_unit_test(text_without_nul), cmocka_unit_test(bytes),
        cmocka_unit_test(from_bytes),       cmocka_unit_test(public_addresses),
        cmocka_unit_test(equality),
    };

    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
