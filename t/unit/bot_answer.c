/*
 * mod_vpnsentinel/bot_answer.h: the texts, but for /status, which is bot_answer_status.c's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot_answer_world.h"
#include "command.h"

#define HOSTILE "<b>&\"x</b>"

/* --- /client --- */

static void test_everything_about_a_client(void **state)
{
    vps_record_t report = report_how("office-vpn", LEAKING);

    (void)state;
    strcpy(report.city, "Frankfurt");
    strcpy(report.region, "Hesse");
    strcpy(report.country, "Germany");
    strcpy(report.provider, "AS64500 Example Net");
    strcpy(report.dns_colo, "IAD");
    strcpy(report.client_version, "1.2.3");
    report.vpn_connected = VPS_YES;
    put_report(&report, 7200);
    put_report(&report, 90);
    ask("/client office-vpn");
    assert_string_equal(text, "🟡 yellow office-vpn: DNS leak\n"
                              "Public IP: 203.0.113.9\n"
                              "Location: Frankfurt, Hesse, Germany\n"
                              "Provider: AS64500 Example Net\n"
                              "DNS: US (IAD)\n"
                              "VPN: connected\n"
                              "Last seen: 2026-01-15 11:58:30 CET (1 min ago)\n"
                              "First seen: 2026-01-15 10:00:00 CET (2 h ago)\n"
                              "Version: 1.2.3");
}

static void test_what_is_known_of_it(void **state)
{
    static const struct {
        how_t how;
        const char *first, *second, *third;
    } cases[] = {
        {WELL, "🟢 green a: secure\n", "\nVPN: unknown\n", "(just now)\n"},
        {UNSURE, "🟡 yellow a: DNS unknown\n", "\nDNS: unknown\n", "\nProvider: unknown\n"},
        {BYPASSING, "🔴 red a: VPN bypass\n", "\nPublic IP: " SERVER_IP "\n", "Location: DE\n"},
        {DOWN, "🔴 red a: VPN down\n", "\nVPN: not connected\n", "DNS: DE\n"},
        {DOWN_AND_LEAKING, "🔴 red a: DNS leak, VPN down\n", "\nDNS: US\n", "Location: DE\n"},
        {AWAY, "⚫ grey a: offline\n", "\nPublic IP: 203.0.113.9\n", " (2 h ago)"},
        {NEW, "⚫ grey a: offline\n", "\nPublic IP: unknown\n", "\nLast seen: never\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        put_client("a", cases[i].how);
        ask("/client a");
        assert_memory_equal(text, cases[i].first, strlen(cases[i].first));
        assert_says(cases[i].second);
        assert_says(cases[i].third);
        assert_does_not_say("Version: ");
    }
}

static void test_verdicts(void **state)
{
    static const struct {
        uint8_t dns, ipv6;
        const char *resolver, *public_ip6, *first, *dns_line, *ipv6_line;
    } cases[] = {
        {VPS_DNS_VERDICT_TUNNEL, VPS_IPV6_VERDICT_TUNNEL, "203.0.113.9", "2001:db8::9",
         "🟢 green a: secure\n", "\nDNS: tunnel, DE, resolver 203.0.113.9\n",
         "\nPublic IP: 203.0.113.9\nIPv6: tunnel, 2001:db8::9\nLocation: "},
        {VPS_DNS_VERDICT_LEAK, VPS_IPV6_VERDICT_BLOCKED, "", "", "🟡 yellow a: DNS leak\n",
         "\nDNS: leak, DE\n", "\nIPv6: blocked\n"},
        {VPS_DNS_VERDICT_INTERCEPTED, VPS_IPV6_VERDICT_LEAK, "198.51.100.53", "2001:db8::1",
         "🔴 red a: DNS leak, IPv6 leak\n", "\nDNS: intercepted, DE, resolver 198.51.100.53\n",
         "\nIPv6: leak, 2001:db8::1\n"},
        {VPS_DNS_VERDICT_ALLOWED, VPS_IPV6_VERDICT_UNKNOWN, "", "2001:db8::1",
         "🟢 green a: secure\n", "\nDNS: allowed, DE\n", "\nIPv6: 2001:db8::1\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        vps_record_t report = report_how("a", WELL);

        report.dns_verdict = cases[i].dns;
        report.ipv6_verdict = cases[i].ipv6;
        (void)vps_addr_parse(&report.dns_resolver_ip, cases[i].resolver, strlen(cases[i].resolver));
        (void)vps_addr_parse(&report.public_ip6, cases[i].public_ip6, strlen(cases[i].public_ip6));
        put_report(&report, 0);
        ask("/client a");
        assert_memory_equal(text, cases[i].first, strlen(cases[i].first));
        assert_says(cases[i].dns_line);
        assert_says(cases[i].ipv6_line);
    }
}

/* What clients say is shown, not obeyed. */
static void test_hostile_texts(void **state)
{
    static char out[TEXT_SIZE];
    const question_t question = {.text = "/client a"};
    vps_record_t report = report_how("a", WELL);
    char *const texts[] = {report.city,     report.region,         report.country, report.provider,
                           report.dns_colo, report.client_version, report.dns_loc};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        strcpy(texts[i], HOSTILE);
    }
    put_report(&report, 0);
    ask("/client a");
    assert_says("Location: " HOSTILE ", " HOSTILE ", " HOSTILE "\n");
    assert_says("Provider: " HOSTILE "\n");
    assert_says("DNS: " HOSTILE " (" HOSTILE ")\n");
    assert_says("Version: " HOSTILE);
    assert_non_null(bot_answer_write(bot, out, &question, "", TEXT_HTML, NOON));
    assert_null(strstr(out, HOSTILE));
}

/* The longest there are fit. */
static void test_longest_texts(void **state)
{
    char id[VPS_CLIENT_ID_MAX + 1], words[VPS_CLIENT_ID_MAX + 16];
    vps_record_t report;

    (void)state;
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    report = report_how(id, LEAKING);
    memset(report.city, '&', VPS_CITY_MAX);
    memset(report.region, '<', VPS_REGION_MAX);
    memset(report.country, '"', VPS_COUNTRY_MAX);
    memset(report.provider, '>', VPS_PROVIDER_MAX);
    memset(report.client_version, '&', VPS_CLIENT_VERSION_MAX);
    put_report(&report, 0);
    (void)snprintf(words, sizeof(words), "/client %s", id);
    ask(words);
    assert_says(id);
    assert_says(report.client_version);
}

static void test_which_client(void **state)
{
    static const struct {
        const char *question, *says;
    } cases[] = {
        {"/client", "Which one? Write /client and its id, like /client office-vpn"},
        {"/client ", "Which one?"},
        {"/client a b", "Which one?"},
        {"/client@SentinelBot b", "There is no client b. /status names those in trouble."},
        {"/client A", "There is no client A."},
        {"/client " HOSTILE, "There is no client " HOSTILE "."},
        {"/client 🔴\xC3\xA9", "There is no client 🔴\xC3\xA9."},
        {"/client ../../etc/passwd", "There is no client ../../etc/passwd."},
        {"/client %s%n", "There is no client %s%n."},
        {"/CLIENT a", "🟢 green a: secure"},
    };

    (void)state;
    put_client("a", WELL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask(cases[i].question);
        assert_says(cases[i].says);
    }
}

/* Longer than any id, and than what is read of it. */
static void test_endless_ids(void **state)
{
    static const size_t lengths[] = {VPS_CLIENT_ID_MAX + 1, COMMAND_ARGUMENT_SIZE,
                                     QUESTION_TEXT_SIZE - 10};
    char words[QUESTION_TEXT_SIZE] = "/client ";

    (void)state;
    put_client("a", WELL);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        memset(words + 8, 'a', lengths[i]);
        words[8 + lengths[i]] = '\0';
        ask(words);
        assert_says("There is no client aaaa");
    }
}

/* --- its events --- */

static void put_event(const char *client_id, event_kind_t kind, int64_t ago)
{
    event_t event = {.when = NOON - ago, .kind = (uint8_t)kind};

    (void)snprintf(event.client_id, sizeof(event.client_id), "%s", client_id);
    event_ring_append(ring, &event);
}

static void test_newest_events(void **state)
{
    (void)state;
    put_client("a", WELL);
    put_event("a", EVENT_CONNECTED, 500);
    put_event("a", EVENT_OFFLINE, 90000);
    put_event("ab", EVENT_BYPASS, 80);
    put_event("a", EVENT_CONNECTED, 70);
    put_event("", EVENT_STARTED, 60);
    put_event("a", EVENT_LEAK, 50);
    put_event("b", EVENT_BYPASS, 40);
    put_event("a", EVENT_LEAK_OVER, 30);
    put_event("a", EVENT_ADDRESS, 20);
    put_event("b", EVENT_BYPASS, 10);
    ask("/client a");
    assert_says("(just now)\n\n11:59:40 🔄 IP Address Changed\n11:59:30 ");
    assert_says("\n11:59:10 ⚠️ DNS LEAK DETECTED\n11:58:50 ✅ VPN Connected!\n"
                "2026-01-14 11:00:00 ❌ Client Offline");
    assert_does_not_say("11:51:40"); /* five are enough */
    assert_does_not_say("BYPASS");
    assert_does_not_say("Server Started");
}

/* A ring that has gone round. */
static void test_old_events(void **state)
{
    (void)state;
    put_client("a", WELL);
    put_client("b", WELL);
    put_event("a", EVENT_OFFLINE, 3000);
    for (unsigned i = 0; i < 3 * EVENT_RING_ENTRIES; i++) {
        put_event("b", EVENT_CONNECTED, 1000);
    }
    ask("/client a");
    assert_does_not_say("Client Offline");
    ask("/client b");
    assert_says("VPN Connected!");
}

/* --- the others --- */

static void test_ping(void **state)
{
    (void)state;
    ask("/ping");
    assert_string_equal(text, "🏓 Pong!\nServer: VPN Sentinel " VPS_VERSION ", up 1 d 3 h");
    vitals.store_state = STORE_DEGRADED;
    strcpy(vitals.store_error, "the disk is full: " HOSTILE);
    ask("/ping");
    assert_says("\n⚠️ Its store cannot be used: the disk is full: " HOSTILE);
}

/* All that there is, one a line. */
static void test_help(void **state)
{
    static const char *const questions[] = {"/help", "/start", "/start@SentinelBot", "/HELP me"};
    size_t count;
    const command_help_t *table = command_table(&count);

    (void)state;
    for (size_t i = 0; i < COUNT(questions); i++) {
        ask(questions[i]);
        assert_memory_equal(text, "I watch your VPN clients", 24);
        for (size_t n = 0; n < count; n++) {
            char line[256];

            (void)snprintf(line, sizeof(line), "\n%s: %s", table[n].usage, table[n].description);
            assert_says(line);
        }
    }
}

static void test_anything_else(void **state)
{
    static const char *const questions[] = {"How are you?", "/nonsense",        "/",
                                            "status",       "/status@OtherBot", HOSTILE};

    (void)state;
    for (size_t i = 0; i < COUNT(questions); i++) {
        ask(questions[i]);
        assert_string_equal(text, "I understand commands only: /status, /client, /mute and others. "
                                  "/help tells them all.");
    }
}

static void test_mute(void **state)
{
    static const struct {
        const char *question;
        int64_t since, until; /* from now, sec; both 0 = it is not muted */
        const char *says;
    } cases[] = {
        {"/mute 2h", -2, 7198, "🔕 Alerts are muted until 13:59:58 (2 h). What happens is recorded"},
        {"/mute", -2, 3598, "until 12:59:58 (1 h)."},
        {"/mute 1d", -2, 86398, "until 2026-01-16 11:59:58 (1 d)."},
        {"/mute 90s", -2, 88, "until 12:01:28 (1 min 30 s)."},
        {"/mute 1s", -2, -1, "🔔 Alerts were muted, and are not any more."},
        {"/mute 1s", 0, 0, "🔔 Alerts were muted, and are not any more."},
        {"/mute 2 hours", 0, 0,
         "For how long? Write /mute 30m, /mute 2h or /mute 1d, at most 365d;"},
        {"/mute 2 hours", -100, 100, "For how long?"},
        {"/mute 0", 0, 0, "For how long?"},
        {"/mute 366d", 0, 0, "For how long?"},
        {"/mute " HOSTILE, 0, 0, "For how long?"},
        {"/unmute", -100, 0, "🔔 Alerts are not muted. What waited is told now."},
        {"/unmute", 0, 0, "🔔 Alerts are not muted."},
        {"/unmute", -2, 100, "🔕 Alerts are muted again."},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        mute = (mute_t){0};
        if (cases[i].since != 0) {
            mute = (mute_t){NOON + cases[i].since, NOON + cases[i].until};
        }
        ask(cases[i].question);
        assert_says(cases[i].says);
    }
}

/* --- what it needs --- */

static void test_no_segment(void **state)
{
    static const char *const questions[] = {"/status", "/client a", "/ping", "/help"};

    (void)state;
    has_segment = false;
    for (size_t i = 0; i < COUNT(questions); i++) {
        assert_false(ask_in(TEXT_HTML, questions[i]));
    }
}

/* What does not need the clients is answered all the same. */
static void test_no_lock(void **state)
{
    census_t census;

    (void)state;
    put_client("a", WELL);
    is_locked_for_ever = true;
    assert_false(ask_in(TEXT_HTML, "/status"));
    assert_false(ask_in(TEXT_HTML, "/client a"));
    assert_false(bot_answer_count(bot, &census));
    ask("/client");
    ask("/help");
    ask("/mute");
    is_locked_for_ever = false;
    ask("/status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_about_a_client, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_known_of_it, start, stop),
        cmocka_unit_test_setup_teardown(test_verdicts, start, stop),
        cmocka_unit_test_setup_teardown(test_hostile_texts, start, stop),
        cmocka_unit_test_setup_teardown(test_longest_texts, start, stop),
        cmocka_unit_test_setup_teardown(test_which_client, start, stop),
        cmocka_unit_test_setup_teardown(test_endless_ids, start, stop),
        cmocka_unit_test_setup_teardown(test_newest_events, start, stop),
        cmocka_unit_test_setup_teardown(test_old_events, start, stop),
        cmocka_unit_test_setup_teardown(test_ping, start, stop),
        cmocka_unit_test_setup_teardown(test_help, start, stop),
        cmocka_unit_test_setup_teardown(test_anything_else, start, stop),
        cmocka_unit_test_setup_teardown(test_mute, start, stop),
        cmocka_unit_test_setup_teardown(test_no_segment, start, stop),
        cmocka_unit_test_setup_teardown(test_no_lock, start, stop),
    };

    return cmocka_run_group_tests_name("bot_answer", tests, pool_start, pool_stop);
}
