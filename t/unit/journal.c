#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "journal.h"

#define SECOND INT64_C(1000000)
#define EPOCH 1700000000 /* sec since epoch at second 0 of the monotonic clock */
#define THRESHOLD 300    /* sec */

typedef struct words_t {
    const char *public_ip, *place, *dns;
    vps_answer_t vpn;
} words_t;

static judged_t judged_of(const words_t *words)
{
    judged_t judged;

    memset(&judged, 0, sizeof judged);
    if (words->public_ip[0] != '\0') {
        assert_true(vps_addr_parse(&judged.public_ip, words->public_ip, strlen(words->public_ip)));
    }
    (void)snprintf(judged.place, sizeof judged.place, "%s", words->place);
    (void)snprintf(judged.dns, sizeof judged.dns, "%s", words->dns);
    judged.vpn_connected = (uint8_t)words->vpn;
    return judged;
}

static void assert_facts(const judged_t *facts, const words_t *words)
{
    judged_t expected = judged_of(words);

    assert_memory_equal(facts, &expected, sizeof expected);
}

/* Service since second 1000; the server's own addresses are 198.51.100.7 and 2001:db8::7. */
static assess_facts_t facts_at(int64_t second)
{
    assess_facts_t facts = {second * SECOND, 1000 * SECOND, THRESHOLD * SECOND, {{0}}};

    assert_true(vps_addr_parse(&facts.server_ip[0], "198.51.100.7", 12));
    assert_true(vps_addr_parse(&facts.server_ip[1], "2001:db8::7", 11));
    return facts;
}

/* A keepalive with this report and these facts at a second; the last one before came at seen. */
static void sight_report(client_t *client, int64_t seen, int64_t second, const vps_record_t *report,
                         const judged_t *judged)
{
    assess_facts_t facts = facts_at(second);
    sighting_t sighting;

    memset(&sighting, 0, sizeof sighting);
    sighting.report = report;
    sighting.judged = *judged;
    sighting.when = EPOCH + second;
    sighting.now = facts.now;
    sighting.offline_threshold = facts.offline_threshold;
    journal_judge(client, seen, &sighting, &facts);
}

/* The same without IPv6. */
static void sight_facts(client_t *client, int64_t seen, int64_t second, const judged_t *judged)
{
    static const vps_record_t report;

    sight_report(client, seen, second, &report, judged);
}

/* The same with these words. */
static void sight_after(client_t *client, int64_t seen, int64_t second, const words_t *words)
{
    const judged_t judged = judged_of(words);

    sight_facts(client, seen, second, &judged);
}

/* The same without any silence. */
static void sight(client_t *client, int64_t second, const words_t *words)
{
    sight_after(client, second * SECOND, second, words);
}

static client_t client_that_knows(const words_t *words)
{
    client_t client;

    memset(&client, 0, sizeof client);
    client.judged = judged_of(words);
    return client;
}

static unsigned int entries_of(const client_t *client)
{
    unsigned int count = 0;

    while (count < CLIENT_CHANGES && client->changes[count].merged > 0) {
        count++;
    }
    return count;
}

/* Entries follow each other up to the newest change, nothing is behind them. */
static void assert_journal(const client_t *client, unsigned int entries)
{
    static const change_t none;
    unsigned int i;

    assert_int_equal(entries_of(client), entries);
    for (i = 0; i < CLIENT_CHANGES; i++) {
        if (i < entries) {
            assert_int_equal(client->changes[i].seq, client->seq - (entries - 1 - i));
        } else {
            assert_memory_equal(&client->changes[i], &none, sizeof none);
        }
    }
}

#define A "203.0.113.1"
#define B "203.0.113.2"
#define UNKNOWN_WORDS                                                                              \
    {                                                                                              \
        "", "", "", VPS_UNKNOWN                                                                    \
    }

static void test_one_sighting(void **state)
{
    static const struct {
        words_t known, said, after;
        bool entry;    /* does it change what is known? */
        bool replaced; /* something known by something else? */
    } cases[] = {
        {UNKNOWN_WORDS, UNKNOWN_WORDS, UNKNOWN_WORDS, false, false},
        /* what becomes known is no change of a fact */
        {UNKNOWN_WORDS, {A, "", "", VPS_UNKNOWN}, {A, "", "", VPS_UNKNOWN}, true, false},
        {UNKNOWN_WORDS, {"", "DE", "", VPS_UNKNOWN}, {"", "DE", "", VPS_UNKNOWN}, true, false},
        {UNKNOWN_WORDS, {"", "", "DE", VPS_UNKNOWN}, {"", "", "DE", VPS_UNKNOWN}, true, false},
        {UNKNOWN_WORDS, {"", "", "", VPS_NO}, {"", "", "", VPS_NO}, true, false},
        /* the same, or nothing, said again */
        {{A, "DE", "FR", VPS_YES},
         {A, "DE", "FR", VPS_YES},
         {A, "DE", "FR", VPS_YES},
         false,
         false},
        {{A, "DE", "FR", VPS_NO}, UNKNOWN_WORDS, {A, "DE", "FR", VPS_NO}, false, false},
        /* each fact by another */
        {{A, "DE", "FR", VPS_YES}, {B, "DE", "FR", VPS_YES}, {B, "DE", "FR", VPS_YES}, true, true},
        {{A, "DE", "FR", VPS_YES}, {A, "IT", "FR", VPS_YES}, {A, "IT", "FR", VPS_YES}, true, true},
        {{A, "DE", "FR", VPS_YES}, {A, "DE", "IT", VPS_YES}, {A, "DE", "IT", VPS_YES}, true, true},
        {{A, "DE", "FR", VPS_YES}, {A, "DE", "FR", VPS_NO}, {A, "DE", "FR", VPS_NO}, true, true},
        {{A, "DE", "FR", VPS_NO}, {A, "DE", "FR", VPS_YES}, {A, "DE", "FR", VPS_YES}, true, true},
        {{A, "", "", VPS_UNKNOWN},
         {"2001:db8::1", "", "", VPS_UNKNOWN},
         {"2001:db8::1", "", "", VPS_UNKNOWN},
         true,
         true},
        /* some of each: one entry */
        {{A, "DE", "", VPS_YES}, {B, "", "FR", VPS_UNKNOWN}, {B, "DE", "FR", VPS_YES}, true, true},
        {{A, "DE", "FR", VPS_YES}, {B, "IT", "ES", VPS_NO}, {B, "IT", "ES", VPS_NO}, true, true},
        {{A, "", "FR", VPS_YES},
         {"", "DE", "", VPS_UNKNOWN},
         {A, "DE", "FR", VPS_YES},
         true,
         false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_t client = client_that_knows(&cases[i].known);
        judged_t after = judged_of(&cases[i].after);

        sight(&client, 1100, &cases[i].said);
        if ((client.seq == 1) != cases[i].entry ||
            (client.last_change == EPOCH + 1100) != cases[i].replaced ||
            memcmp(&client.judged, &after, sizeof after) != 0) {
            fail_msg("case %zu: seq %u, changed at %u", i, client.seq, client.last_change);
        }
        assert_journal(&client, cases[i].entry ? 1 : 0);
        if (cases[i].entry) {
            assert_facts(&client.changes[0].facts, &cases[i].after);
            assert_int_equal(client.changes[0].when, EPOCH + 1100);
            assert_int_equal(client.changes[0].marks, 0);
            assert_int_equal(client.changes[0].merged, 1);
        }
    }
}

/* What becomes of verdicts on DNS, all else being the same. */
static void test_verdicts(void **state)
{
    static const words_t words = {A, "DE", "FR", VPS_YES};
    static const struct {
        vps_dns_verdict_t known, said, after;
        bool knows_dns; /* the report has both countries to compare */
        bool entry, replaced;
        unsigned int conditions; /* of the entry */
    } cases[] = {
        {VPS_DNS_VERDICT_UNKNOWN, VPS_DNS_VERDICT_TUNNEL, VPS_DNS_VERDICT_TUNNEL, true, true, false,
         0},
        {VPS_DNS_VERDICT_TUNNEL, VPS_DNS_VERDICT_ALLOWED, VPS_DNS_VERDICT_ALLOWED, true, true, true,
         0},
        {VPS_DNS_VERDICT_TUNNEL, VPS_DNS_VERDICT_LEAK, VPS_DNS_VERDICT_LEAK, true, true, true,
         CONDITION_DNS_LEAK},
        {VPS_DNS_VERDICT_LEAK, VPS_DNS_VERDICT_LEAK, VPS_DNS_VERDICT_LEAK, true, false, false, 0},
        {VPS_DNS_VERDICT_LEAK, VPS_DNS_VERDICT_UNKNOWN, VPS_DNS_VERDICT_LEAK, false, false, false,
         0},
        {VPS_DNS_VERDICT_TUNNEL, VPS_DNS_VERDICT_UNKNOWN, VPS_DNS_VERDICT_UNKNOWN, true, true, true,
         CONDITION_DNS_LEAK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_t client = client_that_knows(&words);
        judged_t said = judged_of(&words);

        client.judged.dns_verdict = cases[i].known;
        said.dns_verdict = cases[i].said;
        said.dns[0] = cases[i].knows_dns ? said.dns[0] : '\0';
        sight_facts(&client, 1100 * SECOND, 1100, &said);
        if (client.judged.dns_verdict != cases[i].after || client.seq != cases[i].entry ||
            (client.last_change != 0) != cases[i].replaced ||
            client.changes[0].conditions != cases[i].conditions) {
            fail_msg("case %zu", i);
        }
        assert_journal(&client, cases[i].entry);
    }
}

/* One after the other: which of them is a change, and of which conditions. */
static void test_ipv6(void **state)
{
    static const struct {
        const char *public_ip6; /* "" = unknown */
        vps_ipv6_verdict_t verdict;
        bool entry;
        unsigned int conditions;
    } steps[] = {
        {"2001:db8::1", VPS_IPV6_VERDICT_TUNNEL, true, 0},  /* becomes known */
        {"2001:db8::2", VPS_IPV6_VERDICT_TUNNEL, false, 0}, /* addresses rotate */
        {"", VPS_IPV6_VERDICT_UNKNOWN, false, 0},
        {"2001:db8::2", VPS_IPV6_VERDICT_LEAK, true, CONDITION_IPV6_LEAK},
        {"2001:db8::7", VPS_IPV6_VERDICT_LEAK, true, CONDITION_IPV6_LEAK | CONDITION_BYPASS},
        {"", VPS_IPV6_VERDICT_UNKNOWN, false, 0},
        {"", VPS_IPV6_VERDICT_BLOCKED, true, 0}, /* has none, so not the server's */
        {"2001:db8::7", VPS_IPV6_VERDICT_UNKNOWN, true, CONDITION_BYPASS},
        {"2001:db8::1", VPS_IPV6_VERDICT_UNKNOWN, true, 0},
    };
    static const words_t words = {A, "DE", "DE", VPS_YES};
    const judged_t known = judged_of(&words);
    client_t client = client_that_knows(&words);

    (void)state;
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const uint32_t before = client.seq;
        vps_record_t report = {.ipv6_verdict = (uint8_t)steps[i].verdict};
        judged_t said = known;

        (void)vps_addr_parse(&report.public_ip6, steps[i].public_ip6, strlen(steps[i].public_ip6));
        said.ipv6_verdict = steps[i].verdict;
        client.announced.seq = client.seq; /* so that the new entry is the only one */
        sight_report(&client, (1100 + i) * SECOND, 1100 + i, &report, &said);
        if ((client.seq != before) != steps[i].entry ||
            (steps[i].entry && client.changes[0].conditions != steps[i].conditions)) {
            fail_msg("step %u: conditions %x", i, client.changes[0].conditions);
        }
    }
}

static void test_silence(void **state)
{
    static const struct {
        int64_t seen, second; /* usec; sec */
        uint32_t last_seen;   /* sec since epoch */
        uint8_t marks;
        uint32_t gap;
    } cases[] = {
        {1700 * SECOND, 2000, EPOCH + 1700, CHANGE_RETURN, 300}, /* exactly the threshold */
        {1700 * SECOND + 1, 2000, EPOCH + 1700, 0, 0},
        {1100 * SECOND, 2000, 5, CHANGE_RETURN, 900}, /* the wall clock may be set */
        {2001 * SECOND, 2000, EPOCH + 2001, 0, 0},    /* overtaken */
        {CLIENT_NEVER_SEEN, 2000, 0, CHANGE_FIRST, 0},
        {CLIENT_WAS_OFFLINE, 1001, EPOCH - 3600, CHANGE_RETURN, 4601},
        {CLIENT_WAS_OFFLINE, 1001, EPOCH + 9000, CHANGE_RETURN, 0}, /* was ahead then */
        {CLIENT_RESTORED, 1299, EPOCH - 3600, 0, 0}, /* not silent since the service began */
        {CLIENT_RESTORED, 1300, EPOCH - 3600, CHANGE_RETURN, 4900},
        {2 * SECOND, 5000000000, EPOCH, CHANGE_RETURN, UINT32_MAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const words_t words = {A, "DE", "DE", VPS_YES};
        client_t client = client_that_knows(&words);
        bool entry = cases[i].marks != 0;

        client.last_seen = cases[i].last_seen;
        sight_after(&client, cases[i].seen, cases[i].second, &words);
        if (client.seq != entry || client.changes[0].marks != cases[i].marks ||
            client.changes[0].gap != cases[i].gap) {
            fail_msg("case %zu: marks %x, gap %u", i, client.changes[0].marks,
                     client.changes[0].gap);
        }
        assert_journal(&client, entry);
        assert_int_equal(client.last_change != 0, (cases[i].marks & CHANGE_RETURN) != 0);
    }
}

/* Of an old connection no word counts; addresses and countries stay known. */
static void test_return_forgets_the_vpn(void **state)
{
    static const struct {
        vps_answer_t known, said;
    } cases[] = {
        {VPS_YES, VPS_UNKNOWN}, {VPS_NO, VPS_UNKNOWN}, {VPS_NO, VPS_YES}, {VPS_NO, VPS_NO}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const words_t known = {A, "DE", "FR", cases[i].known};
        const words_t said = {"", "", "", cases[i].said};
        const words_t after = {A, "DE", "FR", cases[i].said};
        client_t client = client_that_knows(&known);

        sight_after(&client, 1100 * SECOND, 2000, &said);
        assert_facts(&client.judged, &after);
        assert_facts(&client.changes[0].facts, &after);
        assert_int_equal(client.changes[0].marks, CHANGE_RETURN);
    }
}

static void test_first_keepalive_knows_nothing(void **state)
{
    static const words_t nothing = UNKNOWN_WORDS;
    client_t client = client_that_knows(&nothing);

    (void)state;
    sight_after(&client, CLIENT_NEVER_SEEN, 1100, &nothing);
    assert_journal(&client, 1);
    assert_int_equal(client.changes[0].marks, CHANGE_FIRST);
    assert_int_equal(client.changes[0].conditions, CONDITION_DNS_UNKNOWN);
    assert_int_equal(client.last_change, 0);
    sight(&client, 1101, &nothing);
    assert_journal(&client, 1);
}

static void test_change_and_back_are_two(void **state)
{
    static const words_t here = {A, "DE", "DE", VPS_YES}, there = {B, "DE", "DE", VPS_YES};
    client_t client = client_that_knows(&here);

    (void)state;
    sight(&client, 1100, &there);
    sight(&client, 1101, &here);
    assert_journal(&client, 2);
    assert_facts(&client.changes[0].facts, &there);
    assert_facts(&client.changes[1].facts, &here);
}

/* --- told to be offline --- */

/* By a threshold that was raised since: in time by the one in force, but told to be offline. */
static void test_returns_once_after_it_was_told_offline(void **state)
{
    static const words_t words = {A, "DE", "DE", VPS_YES};
    client_t client = client_that_knows(&words);

    (void)state;
    client.announced.state = ANNOUNCED_OFFLINE;
    sight_after(&client, 1150 * SECOND, 1200, &words);
    assert_journal(&client, 1);
    assert_int_equal(client.changes[0].marks, CHANGE_RETURN);
    assert_int_equal(client.changes[0].gap, 50);
    sight(&client, 1201, &words); /* its return waits to be announced */
    assert_journal(&client, 1);
    client.announced.seq = 1;
    client.announced.state = 0;
    sight(&client, 1202, &words);
    assert_journal(&client, 1);
    client.announced.state = ANNOUNCED_OFFLINE; /* again: the old return does not count */
    sight(&client, 1203, &words);
    assert_int_equal(client.seq, 2);
    assert_int_equal(client.changes[0].marks, CHANGE_RETURN);
}

/* A change that waits does not hide that the return is missing. */
static void test_returns_behind_a_waiting_change(void **state)
{
    static const words_t here = {A, "DE", "DE", VPS_YES}, there = {B, "DE", "DE", VPS_YES};
    client_t client = client_that_knows(&here);

    (void)state;
    sight(&client, 1100, &there);
    client.announced.state = ANNOUNCED_OFFLINE;
    sight(&client, 1101, &there);
    assert_journal(&client, 2);
    assert_int_equal(client.changes[0].marks, 0);
    assert_int_equal(client.changes[1].marks, CHANGE_RETURN);
}

/* --- conditions --- */

static void test_conditions_of_an_entry(void **state)
{
    static const struct {
        words_t said;
        unsigned int conditions;
    } cases[] = {
        {{A, "DE", "DE", VPS_YES}, 0},
        {{A, "DE", "FR", VPS_YES}, CONDITION_DNS_LEAK},
        {{A, "DE", "", VPS_YES}, CONDITION_DNS_UNKNOWN},
        {{"198.51.100.7", "DE", "DE", VPS_YES}, CONDITION_BYPASS},
        {{A, "DE", "DE", VPS_NO}, CONDITION_VPN_DOWN},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const words_t nothing = UNKNOWN_WORDS;
        client_t client = client_that_knows(&nothing);

        sight(&client, 1100, &cases[i].said);
        assert_int_equal(client.changes[0].conditions, cases[i].conditions);
    }
}

/* They follow from what is known, not only from what was said. */
static void test_conditions_by_what_is_known(void **state)
{
    static const words_t known = {A, "DE", "DE", VPS_YES}, said = {"", "", "FR", VPS_UNKNOWN};
    client_t client = client_that_knows(&known);

    (void)state;
    sight(&client, 1100, &said);
    assert_int_equal(client.changes[0].conditions, CONDITION_DNS_LEAK);
}

/* --- a full journal --- */

static void alternate(client_t *client, unsigned int times)
{
    static const words_t words[2] = {{A, "DE", "DE", VPS_YES}, {B, "DE", "DE", VPS_YES}};
    unsigned int i;

    for (i = 0; i < times; i++) {
        sight(client, 1100 + i, &words[i % 2]);
    }
}

static void test_announced_entries_make_room(void **state)
{
    static const struct {
        uint32_t announced; /* of 4 */
        unsigned int entries;
    } cases[] = {{1, 4}, {2, 3}, {3, 2}, {4, 1}};
    static const words_t words = {A, "FR", "FR", VPS_YES};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const words_t nothing = UNKNOWN_WORDS;
        client_t client = client_that_knows(&nothing);
        unsigned int n;

        alternate(&client, CLIENT_CHANGES);
        client.announced.seq = cases[i].announced;
        sight(&client, 1200, &words);
        assert_journal(&client, cases[i].entries);
        for (n = 0; n < cases[i].entries; n++) {
            assert_int_equal(client.changes[n].merged, 1);
        }
        assert_facts(&client.changes[cases[i].entries - 1].facts, &words);
    }
}

static void test_oldest_entries_fold(void **state)
{
    static const words_t nothing = UNKNOWN_WORDS, folded = {A, "DE", "DE", VPS_YES};
    client_t client = client_that_knows(&nothing);

    (void)state;
    alternate(&client, CLIENT_CHANGES + 2);
    assert_journal(&client, CLIENT_CHANGES);
    assert_int_equal(client.changes[0].merged, 3);
    assert_int_equal(client.changes[0].seq, 3);
    assert_int_equal(client.changes[0].when, EPOCH + 1102);
    assert_facts(&client.changes[0].facts, &folded);
    assert_int_equal(client.changes[1].merged, 1);
    alternate(&client, 300);
    assert_journal(&client, CLIENT_CHANGES);
    assert_int_equal(client.changes[0].merged, 255);
}

/* What is folded away is known no more, but that there was a leak, a return, how long a silence. */
static void test_folding_keeps_what_happened(void **state)
{
    static const words_t steps[] = {{A, "DE", "FR", VPS_YES},
                                    {"198.51.100.7", "DE", "DE", VPS_YES},
                                    {A, "DE", "DE", VPS_NO},
                                    {A, "DE", "DE", VPS_YES}};
    static const words_t nothing = UNKNOWN_WORDS;
    client_t client = client_that_knows(&nothing);

    (void)state;
    sight_after(&client, CLIENT_NEVER_SEEN, 1100, &steps[0]);
    sight_after(&client, 1100 * SECOND, 2100, &steps[1]);
    sight_after(&client, 2100 * SECOND, 2500, &steps[2]);
    sight(&client, 2501, &steps[3]);
    alternate(&client, 4);
    assert_journal(&client, CLIENT_CHANGES);
    assert_int_equal(client.changes[0].merged, 4);
    assert_int_equal(client.changes[0].conditions,
                     CONDITION_DNS_LEAK | CONDITION_BYPASS | CONDITION_VPN_DOWN);
    assert_int_equal(client.changes[0].marks, CHANGE_FIRST | CHANGE_RETURN);
    assert_int_equal(client.changes[0].gap, 1000);
    assert_facts(&client.changes[0].facts, &steps[3]);
    assert_int_equal(client.changes[1].conditions, 0);
    assert_int_equal(client.changes[1].gap, 0);
}

/* What the older one knew of the server's IPv6 is not folded away. */
static void test_folding_keeps_ipv6(void **state)
{
    static const words_t nothing = UNKNOWN_WORDS;
    client_t client = client_that_knows(&nothing);
    vps_record_t report = {.public_ip6 = {0}};
    const judged_t judged = {.vpn_connected = VPS_YES};

    (void)state;
    assert_true(vps_addr_parse(&report.public_ip6, "2001:db8::7", 11));
    sight_report(&client, 1100 * SECOND, 1100, &report, &judged);
    alternate(&client, CLIENT_CHANGES);
    assert_journal(&client, CLIENT_CHANGES);
    assert_int_equal(client.changes[0].merged, 2);
    assert_int_equal(client.changes[0].facts.is_servers_ipv6, VPS_YES);
    assert_int_equal(client.changes[0].conditions, CONDITION_DNS_UNKNOWN | CONDITION_BYPASS);
    assert_int_equal(client.changes[1].facts.is_servers_ipv6, VPS_UNKNOWN);
}

/* --- what a keepalive tells of the time before it --- */

static void sight_with_past(client_t *client, int64_t seen, int64_t second, const words_t *words,
                            const hindsight_t *past, size_t count)
{
    static const vps_record_t report;
    const assess_facts_t facts = facts_at(second);
    const sighting_t sighting = {.report = &report,
                                 .judged = judged_of(words),
                                 .when = EPOCH + second,
                                 .now = facts.now,
                                 .offline_threshold = facts.offline_threshold,
                                 .past = past,
                                 .past_count = count};

    journal_judge(client, seen, &sighting, &facts);
}

static hindsight_t told(int64_t second, const words_t *words)
{
    return (hindsight_t){EPOCH + second, judged_of(words)};
}

static void assert_change(const change_t *change, int64_t second, unsigned marks,
                          const words_t *words)
{
    assert_int_equal(change->when, EPOCH + second);
    assert_int_equal(change->marks, marks);
    assert_int_equal(change->merged, 1);
    assert_facts(&change->facts, words);
}

static void test_what_came_and_went(void **state)
{
    const words_t words = {A, "DE", "DE", VPS_YES}, leak = {A, "DE", "FR", VPS_YES};
    const hindsight_t past[] = {
        told(1490, &(words_t){B, "", "", VPS_UNKNOWN}), /* was told already */
        told(1500, &(words_t){B, "", "", VPS_UNKNOWN}),
        told(1520, &(words_t){"", "", "FR", VPS_UNKNOWN}),
        told(1530, &(words_t){"", "", "FR", VPS_YES}), /* nothing new */
        told(1560, &(words_t){"", "", "DE", VPS_UNKNOWN}),
    };
    client_t client = client_that_knows(&words);

    (void)state;
    client.last_seen = EPOCH + 1500;
    sight_with_past(&client, 1500 * SECOND, 1600, &words, past, sizeof past / sizeof past[0]);
    assert_journal(&client, 2);
    assert_change(&client.changes[0], 1520, CHANGE_PAST, &leak);
    assert_int_equal(client.changes[0].conditions, CONDITION_DNS_LEAK);
    assert_change(&client.changes[1], 1560, CHANGE_PAST, &words);
    assert_int_equal(client.changes[1].conditions, 0);
    assert_int_equal(client.last_change, EPOCH + 1560);
    assert_facts(&client.judged, &words);
}

/* The silence ends with the keepalive, not with what it tells. */
static void test_what_was_in_a_silence(void **state)
{
    const words_t words = {A, "DE", "DE", VPS_YES}, down = {B, "DE", "DE", VPS_NO};
    const hindsight_t past[] = {told(1200, &(words_t){B, "", "", VPS_NO})};
    client_t client = client_that_knows(&words);

    (void)state;
    client.last_seen = EPOCH + 1100;
    sight_with_past(&client, 1100 * SECOND, 2000, &down, past, 1);
    assert_journal(&client, 2);
    assert_change(&client.changes[0], 1200, CHANGE_PAST, &down);
    assert_int_equal(client.changes[0].gap, 0);
    assert_change(&client.changes[1], 2000, CHANGE_RETURN, &down);
    assert_int_equal(client.changes[1].gap, 900);
}

static void test_first_keepalive_has_no_past(void **state)
{
    const words_t words = {A, "DE", "DE", VPS_YES};
    const hindsight_t past[] = {told(1900, &(words_t){B, "", "", VPS_NO})};
    client_t client;

    (void)state;
    memset(&client, 0, sizeof client);
    sight_with_past(&client, CLIENT_NEVER_SEEN, 2000, &words, past, 1);
    assert_journal(&client, 1);
    assert_change(&client.changes[0], 2000, CHANGE_FIRST, &words);
}

static void test_more_past_than_room(void **state)
{
    const words_t words = {A, "DE", "DE", VPS_YES};
    hindsight_t past[2 * CLIENT_CHANGES];
    client_t client = client_that_knows(&words);
    size_t i;

    (void)state;
    for (i = 0; i < 2 * CLIENT_CHANGES; i++) {
        past[i] =
            told(1510 + (int64_t)i, &(words_t){"", "", i % 2 == 0 ? "FR" : "DE", VPS_UNKNOWN});
    }
    client.last_seen = EPOCH + 1500;
    sight_with_past(&client, 1500 * SECOND, 1600, &words, past, 2 * CLIENT_CHANGES);
    assert_journal(&client, CLIENT_CHANGES);
    assert_int_equal(client.changes[0].merged, CLIENT_CHANGES + 1);
    assert_int_equal(client.changes[0].marks, CHANGE_PAST);
    assert_int_equal(client.changes[0].conditions, CONDITION_DNS_LEAK);
    assert_facts(&client.judged, &words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sighting),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_folding_keeps_ipv6),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_return_forgets_the_vpn),
        cmocka_unit_test(test_first_keepalive_knows_nothing),
        cmocka_unit_test(test_change_and_back_are_two),
        cmocka_unit_test(test_returns_once_after_it_was_told_offline),
        cmocka_unit_test(test_returns_behind_a_waiting_change),
        cmocka_unit_test(test_conditions_of_an_entry),
        cmocka_unit_test(test_conditions_by_what_is_known),
        cmocka_unit_test(test_announced_entries_make_room),
        cmocka_unit_test(test_oldest_entries_fold),
        cmocka_unit_test(test_folding_keeps_what_happened),
        cmocka_unit_test(test_what_came_and_went),
        cmocka_unit_test(test_what_was_in_a_silence),
        cmocka_unit_test(test_first_keepalive_has_no_past),
        cmocka_unit_test(test_more_past_than_room),
    };

    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
