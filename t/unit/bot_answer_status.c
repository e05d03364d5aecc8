/*
 * mod_vpnsentinel/bot_answer.h: /status, and the census: right sums, the worst first, and everybody in
 * trouble named or counted, whatever the size of the fleet.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot_answer_world.h"

#define SERVER_LINE "\nServer: VPN Sentinel " VPS_VERSION ", up 1 d 3 h"

static const char *const signs[LIGHTS] = {"🟢", "🟡", "⚫", "🔴"};

static void test_nobody(void **state)
{
    (void)state;
    ask("/status");
    assert_string_equal(text, "No client has reported yet" SERVER_LINE);
}

static void test_few(void **state)
{
    (void)state;
    put_client("office", WELL);
    put_client("leaky", LEAKING);
    put_client("down", DOWN_AND_LEAKING);
    put_client("away", AWAY);
    put_client("unsure", UNSURE);
    put_client("bypass", BYPASSING);
    put_client("new", NEW);
    ask("/status");
    assert_string_equal(text, "⚠️ 6 of 7 clients in trouble\n"
                              "🔴 2 red (bypass, IPv6 leak or VPN down)\n"
                              "⚫ 2 grey (offline)\n"
                              "🟡 2 yellow (DNS leak or unknown)\n"
                              "🟢 1 green (secure)" SERVER_LINE "\n\n"
                              "🔴 down: DNS leak, VPN down, 203.0.113.9, DE, seen just now\n"
                              "🔴 bypass: VPN bypass, " SERVER_IP ", DE, seen just now\n"
                              "⚫ away: offline, 203.0.113.9, DE, seen 2 h ago\n"
                              "⚫ new: offline, never seen\n"
                              "🟡 leaky: DNS leak, 203.0.113.9, DE, seen just now\n"
                              "🟡 unsure: DNS unknown, 203.0.113.9, DE, seen just now\n"
                              "🟢 office: secure, 203.0.113.9, DE, seen just now");
}

static void test_all_is_well(void **state)
{
    (void)state;
    put_client("a", WELL);
    ask("/status");
    assert_says("🟢 All is well: 1 client\n");
    put_client("b", WELL);
    ask("/status");
    assert_says("🟢 All is well: 2 clients\n");
    assert_says("\n🟢 a: secure");
    assert_says("\n🟢 b: secure");
}

/* Ten are all named, of eleven only those in trouble. */
static void test_ten_and_eleven(void **state)
{
    char id[32];

    (void)state;
    put_client("leaky", LEAKING);
    for (int i = 1; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "well-%d", i);
        put_client(id, WELL);
    }
    ask("/status");
    for (int i = 1; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "\n🟢 well-%d: ", i);
        assert_says(id);
    }
    put_client("well-10", WELL);
    ask("/status");
    assert_says("⚠️ 1 of 11 clients in trouble\n");
    assert_says("\n\n🟡 leaky: DNS leak");
    assert_does_not_say("well-");
    assert_does_not_say("more in trouble");
}

static void test_many_that_are_well(void **state)
{
    char id[32];

    (void)state;
    for (int i = 0; i < 500; i++) {
        (void)snprintf(id, sizeof(id), "well-%d", i);
        put_client(id, WELL);
    }
    ask("/status");
    assert_says("🟢 All is well: 500 clients\n");
    assert_does_not_say("well-");
}

static void test_server_and_mute(void **state)
{
    (void)state;
    put_client("a", WELL);
    vitals.queued = 17;
    ask("/status");
    assert_does_not_say("Alerts: ");
    mute = (mute_t){NOON - 100, NOON + 1800};
    ask("/status");
    assert_says("\nAlerts: 🔕 muted until 12:30:00, 17 waiting" SERVER_LINE);
    mute.until = NOON;
    ask("/status");
    assert_does_not_say("Alerts: ");
    vitals.store_state = STORE_DEGRADED;
    strcpy(vitals.store_error, "<disk> & full");
    ask("/status");
    assert_says(SERVER_LINE "\n⚠️ Its store cannot be used: <disk> & full\n\n");
}

/* --- sums --- */

/* So many of each light: in the registry, in an order that is none. */
static void put_fleet(const unsigned fleet[LIGHTS], const char *filler)
{
    static const how_t hows[LIGHTS][2] = {[LIGHT_GREEN] = {WELL, WELL},
                                          [LIGHT_YELLOW] = {LEAKING, UNSURE},
                                          [LIGHT_GREY] = {AWAY, AWAY},
                                          [LIGHT_RED] = {BYPASSING, DOWN_AND_LEAKING}};
    unsigned left[LIGHTS], number = 0;
    bool any = true;

    memcpy(left, fleet, sizeof(left));
    while (any) {
        any = false;
        for (unsigned light = 0; light < LIGHTS; light++) {
            char id[2 * VPS_CLIENT_ID_MAX];

            if (left[light] > 0) {
                (void)snprintf(id, sizeof(id), "%u-%u%s", light, number++, filler);
                id[VPS_CLIENT_ID_MAX] = '\0';
                put_client(id, hows[light][left[light] % 2]);
                left[light]--;
                any = true;
            }
        }
    }
}

/* The number that a line has behind this. */
static unsigned number_behind(const char *words)
{
    const char *found = strstr(text, words);

    return found != NULL ? (unsigned)strtoul(found + strlen(words), NULL, 10) : 0;
}

/* How many are named of each light; and none behind a better one. */
static void count_named(unsigned named[LIGHTS])
{
    const char *list = strstr(text, "\n\n");
    int last = LIGHT_RED;

    memset(named, 0, LIGHTS * sizeof(named[0]));
    for (const char *line = list; line != NULL; line = strchr(line + 1, '\n')) {
        for (int light = 0; light < LIGHTS; light++) {
            char start_of_line[32];

            (void)snprintf(start_of_line, sizeof(start_of_line), "\n%s %d-", signs[light], light);
            if (strncmp(line, start_of_line, strlen(start_of_line)) == 0) {
                assert_in_range(light, 0, last);
                last = light;
                named[light]++;
            }
        }
    }
}

static void assert_sums(const unsigned fleet[LIGHTS], unsigned most)
{
    const unsigned total =
        fleet[LIGHT_GREEN] + fleet[LIGHT_YELLOW] + fleet[LIGHT_GREY] + fleet[LIGHT_RED];
    const unsigned troubled = total - fleet[LIGHT_GREEN];
    unsigned named[LIGHTS], named_count = 0;

    count_named(named);
    for (int light = 0; light < LIGHTS; light++) {
        char sign[32];

        (void)snprintf(sign, sizeof(sign), "\n%s ", signs[light]);
        assert_int_equal(number_behind(sign), fleet[light]);
        named_count += named[light];
        assert_in_range(named[light], 0, fleet[light]);
    }
    if (total <= 10) {
        assert_int_equal(named_count, total);
        return;
    }
    assert_int_equal(named[LIGHT_GREEN], 0);
    assert_int_equal(named_count + number_behind("\n… and "), troubled);
    assert_in_range(named_count, troubled < most ? troubled : most, 40);
    /* A worse one that is not named leaves no room for a better one. */
    assert_true(named[LIGHT_RED] == fleet[LIGHT_RED] ||
                named[LIGHT_GREY] + named[LIGHT_YELLOW] == 0);
    assert_true(named[LIGHT_GREY] == fleet[LIGHT_GREY] || named[LIGHT_YELLOW] == 0);
}

static void test_sums(void **state)
{
    static const struct {
        unsigned fleet[LIGHTS]; /* green, yellow, grey, red */
        unsigned most;          /* at least so many are named, if they are in trouble */
        bool is_long;           /* each id is as long as it may be */
    } cases[] = {
        {{0, 0, 0, 1}, 1, false},       {{3, 0, 0, 0}, 3, false},
        {{4, 3, 2, 1}, 10, false},      {{1, 3, 3, 3}, 10, true},
        {{0, 3, 4, 4}, 11, true},       {{60, 0, 0, 40}, 40, false},
        {{60, 0, 1, 40}, 40, false},    {{0, 39, 1, 1}, 40, false},
        {{0, 41, 0, 0}, 40, false},     {{10, 10, 10, 10}, 20, true},
        {{0, 100, 100, 0}, 20, true},   {{29000, 900, 90, 10}, 40, false},
        {{0, 10, 10, 29980}, 20, true}, {{29999, 0, 1, 0}, 1, true},
    };
    char filler[VPS_CLIENT_ID_MAX + 1];

    memset(filler, 'x', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    for (size_t i = 0; i < COUNT(cases); i++) {
        census_t census;

        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        put_fleet(cases[i].fleet, cases[i].is_long ? filler : "");
        ask("/status");
        assert_sums(cases[i].fleet, cases[i].most);
        ask("/status"); /* nothing is left of the last one */
        assert_sums(cases[i].fleet, cases[i].most);
        assert_true(bot_answer_count(bot, &census));
        for (int light = 0; light < LIGHTS; light++) {
            assert_int_equal(census.lights[light], cases[i].fleet[light]);
        }
        assert_int_equal(census.offline, cases[i].fleet[LIGHT_GREY]);
        assert_int_equal(census.total,
                         census.lights[0] + census.lights[1] + census.lights[2] + census.lights[3]);
    }
}

/* Wherever the list is cut, there is room to count the rest. */
static void test_every_length(void **state)
{
    static const unsigned fleet[LIGHTS] = {0, 20, 20, 20};
    char filler[VPS_CLIENT_ID_MAX];

    for (size_t len = 40; len < sizeof(filler) - 5; len++) {
        assert_int_equal(stop(state), 0);
        assert_int_equal(start(state), 0);
        memset(filler, 'x', len);
        filler[len] = '\0';
        put_fleet(fleet, filler);
        ask("/status");
        assert_sums(fleet, 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody, start, stop),
        cmocka_unit_test_setup_teardown(test_few, start, stop),
        cmocka_unit_test_setup_teardown(test_all_is_well, start, stop),
        cmocka_unit_test_setup_teardown(test_ten_and_eleven, start, stop),
        cmocka_unit_test_setup_teardown(test_many_that_are_well, start, stop),
        cmocka_unit_test_setup_teardown(test_server_and_mute, start, stop),
        cmocka_unit_test_setup_teardown(test_sums, start, stop),
        cmocka_unit_test_setup_teardown(test_every_length, start, stop),
    };

    return cmocka_run_group_tests_name("bot_answer_status", tests, pool_start, pool_stop);
}
