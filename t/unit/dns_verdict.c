/* client/dns_verdict.h: which server is reported, at which cost, and what two odd answers say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns_verdict.h"
#include "look_up_world.h"

#define EXIT "203.0.113.42"
#define NEAR "203.0.113.53" /* next to it */
#define OURS "198.51.100.53"
#define BIG "198.51.100.54"  /* of a network that is allowed by default */
#define ISP "192.0.2.53"     /* of the line at home, in the country of the exit */
#define ABROAD "192.0.2.153" /* of the same, in another one */

static places_t places;
static dns_t dns;
static dns_view_t view;
static vps_record_t record;

static vps_addr_t addr_of(const char *text)
{
    vps_addr_t addr;

    vps_addr_parse(&addr, text, strlen(text));
    return addr;
}

static void learn(const char *addr, const char *country, const char *provider)
{
    vps_place_t place = {.public_ip = addr_of(addr)};

    strcpy(place.location, country);
    strcpy(place.country, country);
    strcpy(place.provider, provider);
    places_learn(&places, &place);
}

static int set_up(void **state)
{
    (void)state;
    world_reset();
    memset(&places, 0, sizeof(places));
    memset(&dns, 0, sizeof(dns));
    memset(&view, 0, sizeof(view));
    memset(&record, 0, sizeof(record));
    record.public_ip = addr_of(EXIT);
    strcpy(record.location, "RO");
    strcpy(record.provider, "AS9009 M247");
    world_options.dns_allowed.is_default = true;
    assert_true(network_list_read(&world_options.dns_allowed.list, "AS13335"));
    learn(OURS, "RO", "AS9009 M247");
    learn(BIG, "US", "AS13335 Cloudflare");
    learn(ISP, "RO", "AS3320 ISP");
    learn(ABROAD, "DE", "AS3320 ISP");
    return 0;
}

static void add(vps_dns_path_t path, const char *origin)
{
    view.servers[view.count++] =
        (dns_server_t){.addr = addr_of("10.0.0.1"), .path = path, .exit = addr_of(origin)};
}

static void judge(void)
{
    memset(record.dns_loc, 0, sizeof(record.dns_loc));
    memset(&record.dns_resolver_ip, 0, sizeof(record.dns_resolver_ip));
    record.dns_source = VPS_DNS_UNKNOWN;
    dns_verdict(&dns, &view, &places, &world_options, &world_transfer, &record);
}

#define ANY VPS_DNS_PATH_UNKNOWN
#define IN VPS_DNS_PATH_TUNNEL
#define OUT VPS_DNS_PATH_OUTSIDE

static void test_reported_server(void **state)
{
    static const struct {
        const char *what;
        struct {
            vps_dns_path_t path;
            const char *origin; /* NULL = no such server */
        } servers[3];
        vps_dns_verdict_t verdict;
        const char *reported, *country; /* "" = none */
    } cases[] = {
        {"none", {{ANY, NULL}}, VPS_DNS_VERDICT_UNKNOWN, "", ""},
        {"silent", {{ANY, ""}}, VPS_DNS_VERDICT_UNKNOWN, "", ""},
        {"silent past the tunnel", {{OUT, ""}}, VPS_DNS_VERDICT_LEAK, "", ""},
        {"the VPN's", {{ANY, OURS}}, VPS_DNS_VERDICT_TUNNEL, OURS, "RO"},
        {"next to the exit", {{ANY, NEAR}}, VPS_DNS_VERDICT_TUNNEL, NEAR, "RO"},
        {"a big one", {{ANY, BIG}}, VPS_DNS_VERDICT_ALLOWED, BIG, "US"},
        {"by the tunnel", {{IN, ABROAD}}, VPS_DNS_VERDICT_TUNNEL, ABROAD, "DE"},
        {"past it", {{OUT, BIG}}, VPS_DNS_VERDICT_LEAK, BIG, "US"},
        {"not known", {{ANY, ISP}}, VPS_DNS_VERDICT_UNKNOWN, ISP, "RO"},
        {"the worst is last",
         {{IN, OURS}, {ANY, BIG}, {OUT, ISP}},
         VPS_DNS_VERDICT_LEAK,
         ISP,
         "RO"},
        {"the worst is first",
         {{OUT, ISP}, {ANY, BIG}, {IN, OURS}},
         VPS_DNS_VERDICT_LEAK,
         ISP,
         "RO"},
        {"allowed is worse than tunnel",
         {{IN, OURS}, {ANY, BIG}},
         VPS_DNS_VERDICT_ALLOWED,
         BIG,
         "US"},
        {"not known is worse", {{ANY, BIG}, {ANY, ISP}}, VPS_DNS_VERDICT_UNKNOWN, ISP, "RO"},
        {"the first of the same", {{IN, OURS}, {IN, ABROAD}}, VPS_DNS_VERDICT_TUNNEL, OURS, "RO"},
        {"but one abroad", {{ANY, ISP}, {ANY, ABROAD}}, VPS_DNS_VERDICT_UNKNOWN, ABROAD, "DE"},
        {"the first abroad", {{ANY, ABROAD}, {ANY, ISP}}, VPS_DNS_VERDICT_UNKNOWN, ABROAD, "DE"},
        {"a silent one beside", {{ANY, ""}, {ANY, OURS}}, VPS_DNS_VERDICT_UNKNOWN, OURS, "RO"},
        {"a silent one leaks", {{IN, OURS}, {OUT, ""}}, VPS_DNS_VERDICT_LEAK, OURS, "RO"},
    };

    for (size_t i = 0; i < WORLD_COUNT(cases); i++) {
        char reported[VPS_ADDR_TEXT_SIZE];

        set_up(state);
        for (size_t j = 0; j < 3 && cases[i].servers[j].origin != NULL; j++) {
            add(cases[i].servers[j].path, cases[i].servers[j].origin);
        }
        judge();
        vps_addr_format(reported, &record.dns_resolver_ip);
        if (record.dns_verdict != cases[i].verdict || strcmp(reported, cases[i].reported) != 0 ||
            strcmp(record.dns_loc, cases[i].country) != 0) {
            fail_msg("%s: %d of %s in %s", cases[i].what, record.dns_verdict, reported,
                     record.dns_loc);
        }
        assert_int_equal(record.dns_source,
                         cases[i].country[0] != '\0' ? VPS_DNS_RESOLVER : VPS_DNS_UNKNOWN);
    }
}

/* Places are asked for where they count. */
static void test_cost(void **state)
{
    (void)state;
    memset(&places, 0, sizeof(places));
    add(IN, OURS);
    add(IN, BIG);
    add(ANY, NEAR);
    view.direct = addr_of(NEAR);
    view.direct_path = IN;
    judge();
    assert_int_equal(world.calls[WORLD_IPINFO], 1);
    judge();
    assert_int_equal(world.calls[WORLD_IPINFO], 1);
    add(ANY, BIG); /* depends on its network */
    judge();
    judge();
    assert_int_equal(world.calls[WORLD_IPINFO], 2);
}

static void test_intercepted(void **state)
{
    static const struct {
        const char *what;
        vps_dns_path_t path;
        const char *direct;
        vps_dns_verdict_t verdict;
    } rounds[] = {
        {"well", IN, EXIT, VPS_DNS_VERDICT_TUNNEL},
        {"odd", IN, ISP, VPS_DNS_VERDICT_TUNNEL},
        {"well again", IN, NEAR, VPS_DNS_VERDICT_TUNNEL},
        {"odd once more", IN, ISP, VPS_DNS_VERDICT_TUNNEL},
        {"and again", IN, ISP, VPS_DNS_VERDICT_INTERCEPTED},
        {"odd in another way", IN, ABROAD, VPS_DNS_VERDICT_INTERCEPTED},
        {"no answer", IN, "", VPS_DNS_VERDICT_TUNNEL},
        {"still odd", IN, ISP, VPS_DNS_VERDICT_INTERCEPTED},
        {"past the tunnel", OUT, ISP, VPS_DNS_VERDICT_TUNNEL},
        {"by it, once", IN, ISP, VPS_DNS_VERDICT_TUNNEL},
        {"another exit of the VPN's", IN, OURS, VPS_DNS_VERDICT_TUNNEL},
        {"by no way that is known", ANY, ISP, VPS_DNS_VERDICT_TUNNEL},
        {"and again", ANY, ISP, VPS_DNS_VERDICT_TUNNEL},
    };

    (void)state;
    add(IN, OURS);
    for (size_t i = 0; i < WORLD_COUNT(rounds); i++) {
        view.direct_path = rounds[i].path;
        view.direct = addr_of(rounds[i].direct);
        judge();
        if (record.dns_verdict != rounds[i].verdict) {
            fail_msg("%s: %d", rounds[i].what, record.dns_verdict);
        }
    }
    assert_int_equal(world.warnings, 2);

    /* A leak beside it is worse, and a server of which nothing is known is no reason to be silent. */
    view.direct_path = IN;
    add(ANY, "");
    judge();
    judge();
    assert_int_equal(record.dns_verdict, VPS_DNS_VERDICT_INTERCEPTED);
    add(OUT, ISP);
    judge();
    assert_int_equal(record.dns_verdict, VPS_DNS_VERDICT_LEAK);
}

static void test_told_once(void **state)
{
    (void)state;
    add(OUT, ISP);
    judge();
    judge();
    assert_int_equal(world.warnings, 1);
    assert_non_null(strstr(world.warning, "DNS leaks"));
    view.servers[0].path = IN;
    judge();
    view.servers[0].path = OUT;
    judge();
    assert_int_equal(world.warnings, 2);
}

/* Of the exit only an IPv6 address is known, or one of each version. */
static void test_exit_of_both_versions(void **state)
{
    (void)state;
    add(ANY, "2001:db8:9009::53");
    record.public_ip6 = addr_of("2001:db8:9009:1::42");
    judge();
    assert_int_equal(record.dns_verdict, VPS_DNS_VERDICT_TUNNEL);
    memset(&record.public_ip6, 0, sizeof(record.public_ip6));
    judge();
    assert_int_equal(record.dns_verdict, VPS_DNS_VERDICT_UNKNOWN);
    record.public_ip = addr_of("2001:db8:9009:1::42");
    judge();
    assert_int_equal(record.dns_verdict, VPS_DNS_VERDICT_TUNNEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reported_server),
        cmocka_unit_test_setup(test_cost, set_up),
        cmocka_unit_test_setup(test_intercepted, set_up),
        cmocka_unit_test_setup(test_told_once, set_up),
        cmocka_unit_test_setup(test_exit_of_both_versions, set_up),
    };

    return cmocka_run_group_tests_name("dns_verdict", tests, NULL, NULL);
}
