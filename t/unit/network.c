/* client/network.h: whose an address is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "network.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static vps_addr_t addr_of(const char *text)
{
    vps_addr_t addr;

    vps_addr_parse(&addr, text, strlen(text));
    return addr;
}

static void test_as(void **state)
{
    static const struct {
        const char *provider;
        uint32_t as;
    } cases[] = {
        {"AS9009 M247 Europe SRL", 9009},
        {"AS13335", 13335},
        {"AS4294967295 the last", 4294967295},
        {"AS4294967296 one more", 0},
        {"AS99999999999 too many digits", 0},
        {"AS0 nobody", 0},
        {"", 0},
        {"AS", 0},
        {"AS Roma", 0},
        {"ASUS", 0},
        {"AS9009x", 0},
        {"AS-1", 0},
        {"AS 9009", 0},
        {"9009", 0},
        {"M247 AS9009", 0},
        {" AS9009", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (network_as(cases[i].provider) != cases[i].as) {
            fail_msg("%s: %u", cases[i].provider, network_as(cases[i].provider));
        }
    }
}

static void test_near(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_near;
    } cases[] = {
        {"198.51.100.1", "198.51.100.1", true},
        {"198.51.100.1", "198.51.100.254", true},
        {"198.51.100.1", "198.51.101.1", false},
        {"2001:db8:1::1", "2001:db8:1:ffff::2", true},
        {"2001:db8:1::1", "2001:db8:2::1", false},
        {"198.51.100.1", "::ffff:198.51.100.2", true},
        {"198.51.100.1", "2001:db8::1", false},
        {"", "198.51.100.1", false},
        {"198.51.100.1", "", false},
        {"", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const vps_addr_t a = addr_of(cases[i].a), b = addr_of(cases[i].b);

        if (network_is_near(&a, &b) != cases[i].is_near) {
            fail_msg("%s, %s", cases[i].a, cases[i].b);
        }
    }
}

static void test_bad_lists(void **state)
{
    static const char *const lists[] = {
        "",         " , ",         "x",          "AS",          "AS0",         "AS4294967296",
        "1.1.1",    "1.1.1.1/",    "1.1.1.1/33", "1.1.1.1/-1",  "1.1.1.1/x",   "2001:db8::/129",
        "/8",       "1.1.1.1/8/8", "1.1.1.1;",   "AS1 example", "AS9009/8",    "[2001:db8::1]",
        "::1%eth0", "1.1.1.1-2",   "1.1.1.1:53", "dns.example", "1.1.1.1/0x8", "1.1.1.1 /8",
    };
    network_list_t list;

    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (network_list_read(&list, lists[i])) {
            fail_msg("\"%s\" was read", lists[i]);
        }
    }
}

static void test_length(void **state)
{
    char text[8 * (NETWORK_LIST_MAX + 1) + 1] = "";
    network_list_t list;

    (void)state;
    for (int i = 0; i < NETWORK_LIST_MAX; i++) {
        strcat(text, "1.1.1.1,");
    }
    assert_true(network_list_read(&list, text));
    assert_int_equal(list.count, NETWORK_LIST_MAX);
    strcat(text, "1.1.1.1");
    assert_false(network_list_read(&list, text));
}

static void test_lists(void **state)
{
    static const struct {
        const char *list, *addr;
        bool has_it;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.77/24", "192.0.2.1", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.4/30", "192.0.2.7", true},
        {"192.0.2.4/30", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"AS1,10.0.0.0/8 2001:db8::/32", "2001:db8::7", true},
        {"AS1, 10.0.0.0/8,2001:db8::/32", "10.1.2.3", true},
        {"AS1\t,AS2", "10.1.2.3", false},
        {"0.0.0.0/0", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const vps_addr_t addr = addr_of(cases[i].addr);
        network_list_t list;

        assert_true(network_list_read(&list, cases[i].list));
        if (network_list_has_addr(&list, &addr) != cases[i].has_it) {
            fail_msg("%s in %s", cases[i].addr, cases[i].list);
        }
    }
}

static void test_ases(void **state)
{
    network_list_t list;

    (void)state;
    assert_true(network_list_read(&list, "AS13335, as15169 192.0.2.1"));
    assert_true(network_list_has_as(&list, 13335));
    assert_true(network_list_has_as(&list, 15169));
    assert_false(network_list_has_as(&list, 9009));
    assert_false(network_list_has_as(&list, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as),        cmocka_unit_test(test_near),
        cmocka_unit_test(test_bad_lists), cmocka_unit_test(test_length),
        cmocka_unit_test(test_lists),     cmocka_unit_test(test_ases),
    };

    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
