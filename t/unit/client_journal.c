/* client/journal.h: what is noted, what a report takes along, what is forgotten when it is too much. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "journal.h"

#define NOW INT64_C(1736944496) /* sec since epoch */

static journal_t journal;
static vps_past_t past;

static int start(void **state)
{
    (void)state;
    memset(&journal, 0, sizeof(journal));
    return 0;
}

static vps_record_t seen(const char *ip, vps_answer_t vpn, vps_dns_verdict_t dns)
{
    vps_record_t record = {.timestamp = NOW, .vpn_connected = vpn, .dns_verdict = dns};

    if (ip[0] != '\0') {
        assert_true(vps_addr_parse(&record.public_ip, ip, strlen(ip)));
    }
    return record;
}

static void note(int64_t now, const char *ip, vps_answer_t vpn, vps_dns_verdict_t dns)
{
    const vps_record_t record = seen(ip, vpn, dns);

    journal_note(&journal, &record, now);
}

/* What a report of NOW would take along at this instant. */
static void fill(int64_t now)
{
    const vps_record_t record = {.timestamp = NOW};

    memset(&past, 0xff, sizeof(past));
    journal_fill(&past, &journal, &record, now);
}

static void assert_change(size_t i, vps_fact_t fact, int64_t ago)
{
    assert_true(i < past.count);
    assert_int_equal(past.changes[i].fact, fact);
    assert_int_equal(past.changes[i].at, NOW - ago);
}

/* The report itself tells what was just seen. */
static void test_what_is_told_at_once(void **state)
{
    (void)state;
    note(1000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    fill(1000);
    assert_int_equal(past.count, 0);
    journal_told(&journal);
    note(61000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    fill(61000);
    assert_int_equal(past.count, 0);
    note(121000, "192.0.2.2", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    fill(121000);
    assert_int_equal(past.count, 0);
}

/* A leak that began and ended while nobody could be told. */
static void test_what_came_and_went(void **state)
{
    (void)state;
    note(1000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    journal_told(&journal);
    note(10000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_LEAK);
    note(20000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_LEAK);
    note(30000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    note(40500, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    fill(40500);
    assert_int_equal(past.count, 2);
    assert_change(0, VPS_FACT_DNS_VERDICT, 30);
    assert_int_equal(past.changes[0].value[0], VPS_DNS_VERDICT_LEAK);
    assert_change(1, VPS_FACT_DNS_VERDICT, 10);
    assert_int_equal(past.changes[1].value[0], VPS_DNS_VERDICT_TUNNEL);

    fill(50000); /* that report was not accepted either */
    assert_int_equal(past.count, 2);
    assert_change(0, VPS_FACT_DNS_VERDICT, 40);
    journal_told(&journal);
    fill(60000);
    assert_int_equal(past.count, 0);
}

/* Nobody was told anything yet: all that is known belongs to it. */
static void test_from_the_first_look_on(void **state)
{
    (void)state;
    note(1000, "192.0.2.1", VPS_NO, VPS_DNS_VERDICT_LEAK);
    fill(5000);
    assert_int_equal(past.count, 3);
    assert_change(0, VPS_FACT_PUBLIC_IP, 4);
    assert_change(1, VPS_FACT_DNS_VERDICT, 4);
    assert_change(2, VPS_FACT_VPN_CONNECTED, 4);
}

static void test_what_is_not_known_is_no_change(void **state)
{
    (void)state;
    note(1000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    journal_told(&journal);
    note(2000, "", VPS_UNKNOWN, VPS_DNS_VERDICT_UNKNOWN);
    note(3000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    fill(4000);
    assert_int_equal(past.count, 0);
}

/* The newest of each fact stays, whatever else comes and goes. */
static void test_too_much(void **state)
{
    (void)state;
    note(1000, "192.0.2.1", VPS_UNKNOWN, VPS_DNS_VERDICT_UNKNOWN);
    for (int i = 0; i < 100; i++) {
        note(2000 + i * 1000, "", i % 2 == 0 ? VPS_NO : VPS_YES, VPS_DNS_VERDICT_UNKNOWN);
    }
    fill(102000);
    assert_int_equal(past.count, VPS_PAST_MAX);
    assert_change(0, VPS_FACT_PUBLIC_IP, 101);
    for (size_t i = 1; i < VPS_PAST_MAX; i++) {
        assert_change(i, VPS_FACT_VPN_CONNECTED, (int64_t)(VPS_PAST_MAX - i));
    }
    assert_int_equal(past.changes[VPS_PAST_MAX - 1].value[0], VPS_YES);
}

static void test_who_keeps_a_copy(void **state)
{
    unsigned before = journal.changes;

    (void)state;
    note(1000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    assert_int_not_equal(journal.changes, before);
    before = journal.changes;
    note(2000, "192.0.2.1", VPS_YES, VPS_DNS_VERDICT_TUNNEL);
    assert_int_equal(journal.changes, before);
    journal_told(&journal);
    assert_int_not_equal(journal.changes, before);
    before = journal.changes;
    journal_told(&journal);
    assert_int_equal(journal.changes, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_is_told_at_once, start),
        cmocka_unit_test_setup(test_what_came_and_went, start),
        cmocka_unit_test_setup(test_from_the_first_look_on, start),
        cmocka_unit_test_setup(test_what_is_not_known_is_no_change, start),
        cmocka_unit_test_setup(test_too_much, start),
        cmocka_unit_test_setup(test_who_keeps_a_copy, start),
    };

    return cmocka_run_group_tests_name("client_journal", tests, NULL, NULL);
}
