/* mod_vpnsentinel/hindsight.h: the journal of a report, by the server's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hindsight.h"

#define NOW INT64_C(1700000000) /* by the server's clock, sec since epoch */

static vps_past_t past;
static hindsight_t out[VPS_PAST_MAX];

static void change(int64_t at, vps_fact_t fact, const char *text)
{
    vps_record_t record = {0};

    if (fact == VPS_FACT_PUBLIC_IP) {
        assert_true(vps_addr_parse(&record.public_ip, text, strlen(text)));
    }
    if (fact == VPS_FACT_LOCATION) {
        strcpy(record.location, text);
    }
    record.vpn_connected = text[0] == 'y' ? VPS_YES : VPS_NO;
    vps_change_take(&past.changes[past.count++], fact, &record, at);
}

/* Of a report that the client's clock dates so, 0 = not at all. */
static size_t make(int64_t timestamp)
{
    const vps_record_t report = {.timestamp = (uint32_t)timestamp};

    memset(out, 0xff, sizeof(out));
    return hindsight_make(out, &past, &report, NOW);
}

static int start(void **state)
{
    (void)state;
    past.count = 0;
    return 0;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(make(NOW), 0);
}

/* The clocks need not agree; ages count. */
static void test_times(void **state)
{
    static const struct {
        int64_t timestamp, at, when;
    } cases[] = {
        {NOW, NOW - 60, NOW - 60}, {5000, 4940, NOW - 60}, {2 * NOW, 2 * NOW - 60, NOW - 60},
        {0, NOW - 60, NOW - 60}, /* nothing to compare with */
        {5000, 5000, NOW},       /* now */
        {5000, 6000, NOW},       /* what is to come is now */
        {2 * NOW, 1, 0},         /* before all time */
        {0, 2 * NOW, NOW},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        past.count = 0;
        change(cases[i].at, VPS_FACT_VPN_CONNECTED, "n");
        assert_int_equal(make(cases[i].timestamp), 1);
        assert_int_equal(out[0].when, cases[i].when);
    }
}

static void test_facts(void **state)
{
    judged_t expected;

    (void)state;
    change(100, VPS_FACT_PUBLIC_IP, "203.0.113.1");
    change(100, VPS_FACT_LOCATION, "Romania");
    change(130, VPS_FACT_VPN_CONNECTED, "n");
    change(190, VPS_FACT_VPN_CONNECTED, "y");
    assert_int_equal(make(200), 3);
    memset(&expected, 0, sizeof(expected));
    assert_true(vps_addr_parse(&expected.public_ip, "203.0.113.1", 11));
    strcpy(expected.place, "RO");
    assert_int_equal(out[0].when, NOW - 100);
    assert_memory_equal(&out[0].judged, &expected, sizeof(expected));
    memset(&expected, 0, sizeof(expected));
    expected.vpn_connected = VPS_NO;
    assert_int_equal(out[1].when, NOW - 70);
    assert_memory_equal(&out[1].judged, &expected, sizeof(expected));
    expected.vpn_connected = VPS_YES;
    assert_int_equal(out[2].when, NOW - 10);
    assert_memory_equal(&out[2].judged, &expected, sizeof(expected));
}

/* Time does not go back: the order of the journal counts. */
static void test_order(void **state)
{
    (void)state;
    change(150, VPS_FACT_VPN_CONNECTED, "n");
    change(100, VPS_FACT_LOCATION, "RO");
    change(160, VPS_FACT_VPN_CONNECTED, "y");
    assert_int_equal(make(200), 2);
    assert_int_equal(out[0].when, NOW - 50);
    assert_string_equal(out[0].judged.place, "RO");
    assert_int_equal(out[0].judged.vpn_connected, VPS_NO);
    assert_int_equal(out[1].when, NOW - 40);
}

static void test_within_a_second(void **state)
{
    (void)state;
    change(100, VPS_FACT_VPN_CONNECTED, "n");
    change(100, VPS_FACT_LOCATION, "RO");
    change(100, VPS_FACT_VPN_CONNECTED, "y");
    assert_int_equal(make(200), 2);
    assert_int_equal(out[0].when, NOW - 100);
    assert_int_equal(out[0].judged.vpn_connected, VPS_NO);
    assert_string_equal(out[0].judged.place, "RO");
    assert_int_equal(out[1].when, NOW - 100);
    assert_int_equal(out[1].judged.vpn_connected, VPS_YES);
}

static void test_many(void **state)
{
    (void)state;
    for (int64_t i = 0; i < VPS_PAST_MAX; i++) {
        change(100 + i, VPS_FACT_VPN_CONNECTED, i % 2 == 0 ? "n" : "y");
    }
    assert_int_equal(make(200), VPS_PAST_MAX);
    assert_int_equal(out[VPS_PAST_MAX - 1].when, NOW - 100 + VPS_PAST_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, start),
        cmocka_unit_test_setup(test_times, start),
        cmocka_unit_test_setup(test_facts, start),
        cmocka_unit_test_setup(test_order, start),
        cmocka_unit_test_setup(test_within_a_second, start),
        cmocka_unit_test_setup(test_many, start),
    };

    return cmocka_run_group_tests_name("hindsight", tests, NULL, NULL);
}
