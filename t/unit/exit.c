/*
 * client/exit.h: who is believed, and what a day of rounds costs the services that count calls.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "exit.h"
#include "look_up_world.h"
#include "vpn_sight.h"

#define RESOLVER "203.0.113.99"
#define OTHER "203.0.113.43"

static places_t places;
static exit_t known;
static exit_seen_t seen;
static vpn_sight_t sight; /* of the network */

void vpn_sight_take(vpn_sight_t *out)
{
    *out = sight;
}

static int set_up(void **state)
{
    (void)state;
    world_reset();
    memset(&places, 0, sizeof(places));
    memset(&known, 0, sizeof(known));
    sight = (vpn_sight_t){.way4 = {.link = VPN_LINK_TUNNEL}, .way6 = {.link = VPN_LINK_TUNNEL}};
    return 0;
}

/* Look; returns the address that was found, "" = unknown. */
static const char *look(void)
{
    static char text[VPS_ADDR_TEXT_SIZE];

    assert_true(exit_look(&known, &places, &world_options, &world_transfer, &seen));
    return vps_addr_format(text, &seen.place.public_ip);
}

/* The server's answer to a report. */
static void observe(const char *text)
{
    vps_addr_t addr;

    vps_addr_parse(&addr, text, strlen(text));
    exit_observe(&known, &places, &addr);
}

static void fail_services(transfer_kind_t kind)
{
    for (int i = 0; i < WORLD_SERVICES; i++) {
        world.answer[i].kind = kind;
    }
}

/* Each one is asked when those before it know nothing. */
static void test_order(void **state)
{
    (void)state;
    strcpy(world_options.gluetun_url, "http://gluetun");
    assert_string_equal(look(), WORLD_SELF);
    assert_string_equal(seen.place.city, "gluetun");
    world.answer[WORLD_TRACE].body = "ip=" OTHER "\nloc=RO\n";
    assert_string_equal(look(), OTHER);
    assert_string_equal(seen.place.city, "ipinfo");
    assert_string_equal(seen.trace.dns_loc, "RO");
    assert_string_equal(world.warning,
                        "⚠️ gluetun tells the address " WORLD_SELF
                        ", but this client comes out at " OTHER ": is it in gluetun's network?");
    world.answer[WORLD_TRACE].kind = TRANSFER_UNREACHABLE;
    assert_string_equal(look(), WORLD_SELF);
    assert_string_equal(seen.place.city, "gluetun");
    world.answer[WORLD_GLUETUN].body = "{\"public_ip\":\"\"}";
    assert_string_equal(look(), WORLD_SELF);
    assert_string_equal(seen.place.city, "ipinfo");
    fail_services(TRANSFER_UNREACHABLE);
    observe("203.0.113.44");
    assert_string_equal(look(), WORLD_SELF); /* for an hour */
    world.now += EXIT_SELF_AGE;
    assert_string_equal(look(), "203.0.113.44");
    observe("");
    assert_string_equal(look(), "");
}

/* Families are not compared: a tunnel may have both. */
static void test_families(void **state)
{
    (void)state;
    strcpy(world_options.gluetun_url, "http://gluetun");
    world.answer[WORLD_TRACE].body = "ip=2001:db8::7\nloc=RO\n";
    assert_string_equal(look(), WORLD_SELF);
    assert_int_equal(world.warnings, 0);
}

/* Where IPv6 is all there is, the trace by IPv6 sees each change of the exit. */
static void test_ipv6_alone(void **state)
{
    static const struct {
        const char *what;
        transfer_kind_t trace;
        bool is_off;
        vpn_link_t way4, way6;
        bool asks;
    } cases[] = {
        {"IPv6 alone", TRANSFER_UNREACHABLE, false, VPN_LINK_NONE, VPN_LINK_TUNNEL, true},
        {"past the tunnel", TRANSFER_UNREACHABLE, false, VPN_LINK_NONE, VPN_LINK_PLAIN, true},
        {"by a proxy", TRANSFER_OK, false, VPN_LINK_NONE, VPN_LINK_TUNNEL, false},
        {"refused", TRANSFER_FORBIDDEN, false, VPN_LINK_NONE, VPN_LINK_TUNNEL, false},
        {"off", TRANSFER_UNREACHABLE, true, VPN_LINK_NONE, VPN_LINK_TUNNEL, false},
        {"IPv4 is away", TRANSFER_UNREACHABLE, false, VPN_LINK_TUNNEL, VPN_LINK_PLAIN, false},
        {"IPv4 alone", TRANSFER_UNREACHABLE, false, VPN_LINK_TUNNEL, VPN_LINK_NONE, false},
        {"nothing", TRANSFER_UNREACHABLE, false, VPN_LINK_NONE, VPN_LINK_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(cases); i++) {
        set_up(NULL);
        strcpy(world_options.trace6_url, cases[i].is_off ? "" : "http://[2001:db8::6]");
        sight.way4.link = cases[i].way4;
        sight.way6.link = cases[i].way6;
        world.answer[WORLD_TRACE].kind = cases[i].trace;
        world.answer[WORLD_TRACE6].body = "ip=2001:db8::7\nloc=RO\ncolo=OTP\n";
        if (strcmp(look(), cases[i].asks ? "2001:db8::7" : WORLD_SELF) != 0 ||
            world.calls[WORLD_TRACE6] != (cases[i].asks ? 1 : 0)) {
            fail_msg("%s: %d calls", cases[i].what, world.calls[WORLD_TRACE6]);
        }
        assert_int_equal(world.warnings, cases[i].asks || cases[i].trace == TRANSFER_OK ? 0 : 1);
        world.answer[WORLD_TRACE6].body = "ip=2001:db8::8\nloc=RO\ncolo=OTP\n";
        assert_string_equal(look(), cases[i].asks ? "2001:db8::8" : WORLD_SELF);
    }
}

/* What the services told about ourselves no longer counts when somebody sees something else. */
static void test_self_ends(void **state)
{
    (void)state;
    world.answer[WORLD_TRACE].kind = TRANSFER_FAILING;
    assert_string_equal(look(), WORLD_SELF);
    observe("203.0.113.44"); /* the way to the server may be another one: nothing new */
    world.self = OTHER;
    assert_string_equal(look(), WORLD_SELF);
    observe("203.0.113.44");
    assert_string_equal(look(), WORLD_SELF);
    observe(""); /* a report that failed is no change */
    observe("203.0.113.44");
    assert_string_equal(look(), WORLD_SELF);
    observe("203.0.113.45");
    assert_string_equal(look(), OTHER);
    assert_int_equal(world.calls[WORLD_IPINFO], 2);
}

/* Who we are is asked until somebody tells. */
static void test_self_is_asked_again(void **state)
{
    (void)state;
    fail_services(TRANSFER_UNREACHABLE);
    assert_string_equal(look(), "");
    world.answer[WORLD_IPWHOIS].kind = TRANSFER_OK;
    world.now += REST_UNREACHED;
    assert_string_equal(look(), WORLD_SELF);
}

/* The providers are asked at once when the trace is back, if they were merely not reached. */
static void test_network_is_back(void **state)
{
    (void)state;
    fail_services(TRANSFER_UNREACHABLE);
    for (int minute = 0; minute < 600; minute++) {
        assert_string_equal(look(), "");
        world.now += CLOCK_MINUTE;
    }
    fail_services(TRANSFER_OK);
    assert_string_equal(look(), WORLD_SELF);
    assert_string_equal(seen.place.city, "ipinfo");
    assert_int_equal(world.warnings, 5); /* four services, and the address */
}

static void test_fill(void **state)
{
    vps_record_t record = {.client_id = "client"};
    char text[VPS_ADDR_TEXT_SIZE];

    (void)state;
    look();
    exit_fill(&record, &seen);
    assert_string_equal(vps_addr_format(text, &record.public_ip), WORLD_SELF);
    assert_string_equal(record.city, "ipinfo");
    assert_string_equal(record.country, "RO");
    assert_string_equal(record.location, "RO");
    assert_string_equal(record.dns_loc, "RO");
    assert_string_equal(record.dns_colo, "OTP");
    assert_string_equal(record.client_id, "client");
}

static void test_stop(void **state)
{
    static const int services[] = {WORLD_GLUETUN, WORLD_TRACE, WORLD_IPINFO};

    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(services); i++) {
        set_up(NULL);
        strcpy(world_options.gluetun_url, "http://gluetun");
        world.answer[WORLD_GLUETUN].kind = TRANSFER_FAILING;
        world.answer[services[i]].stops = true;
        assert_false(exit_look(&known, &places, &world_options, &world_transfer, &seen));
        assert_int_equal(world.asked, services[i]);
        assert_int_equal(world.warnings, services[i] == WORLD_GLUETUN ? 0 : 1);
    }
}

/* --- a day --- */

/* A round: the exit, then the place of the resolver that DNS comes out of. */
static void play_round(const char *resolver)
{
    const int64_t start = world.now;
    vps_place_t place;
    vps_addr_t addr;

    look();
    vps_addr_parse(&addr, resolver, strlen(resolver));
    places_find(&places, &world_options, &world_transfer, &addr, &place);
    observe(WORLD_SELF);
    world.now = start + CLOCK_MINUTE;
}

static const struct {
    const char *world;
    transfer_kind_t trace;
    bool has_gluetun;
    world_answer_t answer[3]; /* of the providers */
    int limit;                /* calls of each of them stay below it */
} days[] = {
    {.world = "all is well", .limit = 3},
    {.world = "no trace", .trace = TRANSFER_UNREACHABLE, .limit = 30},
    {.world = "ipinfo refuses", .answer = {{.kind = TRANSFER_LIMITED}}, .limit = 30},
    {.world = "no trace, ipinfo refuses",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_FORBIDDEN}},
     .limit = 30},
    {.world = "no trace, ip-api refuses",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_UNREACHABLE},
                {.kind = TRANSFER_LIMITED, .retry_after = CLOCK_SECOND}},
     .limit = 30},
    {.world = "no trace, ipinfo says: again in a second",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_LIMITED, .retry_after = CLOCK_SECOND}},
     .limit = 30},
    {.world = "no trace, ipinfo fails",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_FAILING}},
     .limit = 30},
    {.world = "no trace, ipinfo is HTML",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_OK, .body = "<html>"}},
     .limit = 30},
    {.world = "no trace, no requests left",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_LIMITED}, {.kind = TRANSFER_OK, .x_rl = "0", .x_ttl = "60"}},
     .limit = 30},
    {.world = "all refuse",
     .answer = {{.kind = TRANSFER_LIMITED},
                {.kind = TRANSFER_LIMITED},
                {.kind = TRANSFER_FORBIDDEN}},
     .limit = 30},
    {.world = "no trace, all refuse",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_LIMITED},
                {.kind = TRANSFER_LIMITED},
                {.kind = TRANSFER_FORBIDDEN}},
     .limit = 30},
    {.world = "no trace, all fail",
     .trace = TRANSFER_UNREACHABLE,
     .answer = {{.kind = TRANSFER_FAILING},
                {.kind = TRANSFER_FAILING},
                {.kind = TRANSFER_UNREACHABLE}},
     .limit = 30},
    {.world = "all are HTML",
     .answer = {{.kind = TRANSFER_OK, .body = "<html>"},
                {.kind = TRANSFER_OK, .body = "<html>"},
                {.kind = TRANSFER_OK, .body = "<html>"}},
     .limit = 30},
    {.world = "gluetun", .has_gluetun = true, .limit = 3},
    {.world = "gluetun, no trace", .trace = TRANSFER_UNREACHABLE, .has_gluetun = true, .limit = 3},
};

static void test_calls_of_a_day(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(days); i++) {
        set_up(NULL);
        memcpy(world.answer, days[i].answer, sizeof(days[i].answer));
        world.answer[WORLD_TRACE].kind = days[i].trace;
        if (days[i].has_gluetun) {
            strcpy(world_options.gluetun_url, "http://gluetun");
        }
        for (int minute = 0; minute <= 24 * 60; minute++) {
            play_round(RESOLVER);
        }
        printf("# calls in a day, %-42s ipinfo %2d, ip-api %2d, ipwhois %2d\n", days[i].world,
               world.calls[WORLD_IPINFO], world.calls[WORLD_IPAPI], world.calls[WORLD_IPWHOIS]);
        for (int service = 0; service < PLACES_SERVICES; service++) {
            assert_in_range(world.calls[service], 0, days[i].limit - 1);
        }
        assert_int_equal(world.calls[WORLD_TRACE], 24 * 60 + 1);
        assert_in_range(world.warnings, 0, 6); /* four services; no address, then the server's */
    }
}

/* A resolver that comes out at another address each time has a budget. */
static void test_restless_resolver(void **state)
{
    char resolver[32];

    (void)state;
    for (int minute = 0; minute < 24 * 60; minute++) {
        snprintf(resolver, sizeof(resolver), "2001:db8::%x", minute + 1);
        play_round(resolver);
        assert_string_equal(seen.place.city, "ipinfo"); /* ours is not pushed out */
    }
    printf("# calls in a day, %-42s ipinfo %2d, ip-api %2d, ipwhois %2d\n",
           "a new resolver each minute", world.calls[WORLD_IPINFO], world.calls[WORLD_IPAPI],
           world.calls[WORLD_IPWHOIS]);
    for (int service = 0; service < PLACES_SERVICES; service++) {
        assert_in_range(world.calls[service], 100, REST_BURST + 24 * 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, set_up),
        cmocka_unit_test_setup(test_families, set_up),
        cmocka_unit_test_setup(test_ipv6_alone, set_up),
        cmocka_unit_test_setup(test_self_ends, set_up),
        cmocka_unit_test_setup(test_self_is_asked_again, set_up),
        cmocka_unit_test_setup(test_network_is_back, set_up),
        cmocka_unit_test_setup(test_fill, set_up),
        cmocka_unit_test_setup(test_stop, set_up),
        cmocka_unit_test_setup(test_calls_of_a_day, set_up),
        cmocka_unit_test_setup(test_restless_resolver, set_up),
    };

    return cmocka_run_group_tests_name("exit", tests, NULL, NULL);
}
