/* shared/whoami.h: which address an answer tells. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "whoami.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Records are separated by ";", the strings of one by ",". */
static void read_records(vps_whoami_t *whoami, const char *records)
{
    bool first = true;

    memset(whoami, 0, sizeof(*whoami));
    for (;;) {
        const size_t len = strcspn(records, ",;");

        vps_whoami_read(whoami, first, records, len);
        if (records[len] == '\0') {
            return;
        }
        first = records[len] == ';';
        records += len + 1;
    }
}

static void which_address(void **state)
{
    static const struct {
        const char *records;
        const char *addr; /* "" = none */
    } cases[] = {
        {"198.51.100.53", "198.51.100.53"},
        {"2001:DB8::53", "2001:db8::53"},
        {"::ffff:198.51.100.53", "198.51.100.53"},
        {"198.51.100.53;edns0-client-subnet 203.0.113.0/24", "198.51.100.53"},
        {"edns0-client-subnet 203.0.113.0/24;198.51.100.53", "198.51.100.53"},
        {"edns0-client-subnet 203.0.113.0/24", ""},
        {"ns,198.51.100.53", "198.51.100.53"},
        {"ecs,203.0.113.0/24/24;ip,203.0.113.9;ns,198.51.100.53", "198.51.100.53"},
        {"ip,203.0.113.9", ""},
        {"ecs,203.0.113.9", ""},
        {"ns", ""},
        {"ns;198.51.100.53", "198.51.100.53"}, /* the next record stands for itself */
        {"ns,x,198.51.100.53", ""},
        {"ns;x,198.51.100.53", ""},
        {"x,ns,198.51.100.53", ""},
        {"ns,10.0.0.1;ns,198.51.100.53", "198.51.100.53"},
        {"NS,198.51.100.53", ""},
        {"nsx,198.51.100.53", ""},
        {"Resolver IP: 198.51.100.53", "198.51.100.53"},
        {"EDNS0 client subnet: 2.13.157.0/24/0;Resolver IP: 2001:db8::53", "2001:db8::53"},
        {"id: 7;proto: UDP;resolver: 198.51.100.53;resolverGeo: X", "198.51.100.53"},
        {"Resolver IP: ", ""},
        {"resolver: 198.51.100.53 ", ""},
        {"resolver:  198.51.100.53", ""},
        {"resolver: resolver: 198.51.100.53", ""},
        {"client: 198.51.100.53", ""},
        {"x,198.51.100.53", ""},
        {"198.51.100.53;198.51.100.54", "198.51.100.53"},
        {"10.0.0.1;198.51.100.54", "198.51.100.54"},
        {"10.0.0.1", ""},
        {"127.0.0.1", ""},
        {"198.18.0.7", ""},
        {"fd00::1", ""},
        {"0.0.0.0", ""},
        {"", ""},
        {"unknown", ""},
        {" 198.51.100.53", ""},
        {"198.51.100.53\n", ""},
        {"198.51.100.53/32", ""},
        {"\"198.51.100.53\"", ""},
        {"198.51.100.53\x1b[31m", ""},
        {"198.51.100.256", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[VPS_ADDR_TEXT_SIZE];
        vps_whoami_t whoami;

        read_records(&whoami, cases[i].records);
        if (strcmp(vps_addr_format(text, &whoami.addr), cases[i].addr) != 0) {
            fail_msg("%s: %s", cases[i].records, text);
        }
    }
}

/* The length counts, not a NUL. */
static void strings_with_nul(void **state)
{
    vps_whoami_t whoami = {0};

    (void)state;
    vps_whoami_read(&whoami, true, "198.51.100.53\0", 14);
    vps_whoami_read(&whoami, true, "ns\0", 3);
    vps_whoami_read(&whoami, false, "198.51.100.53", 13);
    assert_int_equal(whoami.addr.version, 0);
    vps_whoami_read(&whoami, true, "198.51.100.53xxx", 13);
    assert_int_equal(whoami.addr.version, 4);
}

static void colo(void **state)
{
    static const char *const bad[] = {"", "FR", "FRAN", "fra", "FR1", "FR ", "F\tA", "\xc3\x84R"};
    char code[VPS_WHOAMI_COLO_SIZE] = "xyz";

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(vps_whoami_colo(code, bad[i], strlen(bad[i])));
        assert_string_equal(code, "xyz");
    }
    assert_false(vps_whoami_colo(code, "FR\0", 3));
    assert_true(vps_whoami_colo(code, "FRAx", 3));
    assert_string_equal(code, "FRA");
    assert_true(vps_whoami_colo(code, "AZA", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_address),
        cmocka_unit_test(strings_with_nul),
        cmocka_unit_test(colo),
    };

    return cmocka_run_group_tests_name("whoami", tests, NULL, NULL);
}
