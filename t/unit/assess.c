#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assess.h"

#define SECOND INT64_C(1000000)

/* Server up since second 1000, now second 2000, threshold 300 s, own addresses known. */
static assess_facts_t facts_now(void)
{
    assess_facts_t facts = {2000 * SECOND, 1000 * SECOND, 300 * SECOND, {{0}}};

    assert_true(vps_addr_parse(&facts.server_ip[0], "198.51.100.7", 12));
    assert_true(vps_addr_parse(&facts.server_ip[1], "2001:db8::7", 11));
    return facts;
}

typedef struct case_t {
    const char *location, *country, *dns_loc, *public_ip;
    vps_answer_t vpn;
    light_t light;
    unsigned int conditions;
} case_t;

static client_t client_of(const case_t *given)
{
    client_t client;

    memset(&client, 0, sizeof client);
    strcpy(client.report.client_id, "c");
    strcpy(client.report.location, given->location);
    strcpy(client.report.country, given->country);
    strcpy(client.report.dns_loc, given->dns_loc);
    client.report.vpn_connected = (uint8_t)given->vpn;
    (void)vps_addr_parse(&client.report.public_ip, given->public_ip, strlen(given->public_ip));
    return client;
}

static void test_light_and_conditions(void **state)
{
    static const case_t cases[] = {
        {"DE", "", "DE", "203.0.113.1", VPS_YES, LIGHT_GREEN, 0},
        {"DE", "", "DE", "203.0.113.1", VPS_UNKNOWN, LIGHT_GREEN, 0},
        {"", "Germany", "DEU", "", VPS_UNKNOWN, LIGHT_GREEN, 0},
        {"Nowhere", "Germany", "DE", "", VPS_UNKNOWN, LIGHT_GREEN, 0},
        {"DE", "France", "DE", "", VPS_UNKNOWN, LIGHT_GREEN, 0},
        {"GB", "", "UK", "", VPS_UNKNOWN, LIGHT_GREEN, 0},
        {"DE", "", "FR", "", VPS_YES, LIGHT_YELLOW, CONDITION_DNS_LEAK},
        {"DE", "", "", "", VPS_YES, LIGHT_YELLOW, CONDITION_DNS_UNKNOWN},
        {"DE", "", "XX", "", VPS_YES, LIGHT_YELLOW, CONDITION_DNS_UNKNOWN},
        {"", "", "DE", "", VPS_YES, LIGHT_YELLOW, CONDITION_DNS_UNKNOWN},
        {"", "", "", "", VPS_UNKNOWN, LIGHT_YELLOW, CONDITION_DNS_UNKNOWN},
        {"DE", "", "DE", "198.51.100.7", VPS_YES, LIGHT_RED, CONDITION_BYPASS},
        {"DE", "", "DE", "2001:db8::7", VPS_YES, LIGHT_RED, CONDITION_BYPASS},
        {"DE", "", "DE", "198.51.100.8", VPS_YES, LIGHT_GREEN, 0},
        {"DE", "", "DE", "", VPS_NO, LIGHT_RED, CONDITION_VPN_DOWN},
        {"DE", "", "FR", "198.51.100.7", VPS_NO, LIGHT_RED,
         CONDITION_DNS_LEAK | CONDITION_BYPASS | CONDITION_VPN_DOWN},
    };
    assess_facts_t facts = facts_now();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_t client = client_of(&cases[i]);
        assessment_t found = assess(&client, 1900 * SECOND, &facts);

        if (found.light != cases[i].light || found.conditions != cases[i].conditions) {
            fail_msg("case %zu: light %d, conditions %x", i, (int)found.light, found.conditions);
        }
    }
}

static void test_unknown_server_address_is_no_bypass(void **state)
{
    const case_t given = {"DE", "", "DE", "", VPS_YES, LIGHT_GREEN, 0};
    client_t client = client_of(&given);
    assess_facts_t facts = facts_now();

    (void)state;
    memset(facts.server_ip, 0, sizeof facts.server_ip);
    assert_int_equal(assess(&client, facts.now, &facts).conditions, 0);
}

static void test_offline(void **state)
{
    static const struct {
        int64_t seen, now, since;
        bool offline;
    } cases[] = {
        {1700 * SECOND + 1, 2000 * SECOND, 1000 * SECOND, false},
        {1700 * SECOND, 2000 * SECOND, 1000 * SECOND, true}, /* exactly the threshold */
        {1000 * SECOND, 2000 * SECOND, 1000 * SECOND, true},
        {1 * SECOND, 2000 * SECOND, 1701 * SECOND, false}, /* the service began later */
        {1 * SECOND, 2001 * SECOND, 1701 * SECOND, true},
        {CLIENT_NEVER_SEEN, 2000 * SECOND, 1999 * SECOND, true},
        {2001 * SECOND, 2000 * SECOND, 1000 * SECOND, false},     /* stamped while we looked */
        {CLIENT_WAS_OFFLINE, 2000 * SECOND, 1999 * SECOND, true}, /* until it reports */
        {CLIENT_RESTORED, 2000 * SECOND, 1701 * SECOND, false},   /* as if seen at the start */
        {CLIENT_RESTORED, 2001 * SECOND, 1701 * SECOND, true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assess_facts_t facts = facts_now();

        facts.now = cases[i].now;
        facts.serving_since = cases[i].since;
        if (assess_is_offline(cases[i].seen, &facts) != cases[i].offline) {
            fail_msg("case %zu", i);
        }
    }
}

static void test_deadline(void **state)
{
    static const struct {
        int64_t seen, deadline; /* with a service since second 1000 */
    } cases[] = {
        {1700 * SECOND, 2000 * SECOND}, {1000 * SECOND, 1300 * SECOND},
        {999 * SECOND, 1300 * SECOND},  {CLIENT_RESTORED, 1300 * SECOND},
        {CLIENT_NEVER_SEEN, INT64_MAX}, {CLIENT_WAS_OFFLINE, INT64_MAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assess_facts_t facts = facts_now();

        assert_int_equal(assess_deadline(cases[i].seen, &facts), cases[i].deadline);
        if (cases[i].deadline != INT64_MAX) { /* the two agree to the microsecond */
            facts.now = cases[i].deadline - 1;
            assert_false(assess_is_offline(cases[i].seen, &facts));
            facts.now++;
            assert_true(assess_is_offline(cases[i].seen, &facts));
        }
    }
}

static void test_offline_hides_the_rest(void **state)
{
    const case_t given = {"DE", "", "FR", "198.51.100.7", VPS_NO, LIGHT_GREY, CONDITION_OFFLINE};
    client_t client = client_of(&given);
    assess_facts_t facts = facts_now();
    assessment_t found = assess(&client, 1001 * SECOND, &facts);

    (void)state;
    assert_int_equal(found.light, LIGHT_GREY);
    assert_int_equal(found.conditions, CONDITION_OFFLINE);
}

/* "verdict place dns", - = unknown. */
static judged_t dns_facts(const char *words)
{
    static const char verdicts[] = "-tali";
    judged_t judged;

    memset(&judged, 0, sizeof judged);
    judged.dns_verdict = (uint8_t)(strchr(verdicts, words[0]) - verdicts);
    memcpy(judged.place, words[2] != '-' ? words + 2 : "", words[2] != '-' ? 2 : 1);
    memcpy(judged.dns, words[5] != '-' ? words + 5 : "", words[5] != '-' ? 2 : 1);
    return judged;
}

static void test_judged_facts(void **state)
{
    const case_t given = {"Nowhere", "The Netherlands", "ROU", "::ffff:203.0.113.9", VPS_NO, 0, 0};
    client_t client = client_of(&given);
    judged_t judged;

    (void)state;
    client.report.dns_verdict = VPS_DNS_VERDICT_INTERCEPTED;
    assess_judged(&judged, &client.report);
    assert_string_equal(judged.place, "NL");
    assert_string_equal(judged.dns, "RO");
    assert_int_equal(judged.public_ip.version, 4);
    assert_int_equal(judged.vpn_connected, VPS_NO);
    assert_int_equal(judged.dns_verdict, VPS_DNS_VERDICT_INTERCEPTED);
}

/* A verdict decides alone; without one the countries are compared. */
static void test_dns(void **state)
{
    static const struct {
        const char *words;
        unsigned int conditions;
    } cases[] = {
        {"- DE DE", 0},
        {"- DE FR", CONDITION_DNS_LEAK},
        {"- DE --", CONDITION_DNS_UNKNOWN},
        {"- -- DE", CONDITION_DNS_UNKNOWN},
        {"- -- --", CONDITION_DNS_UNKNOWN},
        {"t DE DE", 0},
        {"t DE FR", 0},
        {"t -- --", 0},
        {"a DE FR", 0},
        {"a DE --", 0},
        {"l DE DE", CONDITION_DNS_LEAK},
        {"l -- --", CONDITION_DNS_LEAK},
        {"i DE DE", CONDITION_DNS_LEAK},
        {"i -- DE", CONDITION_DNS_LEAK},
    };
    const assess_facts_t facts = facts_now();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const judged_t judged = dns_facts(cases[i].words);

        if (assess_conditions(&judged, &facts) != cases[i].conditions) {
            fail_msg("case %zu", i);
        }
    }
}

/* What is known of DNS after facts that say this: "verdict place dns", - = unknown. */
static void test_learning_dns(void **state)
{
    static const struct {
        const char *known, *seen, *after;
        bool replaced;
    } cases[] = {
        {"- -- --", "- -- --", "- -- --", false},
        {"- -- --", "l -- --", "l -- --", false},
        {"- RO DE", "t RO DE", "t RO DE", false}, /* becomes known */
        {"t RO DE", "l RO DE", "l RO DE", true},
        {"l RO DE", "i RO DE", "i RO DE", true},
        {"t RO DE", "t RO DE", "t RO DE", false},
        /* no verdict replaces none */
        {"l RO DE", "- -- --", "l RO DE", false},
        {"l RO DE", "- RO --", "l RO DE", false},
        {"l RO DE", "- -- DE", "l RO DE", false},
        {"t RO DE", "- FR --", "t FR DE", true},
        /* but for one that leaves both countries to compare */
        {"l RO DE", "- RO DE", "- RO DE", true},
        {"l -- --", "- RO RO", "- RO RO", true},
        {"t RO DE", "- RO RO", "- RO RO", true},
        {"- RO DE", "- RO DE", "- RO DE", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        judged_t known = dns_facts(cases[i].known);
        const judged_t seen = dns_facts(cases[i].seen), after = dns_facts(cases[i].after);

        if (assess_learn(&known, &seen) != cases[i].replaced ||
            memcmp(&known, &after, sizeof known) != 0) {
            fail_msg("case %zu", i);
        }
    }
}

/* The server's own are 198.51.100.7 and 2001:db8::7. */
static void test_ipv6(void **state)
{
    static const struct {
        const char *public_ip6; /* "" = unknown */
        vps_ipv6_verdict_t verdict;
        vps_answer_t is_servers;
        unsigned int conditions;
        light_t light;
    } cases[] = {
        {"", VPS_IPV6_VERDICT_UNKNOWN, VPS_UNKNOWN, 0, LIGHT_GREEN},
        {"", VPS_IPV6_VERDICT_TUNNEL, VPS_UNKNOWN, 0, LIGHT_GREEN},
        {"", VPS_IPV6_VERDICT_BLOCKED, VPS_NO, 0, LIGHT_GREEN},
        {"", VPS_IPV6_VERDICT_LEAK, VPS_UNKNOWN, CONDITION_IPV6_LEAK, LIGHT_RED},
        {"2001:db8::1", VPS_IPV6_VERDICT_UNKNOWN, VPS_NO, 0, LIGHT_GREEN},
        {"2001:db8::1", VPS_IPV6_VERDICT_TUNNEL, VPS_NO, 0, LIGHT_GREEN},
        {"2001:db8::1", VPS_IPV6_VERDICT_BLOCKED, VPS_NO, 0, LIGHT_GREEN},
        {"2001:db8::1", VPS_IPV6_VERDICT_LEAK, VPS_NO, CONDITION_IPV6_LEAK, LIGHT_RED},
        {"2001:db8::7", VPS_IPV6_VERDICT_UNKNOWN, VPS_YES, CONDITION_BYPASS, LIGHT_RED},
        {"2001:db8::7", VPS_IPV6_VERDICT_TUNNEL, VPS_YES, CONDITION_BYPASS, LIGHT_RED},
        {"2001:db8::7", VPS_IPV6_VERDICT_LEAK, VPS_YES, CONDITION_BYPASS | CONDITION_IPV6_LEAK,
         LIGHT_RED},
    };
    const case_t given = {"DE", "", "DE", "203.0.113.1", VPS_YES, 0, 0};
    assess_facts_t facts = facts_now();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].public_ip6;
        client_t client = client_of(&given);
        assessment_t found;

        client.report.ipv6_verdict = (uint8_t)cases[i].verdict;
        (void)vps_addr_parse(&client.report.public_ip6, text, strlen(text));
        found = assess(&client, 1900 * SECOND, &facts);
        if (assess_is_servers_ipv6(&client.report, &facts) != cases[i].is_servers ||
            found.conditions != cases[i].conditions || found.light != cases[i].light) {
            fail_msg("case %zu: conditions %x", i, found.conditions);
        }
    }
}

static void test_unknown_servers_ipv6_is_no_bypass(void **state)
{
    const judged_t judged = {.is_servers_ipv6 = VPS_YES, .dns_verdict = VPS_DNS_VERDICT_TUNNEL};
    assess_facts_t facts = facts_now();
    vps_record_t report = {.public_ip6 = facts.server_ip[1]};

    (void)state;
    assert_int_equal(assess_conditions(&judged, &facts), CONDITION_BYPASS);
    memset(&facts.server_ip[1], 0, sizeof facts.server_ip[1]);
    assert_int_equal(assess_conditions(&judged, &facts), 0);
    assert_int_equal(assess_is_servers_ipv6(&report, &facts), VPS_UNKNOWN);
}

/* What is known after an answer of one byte, by the three that are learned alike. */
static void test_learning_answers(void **state)
{
    static const struct {
        unsigned int known, seen, after;
        bool replaced;
    } cases[] = {{0, 0, 0, false}, {0, 2, 2, false}, {1, 0, 1, false},
                 {1, 1, 1, false}, {1, 2, 2, true},  {2, 1, 1, true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int fact = 0; fact < 3; fact++) {
            const unsigned int mask = fact == 0 ? 3 : 0, mask6 = fact == 1 ? 3 : 0,
                               own = fact == 2 ? 3 : 0;
            judged_t known = {.vpn_connected = (uint8_t)(cases[i].known & mask),
                              .ipv6_verdict = cases[i].known & mask6,
                              .is_servers_ipv6 = cases[i].known & own};
            const judged_t seen = {.vpn_connected = (uint8_t)(cases[i].seen & mask),
                                   .ipv6_verdict = cases[i].seen & mask6,
                                   .is_servers_ipv6 = cases[i].seen & own};

            assert_int_equal(assess_learn(&known, &seen), cases[i].replaced);
            assert_int_equal(known.vpn_connected, cases[i].after & mask);
            assert_int_equal(known.ipv6_verdict, cases[i].after & mask6);
            assert_int_equal(known.is_servers_ipv6, cases[i].after & own);
        }
    }
}

static void test_names(void **state)
{
    static const char *const conditions[CONDITIONS] = {"dns_leak", "dns_unknown", "bypass",
                                                       "vpn_down", "offline",     "ipv6_leak"};
    unsigned int n;

    (void)state;
    for (n = 0; n < CONDITIONS; n++) {
        assert_string_equal(assess_condition_name(n), conditions[n]);
    }
    assert_string_equal(assess_light_name(LIGHT_GREEN), "green");
    assert_string_equal(assess_light_name(LIGHT_YELLOW), "yellow");
    assert_string_equal(assess_light_name(LIGHT_RED), "red");
    assert_string_equal(assess_light_name(LIGHT_GREY), "grey");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_light_and_conditions),
        cmocka_unit_test(test_unknown_server_address_is_no_bypass),
        cmocka_unit_test(test_offline),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_offline_hides_the_rest),
        cmocka_unit_test(test_judged_facts),
        cmocka_unit_test(test_dns),
        cmocka_unit_test(test_learning_dns),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_unknown_servers_ipv6_is_no_bypass),
        cmocka_unit_test(test_learning_answers),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("assess", tests, NULL, NULL);
}
