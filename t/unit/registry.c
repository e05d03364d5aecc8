#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_memory.h"

static const char *numbered(unsigned int n)
{
    static char id[32];

    (void)snprintf(id, sizeof id, "client-%u", n);
    return id;
}

static void test_keepalive_and_get(void **state)
{
    memory_t memory;
    client_view_t view;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(keepalive(&memory, "a", "Rome"), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "a", "Oslo"), REGISTRY_OK);
    assert_int_equal(registry_get(&memory.registry, "a", &view), REGISTRY_OK);
    assert_string_equal(view.client.report.city, "Oslo");
    assert_int_equal(view.client.keepalives, 2);
    assert_int_equal(view.client.uid, 1);
    assert_int_equal(view.client.first_seen, 1700001001);
    assert_int_equal(view.client.last_seen, 1700001001);
    assert_int_equal(view.seen, 1001 * SECOND);
    assert_int_equal(registry_get(&memory.registry, "A", &view), REGISTRY_ABSENT);
    assert_valid(&memory);
    memory_close(&memory);
}

static void test_register(void **state)
{
    memory_t memory;
    client_view_t view;
    vps_record_t report = report_of("a", "Rome");
    sighting_t sighting = sighting_of(&report, 1001);

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_CREATED);
    assert_int_equal(registry_get(&memory.registry, "a", &view), REGISTRY_OK);
    assert_int_equal(view.seen, CLIENT_NEVER_SEEN);
    assert_int_equal(view.client.last_seen, 0);
    assert_int_equal(view.client.keepalives, 0);
    assert_valid(&memory);
    assert_int_equal(keepalive(&memory, "a", "Oslo"), REGISTRY_OK);
    assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_OK);
    assert_int_equal(registry_get(&memory.registry, "a", &view), REGISTRY_OK);
    assert_string_equal(view.client.report.city, "Oslo");
    assert_int_equal(view.client.seq, 0);
    assert_valid(&memory);
    memory_close(&memory);
}

static void test_full(void **state)
{
    memory_t memory;
    vps_record_t report = report_of("late", "");
    sighting_t sighting = sighting_of(&report, 1001);

    (void)state;
    memory_open(&memory, 1024);
    registry_set_max_clients(&memory.registry, 2);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "b", ""), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "c", ""), REGISTRY_FULL);
    assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_FULL);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_OK);
    assert_int_equal(registry_remove(&memory.registry, "b"), REGISTRY_OK);
    assert_int_equal(registry_remove(&memory.registry, "b"), REGISTRY_ABSENT);
    assert_int_equal(keepalive(&memory, "c", ""), REGISTRY_CREATED);
    registry_set_max_clients(&memory.registry, 5000);
    assert_int_equal(registry_max_clients(&memory.registry), 1024);
    assert_valid(&memory);
    memory_close(&memory);
}

static void test_freed_slots_are_used_again(void **state)
{
    memory_t memory;
    client_view_t view;
    unsigned int i, round;

    (void)state;
    memory_open(&memory, 1024);
    for (round = 0; round < 5; round++) {
        for (i = 0; i < 1024; i++) {
            assert_int_equal(keepalive(&memory, numbered(i), ""), REGISTRY_CREATED);
        }
        assert_valid(&memory);
        for (i = 0; i < 1024; i++) {
            assert_int_equal(registry_remove(&memory.registry, numbered((i * 7) % 1024)),
                             REGISTRY_OK);
        }
        assert_valid(&memory);
    }
    assert_int_equal(keepalive(&memory, "next", ""), REGISTRY_CREATED);
    assert_int_equal(registry_get(&memory.registry, "next", &view), REGISTRY_OK);
    assert_int_equal(view.client.uid, 5 * 1024 + 1); /* never an old one */
    memory_close(&memory);
}

static void test_list_gives_each_client_once(void **state)
{
    enum { CLIENTS = 3000 };
    static unsigned char seen[CLIENTS];
    client_view_t views[7];
    memory_t memory;
    uint32_t cursor = 0;
    size_t count, i, total = 0;
    unsigned int n;

    (void)state;
    memory_open(&memory, 4096);
    for (n = 0; n < CLIENTS; n++) {
        assert_int_equal(keepalive(&memory, numbered(n), ""), REGISTRY_CREATED);
    }
    assert_int_equal(registry_remove(&memory.registry, numbered(1)), REGISTRY_OK);
    do {
        assert_int_equal(registry_list(&memory.registry, &cursor, views, 7, &count), REGISTRY_OK);
        for (i = 0; i < count; i++) {
            assert_int_equal(sscanf(views[i].client.report.client_id, "client-%u", &n), 1);
            assert_int_equal(seen[n]++, 0);
        }
        total += count;
    } while (count > 0);
    assert_int_equal(total, CLIENTS - 1);
    assert_int_equal(seen[1], 0);
    memory_close(&memory);
}

static void test_unused_capacity_stays_untouched(void **state)
{
    enum { CLIENTS = 1000 };
    unsigned char resident[(size_t)1 << 16];
    memory_t memory;
    size_t pages, touched = 0, i;
    unsigned int n;

    (void)state;
    memory_open(&memory, 100000);
    for (n = 0; n < CLIENTS; n++) {
        assert_int_equal(keepalive(&memory, numbered(n), ""), REGISTRY_CREATED);
    }
    pages = memory.size / 4096;
    assert_true(pages <= sizeof resident);
    assert_int_equal(mincore(memory.base, memory.size, resident), 0);
    for (i = 0; i < pages; i++) {
        touched += resident[i] & 1;
    }
    assert_in_range(touched * 4096, CLIENTS * sizeof(client_t), CLIENTS * 1024 + 16 * 4096);
    memory_close(&memory);
}

/* --- journal --- */

static void report_facts(memory_t *memory, const char *public_ip, const char *place,
                         const char *dns, vps_answer_t vpn, int64_t second)
{
    vps_record_t report = report_of("a", "");

    (void)vps_addr_parse(&report.public_ip, public_ip, strlen(public_ip));
    (void)snprintf(report.location, sizeof report.location, "%s", place);
    (void)snprintf(report.dns_loc, sizeof report.dns_loc, "%s", dns);
    report.vpn_connected = (uint8_t)vpn;
    assert_in_range(report_at(memory, &report, second), REGISTRY_OK, REGISTRY_CREATED);
    assert_valid(memory);
}

static client_t only_client(memory_t *memory)
{
    client_view_t view;

    assert_int_equal(registry_get(&memory->registry, "a", &view), REGISTRY_OK);
    return view.client;
}

static void test_journal_records_changes(void **state)
{
    memory_t memory;
    client_t client;
    char text[VPS_ADDR_TEXT_SIZE];

    (void)state;
    memory_open(&memory, 1024);
    report_facts(&memory, "203.0.113.1", "DE", "DE", VPS_YES, 1001);
    assert_int_equal(only_client(&memory).seq, 0);
    report_facts(&memory, "203.0.113.2", "Germany", "FR", VPS_NO, 1002);
    client = only_client(&memory);
    assert_int_equal(client.seq, 3);
    assert_int_equal(client.last_change, 1700001002);
    assert_int_equal(client.changes[0].kind, CHANGE_ADDRESS);
    assert_string_equal(vps_addr_format(text, &client.changes[0].from.addr), "203.0.113.1");
    assert_string_equal(vps_addr_format(text, &client.changes[0].to.addr), "203.0.113.2");
    assert_int_equal(client.changes[1].kind, CHANGE_DNS);
    assert_string_equal(client.changes[1].from.country, "DE");
    assert_string_equal(client.changes[1].to.country, "FR");
    assert_int_equal(client.changes[2].kind, CHANGE_VPN);
    assert_int_equal(client.changes[2].from.answer, VPS_YES);
    assert_int_equal(client.changes[2].to.answer, VPS_NO);
    assert_int_equal(client.changes[3].kind, CHANGE_NONE);
    memory_close(&memory);
}

static void test_unknown_between_equals_is_no_change(void **state)
{
    memory_t memory;

    (void)state;
    memory_open(&memory, 1024);
    report_facts(&memory, "203.0.113.1", "DE", "DE", VPS_YES, 1001);
    report_facts(&memory, "", "", "", VPS_UNKNOWN, 1002);
    assert_int_equal(only_client(&memory).report.public_ip.version, 0);
    report_facts(&memory, "203.0.113.1", "DE", "DE", VPS_YES, 1003);
    assert_int_equal(only_client(&memory).seq, 0);
    assert_int_equal(only_client(&memory).last_change, 0);
    report_facts(&memory, "", "", "", VPS_UNKNOWN, 1004);
    report_facts(&memory, "203.0.113.2", "", "", VPS_UNKNOWN, 1005);
    assert_int_equal(only_client(&memory).seq, 1);
    memory_close(&memory);
}

static void test_change_and_back_are_two(void **state)
{
    memory_t memory;

    (void)state;
    memory_open(&memory, 1024);
    report_facts(&memory, "203.0.113.1", "", "", VPS_UNKNOWN, 1001);
    report_facts(&memory, "203.0.113.2", "", "", VPS_UNKNOWN, 1002);
    report_facts(&memory, "203.0.113.1", "", "", VPS_UNKNOWN, 1003);
    assert_int_equal(only_client(&memory).seq, 2);
    memory_close(&memory);
}

static void test_return_after_a_gap(void **state)
{
    memory_t memory;
    client_t client;
    uint32_t seconds;

    (void)state;
    memory_open(&memory, 1024);
    report_facts(&memory, "", "", "", VPS_UNKNOWN, 1001);
    report_facts(&memory, "", "", "", VPS_UNKNOWN, 1300);
    assert_int_equal(only_client(&memory).seq, 0);
    report_facts(&memory, "", "", "", VPS_UNKNOWN, 1600);
    client = only_client(&memory);
    assert_int_equal(client.seq, 1);
    assert_int_equal(client.changes[0].kind, CHANGE_RETURN);
    memcpy(&seconds, client.changes[0].from.seconds, sizeof seconds);
    assert_int_equal(seconds, 300);
    memory_close(&memory);
}

static void test_full_journal_folds_its_oldest(void **state)
{
    memory_t memory;
    client_t client;
    char address[32];
    int i;

    (void)state;
    memory_open(&memory, 1024);
    for (i = 0; i <= 300; i++) {
        (void)snprintf(address, sizeof address, "203.0.113.%d", i % 2);
        report_facts(&memory, address, "", "", VPS_UNKNOWN, 1001 + i);
    }
    client = only_client(&memory);
    assert_int_equal(client.seq, 300);
    assert_int_equal(client.changes[0].kind, CHANGE_FOLDED);
    assert_int_equal(client.changes[0].merged, 255);
    assert_int_equal(client.changes[0].seq, 297);
    assert_int_equal(client.changes[3].kind, CHANGE_ADDRESS);
    assert_int_equal(client.changes[3].seq, 300);
    memory_close(&memory);
}

static void test_compatibility(void **state)
{
    memory_t memory;

    (void)state;
    memory_open(&memory, 1024);
    assert_true(registry_is_compatible(memory.base));
    ((uint32_t *)memory.base)[1]++;
    assert_false(registry_is_compatible(memory.base));
    memory_close(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keepalive_and_get),
        cmocka_unit_test(test_register),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_freed_slots_are_used_again),
        cmocka_unit_test(test_list_gives_each_client_once),
        cmocka_unit_test(test_unused_capacity_stays_untouched),
        cmocka_unit_test(test_journal_records_changes),
        cmocka_unit_test(test_unknown_between_equals_is_no_change),
        cmocka_unit_test(test_change_and_back_are_two),
        cmocka_unit_test(test_return_after_a_gap),
        cmocka_unit_test(test_full_journal_folds_its_oldest),
        cmocka_unit_test(test_compatibility),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
