/*
 * Stored clients that come back into the registry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_memory.h"

#define STORED_UID 42
#define STORED_SEEN 1699990000 /* sec since epoch; the service begins at 1700000000 + 1000 s */
#define ANNOUNCED_SEQ 7

static void set_address(vps_addr_t *addr, const char *text)
{
    assert_true(vps_addr_parse(addr, text, strlen(text)));
}

static vps_record_t report_from(const char *client_id, const char *public_ip, const char *country,
                                const char *dns, vps_answer_t vpn)
{
    vps_record_t report = report_of(client_id, "");

    if (public_ip[0] != '\0') {
        set_address(&report.public_ip, public_ip);
    }
    strcpy(report.location, country);
    strcpy(report.dns_loc, dns);
    report.vpn_connected = (uint8_t)vpn;
    return report;
}

/* As the store gives it: the judged facts are those that were announced, the journal is empty. Two
 * changes behind that were in it. */
static client_t stored_client(const char *client_id, uint8_t state, uint32_t keepalives)
{
    client_t stored;

    memset(&stored, 0, sizeof stored);
    stored.report = report_from(client_id, "203.0.113.1", "DE", "DE", VPS_YES);
    strcpy(stored.report.city, "Berlin");
    stored.uid = STORED_UID;
    stored.first_seen = 1600000000;
    stored.last_seen = keepalives > 0 ? STORED_SEEN : 0;
    stored.last_change = keepalives > 0 ? 1650000000 : 0;
    stored.keepalives = keepalives;
    if (keepalives > 0) {
        stored.announced.seq = ANNOUNCED_SEQ;
        stored.announced.number = 12;
        stored.announced.state = (uint8_t)(ANNOUNCED_FIRST | state);
        stored.seq = ANNOUNCED_SEQ + 2;
        assess_judged(&stored.announced.facts, &stored.report);
        stored.judged = stored.announced.facts;
    }
    set_address(&stored.observed_ip, "192.0.2.200");
    return stored;
}

/* Restore it and have the whole looked at. */
static registry_result_t restore(memory_t *memory, const client_t *stored)
{
    uint32_t slot = UINT32_MAX;
    client_view_t view;
    registry_result_t result = registry_restore(&memory->registry, stored, &slot);

    if (result == REGISTRY_OK || result == REGISTRY_CREATED) {
        assert_int_equal(registry_get_slot(&memory->registry, slot, &view), REGISTRY_OK);
        assert_string_equal(view.client.report.client_id, stored->report.client_id);
    }
    assert_valid(memory);
    return result;
}

static void test_restored_client(void **state)
{
    static const struct {
        uint8_t state;
        uint32_t keepalives;
        int64_t seen;
        bool offline_at_start;
    } cases[] = {{0, 1000, CLIENT_RESTORED, false},
                 {ANNOUNCED_OFFLINE, 1000, CLIENT_WAS_OFFLINE, true},
                 {0, 0, CLIENT_NEVER_SEEN, true}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_t stored = stored_client("a", cases[i].state, cases[i].keepalives);
        memory_t memory;
        client_view_t view;

        memory_open(&memory, 1024);
        assert_int_equal(restore(&memory, &stored), REGISTRY_CREATED);
        view = view_of(&memory, "a");
        assert_int_equal(view.seen, cases[i].seen);
        assert_true(view.revision > 0);
        stored.seq = stored.announced.seq;
        assert_memory_equal(&view.client, &stored, sizeof stored);
        assert_int_equal(is_offline_at(&memory, "a", 1000), cases[i].offline_at_start);
        assert_int_equal(is_offline_at(&memory, "a", 1299), cases[i].offline_at_start);
        assert_true(is_offline_at(&memory, "a", 1300));
        assert_int_equal(restore(&memory, &stored), REGISTRY_OK); /* a second time: it is there */
        memory_close(&memory);
    }
}

/* Its next keepalive is judged by what was announced before the service began. */
static void test_restored_client_reports(void **state)
{
    static const struct {
        uint8_t state;
        uint32_t keepalives;
        const char *public_ip;
        unsigned int entries;
        uint8_t marks;
        uint32_t gap;
    } cases[] = {
        {0, 1000, "203.0.113.1", 0, 0, 0},
        {0, 1000, "", 0, 0, 0},
        {0, 1000, "203.0.113.2", 1, 0, 0},
        {ANNOUNCED_OFFLINE, 1000, "203.0.113.1", 1, CHANGE_RETURN, 1700001060 - STORED_SEEN},
        {0, 0, "203.0.113.1", 1, CHANGE_FIRST, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_t stored = stored_client("a", cases[i].state, cases[i].keepalives);
        vps_record_t report = report_from("a", cases[i].public_ip, "DE", "DE", VPS_YES);
        memory_t memory;
        client_t client;

        memory_open(&memory, 1024);
        assert_int_equal(restore(&memory, &stored), REGISTRY_CREATED);
        assert_int_equal(report_at(&memory, &report, 1060), REGISTRY_OK);
        client = view_of(&memory, "a").client;
        if (client.seq != stored.announced.seq + cases[i].entries ||
            client.changes[0].merged != cases[i].entries ||
            client.changes[0].marks != cases[i].marks || client.changes[0].gap != cases[i].gap) {
            fail_msg("case %zu: seq %u, marks %x", i, client.seq, client.changes[0].marks);
        }
        assert_int_equal(client.keepalives, stored.keepalives + 1);
        assert_valid(&memory);
        memory_close(&memory);
    }
}

/* --- back before the store was read --- */

/* What it did since the service began. */
typedef enum since_t {
    REGISTERED,
    SAID_THE_SAME,
    SAID_NOTHING,
    SAID_A_LEAK,
    MOVED_SIX_TIMES
} since_t;

static void come_back(memory_t *memory, since_t since)
{
    vps_record_t report = report_from("a", "203.0.113.1", "DE", "DE", VPS_YES);
    sighting_t sighting = sighting_of(&report, 1001);
    int i;

    if (since == REGISTERED) {
        assert_int_equal(registry_register(&memory->registry, &sighting), REGISTRY_CREATED);
        return;
    }
    if (since == SAID_NOTHING || since == SAID_A_LEAK) {
        report = report_from("a", "", "", since == SAID_A_LEAK ? "FR" : "", VPS_UNKNOWN);
    }
    assert_int_equal(report_at(memory, &report, 1001), REGISTRY_CREATED);
    for (i = 1; i < 6 && since == MOVED_SIX_TIMES; i++) {
        set_address(&report.public_ip, i % 2 == 0 ? "203.0.113.1" : "203.0.113.2");
        assert_int_equal(report_at(memory, &report, 1001 + i), REGISTRY_OK);
    }
}

#define LAST_GAP (1700001001 - STORED_SEEN)

static const struct adoption_t {
    uint8_t state;       /* stored, besides ANNOUNCED_FIRST */
    uint32_t keepalives; /* stored */
    since_t since;
    int64_t seen;
    uint32_t changes; /* since what was announced */
    uint8_t marks;    /* of the oldest entry */
    uint32_t gap;     /* the same */
    unsigned int
        condition;    /* among those of the oldest entry; of the red and yellow the only one */
    vps_answer_t vpn; /* known in the end */
} adoptions[] = {
    {0, 1000, REGISTERED, CLIENT_RESTORED, 0, 0, 0, 0, VPS_YES},
    {0, 1000, SAID_THE_SAME, 1001 * SECOND, 1, 0, 0, 0, VPS_YES},
    {0, 1000, SAID_NOTHING, 1001 * SECOND, 1, 0, 0, 0, VPS_YES},
    {0, 1000, SAID_A_LEAK, 1001 * SECOND, 1, 0, 0, CONDITION_DNS_LEAK, VPS_YES},
    {0, 1000, MOVED_SIX_TIMES, 1006 * SECOND, 6, 0, 0, 0, VPS_YES},
    {ANNOUNCED_OFFLINE, 1000, REGISTERED, CLIENT_WAS_OFFLINE, 0, 0, 0, 0, VPS_YES},
    {ANNOUNCED_OFFLINE, 1000, SAID_THE_SAME, 1001 * SECOND, 1, CHANGE_RETURN, LAST_GAP, 0, VPS_YES},
    {ANNOUNCED_OFFLINE, 1000, SAID_NOTHING, 1001 * SECOND, 1, CHANGE_RETURN, LAST_GAP, 0,
     VPS_UNKNOWN},
    {ANNOUNCED_OFFLINE, 1000, MOVED_SIX_TIMES, 1006 * SECOND, 6, CHANGE_RETURN, LAST_GAP + 2, 0,
     VPS_YES},
    {0, 0, REGISTERED, CLIENT_NEVER_SEEN, 0, 0, 0, 0, VPS_UNKNOWN},
    {0, 0, SAID_THE_SAME, 1001 * SECOND, 1, CHANGE_FIRST, 0, 0, VPS_YES},
    {0, 0, MOVED_SIX_TIMES, 1006 * SECOND, 6, CHANGE_FIRST, 0, 0, VPS_YES},
};

/* It is the stored client, with what is new. */
static void assert_adopted(const struct adoption_t *adoption, const client_t *stored,
                           const client_view_t *before, const client_view_t *after)
{
    const client_t *client = &after->client;
    const client_t *newer = before->client.keepalives > 0 ? &before->client : stored;
    char history[HISTORY_TEXT_SIZE];

    assert_int_equal(client->uid, STORED_UID);
    assert_int_equal(client->first_seen, stored->first_seen);
    assert_int_equal(client->keepalives, stored->keepalives + before->client.keepalives);
    assert_int_equal(client->seq, stored->announced.seq + adoption->changes);
    assert_int_equal(client->last_seen, newer->last_seen);
    assert_int_equal(client->last_change, before->client.last_change != 0
                                              ? before->client.last_change
                                              : stored->last_change);
    assert_memory_equal(&client->report, &newer->report, sizeof client->report);
    assert_memory_equal(&client->observed_ip, &newer->observed_ip, sizeof client->observed_ip);
    assert_memory_equal(&client->announced, &stored->announced, sizeof client->announced);
    assert_int_equal(client->judged.vpn_connected, adoption->vpn);
    assert_int_equal(after->seen, adoption->seen);
    assert_string_equal(history_format(history, &client->history) + sizeof "1888890 3 " - 1 +
                            HISTORY_CELLS - 26,
                        "21111111111111111111111113"); /* first what was stored */
    assert_int_equal(client->history.light, LIGHT_RED);
    assert_true(after->revision > before->revision);
}

/* All that was known before is known in each entry: nothing vanishes in between. */
static void assert_facts_continue(const client_t *client, const client_t *stored)
{
    unsigned int i;

    for (i = 0; i < CLIENT_CHANGES && client->changes[i].merged > 0; i++) {
        const judged_t *facts = &client->changes[i].facts;

        if (stored->keepalives > 0) {
            assert_int_equal(facts->public_ip.version, 4);
            assert_string_equal(facts->place, "DE");
            assert_int_equal(facts->dns[0] != '\0', 1);
        }
        if (client->changes[i].seq == client->seq) {
            assert_memory_equal(facts, &client->judged, sizeof *facts);
        }
    }
}

static void test_back_before_the_store_was_read(void **state)
{
    const unsigned int alarms = CONDITION_DNS_LEAK | CONDITION_BYPASS | CONDITION_VPN_DOWN;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof adoptions / sizeof adoptions[0]; i++) {
        const struct adoption_t *adoption = &adoptions[i];
        client_t stored = stored_client("a", adoption->state, adoption->keepalives);
        memory_t memory;
        client_view_t before, after;
        const change_t *oldest;

        memory_open(&memory, 1024);
        come_back(&memory, adoption->since);
        before = view_of(&memory, "a");
        history_set(&stored.history, 1699980000, LIGHT_YELLOW);
        history_set(&before.client.history, 1700001002, LIGHT_RED);
        assert_int_equal(registry_set_history(&memory.registry, before.slot, before.client.uid,
                                              &before.client.history, &before.revision),
                         REGISTRY_OK);
        assert_int_equal(restore(&memory, &stored), REGISTRY_CREATED);
        after = view_of(&memory, "a");
        oldest = &after.client.changes[0];
        assert_adopted(adoption, &stored, &before, &after);
        assert_facts_continue(&after.client, &stored);
        if (oldest->marks != adoption->marks || oldest->gap != adoption->gap ||
            (oldest->conditions & alarms) != adoption->condition) {
            fail_msg("adoption %zu: marks %x, gap %u, conditions %x", i, oldest->marks, oldest->gap,
                     oldest->conditions);
        }
        assert_int_equal(restore(&memory, &stored), REGISTRY_OK);
        memory_close(&memory);
    }
}

/* A client that was brought back reports like any other; what it did not say the first time is not
 * taken for a change, what it says differently is. */
static void test_adopted_client_reports(void **state)
{
    client_t stored = stored_client("a", 0, 1000);
    vps_record_t report = report_from("a", "203.0.113.1", "DE", "DE", VPS_YES);
    memory_t memory;

    (void)state;
    memory_open(&memory, 1024);
    come_back(&memory, SAID_NOTHING);
    assert_int_equal(restore(&memory, &stored), REGISTRY_CREATED);
    assert_int_equal(report_at(&memory, &report, 1061), REGISTRY_OK);
    assert_int_equal(view_of(&memory, "a").client.seq, ANNOUNCED_SEQ + 1);
    set_address(&report.public_ip, "203.0.113.2");
    assert_int_equal(report_at(&memory, &report, 1121), REGISTRY_OK);
    assert_int_equal(view_of(&memory, "a").client.seq, ANNOUNCED_SEQ + 2);
    assert_int_equal(view_of(&memory, "a").client.last_change, 1700001121);
    assert_valid(&memory);
    memory_close(&memory);
}

/* The server's address that is known by now counts for what the client did before. */
static void test_adopted_client_bypasses(void **state)
{
    client_t stored = stored_client("a", 0, 1000);
    server_ip_t ip;
    memory_t memory;

    (void)state;
    memset(&ip, 0, sizeof ip);
    ip.addr[0] = stored.report.public_ip;
    memory_open(&memory, 1024);
    assert_int_equal(registry_set_server_ip(&memory.registry, &ip), REGISTRY_OK);
    come_back(&memory, SAID_NOTHING);
    assert_int_equal(restore(&memory, &stored), REGISTRY_CREATED);
    assert_true(view_of(&memory, "a").client.changes[0].conditions & CONDITION_BYPASS);
    memory_close(&memory);
}

static void test_announced_under_another_uid(void **state)
{
    static const announced_t announced = {.seq = 1, .number = 1, .state = ANNOUNCED_FIRST};
    client_t stored = stored_client("a", 0, 1000);
    memory_t memory;
    client_view_t before, after;

    (void)state;
    memory_open(&memory, 1024);
    assert_int_equal(keepalive(&memory, "a", ""), REGISTRY_CREATED);
    assert_int_equal(registry_announced(&memory.registry, 0, MEMORY_FIRST_UID, &announced),
                     REGISTRY_OK);
    before = view_of(&memory, "a");
    assert_int_equal(restore(&memory, &stored), REGISTRY_ABSENT);
    after = view_of(&memory, "a");
    assert_memory_equal(&after, &before, sizeof before);
    memory_close(&memory);
}

/* Those that are stored come back beyond the limit for new ones, as long as there are slots. */
static void test_restored_into_a_full_registry(void **state)
{
    memory_t memory;
    client_t stored;
    char id[32];
    unsigned int i;
    uint32_t slot;

    (void)state;
    memory_open(&memory, 1024);
    registry_set_max_clients(&memory.registry, 1);
    for (i = 0; i <= 1024; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        stored = stored_client(id, 0, 1000);
        stored.uid = 1 + i;
        assert_int_equal(registry_restore(&memory.registry, &stored, &slot),
                         i < 1024 ? REGISTRY_CREATED : REGISTRY_FULL);
    }
    assert_valid(&memory);
    assert_int_equal(keepalive(&memory, "fresh", ""), REGISTRY_FULL);
    assert_int_equal(keepalive(&memory, "client-1023", ""), REGISTRY_OK);
    stored = stored_client("client-7", 0, 1000);
    stored.uid = 8;
    assert_int_equal(restore(&memory, &stored), REGISTRY_OK);
    assert_int_equal(registry_remove(&memory.registry, "client-7"), REGISTRY_OK);
    assert_int_equal(restore(&memory, &stored), REGISTRY_CREATED);
    memory_close(&memory);
}

/* --- into a larger registry --- */

static void test_move(void **state)
{
    static const registry_seed_t seed = {"another key 0016", 78, 9000};
    client_t stored = stored_client("b", ANNOUNCED_OFFLINE, 1000);
    memory_t small, large;
    client_view_t before, after;
    server_ip_t ip;
    history_gaps_t gaps;
    uint64_t keepalives;
    uint32_t since;

    (void)state;
    memory_open(&small, 1024);
    memory_open(&large, 4096);
    registry_create(large.base, 4096, &seed, 1700005000, 6000 * SECOND); /* made later */
    registry_attach(&large.registry, large.base, &small.registry.lock);  /* one lock */
    registry_breathe(&small.registry, 1000 * SECOND, 1010 * SECOND);
    registry_breathe(&small.registry, 1020 * SECOND, 1030 * SECOND); /* a pause */
    memset(&ip, 0, sizeof ip);
    set_address(&ip.addr[1], "2001:db8::7");
    assert_int_equal(registry_set_server_ip(&small.registry, &ip), REGISTRY_OK);
    assert_int_equal(keepalive(&small, "gone", ""), REGISTRY_CREATED);
    come_back(&small, MOVED_SIX_TIMES);
    assert_int_equal(restore(&small, &stored), REGISTRY_CREATED);
    assert_int_equal(registry_remove(&small.registry, "gone"), REGISTRY_OK);
    before = view_of(&small, "a");
    assert_true(registry_live(&small.registry, 1700000000));
    since = registry_newest_revision(&small.registry);
    keepalives = registry_keepalives(&small.registry);
    assert_int_equal(registry_move(&small.registry, &large.registry), REGISTRY_OK);
    assert_int_equal(registry_keepalives(&large.registry), keepalives);
    assert_valid(&large);
    assert_true(registry_changed_since(&large.registry, 0, since));
    assert_true(registry_changed_since(&large.registry, 1, since));
    assert_int_equal(registry_gaps(&large.registry, &gaps), REGISTRY_OK);
    assert_int_equal(gaps.quarter, 1700000000 / HISTORY_CELL_SECONDS);
    after = view_of(&large, "a");
    assert_memory_equal(&after.client, &before.client, sizeof after.client);
    assert_int_equal(after.seen, before.seen);
    assert_true(after.revision > 0);
    assert_int_equal(view_of(&large, "b").seen, CLIENT_WAS_OFFLINE);
    assert_int_equal(registry_slots(&large.registry), 2);
    assert_int_equal(registry_incarnation(&large.registry), 77);
    assert_int_equal(registry_started_at(&large.registry), 1700000000);
    assert_int_equal(registry_uptime(&large.registry, 1007 * SECOND), 7 * SECOND);
    registry_breathe(&large.registry, 1000 * SECOND, 1001 * SECOND);
    registry_breathe(&large.registry, 1010 * SECOND, 0); /* late, but "a" reported at 1006 */
    assert_int_equal(registry_serving_since(&large.registry), 1020 * SECOND);
    assert_int_equal(registry_get_server_ip(&large.registry, &ip), REGISTRY_OK);
    assert_int_equal(ip.addr[1].version, 6);
    assert_int_equal(keepalive(&large, "next", ""), REGISTRY_CREATED);
    assert_int_equal(view_of(&large, "next").client.uid, MEMORY_FIRST_UID + 2);
    assert_int_equal(keepalive(&small, "a", ""), REGISTRY_UNAVAILABLE);
    assert_int_equal(registry_move(&small.registry, &large.registry), REGISTRY_UNAVAILABLE);
    memory_close(&large);
    memory_close(&small);
}

static void test_move_into_a_smaller_one(void **state)
{
    memory_t large, small;
    char id[32];
    unsigned int i;

    (void)state;
    memory_open(&large, 4096);
    memory_open(&small, 1024);
    registry_attach(&small.registry, small.base, &large.registry.lock);
    for (i = 0; i <= 1024; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        assert_int_equal(keepalive(&large, id, ""), REGISTRY_CREATED);
    }
    assert_int_equal(registry_move(&large.registry, &small.registry), REGISTRY_FULL);
    assert_int_equal(keepalive(&large, "client-7", ""), REGISTRY_OK); /* still in force */
    assert_int_equal(registry_remove(&large.registry, "client-7"), REGISTRY_OK);
    assert_int_equal(registry_move(&large.registry, &small.registry), REGISTRY_OK);
    assert_valid(&small);
    assert_int_equal(keepalive(&small, "client-1024", ""), REGISTRY_OK);
    memory_close(&small);
    memory_close(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restored_client),
        cmocka_unit_test(test_restored_client_reports),
        cmocka_unit_test(test_back_before_the_store_was_read),
        cmocka_unit_test(test_adopted_client_reports),
        cmocka_unit_test(test_adopted_client_bypasses),
        cmocka_unit_test(test_announced_under_another_uid),
        cmocka_unit_test(test_restored_into_a_full_registry),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_move_into_a_smaller_one),
    };

    return cmocka_run_group_tests_name("registry_restore", tests, NULL, NULL);
}
