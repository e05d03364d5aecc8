/*
 * registry_validate() finds what it says it looks for: the other tests rely on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_head.h"
#include "registry_memory.h"

static void report_from(memory_t *memory, const char *country)
{
    vps_record_t report = report_of("a", "Rome");

    strcpy(report.location, country);
    assert_in_range(report_at(memory, &report, 1001), REGISTRY_OK, REGISTRY_CREATED);
}

/* Slot 0 has a client with two changes, slot 1 one that is registered, slot 2 is free. */
static void fill(memory_t *memory)
{
    vps_record_t report = report_of("b", "Oslo");
    sighting_t sighting = sighting_of(&report, 1001);

    memory_open(memory, 1024);
    report_from(memory, "IT");
    report_from(memory, "FR");
    assert_int_equal(registry_register(&memory->registry, &sighting), REGISTRY_CREATED);
    assert_int_equal(keepalive(memory, "c", "Kyiv"), REGISTRY_CREATED);
    assert_int_equal(registry_remove(&memory->registry, "c"), REGISTRY_OK);
    assert_valid(memory);
}

static void break_magic(registry_t *registry)
{
    registry->head->magic++;
}

static void lose_count_of_clients(registry_t *registry)
{
    registry->head->counts.clients--;
}

static void count_too_many(registry_t *registry)
{
    registry->head->counts.clients = 4;
}

static void lose_buckets(registry_t *registry)
{
    registry->head->buckets = INDEX_FIRST_BUCKETS - 1;
}

static void tear_id(registry_t *registry)
{
    registry->clients[0].report.client_id[0] = ' ';
}

static void change_id(registry_t *registry)
{
    registry->clients[0].report.client_id[0] = 'x';
}

static void tear_text(registry_t *registry)
{
    registry->clients[0].report.city[2] = '\0'; /* something is left behind it */
}

static void break_text(registry_t *registry)
{
    registry->clients[0].report.provider[0] = '\n';
}

static void give_no_answer(registry_t *registry)
{
    registry->clients[1].report.vpn_connected = VPS_YES + 1;
}

static void give_no_source(registry_t *registry)
{
    registry->clients[1].report.dns_source = VPS_DNS_TRACE + 1;
}

static void give_no_path(registry_t *registry)
{
    registry->clients[1].report.dns_path = VPS_DNS_PATH_OUTSIDE + 1;
}

static void give_no_dns_verdict(registry_t *registry)
{
    registry->clients[1].report.dns_verdict = VPS_DNS_VERDICT_INTERCEPTED + 1;
}

static void give_no_ipv6_verdict(registry_t *registry)
{
    registry->clients[1].report.ipv6_verdict = VPS_IPV6_VERDICT_LEAK + 1;
}

static void know_no_answer(registry_t *registry)
{
    registry->clients[1].judged.is_servers_ipv6 = VPS_YES + 1;
}

static void announce_no_verdict(registry_t *registry)
{
    registry->clients[1].announced.facts.dns_verdict = VPS_DNS_VERDICT_INTERCEPTED + 1;
}

static void enter_no_fact(registry_t *registry)
{
    registry->clients[0].changes[0].facts.unused = 1;
}

static void tear_history(registry_t *registry)
{
    registry->clients[1].history.light = LIGHT_RED;
}

static void tear_gaps(registry_t *registry)
{
    registry->head->gaps.gaps[0] = 1;
}

static void change_nothing(registry_t *registry)
{
    registry->revision[1] = 0;
}

static void tell_too_much(registry_t *registry)
{
    registry->head->revision++;
}

static void lose_uid(registry_t *registry)
{
    registry->clients[1].uid = 0;
}

static void forget_keepalive(registry_t *registry)
{
    registry->seen[0] = CLIENT_NEVER_SEEN;
}

static void forget_time(registry_t *registry)
{
    registry->clients[0].last_seen = 0;
}

static void lose_entry(registry_t *registry)
{
    memset(&registry->clients[0].changes[1], 0, sizeof(change_t));
}

static void lose_change(registry_t *registry)
{
    registry->clients[0].seq++;
}

static void lose_all_entries(registry_t *registry)
{
    registry->clients[1].seq++;
}

static void leave_gap(registry_t *registry)
{
    registry->clients[0].seq++;
    registry->clients[0].changes[1].seq++;
}

static void lose_oldest(registry_t *registry)
{
    leave_gap(registry);
    registry->clients[0].changes[0].seq++; /* number 1 was never announced */
}

static void announce_too_much(registry_t *registry)
{
    registry->clients[0].announced.seq = 3;
}

static void break_chain(registry_t *registry)
{
    registry->index.bucket[index_bucket_of(registry->index.hash[0], registry->head->buckets)] = 0;
}

static void link_free_slot(registry_t *registry)
{
    uint32_t bucket = index_bucket_of(registry->index.hash[0], registry->head->buckets);

    registry->index.bucket[bucket] = 3;
}

static void close_ring(registry_t *registry)
{
    registry->index.next[0] = 1;
}

static void move_to_another_bucket(registry_t *registry)
{
    uint32_t bucket = index_bucket_of(registry->index.hash[0], registry->head->buckets);

    registry->index.bucket[(bucket + 1) % registry->head->buckets] = 1;
    registry->index.bucket[bucket] = 0;
}

static void lose_free_slot(registry_t *registry)
{
    registry->head->counts.free_slot = 0;
}

static void free_taken_slot(registry_t *registry)
{
    registry->head->counts.free_slot = 1;
}

static void free_in_a_ring(registry_t *registry)
{
    registry->index.next[2] = 3;
}

static void test_faults_are_found(void **state)
{
    static const struct {
        void (*damage)(registry_t *registry);
        const char *why;
    } cases[] = {
        {break_magic, "head: magic"},
        {lose_count_of_clients, "counts: 1 clients"},
        {count_too_many, "counts: 4 clients"},
        {lose_buckets, "index: 63 buckets"},
        {tear_id, "slot 0: a text"},
        {change_id, "slot 0: hash"},
        {tear_text, "slot 0: a text"},
        {break_text, "slot 0: a text"},
        {give_no_answer, "slot 1: an answer"},
        {give_no_source, "slot 1: an answer"},
        {give_no_path, "slot 1: an answer"},
        {give_no_dns_verdict, "slot 1: an answer"},
        {give_no_ipv6_verdict, "slot 1: an answer"},
        {know_no_answer, "slot 1: an answer"},
        {announce_no_verdict, "slot 1: an answer"},
        {enter_no_fact, "slot 0: an answer"},
        {lose_uid, "slot 1: uid"},
        {tear_history, "slot 1: the history"},
        {tear_gaps, "head: the gaps"},
        {change_nothing, "slot 1: was never changed"},
        {tell_too_much, "revisions: "},
        {forget_keepalive, "slot 0: keepalives"},
        {forget_time, "slot 0: keepalives"},
        {lose_entry, "slot 0: the journal"},
        {lose_change, "slot 0: the journal"},
        {lose_all_entries, "slot 1: the journal"},
        {leave_gap, "slot 0: the journal"},
        {lose_oldest, "slot 0: the journal"},
        {announce_too_much, "slot 0: the journal"},
        {break_chain, "index: 1 of 2 clients"},
        {link_free_slot, "bucket"},
        {close_ring, "index: a chain is a ring"},
        {move_to_another_bucket, "bucket"},
        {lose_free_slot, "free list: 0 of 1"},
        {free_taken_slot, "free list: slot 0 is not free"},
        {free_in_a_ring, "free list: too long"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memory_t memory;
        char why[200] = "";

        fill(&memory);
        cases[i].damage(&memory.registry);
        if (registry_validate(&memory.registry, why, sizeof why) ||
            strncmp(why, cases[i].why, strlen(cases[i].why)) != 0) {
            fail_msg("case %zu: %s", i, why);
        }
        memory_close(&memory);
    }
}

/* An entry that stands for more changes than it can count. */
static void test_overfull_journal_is_valid(void **state)
{
    memory_t memory;
    int i;

    (void)state;
    memory_open(&memory, 1024);
    for (i = 0; i < 300; i++) {
        report_from(&memory, i % 2 == 0 ? "IT" : "FR");
    }
    assert_int_equal(view_of(&memory, "a").client.changes[0].merged, UINT8_MAX);
    assert_valid(&memory);
    memory_close(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_are_found),
        cmocka_unit_test(test_overfull_journal_is_valid),
    };

    return cmocka_run_group_tests_name("registry_validate", tests, NULL, NULL);
}
