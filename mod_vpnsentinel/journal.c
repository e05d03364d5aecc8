#include "journal.h"

#include <string.h>

#include "killpoint.h"

static unsigned int count_changes(const client_t *client)
{
    unsigned int count = 0;

    while (count < CLIENT_CHANGES && client->changes[count].merged > 0) {
        count++;
    }
    return count;
}

/* Take out the first entries. */
static void drop(client_t *client, unsigned int first, unsigned int count)
{
    change_t *changes = client->changes;

    memmove(&changes[0], &changes[first], (count - first) * sizeof *changes);
    memset(&changes[count - first], 0, first * sizeof *changes);
}

/* The two oldest become one: what was known in between is lost, that something was is not. */
static void fold_oldest(client_t *client)
{
    const change_t *first = &client->changes[0];
    change_t *second = &client->changes[1];
    unsigned int merged = (unsigned int)first->merged + second->merged;

    second->merged = (uint8_t)(merged < UINT8_MAX ? merged : UINT8_MAX);
    second->marks |= first->marks;
    second->conditions |= first->conditions;
    second->gap = second->gap > first->gap ? second->gap : first->gap;
    if (second->facts.is_servers_ipv6 == VPS_UNKNOWN) {
        second->facts.is_servers_ipv6 = first->facts.is_servers_ipv6;
    }
    drop(client, 1, CLIENT_CHANGES);
}

/* An empty entry behind the others. */
static change_t *make_room(client_t *client)
{
    unsigned int count = count_changes(client), announced = 0;

    while (announced < count && client->changes[announced].seq <= client->announced.seq) {
        announced++;
    }
    if (announced > 0) {
        drop(client, announced, count);
        count -= announced;
    }
    if (count == CLIENT_CHANGES) {
        fold_oldest(client);
        count--;
    }
    return &client->changes[count];
}

static uint8_t marks_of(const client_t *client, int64_t seen, const assess_facts_t *facts)
{
    if (seen == CLIENT_NEVER_SEEN) {
        return CHANGE_FIRST;
    }
    return assess_is_silent(client, seen, facts) ? CHANGE_RETURN : 0;
}

/* How long the silence was, in seconds; by the wall clock where a restart cut the other. */
static uint32_t gap_of(const client_t *client, int64_t seen, const sighting_t *sighting)
{
    int64_t gap = seen > CLIENT_RESTORED ? (sighting->now - seen) / 1000000
                                         : sighting->when - (int64_t)client->last_seen;

    if (gap < 0) {
        return 0;
    }
    return (uint32_t)(gap < UINT32_MAX ? gap : UINT32_MAX);
}

/* An entry like this one, of the newest change. */
static void add_change(client_t *client, const change_t *like, const assess_facts_t *facts)
{
    change_t *change = make_room(client);

    *change = *like;
    change->seq = ++client->seq;
    change->merged = 1;
    change->conditions = (uint8_t)assess_conditions(&change->facts, facts);
    killpoint();
}

/* The client may not know that we have its last report, and tell of what was before that again. */
static bool is_known_already(const client_t *client, int64_t seen, const hindsight_t *past)
{
    return seen == CLIENT_NEVER_SEEN || past->when <= (int64_t)client->last_seen;
}

static void judge_past(client_t *client, int64_t seen, const sighting_t *sighting,
                       const assess_facts_t *facts)
{
    for (size_t i = 0; i < sighting->past_count; i++) {
        const hindsight_t *past = &sighting->past[i];
        const judged_t before = client->judged;
        change_t change = {.when = (uint32_t)past->when, .marks = CHANGE_PAST};

        if (is_known_already(client, seen, past)) {
            continue;
        }
        if (assess_learn(&client->judged, &past->judged)) {
            client->last_change = change.when;
        }
        if (memcmp(&before, &client->judged, sizeof before) != 0) {
            change.facts = client->judged;
            change.facts.is_servers_ipv6 = VPS_UNKNOWN;
            add_change(client, &change, facts);
        }
    }
}

/* Returns false when it says nothing new. */
static bool judge_now(client_t *client, uint8_t marks, const sighting_t *sighting,
                      const assess_facts_t *facts)
{
    const judged_t before = client->judged;
    judged_t said = sighting->judged;
    bool replaced;

    said.is_servers_ipv6 = assess_is_servers_ipv6(sighting->report, facts);
    if (marks & CHANGE_RETURN) {
        client->judged.vpn_connected = VPS_UNKNOWN;
    }
    replaced = assess_learn(&client->judged, &said);
    if (marks == 0 && memcmp(&before, &client->judged, sizeof before) == 0) {
        return false;
    }
    if (replaced || marks & CHANGE_RETURN) {
        client->last_change = (uint32_t)sighting->when;
    }
    return true;
}

void journal_judge(client_t *client, int64_t seen, const sighting_t *sighting,
                   const assess_facts_t *facts)
{
    change_t change = {.when = (uint32_t)sighting->when, .marks = marks_of(client, seen, facts)};

    judge_past(client, seen, sighting, facts);
    if (!judge_now(client, change.marks, sighting, facts)) {
        return;
    }
    change.gap = change.marks & CHANGE_RETURN ? gap_of(client, seen, sighting) : 0;
    change.facts = client->judged;
    change.facts.is_servers_ipv6 = assess_is_servers_ipv6(sighting->report, facts);
    add_change(client, &change, facts);
}
