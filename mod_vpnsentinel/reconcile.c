#include "reconcile.h"

#include <string.h>

#include "clock.h"

_Static_assert(sizeof(judged_t) == sizeof(vps_addr_t) + 8, "facts are compared as bytes");

/* The walk along the changes, from what was announced to what is. */
typedef struct walk_t {
    reconciliation_t *out;
    announced_t *state; /* as of where we are; in out */
    const client_t *client;
    const assess_facts_t *facts;
    const vps_record_t *report; /* describes the facts of state; NULL = none does */
    int64_t when;               /* sec since epoch, of what is told */
    unsigned int merged;        /* of the next event */
    bool is_past;               /* the change was before the keepalive that told it */
    bool is_down_told;          /* by such a change */
} walk_t;

/* The light of the client with what is known of it as of where we are. */
static light_t light_behind(const walk_t *walk, event_kind_t kind)
{
    return assess_light(kind == EVENT_OFFLINE
                            ? CONDITION_OFFLINE
                            : assess_conditions(&walk->state->facts, walk->facts));
}

static event_t *tell(walk_t *walk, event_kind_t kind)
{
    event_t *event = &walk->out->events[walk->out->count++];
    const judged_t *facts = &walk->state->facts;

    memset(event, 0, sizeof *event);
    event->uid = walk->client->uid;
    event->number = ++walk->state->number;
    event->when = walk->when;
    event->merged = walk->merged;
    event->kind = (uint8_t)kind;
    event->light = (uint8_t)(light_behind(walk, kind) + 1);
    event->to = facts->public_ip;
    memcpy(event->place, facts->place, sizeof event->place);
    memcpy(event->dns, facts->dns, sizeof event->dns);
    memcpy(event->client_id, walk->client->report.client_id, sizeof event->client_id);
    if (walk->report != NULL) {
        memcpy(event->city, walk->report->city, sizeof event->city);
        memcpy(event->provider, walk->report->provider, sizeof event->provider);
        memcpy(event->dns_colo, walk->report->dns_colo, sizeof event->dns_colo);
    }
    walk->merged = 0;
    return event;
}

static bool has(const walk_t *walk, announced_state_t state)
{
    return (walk->state->state & state) != 0;
}

static void set(walk_t *walk, announced_state_t state)
{
    walk->state->state |= (uint8_t)state;
}

static void clear(walk_t *walk, announced_state_t state)
{
    walk->state->state &= (uint8_t)~state;
}

static uint32_t to_seconds(int64_t seconds)
{
    if (seconds < 0) {
        return 0;
    }
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

/* --- facts --- */

/* Of the VPN the newest word counts, even when it is none. */
static void learn(judged_t *known, const judged_t *seen)
{
    (void)assess_learn(known, seen);
    known->vpn_connected = seen->vpn_connected;
}

static bool says_something_new(const judged_t *known, const judged_t *seen)
{
    judged_t learned = *known;

    learn(&learned, seen);
    return memcmp(&learned, known, sizeof learned) != 0;
}

/* The client's report, if the facts that we have come to are its. */
static const vps_record_t *describing_report(const walk_t *walk)
{
    judged_t judged;

    assess_judged(&judged, &walk->client->report);
    judged.vpn_connected = walk->state->facts.vpn_connected; /* the texts do not hang on it */
    return says_something_new(&walk->state->facts, &judged) ? NULL : &walk->client->report;
}

/* The server's address may be another than when the newest report came. */
static void judge_by_server(walk_t *walk)
{
    const vps_answer_t answer = assess_is_servers_ipv6(&walk->client->report, walk->facts);

    if (answer != VPS_UNKNOWN) {
        walk->state->facts.is_servers_ipv6 = answer;
    }
}

/* --- what a change makes --- */

static void begin(walk_t *walk, announced_state_t state, uint32_t *since)
{
    set(walk, state);
    *since = (uint32_t)walk->when;
}

/* The event that tells so tells how long it was. */
static void end(walk_t *walk, event_t *event, announced_state_t state, uint32_t *since)
{
    event->seconds = *since != 0 ? to_seconds(walk->when - *since) : 0;
    clear(walk, state);
    *since = 0;
}

/* It was offline and came back before anybody looked. */
static void tell_past_silence(walk_t *walk, const change_t *change)
{
    uint32_t threshold = to_seconds(walk->facts->offline_threshold / CLOCK_SECOND);
    uint32_t late = change->gap > threshold ? change->gap - threshold : 0;

    walk->when = change->when > late ? change->when - late : 0;
    tell(walk, EVENT_OFFLINE)->seconds = change->gap - late;
    walk->when = change->when;
}

/* When the client arrives it is told again, but has lasted since it said so of the time before. */
static void tell_disconnected(walk_t *walk)
{
    tell(walk, EVENT_DISCONNECTED);
    set(walk, ANNOUNCED_DOWN);
    if (!walk->is_down_told) {
        walk->state->down_since = (uint32_t)walk->when;
    }
    walk->is_down_told = walk->is_past;
}

static void tell_reconnected(walk_t *walk)
{
    end(walk, tell(walk, EVENT_RECONNECTED), ANNOUNCED_DOWN, &walk->state->down_since);
    walk->is_down_told = false;
}

/* The first keepalive that is told, or the first one after offline. */
static void tell_arrival(walk_t *walk, const change_t *change)
{
    if (change->facts.vpn_connected == VPS_NO) {
        tell_disconnected(walk);
    } else {
        tell(walk, EVENT_CONNECTED)->seconds = has(walk, ANNOUNCED_FIRST) ? change->gap : 0;
        clear(walk, ANNOUNCED_DOWN);
        walk->state->down_since = 0;
    }
    set(walk, ANNOUNCED_FIRST);
    clear(walk, ANNOUNCED_OFFLINE);
}

static void judge_address(walk_t *walk, const vps_addr_t *before)
{
    if (before->version != 0 && !vps_addr_equal(before, &walk->state->facts.public_ip)) {
        tell(walk, EVENT_ADDRESS)->from = *before;
    }
}

/* With what DNS is judged by, as of where we are. */
static event_t *tell_dns(walk_t *walk, event_kind_t kind)
{
    event_t *event = tell(walk, kind);

    event->dns_verdict = walk->state->facts.dns_verdict;
    if (walk->report != NULL) {
        event->dns_path = walk->report->dns_path;
        event->dns_resolver_ip = walk->report->dns_resolver_ip;
    }
    return event;
}

/* past: conditions that it went through on its way to where it is. */
static void judge_leak(walk_t *walk, unsigned int past)
{
    unsigned int now = assess_conditions(&walk->state->facts, walk->facts);

    if (((now | past) & CONDITION_DNS_LEAK) != 0 && !has(walk, ANNOUNCED_LEAK)) {
        (void)tell_dns(walk, EVENT_LEAK);
        begin(walk, ANNOUNCED_LEAK, &walk->state->leak_since);
    }
    if ((now & (CONDITION_DNS_LEAK | CONDITION_DNS_UNKNOWN)) == 0 && has(walk, ANNOUNCED_LEAK)) {
        end(walk, tell_dns(walk, EVENT_LEAK_OVER), ANNOUNCED_LEAK, &walk->state->leak_since);
    }
}

/* Without an address of the client or of the server nothing begins and nothing ends. */
static void judge_bypass(walk_t *walk, unsigned int past)
{
    const vps_addr_t *server_ip = walk->facts->server_ip;
    const judged_t *facts = &walk->state->facts;
    unsigned int now = assess_conditions(facts, walk->facts);
    bool is_known = (facts->public_ip.version != 0 || facts->is_servers_ipv6 == VPS_NO) &&
                    (server_ip[0].version != 0 || server_ip[1].version != 0);

    if (((now | past) & CONDITION_BYPASS) != 0 && !has(walk, ANNOUNCED_BYPASS)) {
        event_t *event = tell(walk, EVENT_BYPASS);

        if ((now & CONDITION_BYPASS) != 0 && facts->is_servers_ipv6 == VPS_YES) {
            event->public_ip6 = server_ip[1]; /* which is the client's */
        }
        begin(walk, ANNOUNCED_BYPASS, &walk->state->bypass_since);
    }
    if (is_known && (now & CONDITION_BYPASS) == 0 && has(walk, ANNOUNCED_BYPASS)) {
        end(walk, tell(walk, EVENT_BYPASS_OVER), ANNOUNCED_BYPASS, &walk->state->bypass_since);
    }
}

static event_t *tell_ipv6(walk_t *walk, event_kind_t kind)
{
    event_t *event = tell(walk, kind);

    event->ipv6_verdict = walk->state->facts.ipv6_verdict;
    if (walk->report != NULL) {
        event->public_ip6 = walk->report->public_ip6;
    }
    return event;
}

static void judge_ipv6(walk_t *walk, unsigned int past)
{
    uint8_t verdict = walk->state->facts.ipv6_verdict;

    if ((verdict == VPS_IPV6_VERDICT_LEAK || (past & CONDITION_IPV6_LEAK) != 0) &&
        !has(walk, ANNOUNCED_IPV6_LEAK)) {
        (void)tell_ipv6(walk, EVENT_IPV6_LEAK);
        begin(walk, ANNOUNCED_IPV6_LEAK, &walk->state->ipv6_leak_since);
    }
    if ((verdict == VPS_IPV6_VERDICT_TUNNEL || verdict == VPS_IPV6_VERDICT_BLOCKED) &&
        has(walk, ANNOUNCED_IPV6_LEAK)) {
        end(walk, tell_ipv6(walk, EVENT_IPV6_LEAK_OVER), ANNOUNCED_IPV6_LEAK,
            &walk->state->ipv6_leak_since);
    }
}

static void judge_vpn(walk_t *walk, unsigned int past)
{
    uint8_t connected = walk->state->facts.vpn_connected;

    if ((connected == VPS_NO || (past & CONDITION_VPN_DOWN) != 0) && !has(walk, ANNOUNCED_DOWN)) {
        tell_disconnected(walk);
    }
    if (connected == VPS_YES && has(walk, ANNOUNCED_DOWN)) {
        tell_reconnected(walk);
    }
}

/*
 * At most 9 events of a folded change: silence and arrival or the VPN's two, address, two each of leak,
 * IPv6 leak and bypass; 6 of a single one, which begins or ends a thing but not both. What a folded
 * change went through may have been told already when the older part of it was.
 */
static void take_change(walk_t *walk, const change_t *change)
{
    const vps_addr_t before = walk->state->facts.public_ip;
    uint32_t untold = change->seq - walk->state->seq;
    bool is_untold = change->merged == 1 || untold >= change->merged;
    bool returns = is_untold && (change->marks & CHANGE_RETURN) != 0;
    bool arrives = returns || has(walk, ANNOUNCED_OFFLINE) || !has(walk, ANNOUNCED_FIRST);
    unsigned int past = is_untold && change->merged > 1 ? change->conditions : 0;

    walk->when = change->when;
    walk->merged = (is_untold ? change->merged : untold) - 1;
    walk->is_past = change->marks == CHANGE_PAST;
    if (returns && has(walk, ANNOUNCED_FIRST) && !has(walk, ANNOUNCED_OFFLINE)) {
        tell_past_silence(walk, change);
    }
    learn(&walk->state->facts, &change->facts);
    if (change->seq == walk->client->seq) {
        judge_by_server(walk);
        walk->report = describing_report(walk);
    }
    arrives = arrives && !walk->is_past;
    if (arrives) {
        tell_arrival(walk, change);
    }
    judge_address(walk, &before);
    judge_leak(walk, past);
    judge_ipv6(walk, past);
    judge_bypass(walk, past);
    if (!arrives) {
        judge_vpn(walk, past);
    }
}

/*
 * What is known of the client without an entry that says so: as one change more. Not while it is
 * offline as announced: no keepalive has come then, and the next one tells everything.
 */
static void take_rest(walk_t *walk, int64_t seen)
{
    const client_t *client = walk->client;
    change_t change = {
        .seq = client->seq,
        .when = client->last_change != 0 ? client->last_change : client->last_seen,
        .merged = 1,
        .facts = client->judged,
    };

    change.facts.is_servers_ipv6 =
        walk->state->facts.is_servers_ipv6; /* judge_server()'s business */
    if (says_something_new(&walk->state->facts, &change.facts) &&
        !(has(walk, ANNOUNCED_OFFLINE) && assess_is_offline(seen, walk->facts))) {
        take_change(walk, &change);
    }
}

/* --- what only the monitor can judge --- */

static void judge_silence(walk_t *walk, int64_t seen, int64_t wall)
{
    const int64_t deadline = assess_deadline(seen, walk->facts);
    const int64_t last_seen = walk->client->last_seen;
    event_t *event;

    if (!has(walk, ANNOUNCED_FIRST) || has(walk, ANNOUNCED_OFFLINE) || seen == CLIENT_NEVER_SEEN) {
        return;
    }
    if (deadline != INT64_MAX) {
        wall -= walk->facts->now - deadline;
    }
    walk->when = wall / CLOCK_SECOND;
    if (walk->when < last_seen) {
        walk->when = last_seen;
    }
    event = tell(walk, EVENT_OFFLINE);
    if (seen > CLIENT_RESTORED) {
        event->seconds = to_seconds((deadline - seen) / CLOCK_SECOND);
    } else if (last_seen != 0) {
        event->seconds = to_seconds(walk->when - last_seen);
    }
    set(walk, ANNOUNCED_OFFLINE);
}

/* The client is what it was; the server's address may be another. */
static void judge_server(walk_t *walk, int64_t wall)
{
    const size_t count = walk->out->count;

    walk->when = wall / CLOCK_SECOND;
    judge_by_server(walk);
    judge_bypass(walk, 0);
    if (walk->out->count > count) {
        walk->out->by_server = (int)count;
    }
}

void reconcile(reconciliation_t *out, const client_t *client, int64_t seen, const announced_t *base,
               const assess_facts_t *facts, int64_t wall)
{
    walk_t walk = {
        .out = out,
        .state = &out->announced,
        .client = client,
        .facts = facts,
        .when = wall / CLOCK_SECOND,
    };

    out->announced = *base;
    out->count = 0;
    out->by_server = -1;
    if (base->seq > client->seq) {
        return;
    }
    for (size_t i = 0; i < CLIENT_CHANGES && client->changes[i].merged > 0; i++) {
        if (client->changes[i].seq > base->seq) {
            take_change(&walk, &client->changes[i]);
        }
    }
    take_rest(&walk, seen);
    out->announced.seq = client->seq;
    walk.report = describing_report(&walk);
    if (assess_is_offline(seen, facts)) {
        judge_silence(&walk, seen, wall);
    } else if (!has(&walk, ANNOUNCED_OFFLINE)) {
        judge_server(&walk, wall);
    }
}
