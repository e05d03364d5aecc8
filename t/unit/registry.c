#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_head.h"
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
    assert_int_equal(registry_keepalives(&memory.registry), 0);
    assert_int_equal(keepalive(&memory, "a", "Rome"), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "a", "Oslo"), REGISTRY_OK);
    assert_int_equal(registry_keepalives(&memory.registry), 2);
    assert_int_equal(registry_get(&memory.registry, "a", &view), REGISTRY_OK);
    assert_string_equal(view.client.report.city, "Oslo");
    assert_int_equal(view.client.keepalives, 2);
    assert_int_equal(view.client.uid, MEMORY_FIRST_UID);
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
    assert_int_equal(registry_keepalives(&memory.registry), 0);
    assert_int_equal(registry_get(&memory.registry, "a", &view), REGISTRY_OK);
    assert_int_equal(view.seen, CLIENT_NEVER_SEEN);
    assert_int_equal(view.client.last_seen, 0);
    assert_int_equal(view.client.keepalives, 0);
    assert_valid(&memory);
    assert_int_equal(keepalive(&memory, "a", "Oslo"), REGISTRY_OK);
    assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_OK);
    assert_int_equal(registry_get(&memory.registry, "a", &view), REGISTRY_OK);
    assert_string_equal(view.client.report.city, "Oslo");
    assert_int_equal(view.client.seq, 1);
    assert_int_equal(view.client.changes[0].marks, CHANGE_FIRST);
    assert_valid(&memory);
    memory_close(&memory);
}

static void test_full(void **state)
{
    memory_t memory;
    vps_record_t report = report_of("late", "");
    sighting_t sighting = sighting_of(&report, 1001);
    bool changed = true;

    (void)state;
    memory_open(&memory, 1024);
    registry_set_max_clients(&memory.registry, 2);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "b", ""), REGISTRY_CREATED);
    assert_int_equal(registry_keepalive(&memory.registry, &sighting, &changed), REGISTRY_FULL);
    assert_int_equal(registry_keepalives(&memory.registry), 2);
    assert_false(changed);
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
    assert_int_equal(view.client.uid, MEMORY_FIRST_UID + 5 * 1024); /* never an old one */
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

/* --- what a keepalive changes --- */

static vps_record_t full_report(void)
{
    vps_record_t report = report_of("a", "Rome");

    report.timestamp = 1700001000;
    assert_true(vps_addr_parse(&report.public_ip, "203.0.113.1", 11));
    strcpy(report.location, "IT");
    strcpy(report.dns_loc, "IT");
    report.vpn_connected = VPS_YES;
    return report;
}

static void say_address(sighting_t *sighting, vps_record_t *report)
{
    (void)sighting;
    (void)vps_addr_parse(&report->public_ip, "203.0.113.2", 11);
}

static void say_city(sighting_t *sighting, vps_record_t *report)
{
    (void)sighting;
    strcpy(report->city, "Oslo"); /* nothing that is judged */
}

static void say_version(sighting_t *sighting, vps_record_t *report)
{
    (void)sighting;
    strcpy(report->client_version, "2");
}

static void say_nothing_of_the_vpn(sighting_t *sighting, vps_record_t *report)
{
    (void)sighting;
    report->vpn_connected = VPS_UNKNOWN;
}

static void come_from_elsewhere(sighting_t *sighting, vps_record_t *report)
{
    (void)report;
    (void)vps_addr_parse(&sighting->observed_ip, "192.0.2.9", 9);
}

static void come_late(sighting_t *sighting, vps_record_t *report)
{
    (void)report;
    sighting->now += 300 * SECOND;
}

static void stamp_it_anew(sighting_t *sighting, vps_record_t *report)
{
    report->timestamp += 60;
    sighting->now += 60 * SECOND;
    sighting->when += 60;
}

static void say_the_same(sighting_t *sighting, vps_record_t *report)
{
    (void)sighting;
    (void)report;
}

static void test_revision_rises_at_changes(void **state)
{
    static const struct {
        void (*alter)(sighting_t *sighting, vps_record_t *report);
        bool changed;
        uint32_t seq; /* the first keepalive is the first change */
    } cases[] = {
        {say_address, true, 2},         {say_city, true, 1},
        {say_version, true, 1},         {say_nothing_of_the_vpn, true, 1},
        {come_from_elsewhere, true, 1}, {come_late, true, 2},
        {stamp_it_anew, false, 1},      {say_the_same, false, 1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memory_t memory;
        vps_record_t report = full_report();
        sighting_t sighting = sighting_of(&report, 1001);
        client_view_t before, after;

        memory_open(&memory, 1024);
        assert_true(changed_by(&memory, &sighting));
        before = view_of(&memory, "a");
        cases[i].alter(&sighting, &report);
        assess_judged(&sighting.judged, &report);
        if (changed_by(&memory, &sighting) != cases[i].changed) {
            fail_msg("case %zu", i);
        }
        after = view_of(&memory, "a");
        assert_int_equal(after.revision != before.revision, cases[i].changed);
        assert_int_equal(after.revision, registry_revision(&memory.registry, after.slot));
        assert_int_equal(after.client.seq, cases[i].seq);
        assert_int_equal(after.client.keepalives, 2);
        assert_memory_equal(&after.client.report, &report, sizeof report);
        assert_valid(&memory);
        memory_close(&memory);
    }
}

/* A slot that is used again has a revision that none of its clients had. */
static void test_revision_is_never_reset(void **state)
{
    memory_t memory;
    vps_record_t report = report_of("a", "");
    sighting_t sighting = sighting_of(&report, 1001);
    uint32_t revision = 0;
    int round;

    (void)state;
    memory_open(&memory, 1024);
    for (round = 0; round < 3; round++) {
        assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_CREATED);
        assert_true(registry_revision(&memory.registry, 0) > revision);
        revision = registry_revision(&memory.registry, 0);
        assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_OK);
        assert_int_equal(registry_revision(&memory.registry, 0), revision);
        assert_true(changed_by(&memory, &sighting));
        assert_true(registry_revision(&memory.registry, 0) > revision);
        revision = registry_revision(&memory.registry, 0);
        assert_int_equal(registry_remove(&memory.registry, "a"), REGISTRY_OK);
        assert_true(registry_revision(&memory.registry, 0) > revision);
        revision = registry_revision(&memory.registry, 0);
    }
    assert_int_equal(registry_slots(&memory.registry), 1);
    memory_close(&memory);
}

/* Bit n: slot n changed since this number; of the first 32. */
static uint32_t changed_since(const memory_t *memory, uint32_t revision)
{
    uint32_t slot, changed = 0;

    for (slot = 0; slot < registry_slots(&memory->registry); slot++) {
        if (registry_changed_since(&memory->registry, slot, revision)) {
            changed |= 1u << slot;
        }
    }
    return changed;
}

/* Of four slots, from this number on. */
static void check_what_changed(uint32_t begin)
{
    memory_t memory;
    registry_t *registry = &memory.registry;
    uint32_t first, since;

    memory_open(&memory, 1024);
    registry->head->stamp = registry->head->revision = begin;
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    first = registry_newest_revision(registry);
    assert_int_equal(keepalive(&memory, "b", ""), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "c", ""), REGISTRY_CREATED);
    assert_int_equal(keepalive(&memory, "d", ""), REGISTRY_CREATED);
    assert_int_equal(changed_since(&memory, begin), 15);
    assert_int_equal(changed_since(&memory, first), 14);
    since = registry_newest_revision(registry);
    assert_int_equal(keepalive(&memory, "c", ""), REGISTRY_OK); /* the same again */
    assert_int_equal(changed_since(&memory, since), 0);
    assert_int_equal(keepalive(&memory, "c", "Rome"), REGISTRY_OK);
    assert_int_equal(changed_since(&memory, since), 4);
    assert_int_equal(registry_remove(registry, "a"), REGISTRY_OK);
    assert_int_equal(changed_since(&memory, since), 5);
    since = registry_newest_revision(registry);
    assert_int_equal(changed_since(&memory, since), 0);
    assert_int_equal(keepalive(&memory, "e", ""), REGISTRY_CREATED); /* where "a" was */
    assert_int_equal(changed_since(&memory, since), 1);
    assert_valid(&memory);
    memory_close(&memory);
}

/* The numbers wrap; none is that of a slot that was never used. */
static void test_what_changed_since(void **state)
{
    (void)state;
    for (uint32_t begin = UINT32_MAX - 12; begin != 2; begin++) {
        check_what_changed(begin);
    }
    check_what_changed(INT32_MAX - 3);
}

/* Two children with one client's keepalives: the one stamped earlier may come to the lock later. */
static void test_last_keepalive_never_goes_back(void **state)
{
    memory_t memory;
    vps_record_t report = full_report();

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(report_at(&memory, &report, 1400), REGISTRY_CREATED);
    assert_int_equal(report_at(&memory, &report, 1001), REGISTRY_OK);
    assert_int_equal(view_of(&memory, "a").seen, 1400 * SECOND);
    assert_int_equal(view_of(&memory, "a").client.keepalives, 2);
    assert_valid(&memory);
    memory_close(&memory);
}

static void test_journal_is_kept(void **state)
{
    memory_t memory;
    vps_record_t report = full_report();
    client_t client;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(report_at(&memory, &report, 1001), REGISTRY_CREATED);
    strcpy(report.dns_loc, "France");
    assert_int_equal(report_at(&memory, &report, 1310), REGISTRY_OK);
    client = view_of(&memory, "a").client;
    assert_int_equal(client.seq, 2);
    assert_int_equal(client.last_change, 1700001310);
    assert_int_equal(client.changes[0].marks, CHANGE_FIRST);
    assert_string_equal(client.changes[0].facts.dns, "IT");
    assert_int_equal(client.changes[1].marks, CHANGE_RETURN);
    assert_int_equal(client.changes[1].gap, 309);
    assert_int_equal(client.changes[1].conditions, CONDITION_DNS_LEAK);
    assert_string_equal(client.judged.dns, "FR");
    assert_valid(&memory);
    memory_close(&memory);
}

/* --- what the monitor reads --- */

static void test_slots(void **state)
{
    memory_t memory;
    client_view_t view;
    vps_record_t report = report_of("b", "");
    sighting_t sighting = sighting_of(&report, 1001);

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(registry_slots(&memory.registry), 0);
    assert_int_equal(registry_get_slot(&memory.registry, 0, &view), REGISTRY_ABSENT);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_CREATED);
    assert_int_equal(registry_slots(&memory.registry), 2);
    assert_int_equal(registry_seen(&memory.registry, 0), 1001 * SECOND);
    assert_int_equal(registry_seen(&memory.registry, 1), CLIENT_NEVER_SEEN);
    assert_int_equal(registry_get_slot(&memory.registry, 1, &view), REGISTRY_OK);
    assert_string_equal(view.client.report.client_id, "b");
    assert_int_equal(view.slot, 1);
    assert_int_equal(view.seen, CLIENT_NEVER_SEEN);
    assert_int_equal(registry_remove(&memory.registry, "a"), REGISTRY_OK);
    assert_int_equal(registry_seen(&memory.registry, 0), 0);
    assert_int_equal(registry_get_slot(&memory.registry, 0, &view), REGISTRY_ABSENT);
    assert_int_equal(registry_get_slot(&memory.registry, 2, &view), REGISTRY_ABSENT);
    assert_int_equal(registry_get_slot(&memory.registry, UINT32_MAX, &view), REGISTRY_ABSENT);
    assert_int_equal(registry_slots(&memory.registry), 2);
    memory_close(&memory);
}

/* --- the registry as a whole --- */

static void test_seed(void **state)
{
    memory_t memory;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(registry_incarnation(&memory.registry), 77);
    assert_int_equal(registry_capacity(&memory.registry), 1024);
    assert_int_equal(registry_started_at(&memory.registry), 1700000000);
    assert_int_equal(registry_serving_since(&memory.registry), 1000 * SECOND);
    assert_int_equal(registry_uptime(&memory.registry, 1007 * SECOND), 7 * SECOND);
    memory_close(&memory);
}

static void test_server_ip(void **state)
{
    memory_t memory;
    server_ip_t ip, found;
    assess_facts_t facts;
    vps_record_t report = full_report();

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(registry_get_server_ip(&memory.registry, &found), REGISTRY_OK);
    assert_int_equal(found.source, SERVER_IP_UNKNOWN);
    memset(&ip, 0, sizeof ip);
    ip.addr[0] = report.public_ip;
    ip.source = SERVER_IP_IPAPI;
    assert_int_equal(registry_set_server_ip(&memory.registry, &ip), REGISTRY_OK);
    assert_int_equal(registry_get_server_ip(&memory.registry, &found), REGISTRY_OK);
    assert_memory_equal(&found, &ip, sizeof ip);
    assert_int_equal(registry_facts(&memory.registry, &facts, 1500 * SECOND, 30 * SECOND),
                     REGISTRY_OK);
    assert_int_equal(facts.now, 1500 * SECOND);
    assert_int_equal(facts.offline_threshold, 30 * SECOND);
    assert_int_equal(facts.serving_since, 1000 * SECOND);
    assert_memory_equal(facts.server_ip, ip.addr, sizeof ip.addr);
    assert_int_equal(report_at(&memory, &report, 1001), REGISTRY_CREATED);
    assert_int_equal(view_of(&memory, "a").client.changes[0].conditions, CONDITION_BYPASS);
    memory_close(&memory);
}

static bool acquire_nothing(void *ctx)
{
    (void)ctx;
    return false;
}

static void test_lock_that_cannot_be_had(void **state)
{
    memory_t memory;
    registry_t *registry = &memory.registry;
    vps_record_t report = report_of("a", "");
    sighting_t sighting = sighting_of(&report, 1001);
    announced_t announced = {0};
    client_t stored = {0};
    server_ip_t ip = {0};
    client_view_t view;
    assess_facts_t facts;
    uint32_t slot = 0;
    size_t count = 1;
    bool changed = true;
    char why[100];

    (void)state;
    memory_open(&memory, 1024);
    registry->lock.acquire = acquire_nothing;
    assert_int_equal(registry_keepalive(registry, &sighting, &changed), REGISTRY_UNAVAILABLE);
    assert_false(changed);
    assert_int_equal(registry_register(registry, &sighting), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_get(registry, "a", &view), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_remove(registry, "a"), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_list(registry, &slot, &view, 1, &count), REGISTRY_UNAVAILABLE);
    assert_int_equal(count, 0);
    assert_int_equal(registry_facts(registry, &facts, 0, 0), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_get_server_ip(registry, &ip), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_set_server_ip(registry, &ip), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_get_slot(registry, 0, &view), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_announced(registry, 0, 1, &announced), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_restore(registry, &stored, &slot), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_remove_stale(registry, 0, 1, 1), REGISTRY_UNAVAILABLE);
    registry_breathe(registry, 2000 * SECOND, 3000 * SECOND);
    assert_false(registry_validate(registry, why, sizeof why));
    registry->lock.acquire = memory_acquire;
    assert_int_equal(registry_slots(registry), 0);
    assert_valid(&memory);
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
        cmocka_unit_test(test_revision_rises_at_changes),
        cmocka_unit_test(test_revision_is_never_reset),
        cmocka_unit_test(test_what_changed_since),
        cmocka_unit_test(test_last_keepalive_never_goes_back),
        cmocka_unit_test(test_journal_is_kept),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_server_ip),
        cmocka_unit_test(test_lock_that_cannot_be_had),
        cmocka_unit_test(test_compatibility),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
