/*
 * Reconcile against a model that looks at every single keepalive: random keepalives, silences and
 * addresses of the server, and a monitor that looks when it likes and dies when it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"
#include "reconcile_world.h"

#define STEPS 100000
#define PENDING_MAX 64

/* --- the model: one keepalive after the other, in plain words --- */

typedef struct raw_t {
    char address, vpn;     /* as in report_of() */
    char place[3], dns[3]; /* "--" = unknown */
    char dns_verdict;      /* of DNS_VERDICTS, '-' = none */
    char ipv6_verdict;     /* of IPV6_VERDICTS */
    char address6;         /* as address */
    char is_servers;       /* of that: is it the server's, 'y', 'n', or '-' */
    uint32_t seq;          /* of the newest entry of the journal after it */
    bool is_entry;         /* which is its own */
    int64_t when, silence; /* sec since epoch; sec before it */
} raw_t;

typedef struct model_t {
    bool first, offline, leak, ipv6_leak, bypass, down;
    char address, vpn, place[3], dns[3], dns_verdict; /* the last known ones */
    char ipv6_verdict, is_servers;                    /* the same; of its IPv6, 'y', 'n' */
    int64_t down_since, leak_since, ipv6_leak_since, bypass_since;
    event_t told[PENDING_MAX * 8]; /* since the last look */
    size_t count;
} model_t;

static event_t *expect(model_t *model, event_kind_t kind, int64_t when)
{
    event_t *event = &model->told[model->count++];

    memset(event, 0, sizeof *event);
    event->kind = (uint8_t)kind;
    event->when = when;
    return event;
}

/* A thing that begins or ends: how long it was is told at its end. */
static void expect_turn(model_t *model, event_kind_t begin, bool begins, int64_t *since,
                        int64_t when)
{
    event_t *event = expect(model, begins ? begin : (event_kind_t)(begin + 1), when);

    if (begins) {
        *since = when;
    } else {
        event->seconds = (uint32_t)(when - *since);
    }
}

_Static_assert(EVENT_LEAK + 1 == EVENT_LEAK_OVER && EVENT_BYPASS + 1 == EVENT_BYPASS_OVER &&
                   EVENT_IPV6_LEAK + 1 == EVENT_IPV6_LEAK_OVER,
               "its end follows each");

/* Keep what is known; true when that is new. */
static bool note(char *known, char said)
{
    bool is_new = said != '-' && said != *known;

    if (is_new) {
        *known = said;
    }
    return is_new;
}

static bool note_country(char known[3], const char *said)
{
    bool is_new = said[0] != '-' && strcmp(said, known) != 0;

    if (is_new) {
        strcpy(known, said);
    }
    return is_new;
}

/* True when that is new. */
static bool note_dns(model_t *model, const raw_t *raw)
{
    char before = model->dns_verdict;
    bool is_new = note_country(model->place, raw->place);

    is_new |= note_country(model->dns, raw->dns);
    is_new |= note(&model->dns_verdict, raw->dns_verdict);
    if (raw->dns_verdict == '-' && raw->place[0] != '-' && raw->dns[0] != '-') {
        model->dns_verdict = '-';
        is_new |= before != '-';
    }
    return is_new;
}

static void model_vpn(model_t *model, bool arrives, const raw_t *raw)
{
    if (model->vpn == 'n' && (arrives || !model->down)) {
        expect(model, EVENT_DISCONNECTED, raw->when);
        model->down = true;
        model->down_since = raw->when;
    } else if (arrives) {
        expect(model, EVENT_CONNECTED, raw->when)->seconds =
            model->first ? (uint32_t)raw->silence : 0;
        model->down = false;
    } else if (model->vpn == 'y' && model->down) {
        expect(model, EVENT_RECONNECTED, raw->when)->seconds =
            (uint32_t)(raw->when - model->down_since);
        model->down = false;
    }
}

static void model_leak(model_t *model, int64_t when)
{
    bool has_verdict = model->dns_verdict != '-';
    bool is_known = has_verdict || (model->place[0] != '-' && model->dns[0] != '-');
    bool leaks = has_verdict ? model->dns_verdict == 'l' || model->dns_verdict == 'i'
                             : strcmp(model->place, model->dns) != 0;

    if (is_known && leaks != model->leak) {
        expect_turn(model, EVENT_LEAK, leaks, &model->leak_since, when);
        model->leak = leaks;
    }
}

static void model_ipv6(model_t *model, int64_t when)
{
    bool leaks = model->ipv6_verdict == 'l';

    if (model->ipv6_verdict != '-' && leaks != model->ipv6_leak) {
        expect_turn(model, EVENT_IPV6_LEAK, leaks, &model->ipv6_leak_since, when);
        model->ipv6_leak = leaks;
    }
}

/* 'y', 'n', or '-' when that cannot be told. */
static char is_servers(const raw_t *raw, char server)
{
    if (raw->address6 == '-') {
        return raw->ipv6_verdict == 'b' ? 'n' : '-';
    }
    return server < 'a' ? '-' : raw->address6 == server ? 'y' : 'n';
}

static void model_bypass(model_t *model, char server, int64_t when)
{
    bool is_same = model->address == server || (model->is_servers == 'y' && server >= 'a');
    bool is_known = is_same || model->address != '-' || model->is_servers == 'n';

    if (is_known && server != '-' && is_same != model->bypass) {
        expect_turn(model, EVENT_BYPASS, is_same, &model->bypass_since, when);
        model->bypass = is_same;
    }
}

static void model_offline(model_t *model, int64_t last_seen)
{
    if (model->first && !model->offline) {
        expect(model, EVENT_OFFLINE, last_seen + THRESHOLD)->seconds = THRESHOLD;
        model->offline = true;
    }
}

/*
 * A keepalive that says nothing new tells nothing. Whether its IPv6 is the server's is new when the
 * journal says so, which remembers an answer by an address that the server may not have any more.
 */
static void model_keepalive(model_t *model, const raw_t *raw, char server)
{
    char before = model->address;
    bool arrives = !model->first || raw->silence >= THRESHOLD, is_new;

    if (arrives) {
        model_offline(model, raw->when - raw->silence);
        model->vpn = '-';
    }
    is_new = note(&model->address, raw->address);
    is_new |= note_dns(model, raw);
    is_new |= note(&model->ipv6_verdict, raw->ipv6_verdict);
    is_new |= note(&model->vpn, raw->vpn);
    if (!arrives && !is_new && !raw->is_entry) {
        return;
    }
    (void)note(&model->is_servers, raw->is_servers);
    if (arrives) {
        model_vpn(model, true, raw);
        model->first = true;
        model->offline = false;
    }
    if (before != '-' && before != model->address) {
        event_t *event = expect(model, EVENT_ADDRESS, raw->when);

        event->from = address_of(before);
        event->to = address_of(model->address);
    }
    model_leak(model, raw->when);
    model_ipv6(model, raw->when);
    model_bypass(model, server, raw->when);
    if (!arrives) {
        model_vpn(model, false, raw);
    }
}

/* --- the run --- */

typedef struct run_t {
    world_t world;
    model_t model;
    char server;                /* its address */
    bool folds;                 /* the journal may overflow */
    raw_t pending[PENDING_MAX]; /* keepalives since the last recorded look */
    size_t count;
    raw_t newest;
    uint64_t told[EVENT_KINDS];
} run_t;

static void assert_told(const event_t *found, const event_t *expected)
{
    if (found->kind != expected->kind || found->when != expected->when ||
        found->seconds != expected->seconds || found->merged != 0 ||
        (found->kind == EVENT_ADDRESS && (!vps_addr_equal(&found->from, &expected->from) ||
                                          !vps_addr_equal(&found->to, &expected->to)))) {
        fail_msg("event %u: %s@%d/%u instead of %s@%d/%u", (unsigned int)found->number,
                 event_name(found->kind), (int)(found->when - WALL), found->seconds,
                 event_name(expected->kind), (int)(expected->when - WALL), expected->seconds);
    }
}

static void assert_state(const announced_t *announced, const model_t *model)
{
    unsigned int expected =
        (model->first ? ANNOUNCED_FIRST : 0u) | (model->offline ? ANNOUNCED_OFFLINE : 0u) |
        (model->leak ? ANNOUNCED_LEAK : 0u) | (model->bypass ? ANNOUNCED_BYPASS : 0u) |
        (model->down ? ANNOUNCED_DOWN : 0u) | (model->ipv6_leak ? ANNOUNCED_IPV6_LEAK : 0u);

    assert_int_equal(announced->state, expected);
}

/* What the model says of all that came since the last recorded look, and of now. */
static void ask_model(run_t *run)
{
    const char by_server = is_servers(&run->newest, run->server); /* as the server is now */

    run->model.count = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->pending[i].seq == run->world.client.seq && by_server != '-') {
            run->pending[i].is_servers = by_server;
        }
        model_keepalive(&run->model, &run->pending[i], run->server);
    }
    if (assess_is_offline(run->world.seen, &run->world.facts)) {
        model_offline(&run->model, run->world.client.last_seen);
    } else {
        (void)note(&run->model.is_servers, by_server);
        model_bypass(&run->model, run->server, wall_now(&run->world));
    }
    run->count = 0;
}

static void check_result(run_t *run)
{
    const reconciliation_t *result = &run->world.result;

    ask_model(run);
    assert_state(&result->announced, &run->model);
    for (size_t i = 0; i < result->count; i++) {
        assert_int_equal(result->events[i].number, run->world.stored.number + 1 + i);
        run->told[result->events[i].kind]++;
        if (!run->folds && i < run->model.count) {
            assert_told(&result->events[i], &run->model.told[i]);
        }
    }
    if (!run->folds) {
        assert_int_equal(result->count, run->model.count);
    }
}

/* The monitor dies before it recorded what it found, or before it marked it, or not. */
static void look(run_t *run, uint32_t fate)
{
    world_look(&run->world);
    assert_true(run->world.result.count <= RECONCILE_EVENTS_MAX);
    if (fate == 0) {
        return;
    }
    check_result(run);
    world_commit(&run->world);
    if (fate > 1 || run->folds) {
        world_mark(&run->world);
    }
}

static bool is_journal_full(const run_t *run)
{
    const client_t *client = &run->world.client;

    return client->seq - client->announced.seq >= CLIENT_CHANGES;
}

static void keepalive(run_t *run)
{
    static const char addresses[] = "-AABSTsb", vpn[] = "-yyn", dns_verdicts[] = "---tali",
                      ipv6_verdicts[] = "-tbl", addresses6[] = "-abs";
    static const char *const countries[] = {"--", "RO", "RO", "DE"};
    world_t *world = &run->world;
    raw_t raw = {.when = wall_now(world), .silence = wall_now(world) - world->client.last_seen};
    vps_record_t report;

    if (run->count == PENDING_MAX || (!run->folds && is_journal_full(run))) {
        look(run, 2);
    }
    raw.address = addresses[random_below(sizeof addresses - 1)];
    raw.vpn = vpn[random_below(sizeof vpn - 1)];
    strcpy(raw.place, countries[random_below(4)]);
    strcpy(raw.dns, countries[random_below(4)]);
    raw.dns_verdict = dns_verdicts[random_below(sizeof dns_verdicts - 1)];
    raw.ipv6_verdict = ipv6_verdicts[random_below(sizeof ipv6_verdicts - 1)];
    raw.address6 = addresses6[random_below(sizeof addresses6 - 1)];
    if (raw.silence > THRESHOLD * 100) {
        raw.silence = 0; /* the first one */
    }
    report = report_of(raw.address, raw.place, raw.dns, raw.vpn);
    report.dns_verdict = verdict_of(DNS_VERDICTS, raw.dns_verdict);
    report.ipv6_verdict = verdict_of(IPV6_VERDICTS, raw.ipv6_verdict);
    report.public_ip6 = address_of(raw.address6);
    raw.is_servers = is_servers(&raw, run->server);
    raw.seq = world->client.seq;
    world_keepalive(world, &report);
    raw.is_entry = world->client.seq != raw.seq;
    raw.seq = world->client.seq;
    run->newest = run->pending[run->count++] = raw;
}

/* Once known it stays so while the journal may fold: who went through what is judged by another
 * address then. */
static void change_server(run_t *run)
{
    static const char addresses[] = "-STs";

    run->server = addresses[random_below(run->folds ? 3 : 4) + (run->folds ? 1 : 0)];
    run->world.facts.server_ip[0] = address_of(run->server == 's' ? '-' : run->server);
    run->world.facts.server_ip[1] = address_of(run->server == 's' ? 's' : '-');
}

static void take_step(run_t *run)
{
    const uint32_t dice = random_below(100);

    run->world.facts.now += (int64_t)(1 + random_below(60)) * SECOND;
    if (dice < 5) {
        run->world.facts.now += (int64_t)random_below(2 * THRESHOLD) * SECOND;
    } else if (dice < 65) {
        keepalive(run);
    } else if (dice < 70) {
        change_server(run);
    } else {
        look(run, random_below(4));
    }
}

static void assert_run(bool folds)
{
    static run_t run;

    memset(&run, 0, sizeof run);
    world_open(&run.world);
    run.folds = folds;
    run.server = run.newest.address6 = run.newest.ipv6_verdict = '-';
    run.model.address = run.model.vpn = run.model.dns_verdict = '-';
    run.model.ipv6_verdict = run.model.is_servers = '-';
    strcpy(run.model.place, "--");
    strcpy(run.model.dns, "--");
    for (int step = 0; step < STEPS; step++) {
        take_step(&run);
    }
    look(&run, 2);
    for (int kind = EVENT_CONNECTED; kind <= EVENT_OFFLINE; kind++) {
        assert_true(run.told[kind] > 50); /* or nothing was tried */
    }
}

static void test_each_transition_once(void **state)
{
    (void)state;
    assert_run(false);
}

/* With an overflowing journal not each transition is told, but the truth is come to. */
static void test_state_with_full_journal(void **state)
{
    (void)state;
    assert_run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_transition_once),
        cmocka_unit_test(test_state_with_full_journal),
    };

    return cmocka_run_group_tests_name("reconcile_model", tests, NULL, NULL);
}
