/*
 * mod_vpnsentinel/lights.h: what a look at a client makes of its history. Clients report at seconds of
 * a clock whose second 0 is the start of a quarter of an hour; they are offline after 300.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "journal.h"
#include "lights.h"

#define SECOND INT64_C(1000000)
#define QUARTER HISTORY_CELL_SECONDS
#define WALL_AT_0 (INT64_C(1900000) * QUARTER)
#define BEGIN (10 * QUARTER) /* the second that the service begins at */

static client_t client;
static int64_t seen;         /* as the registry's */
static assess_facts_t facts; /* as of now */
static int64_t clock_is_off; /* sec that the wall clock is wrong by */
static hindsight_t past[4];  /* of the next report */
static size_t past_count;

static int start(void **state)
{
    (void)state;
    memset(&client, 0, sizeof client);
    memset(&facts, 0, sizeof facts);
    strcpy(client.report.client_id, "a");
    client.uid = 1;
    client.first_seen = (uint32_t)(WALL_AT_0 + BEGIN);
    seen = CLIENT_NEVER_SEEN;
    facts.serving_since = BEGIN * SECOND;
    facts.offline_threshold = 300 * SECOND;
    facts.server_ip[0] = (vps_addr_t){4, {203, 0, 113, 'S'}};
    clock_is_off = 0;
    past_count = 0;
    return 0;
}

/* What a client says: its light is to be g, y or r; 'd' is red by a VPN that is down. */
static vps_record_t report_of(char light)
{
    vps_record_t report;

    memset(&report, 0, sizeof report);
    strcpy(report.client_id, "a");
    report.public_ip = (vps_addr_t){4, {203, 0, 113, light == 'r' ? 'S' : 'A'}};
    strcpy(report.location, "DE");
    report.dns_verdict = light == 'y' ? VPS_DNS_VERDICT_LEAK : VPS_DNS_VERDICT_TUNNEL;
    report.vpn_connected = light == 'd' ? VPS_NO : VPS_YES;
    return report;
}

/* As registry_keepalive() does. */
static void says(int64_t second, char light)
{
    const vps_record_t report = report_of(light);
    sighting_t sighting = {.report = &report, .past = past, .past_count = past_count};

    facts.now = second * SECOND;
    assess_judged(&sighting.judged, &report);
    sighting.when = WALL_AT_0 + second + clock_is_off;
    sighting.now = facts.now;
    sighting.offline_threshold = facts.offline_threshold;
    journal_judge(&client, seen, &sighting, &facts);
    client.report = report;
    client.last_seen = (uint32_t)sighting.when;
    client.keepalives++;
    seen = facts.now;
    past_count = 0;
}

/* The next report tells that it was so then, too. */
static void will_tell(int64_t second, char light)
{
    const vps_record_t report = report_of(light);

    assess_judged(&past[past_count].judged, &report);
    past[past_count++].when = WALL_AT_0 + second;
}

static void look_without_marking(int64_t second)
{
    facts.now = second * SECOND;
    lights_note(&client.history, &client, seen, &client.announced, &facts,
                (WALL_AT_0 + second + clock_is_off) * SECOND);
    assert_true(history_is_valid(&client.history));
}

/* As the monitor does: a second time, as after its death, it changes nothing. Then mark. */
static void look(int64_t second)
{
    history_t once;

    look_without_marking(second);
    once = client.history;
    look_without_marking(second);
    assert_memory_equal(&client.history, &once, sizeof once);
    client.announced.seq = client.seq;
    if (assess_is_offline(seen, &facts)) {
        client.announced.state |= ANNOUNCED_OFFLINE;
    } else {
        client.announced.state &= (uint8_t)~ANNOUNCED_OFFLINE;
    }
}

/* The cells from BEGIN on up to the second, of a server that has always lived. */
static void assert_history(const char *expected, int64_t second)
{
    history_gaps_t gaps = {.quarter = (uint32_t)((WALL_AT_0 + second) / QUARTER)};
    uint8_t cells[HISTORY_CELLS];
    char text[HISTORY_CELLS + 1] = "";
    size_t len = (size_t)((second - BEGIN) / QUARTER + 1);

    facts.now = second * SECOND;
    history_read(cells, &client.history, &gaps, client.first_seen, WALL_AT_0 + second,
                 assess(&client, seen, &facts).light);
    for (size_t i = 0; i < len; i++) {
        text[i] = "-gyor"[cells[HISTORY_CELLS - len + i]];
    }
    assert_string_equal(text, expected);
}

/* Reports are rarer than quarters of an hour, and enough. */
static void be_patient(void)
{
    facts.offline_threshold = 9 * QUARTER * SECOND;
}

static void test_changes(void **state)
{
    history_t before;

    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    before = client.history;
    look(BEGIN + 2 * QUARTER);
    assert_memory_equal(&client.history, &before, sizeof before); /* nothing to write */
    says(BEGIN + 3 * QUARTER, 'y');
    look(BEGIN + 3 * QUARTER + 1);
    says(BEGIN + 4 * QUARTER + 5, 'g');
    look(BEGIN + 4 * QUARTER + 5);
    says(BEGIN + 6 * QUARTER, 'd');
    look(BEGIN + 6 * QUARTER + 1);
    assert_history("gggyygrr", BEGIN + 7 * QUARTER);
}

/* What counts is when it was, not when the monitor looked. */
static void test_changes_before_the_look(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + QUARTER - 1, 'y');
    look(BEGIN + QUARTER);
    assert_history("yy", BEGIN + QUARTER);
    says(BEGIN + 2 * QUARTER - 1, 'g');
    look(BEGIN + 2 * QUARTER);
    assert_history("yyg", BEGIN + 2 * QUARTER);
}

static void test_between_two_looks(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    says(BEGIN + QUARTER, 'd');
    says(BEGIN + QUARTER + 1, 'g');
    look(BEGIN + QUARTER + 1);
    assert_history("grg", BEGIN + 2 * QUARTER);
    for (int i = 0; i < 10; i++) {
        says(BEGIN + 2 * QUARTER + i, i % 2 == 0 ? 'd' : 'g'); /* more than the journal holds */
    }
    look(BEGIN + 3 * QUARTER);
    assert_history("grrg", BEGIN + 3 * QUARTER);
}

static void test_offline(void **state)
{
    (void)state;
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    says(BEGIN + 2 * QUARTER - 302, 'g'); /* it has been away, and nobody looked */
    look(BEGIN + QUARTER + 600);
    look(BEGIN + 2 * QUARTER + 5); /* late: it is offline since the quarter before */
    assert_history("ooo", BEGIN + 2 * QUARTER + 5);
    says(BEGIN + 4 * QUARTER, 'g');
    look(BEGIN + 4 * QUARTER);
    says(BEGIN + 4 * QUARTER + 200, 'g');
    assert_history("ooooo", BEGIN + 4 * QUARTER + 200);
    says(BEGIN + 4 * QUARTER + 400, 'g');
    says(BEGIN + 4 * QUARTER + 600, 'g');
    says(BEGIN + 4 * QUARTER + 800, 'g');
    assert_history("ooooog", BEGIN + 5 * QUARTER);
}

/* Grey from the moment that the silence was long enough, which was in the quarter before. */
static void test_offline_before_the_look(void **state)
{
    (void)state;
    says(BEGIN + QUARTER - 301, 'g');
    look(BEGIN + QUARTER - 301);
    look(BEGIN + QUARTER + 1);
    assert_history("oo", BEGIN + QUARTER + 1);
    (void)start(state);
    says(BEGIN + QUARTER - 300, 'g');
    look(BEGIN + QUARTER - 300);
    look(BEGIN + QUARTER + 1);
    assert_history("go", BEGIN + QUARTER + 1);
}

static void test_a_silence_that_nobody_looked_at(void **state)
{
    (void)state;
    says(BEGIN + QUARTER - 100, 'g');
    look(BEGIN + QUARTER - 100);
    says(BEGIN + 3 * QUARTER, 'g');
    look(BEGIN + 3 * QUARTER);
    assert_history("goog", BEGIN + 3 * QUARTER + 1);
    says(BEGIN + 3 * QUARTER + 299, 'y'); /* no silence */
    look(BEGIN + 3 * QUARTER + 299);
    assert_history("gooy", BEGIN + 3 * QUARTER + 299);
    says(BEGIN + 3 * QUARTER + 700, 'y');
    be_patient(); /* not what is a silence now */
    look(BEGIN + 3 * QUARTER + 701);
    assert_history("gooyy", BEGIN + 4 * QUARTER);
    says(BEGIN + 5 * QUARTER, 'g');
    look(BEGIN + 5 * QUARTER);
    assert_history("gooyyyg", BEGIN + 6 * QUARTER);
}

/* What was before the service began, or before a pause of the machine, is not the client's. */
static void test_a_silence_before_the_service(void **state)
{
    (void)state;
    client.last_seen = (uint32_t)(WALL_AT_0 + BEGIN);
    client.keepalives = 1;
    history_set(&client.history, WALL_AT_0 + BEGIN, LIGHT_GREEN);
    seen = CLIENT_RESTORED;
    facts.serving_since = (BEGIN + 2 * QUARTER - 100) * SECOND;
    says(BEGIN + 4 * QUARTER, 'g');
    look(BEGIN + 4 * QUARTER);
    assert_int_equal(client.changes[0].marks, CHANGE_RETURN);
    assert_history("ggoog", BEGIN + 4 * QUARTER);
}

static void test_never_seen(void **state)
{
    (void)state;
    look(BEGIN + 1);
    assert_history("oo", BEGIN + QUARTER);
}

/* What was while the server could not be heard. */
static void test_told_later(void **state)
{
    (void)state;
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    look(BEGIN + 301);
    will_tell(BEGIN + QUARTER + 10, 'd');
    will_tell(BEGIN + 2 * QUARTER, 'g');
    will_tell(BEGIN + 3 * QUARTER, 'd');
    says(BEGIN + 5 * QUARTER, 'g');
    look(BEGIN + 5 * QUARTER + 1);
    says(BEGIN + 5 * QUARTER + 200, 'g');
    assert_history("ororro", BEGIN + 5 * QUARTER + 250);
}

/* It says nothing new, but since when. */
static void test_told_later_and_lasting(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    will_tell(BEGIN + 2 * QUARTER, 'y');
    says(BEGIN + 4 * QUARTER, 'y');
    assert_int_equal(client.changes[0].marks, CHANGE_PAST);
    assert_int_equal(client.changes[1].merged, 0);
    look(BEGIN + 4 * QUARTER);
    assert_history("ggyyyy", BEGIN + 5 * QUARTER);
}

/* There is a newer cell by then. */
static void test_told_later_than_others(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    facts.server_ip[0].bytes[3] = 'A';
    look(BEGIN + QUARTER);
    facts.server_ip[0].bytes[3] = 'S';
    look(BEGIN + QUARTER + 1);
    will_tell(BEGIN + 10, 'y');
    says(BEGIN + 4 * QUARTER, 'y');
    look(BEGIN + 4 * QUARTER);
    assert_history("yryyyy", BEGIN + 5 * QUARTER);
}

static void test_the_servers_address(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    facts.server_ip[0].bytes[3] = 'A';
    look(BEGIN + 2 * QUARTER);
    facts.server_ip[0].bytes[3] = 'S';
    look(BEGIN + 3 * QUARTER);
    assert_history("ggrrg", BEGIN + 4 * QUARTER);
    facts.server_ip[0].bytes[3] = 'A';
    look(BEGIN + 3 * QUARTER + 5);
    facts.server_ip[0].bytes[3] = 'S';
    look(BEGIN + 5 * QUARTER);
    assert_history("ggrrrrg", BEGIN + 6 * QUARTER);
    says(BEGIN + 6 * QUARTER, 'y');
    look(BEGIN + 6 * QUARTER);
    facts.server_ip[0].bytes[3] = 'A';
    look(BEGIN + 6 * QUARTER + 5);
    facts.server_ip[0].bytes[3] = 'S'; /* yellow since now, not since it said so */
    look(BEGIN + 8 * QUARTER);
    assert_history("ggrrrrrrry", BEGIN + 9 * QUARTER);
}

/* What was noted stays. */
static void test_the_clock_is_set(void **state)
{
    history_t before;

    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    says(BEGIN + 3 * QUARTER, 'y');
    look(BEGIN + 3 * QUARTER);
    before = client.history;
    clock_is_off = -2 * QUARTER;
    says(BEGIN + 3 * QUARTER + 9, 'd');
    look(BEGIN + 3 * QUARTER + 9);
    assert_int_equal(client.history.quarter, before.quarter);
    assert_int_equal(client.history.light, LIGHT_RED);
    clock_is_off = 0;
    says(BEGIN + 5 * QUARTER, 'g');
    look(BEGIN + 5 * QUARTER);
    assert_history("grgrrrg", BEGIN + 6 * QUARTER);
    clock_is_off = -400 * QUARTER;
    says(BEGIN + 6 * QUARTER, 'y');
    look(BEGIN + 6 * QUARTER);
    assert_int_equal(client.history.quarter, WALL_AT_0 / QUARTER + 10 + 6 - 400);
    assert_int_equal(client.history.light, LIGHT_YELLOW);
}

/* A monitor that could not mark it died, others came to the same entry of the journal again. */
static void test_a_change_that_is_looked_at_again(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + 2 * QUARTER, 'g');
    look_without_marking(BEGIN + 2 * QUARTER);
    facts.server_ip[0].bytes[3] = 'A';
    look_without_marking(BEGIN + 4 * QUARTER);
    facts.server_ip[0].bytes[3] = 'S';
    look_without_marking(BEGIN + 6 * QUARTER);
    assert_history("ooggrrrg", BEGIN + 7 * QUARTER);
}

static void test_a_report_of_the_future(void **state)
{
    (void)state;
    be_patient();
    says(BEGIN + 1, 'g');
    look(BEGIN + 1);
    clock_is_off = 4 * QUARTER;
    says(BEGIN + QUARTER, 'y');
    clock_is_off = 0;
    look(BEGIN + QUARTER + 1);
    assert_int_equal(client.history.quarter, (WALL_AT_0 + BEGIN) / QUARTER + 1);
    assert_history("gyy", BEGIN + 2 * QUARTER);
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_changes),
        TEST(test_changes_before_the_look),
        TEST(test_between_two_looks),
        TEST(test_offline),
        TEST(test_offline_before_the_look),
        TEST(test_a_silence_that_nobody_looked_at),
        TEST(test_a_silence_before_the_service),
        TEST(test_never_seen),
        TEST(test_told_later),
        TEST(test_told_later_and_lasting),
        TEST(test_told_later_than_others),
        TEST(test_the_servers_address),
        TEST(test_the_clock_is_set),
        TEST(test_a_change_that_is_looked_at_again),
        TEST(test_a_report_of_the_future),
    };

    return cmocka_run_group_tests_name("lights", tests, NULL, NULL);
}
