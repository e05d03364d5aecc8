#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "reconcile_telling.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * A story is a row of steps:
 *   kA.RO.DE.y  a keepalive: address A (see address_of()), exit in RO, DNS in DE, VPN up; - = unknown
 *   kA.RO.DE.y.l.b.a  the same with a verdict on DNS, one of DNS_VERDICTS; one on IPv6, one of
 *               IPV6_VERDICTS; and an IPv6 exit; what is at the end can be left out
 *   p60:A.RO.DE.y  the next keepalive also tells that it was so 60 seconds before
 *   +60         60 seconds pass               sA-  the server's addresses are A and unknown
 *   t600        the threshold is 600 seconds  pause  the machine stood still until now
 *   look        the monitor looks, records and marks what it finds
 *   lost        it looks and dies before it has recorded anything
 *   unmarked    it looks, records, and dies before it has marked anything
 *   restart     all is started anew from what is stored
 *   drop        the journal is lost
 * What is told of it all is written as in reconcile_telling.h.
 */
typedef struct story_t {
    const char *steps;
    const char *told;
} story_t;

/* As registry_restore() does it on a new registry. */
static void restart(world_t *world)
{
    world->client.announced = world->stored;
    world->client.judged = world->stored.facts;
    memset(world->client.changes, 0, sizeof world->client.changes);
    world->seen = world->client.keepalives == 0             ? CLIENT_NEVER_SEEN
                  : world->stored.state & ANNOUNCED_OFFLINE ? CLIENT_WAS_OFFLINE
                                                            : CLIENT_RESTORED;
    world->facts.serving_since = world->facts.now;
}

/* From the address on. */
static vps_record_t read_report(const char *words)
{
    const size_t len = strlen(words);
    const char place[3] = {words[2], words[3], '\0'}, dns[3] = {words[5], words[6], '\0'};
    vps_record_t report = report_of(words[0], place, dns, words[8]);

    report.dns_verdict = verdict_of(DNS_VERDICTS, len > 10 ? words[10] : '-');
    report.ipv6_verdict = verdict_of(IPV6_VERDICTS, len > 12 ? words[12] : '-');
    report.public_ip6 = address_of(len > 14 ? words[14] : '-');
    return report;
}

static void keepalive(world_t *world, const char *words)
{
    const vps_record_t report = read_report(words);

    world_keepalive(world, &report);
}

static void past(world_t *world, const char *words)
{
    const vps_record_t report = read_report(strchr(words, ':') + 1);

    world_past(world, atoi(words), &report);
}

static void look(world_t *world, telling_t *telling, const char *step)
{
    world_look(world);
    if (strcmp(step, "lost") == 0) {
        return;
    }
    write_result(telling, &world->result);
    world_commit(world);
    if (strcmp(step, "look") == 0) {
        world_mark(world);
    }
}

static void take_step(world_t *world, telling_t *telling, const char *step)
{
    if (strcmp(step, "look") == 0 || strcmp(step, "lost") == 0 || strcmp(step, "unmarked") == 0) {
        look(world, telling, step);
    } else if (strcmp(step, "pause") == 0) {
        world->facts.serving_since = world->facts.now;
    } else if (strcmp(step, "restart") == 0) {
        restart(world);
    } else if (strcmp(step, "drop") == 0) {
        memset(world->client.changes, 0, sizeof world->client.changes);
    } else if (step[0] == 'k' && strlen(step) >= 10 && strlen(step) <= 16 &&
               strlen(step) % 2 == 0) {
        keepalive(world, step + 1);
    } else if (step[0] == 'p' && strchr(step, ':') != NULL) {
        past(world, step + 1);
    } else if (step[0] == '+') {
        world->facts.now += atoi(step + 1) * SECOND;
    } else if (step[0] == 's' && strlen(step) == 3) {
        world->facts.server_ip[0] = address_of(step[1]);
        world->facts.server_ip[1] = address_of(step[2]);
    } else if (step[0] == 't') {
        world->facts.offline_threshold = atoi(step + 1) * SECOND;
    } else {
        fail_msg("what is \"%s\"?", step);
    }
}

static void take_steps(telling_t *telling, const char *story)
{
    static world_t world;
    char steps[1024], *rest = NULL;

    memset(telling, 0, sizeof *telling);
    world_open(&world);
    snprintf(steps, sizeof steps, "%s", story);
    for (char *step = strtok_r(steps, " ", &rest); step != NULL;
         step = strtok_r(NULL, " ", &rest)) {
        take_step(&world, telling, step);
    }
}

static void assert_stories(const story_t *stories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        telling_t telling;

        take_steps(&telling, stories[i].steps);
        if (strcmp(telling.text, stories[i].told) != 0) {
            fail_msg("of \"%s\" is told \"%s\" instead of \"%s\"", stories[i].steps, telling.text,
                     stories[i].told);
        }
    }
}

static void test_first(void **state)
{
    static const story_t stories[] = {
        {"look", ""},
        {"+1000 look", ""},
        {"sAB look", ""},
        {"kA.RO.RO.y look look +60 kA.RO.RO.y look", "connected@0"},
        {"+5 k-.--.--.- look", "connected@5"},
        {"kA.RO.RO.- look", "connected@0"},
        {"kA.RO.RO.n look", "vpn_disconnected@0"},
        {"kA.RO.DE.y sA- look", "connected@0 dns_leak@0 bypass@0"},
        {"kA.RO.DE.n sA- look", "vpn_disconnected@0 dns_leak@0 bypass@0"},
        /* and offline before anybody looked: both are told */
        {"kA.RO.RO.y +300 look", "connected@0 offline@300/300"},
        {"kA.RO.RO.y +400 kA.RO.RO.y look", "connected@0 offline@300/300 connected@400/400"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_address(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y look +60 kB.RO.RO.y look", "connected@0 ip_changed@60:AB"},
        {"kA.RO.RO.y look +60 kb.RO.RO.y look", "connected@0 ip_changed@60:Ab"},
        /* there and back */
        {"kA.RO.RO.y look +60 kB.RO.RO.y +60 kA.RO.RO.y look",
         "connected@0 ip_changed@60:AB ip_changed@120:BA"},
        {"kA.RO.RO.y +60 kB.RO.RO.y +60 kC.RO.RO.y look",
         "connected@0 ip_changed@60:AB ip_changed@120:BC"},
        /* unknown is no address */
        {"k-.RO.RO.y look kA.RO.RO.y look k-.RO.RO.y look kA.RO.RO.y look", "connected@0"},
        {"kA.RO.RO.y look +1 k-.RO.RO.y +1 kB.RO.RO.y look", "connected@0 ip_changed@2:AB"},
        {"kA.RO.RO.y look +1 k-.RO.RO.y look +1 kB.RO.RO.y look", "connected@0 ip_changed@2:AB"},
        /* changed while it was offline */
        {"kA.RO.RO.y look +300 look +60 kB.RO.RO.y look",
         "connected@0 offline@300/300 connected@360/360 ip_changed@360:AB"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_leak(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y look +1 kA.RO.DE.y look look +1 kA.RO.DE.y look +1 kA.RO.RO.y look look",
         "connected@0 dns_leak@1 dns_leak_over@3/2"},
        {"kA.RO.RO.y look +1 kA.DE.RO.y look +1 kA.DE.DE.y look",
         "connected@0 dns_leak@1 dns_leak_over@2/1"},
        {"kA.RO.RO.y look +1 kA.RO.DE.y +1 kA.RO.RO.y look",
         "connected@0 dns_leak@1 dns_leak_over@2/1"},
        {"kA.RO.RO.y look +1 kA.RO.DE.y +1 kA.RO.RO.y +1 kA.RO.FR.y look",
         "connected@0 dns_leak@1 dns_leak_over@2/1 dns_leak@3"},
        /* one leak to another country, or of another country, is the same leak */
        {"kA.RO.DE.y look +1 kA.RO.FR.y look +1 kA.NL.FR.y look", "connected@0 dns_leak@0"},
        /* unknown neither begins nor ends one */
        {"kA.RO.--.y look kA.--.DE.y look", "connected@0 dns_leak@0"},
        {"kA.--.DE.y look +1 kA.XX.DE.y look +1 kA.DE.--.y look", "connected@0"},
        {"kA.RO.DE.y look +1 kA.RO.--.y look +1 kA.--.XX.y look +1 kA.RO.DE.y look",
         "connected@0 dns_leak@0"},
        {"kA.RO.RO.y look +1 kA.RO.--.y look +1 kA.RO.RO.y look", "connected@0"},
        {"kA.RO.DE.y look +1 kA.--.RO.y look", "connected@0 dns_leak@0 dns_leak_over@1/1"},
        /* it goes on over a time offline */
        {"kA.RO.DE.y look +300 look +1 kA.RO.DE.y look +1 kA.RO.RO.y look",
         "connected@0 dns_leak@0 offline@300/300 connected@301/301 dns_leak_over@302/302"},
        {"kA.RO.DE.y look +300 look +1 kA.RO.RO.y look",
         "connected@0 dns_leak@0 offline@300/300 connected@301/301 dns_leak_over@301/301"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_ipv6_leak(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y.-.t look +1 kA.RO.RO.y.-.l look look +1 kA.RO.RO.y.-.l look "
         "+1 kA.RO.RO.y.-.t look look",
         "connected@0 ipv6_leak@1 ipv6_leak_over@3/2"},
        {"kA.RO.RO.y.-.b look +1 kA.RO.RO.y.-.l +1 kA.RO.RO.y.-.b look",
         "connected@0 ipv6_leak@1 ipv6_leak_over@2/1"},
        {"kA.RO.RO.y.-.t look +1 kA.RO.RO.y.-.b look", "connected@0"},
        /* unknown neither begins nor ends one */
        {"kA.RO.RO.y.-.l look +1 kA.RO.RO.y look +1 kA.RO.RO.y.-.l look +1 kA.RO.RO.y.-.b look",
         "connected@0 ipv6_leak@0 ipv6_leak_over@3/3"},
        {"kA.RO.RO.y.-.t look +1 kA.RO.RO.y look +1 kA.RO.RO.y.-.t look", "connected@0"},
        /* it has nothing to do with DNS */
        {"kA.RO.DE.y.l.l look +1 kA.RO.RO.y.t.l look +1 kA.RO.RO.y.t.b look",
         "connected@0 dns_leak@0 ipv6_leak@0 dns_leak_over@1/1 ipv6_leak_over@2/2"},
        /* it goes on over a time offline, a dead monitor, a restart, a full journal */
        {"kA.RO.RO.y.-.l look +300 look +1 kA.RO.RO.y look +1 kA.RO.RO.y.-.t look",
         "connected@0 ipv6_leak@0 offline@300/300 connected@301/301 ipv6_leak_over@302/302"},
        {"kA.RO.RO.y.-.t lost +1 kA.RO.RO.y.-.l unmarked +1 kA.RO.RO.y.-.t look",
         "connected@0 ipv6_leak@1 ipv6_leak_over@2/1"},
        {"kA.RO.RO.y.-.l look restart +1 kA.RO.RO.y.-.l look +1 kA.RO.RO.y.-.t look",
         "connected@0 ipv6_leak@0 ipv6_leak_over@2/2"},
        {"kA.RO.RO.y look +1 kA.RO.RO.y.-.l +1 kA.RO.RO.y.-.b +1 kD.RO.RO.y +1 kE.RO.RO.y +1 "
         "kF.RO.RO.y look",
         "connected@0 ipv6_leak@2+1 ipv6_leak_over@2 ip_changed@3:AD ip_changed@4:DE "
         "ip_changed@5:EF"},
        /* an address that rotates is no event */
        {"kA.RO.RO.y.-.t.a look +1 kA.RO.RO.y.-.t.b look +1 kA.RO.RO.y.-.t.c look", "connected@0"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

/* Whose IPv6 comes out at the server's own address. */
static void test_bypass_by_ipv6(void **state)
{
    static const story_t stories[] = {
        {"sSs kA.RO.RO.y.-.t.a look +1 kA.RO.RO.y.-.t.s look look +1 kA.RO.RO.y.-.t.s look "
         "+1 kA.RO.RO.y.-.t.a look",
         "connected@0 bypass@1 bypass_over@3/2"},
        {"sSs kA.RO.RO.y.-.t.a look +1 kA.RO.RO.y.-.t.s +1 kA.RO.RO.y.-.t.b look",
         "connected@0 bypass@1 bypass_over@2/1"},
        {"s-s k-.RO.RO.y.-.-.s look +1 k-.RO.RO.y.-.-.a look",
         "connected@0 bypass@0 bypass_over@1/1"},
        /* one after the other is one bypass */
        {"sSs kA.RO.RO.y.-.t.s look +1 kS.RO.RO.y.-.t.a look +1 kA.RO.RO.y.-.t.a look",
         "connected@0 bypass@0 ip_changed@1:AS ip_changed@2:SA bypass_over@2/2"},
        /* unknown neither begins nor ends one, but blocked does */
        {"sSs kA.RO.RO.y.-.-.s look +1 kA.RO.RO.y look +1 kA.RO.RO.y.-.b look",
         "connected@0 bypass@0 bypass_over@2/2"},
        {"sS- kA.RO.RO.y.-.-.s look", "connected@0"},
        /* the server's address becomes known, or another */
        {"sS- kA.RO.RO.y.-.-.s look +1 sSs look look +1 sSt look look +1 kA.RO.RO.y.-.-.s look",
         "connected@0 bypass@1* bypass_over@2/1*"},
        {"sSs kA.RO.RO.y.-.-.s look +1 sS- look +1 sSs look",
         "connected@0 bypass@0 bypass_over@1/1* bypass@2*"},
        {"s-s kA.RO.RO.y.-.-.s look +1 s-- look +1 s-s look", "connected@0 bypass@0"},
        /* nobody is judged by an address that is no longer the server's */
        {"sSs kA.RO.RO.y.-.-.a look +1 kA.RO.RO.y.-.-.s +1 sSt look", "connected@0"},
        {"sSs kA.RO.RO.y.-.-.s look restart +1 kA.RO.RO.y.-.-.s look +1 kA.RO.RO.y.-.-.a look",
         "connected@0 bypass@0 bypass_over@2/2"},
        {"sSs kA.RO.RO.y look +1 kA.RO.RO.y.-.-.s +1 kA.RO.RO.y.-.-.a +1 kD.RO.RO.y +1 kE.RO.RO.y "
         "+1 kF.RO.RO.y look",
         "connected@0 bypass@2+1 bypass_over@2 ip_changed@3:AD ip_changed@4:DE ip_changed@5:EF"},
        /* an offline client is judged when it is back */
        {"kA.RO.RO.y.-.-.s look +300 look sSs look +1 kA.RO.RO.y.-.-.s look",
         "connected@0 offline@300/300 connected@301/301 bypass@301"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

/* Who sends a verdict is judged by it alone. */
static void test_dns_verdict(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y.t look +1 kA.RO.RO.y.l look look +1 kA.RO.RO.y.l look +1 kA.RO.RO.y.t look",
         "connected@0 dns_leak@1 dns_leak_over@3/2"},
        {"kA.RO.DE.y.t look +1 kA.RO.DE.y.i look +1 kA.RO.DE.y.a look",
         "connected@0 dns_leak@1 dns_leak_over@2/1"},
        {"kA.RO.RO.y.t look +1 kA.RO.RO.y.l +1 kA.RO.RO.y.t look",
         "connected@0 dns_leak@1 dns_leak_over@2/1"},
        {"kA.--.--.y.l look +1 kA.--.--.y.a look", "connected@0 dns_leak@0 dns_leak_over@1/1"},
        {"kA.RO.DE.y.t look +1 kA.RO.FR.y.a look +1 kA.NL.FR.y.t look", "connected@0"},
        /* another cause, or another way of judging, is the same leak */
        {"kA.RO.RO.y.l look +1 kA.RO.RO.y.i look +1 kA.RO.DE.y look", "connected@0 dns_leak@0"},
        /* no verdict neither begins nor ends one */
        {"kA.RO.RO.y.l look +1 kA.--.--.y look +1 kA.RO.--.y look +1 kA.--.RO.y look",
         "connected@0 dns_leak@0"},
        {"kA.RO.DE.y.t look +1 kA.--.--.y look +1 kA.RO.--.y look +1 kA.--.DE.y look",
         "connected@0"},
        /* but who stops sending them and has countries to compare is judged by those */
        {"kA.RO.RO.y.l look +1 kA.RO.RO.y look", "connected@0 dns_leak@0 dns_leak_over@1/1"},
        {"kA.RO.DE.y.t look +1 kA.RO.DE.y look", "connected@0 dns_leak@1"},
        {"kA.RO.DE.y look +1 kA.RO.DE.y.t look", "connected@0 dns_leak@0 dns_leak_over@1/1"},
        /* it goes on over a time offline, a dead monitor, a full journal */
        {"kA.RO.RO.y.l look +300 look +1 kA.--.--.y look +1 kA.--.--.y.t look",
         "connected@0 dns_leak@0 offline@300/300 connected@301/301 dns_leak_over@302/302"},
        {"kA.RO.RO.y.t lost +1 kA.RO.RO.y.l unmarked +1 kA.RO.RO.y.t look",
         "connected@0 dns_leak@1 dns_leak_over@2/1"},
        {"kA.RO.RO.y look +1 kA.RO.RO.y.l +1 kA.RO.RO.y.t +1 kD.RO.RO.y +1 kE.RO.RO.y +1 "
         "kF.RO.RO.y look",
         "connected@0 dns_leak@2+1 dns_leak_over@2 ip_changed@3:AD ip_changed@4:DE "
         "ip_changed@5:EF"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_bypass(void **state)
{
    static const story_t stories[] = {
        {"sSs kA.RO.RO.y look +1 kS.RO.RO.y look look +1 kS.RO.RO.y look +1 kA.RO.RO.y look",
         "connected@0 ip_changed@1:AS bypass@1 ip_changed@3:SA bypass_over@3/2"},
        {"sSs ks.RO.RO.y look +1 kS.RO.RO.y look +1 ka.RO.RO.y look",
         "connected@0 bypass@0 ip_changed@1:sS ip_changed@2:Sa bypass_over@2/2"},
        {"sS- kA.RO.RO.y look +1 kS.RO.RO.y +1 kA.RO.RO.y look",
         "connected@0 ip_changed@1:AS bypass@1 ip_changed@2:SA bypass_over@2/1"},
        /* unknown neither begins nor ends one */
        {"k-.RO.RO.y look kA.RO.RO.y look", "connected@0"},
        {"sS- kS.RO.RO.y look +1 k-.RO.RO.y look +1 kS.RO.RO.y look", "connected@0 bypass@0"},
        {"sS- kS.RO.RO.y look +1 s-- look +1 kA.RO.RO.y look +1 kB.RO.RO.y look +1 sS- look",
         "connected@0 bypass@0 ip_changed@2:SA ip_changed@3:AB bypass_over@4/4*"},
        /* the server's address becomes known, or another */
        {"kS.RO.RO.y look +1 sS- look look +1 sT- look look",
         "connected@0 bypass@1* bypass_over@2/1*"},
        {"sS- kS.RO.RO.y look +1 s-S look +1 s-- look +1 sS- look", "connected@0 bypass@0"},
        {"sS- kS.RO.RO.y look +1 sT- +1 kT.RO.RO.y look", "connected@0 bypass@0 ip_changed@2:ST"},
        {"sS- kA.RO.RO.y look +1 kB.RO.RO.y +1 sB- look", "connected@0 ip_changed@1:AB bypass@1"},
        /* nobody is judged by an address that is no longer the server's */
        {"sS- kA.RO.RO.y look +1 kS.RO.RO.y +1 sT- look", "connected@0 ip_changed@1:AS"},
        /* an offline client is judged when it is back */
        {"kS.RO.RO.y look +300 look sS- look +1 kS.RO.RO.y look",
         "connected@0 offline@300/300 connected@301/301 bypass@301"},
        {"kS.RO.RO.y look +300 look sS- t600 look", "connected@0 offline@300/300"},
        {"kS.RO.RO.y look +300 sS- look", "connected@0 offline@300/300"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_vpn(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y look +60 kA.RO.RO.n look look +60 kA.RO.RO.n look +60 kA.RO.RO.y look look",
         "connected@0 vpn_disconnected@60 vpn_reconnected@180/120"},
        {"kA.RO.RO.y look +60 kA.RO.RO.n +90 kA.RO.RO.y look",
         "connected@0 vpn_disconnected@60 vpn_reconnected@150/90"},
        {"kA.RO.RO.n look +60 kA.RO.RO.y look", "vpn_disconnected@0 vpn_reconnected@60/60"},
        {"kA.RO.RO.- look +60 kA.RO.RO.n look", "connected@0 vpn_disconnected@60"},
        /* unknown neither begins nor ends one */
        {"kA.RO.RO.n look +60 kA.RO.RO.- look +60 kA.RO.RO.n look +60 kA.RO.RO.y look",
         "vpn_disconnected@0 vpn_reconnected@180/180"},
        {"kA.RO.RO.y look +60 kA.RO.RO.- look +60 kA.RO.RO.y look", "connected@0"},
        /* offline in between */
        {"kA.RO.RO.n look +300 look +1 kA.RO.RO.n look +9 kA.RO.RO.y look",
         "vpn_disconnected@0 offline@300/300 vpn_disconnected@301 vpn_reconnected@310/9"},
        {"kA.RO.RO.n look +300 look +1 kA.RO.RO.y look +1 kA.RO.RO.n look",
         "vpn_disconnected@0 offline@300/300 connected@301/301 vpn_disconnected@302"},
        {"kA.RO.RO.n look +300 look +1 kA.RO.RO.- look +1 kA.RO.RO.y look +1 kA.RO.RO.n look",
         "vpn_disconnected@0 offline@300/300 connected@301/301 vpn_disconnected@303"},
        {"kA.RO.RO.y look +400 kA.RO.RO.n look",
         "connected@0 offline@300/300 vpn_disconnected@400"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_offline(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y look +299 look +1 look look +60 look +40 kA.RO.RO.y look",
         "connected@0 offline@300/300 connected@400/400"},
        {"kA.RO.RO.y look +1000 look", "connected@0 offline@300/300"},
        {"kA.RO.RO.y look +200 kA.RO.RO.y +299 look +2 look", "connected@0 offline@500/300"},
        /* and back, while nobody looked */
        {"kA.RO.RO.y look +400 kA.RO.RO.y look", "connected@0 offline@300/300 connected@400/400"},
        {"kA.RO.RO.y look +400 kA.RO.RO.y +500 kA.RO.RO.y +600 look",
         "connected@0 offline@300/300 connected@400/400 offline@700/300 connected@900/500 "
         "offline@1200/300"},
        /* told, back, and away again while nobody looked */
        {"kA.RO.RO.y look +300 look +1 kA.RO.RO.y +300 look",
         "connected@0 offline@300/300 connected@301/301 offline@601/300"},
        {"kA.RO.RO.y look +300 look +1 kA.RO.RO.y +300 kA.RO.RO.y look",
         "connected@0 offline@300/300 connected@301/301 offline@601/300 connected@601/300"},
        /* a pause of the machine */
        {"kA.RO.RO.y look +1000 pause look +299 look +1 look", "connected@0 offline@1300/1300"},
        {"kA.RO.RO.y look +1000 pause +60 kA.RO.RO.y look", "connected@0"},
        {"kA.RO.RO.y look +300 look +60 pause look +300 look +1 kA.RO.RO.y look",
         "connected@0 offline@300/300 connected@661/661"},
        /* another threshold */
        {"kA.RO.RO.y look +300 look t600 look +100 kA.RO.RO.y look +599 look +1 look",
         "connected@0 offline@300/300 connected@400/400 offline@1000/600"},
        {"kA.RO.RO.y look +300 look t600 look +300 look", "connected@0 offline@300/300"},
        {"kA.RO.RO.y look +400 kA.RO.RO.y t600 look",
         "connected@0 offline@400/400 connected@400/400"},
        {"kA.RO.RO.y look +100 t60 look", "connected@0 offline@60/60"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_several_at_once(void **state)
{
    static const story_t stories[] = {
        {"sS- kA.RO.RO.y look +60 kS.RO.DE.n look +60 kA.RO.RO.y look",
         "connected@0 ip_changed@60:AS dns_leak@60 bypass@60 vpn_disconnected@60 ip_changed@120:SA "
         "dns_leak_over@120/60 bypass_over@120/60 vpn_reconnected@120/60"},
        {"sS- kA.RO.RO.y look +400 kS.RO.DE.n look",
         "connected@0 offline@300/300 vpn_disconnected@400 ip_changed@400:AS dns_leak@400 "
         "bypass@400"},
        {"kS.RO.DE.y look +1 sS- +1 kS.RO.RO.y look",
         "connected@0 dns_leak@0 dns_leak_over@2/2 bypass@2"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_killed_monitor(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y lost look", "connected@0"},
        {"kA.RO.RO.y lost +60 kB.RO.RO.y lost +60 kA.RO.RO.y look",
         "connected@0 ip_changed@60:AB ip_changed@120:BA"},
        {"kA.RO.RO.y unmarked look look", "connected@0"},
        {"kA.RO.RO.y unmarked +60 kB.RO.RO.y look", "connected@0 ip_changed@60:AB"},
        {"kA.RO.RO.y unmarked +1 kB.RO.RO.y unmarked +1 kC.RO.RO.y unmarked +1 kD.RO.RO.y look",
         "connected@0 ip_changed@1:AB ip_changed@2:BC ip_changed@3:CD"},
        {"kA.RO.RO.y look +300 lost look", "connected@0 offline@300/300"},
        {"kA.RO.RO.y look +300 unmarked look +1 kA.RO.RO.y unmarked kA.RO.RO.y look",
         "connected@0 offline@300/300 connected@301/301"},
        {"kA.RO.RO.y look +300 lost +1 kA.RO.RO.y look",
         "connected@0 offline@300/300 connected@301/301"},
        {"sS- kA.RO.RO.y look sA- lost look sB- unmarked look",
         "connected@0 bypass@0* bypass_over@0*"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

/* The fifth change folds the first two, the sixth what is left of them and the third, and so on. */
static void test_full_journal(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y look +1 kB.RO.RO.y +1 kC.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y "
         "look",
         "connected@0 ip_changed@2:AC+1 ip_changed@3:CD ip_changed@4:DE ip_changed@5:EF"},
        /* there and back is not to be seen then */
        {"kA.RO.RO.y look +1 kB.RO.RO.y +1 kA.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y "
         "look",
         "connected@0 ip_changed@3:AD ip_changed@4:DE ip_changed@5:EF"},
        /* but an alarm in between is told */
        {"kA.RO.RO.y look +1 kA.RO.DE.y +1 kA.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y "
         "look",
         "connected@0 dns_leak@2+1 dns_leak_over@2 ip_changed@3:AD ip_changed@4:DE "
         "ip_changed@5:EF"},
        {"sS- kA.RO.RO.y look +1 kS.RO.RO.y +1 kA.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 "
         "kF.RO.RO.y look",
         "connected@0 bypass@2+1 bypass_over@2 ip_changed@3:AD ip_changed@4:DE ip_changed@5:EF"},
        {"kA.RO.RO.y look +1 kA.RO.RO.n +1 kA.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y "
         "look",
         "connected@0 vpn_disconnected@2+1 vpn_reconnected@2 ip_changed@3:AD ip_changed@4:DE "
         "ip_changed@5:EF"},
        {"kA.RO.RO.y look +400 kA.RO.RO.y +1 kB.RO.RO.y +1 kC.RO.RO.y +1 kD.RO.RO.y +1 "
         "kE.RO.RO.y look",
         "connected@0 offline@301/300+1 connected@401/400 ip_changed@401:AB ip_changed@402:BC "
         "ip_changed@403:CD ip_changed@404:DE"},
        /* what was told before and holds behind it is not told again */
        {"kA.RO.DE.n look +1 kA.RO.RO.y +1 kA.RO.DE.n +1 kD.RO.DE.n +1 kE.RO.DE.n +1 kF.RO.DE.n "
         "look",
         "vpn_disconnected@0 dns_leak@0 ip_changed@3:AD ip_changed@4:DE ip_changed@5:EF"},
        /* all at once */
        {"sS- kA.RO.RO.y look +400 kS.RO.DE.n +1 kC.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 "
         "kF.RO.RO.y look",
         "connected@0 offline@301/300+1 connected@401/400 ip_changed@401:AC dns_leak@401 "
         "dns_leak_over@401 bypass@401 bypass_over@401 ip_changed@402:CD ip_changed@403:DE "
         "ip_changed@404:EF"},
        /* from the very first */
        {"kA.RO.RO.y +1 kB.RO.RO.y +1 kC.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y look",
         "connected@2+2 ip_changed@3:CD ip_changed@4:DE ip_changed@5:EF"},
        {"kA.RO.RO.y +400 kB.RO.RO.y +1 kC.RO.RO.y +1 kD.RO.RO.y +1 kE.RO.RO.y look",
         "connected@400+1 ip_changed@401:BC ip_changed@402:CD ip_changed@403:DE"},
        /* announced entries make room */
        {"kA.RO.RO.y +1 kB.RO.RO.y +1 kC.RO.RO.y look +1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y "
         "+1 kG.RO.RO.y look",
         "connected@0 ip_changed@1:AB ip_changed@2:BC ip_changed@3:CD ip_changed@4:DE "
         "ip_changed@5:EF ip_changed@6:FG"},
        /* what a folded one went through before the last look is not told again */
        {"kA.RO.RO.y look +400 kA.RO.DE.y +1 kA.RO.RO.y unmarked +1 kB.RO.RO.y +1 kC.RO.RO.y "
         "+1 kD.RO.RO.y +1 kE.RO.RO.y +1 kF.RO.RO.y look",
         "connected@0 offline@300/300 connected@400/400 dns_leak@400 dns_leak_over@401/1 "
         "ip_changed@403:AC+1 ip_changed@404:CD ip_changed@405:DE ip_changed@406:EF"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

static void test_restart(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.DE.n look +60 restart look +60 kA.RO.DE.n look", "vpn_disconnected@0 dns_leak@0"},
        {"kA.RO.RO.y look +60 restart +60 kB.RO.RO.n look",
         "connected@0 ip_changed@120:AB vpn_disconnected@120"},
        /* it stays away: counted from the start of service */
        {"kA.RO.RO.y look +60 restart +299 look +1 look +60 kA.RO.RO.y look",
         "connected@0 offline@360/360 connected@420/420"},
        {"kA.RO.RO.y look +1000 restart +60 kA.RO.RO.y look", "connected@0"},
        /* it was offline before, and is until it reports */
        {"kA.RO.RO.y look +300 look restart look +1 look +60 kA.RO.RO.y look",
         "connected@0 offline@300/300 connected@361/361"},
        {"kA.RO.RO.y look +300 look restart +1000 look", "connected@0 offline@300/300"},
        /* it never reported */
        {"restart +1000 look kA.RO.RO.y look", "connected@1000"},
        /* a store that knows of nothing told: it is news when it reports */
        {"kA.RO.RO.y lost restart +1000 look", ""},
        {"kA.RO.RO.y lost restart +60 kA.RO.RO.y look", "connected@60"},
        /* the journal is gone, the facts are there */
        {"kA.RO.RO.y look +60 kB.RO.DE.n drop look look",
         "connected@0 ip_changed@60:AB dns_leak@60 vpn_disconnected@60"},
        {"kA.RO.RO.y look +60 kB.RO.RO.y drop +60 kB.RO.RO.y look", "connected@0 ip_changed@60:AB"},
        {"kA.RO.RO.y drop look", "connected@0"},
        {"kA.RO.RO.y look +400 kB.RO.RO.y drop look", "connected@0 ip_changed@400:AB"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

/* Each event has the light of its moment, not of when the monitor looks. */
static void test_lights(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y look", "g"},
        {"kA.RO.--.y look", "y"},
        {"kA.RO.DE.y look", "yy"}, /* connected, dns_leak */
        {"kA.RO.RO.n look", "r"},
        {"kA.RO.DE.y sA- look", "rrr"}, /* and bypass */
        {"kA.RO.RO.y.-.l look +1 kA.RO.RO.y.-.b look", "rrg"},
        {"s-s kA.RO.RO.y.-.-.s look", "rr"},
        {"kA.RO.RO.y +300 look", "ge"},
        {"kA.RO.RO.n look +300 look", "re"},
        {"kA.RO.RO.y +400 kA.RO.RO.n look", "ger"},
        {"kA.RO.RO.n look +60 kA.RO.DE.y +60 kA.RO.RO.y look", "ryyg"},
        {"kA.RO.RO.y look sA- look s-- look sB- look", "grg"},
        {"kA.RO.RO.y look +60 kA.--.--.y kB.--.--.y look", "gg"}, /* what was known still is */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        telling_t telling;

        take_steps(&telling, stories[i].steps);
        if (strcmp(telling.lights, stories[i].told) != 0) {
            fail_msg("of \"%s\" the lights are \"%s\" instead of \"%s\" (%s)", stories[i].steps,
                     telling.lights, stories[i].told, telling.text);
        }
    }
}

/* A keepalive tells of what came and went before it, while the server could not be reached. */
static void test_past(void **state)
{
    static const story_t stories[] = {
        {"kA.RO.RO.y.t look +200 p150:-.--.--.-.l p30:-.--.--.-.t kA.RO.RO.y.t look look",
         "connected@0 dns_leak@50 dns_leak_over@170/120"},
        {"kA.RO.RO.y look +200 p150:-.--.DE.- kA.RO.DE.y look", "connected@0 dns_leak@50"},
        {"kA.RO.RO.y look +200 p150:B.--.--.n p30:A.--.--.y kA.RO.RO.y look",
         "connected@0 ip_changed@50:AB vpn_disconnected@50 ip_changed@170:BA "
         "vpn_reconnected@170/120"},
        /* what was told already is not told again */
        {"kA.RO.RO.y look +200 p150:-.--.--.n p30:-.--.--.y kA.RO.RO.y +1 p151:-.--.--.n "
         "p31:-.--.--.y kA.RO.RO.y look",
         "connected@0 vpn_disconnected@50 vpn_reconnected@170/120"},
        /* it was taken for offline, which ends with the keepalive */
        {"kA.RO.RO.y look +300 look +60 p300:-.--.--.-.l p10:-.--.--.-.t kA.RO.RO.y.t look",
         "connected@0 offline@300/300 dns_leak@60 dns_leak_over@350/290 connected@360/360"},
        {"kA.RO.RO.y look +360 p300:-.--.--.-.-.l p10:-.--.--.-.-.b kA.RO.RO.y look",
         "connected@0 ipv6_leak@60 ipv6_leak_over@350/290 offline@300/300 connected@360/360"},
        /* and is still down then: for as long as it is */
        {"kA.RO.RO.y look +300 look +60 p300:-.--.--.n kA.RO.RO.n look +40 kA.RO.RO.y look",
         "connected@0 offline@300/300 vpn_disconnected@60 vpn_disconnected@360 "
         "vpn_reconnected@400/340"},
        /* nobody was there to look, or to remember */
        {"kA.RO.RO.y look +200 p150:-.--.--.n p30:-.--.--.y kA.RO.RO.y lost +1 kA.RO.RO.y "
         "unmarked look",
         "connected@0 vpn_disconnected@50 vpn_reconnected@170/120"},
        /* nothing of before the first keepalive */
        {"+200 p150:B.--.--.n kA.RO.RO.y look", "connected@200"},
    };

    (void)state;
    assert_stories(stories, COUNT(stories));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),          cmocka_unit_test(test_address),
        cmocka_unit_test(test_leak),           cmocka_unit_test(test_dns_verdict),
        cmocka_unit_test(test_ipv6_leak),      cmocka_unit_test(test_bypass_by_ipv6),
        cmocka_unit_test(test_bypass),         cmocka_unit_test(test_vpn),
        cmocka_unit_test(test_offline),        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_killed_monitor), cmocka_unit_test(test_full_journal),
        cmocka_unit_test(test_restart),        cmocka_unit_test(test_lights),
        cmocka_unit_test(test_past),
    };

    return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
