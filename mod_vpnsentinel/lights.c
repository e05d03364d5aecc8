#include "lights.h"

#include "clock.h"

/* The newest entry, if it is behind base: where it is in the journal. -1 = there is none. */
static int newest_behind(const client_t *client, const announced_t *base)
{
    int newest = -1;

    for (int i = 0; i < CLIENT_CHANGES && client->changes[i].merged > 0; i++) {
        if (client->changes[i].seq > base->seq) {
            newest = i;
        }
    }
    return newest;
}

/* Since when it has this light, sec since epoch. An entry that led to it knows. */
static int64_t since_when(light_t light, const change_t *newest, int64_t seen,
                          const assess_facts_t *facts, int64_t wall)
{
    const int64_t deadline = assess_deadline(seen, facts);

    if (deadline <= facts->now) {
        return (wall - (facts->now - deadline)) / CLOCK_SECOND;
    }
    if (newest != NULL && assess_light(newest->conditions) == light) {
        return newest->when;
    }
    return wall / CLOCK_SECOND;
}

/* Not before the newest cell: either the clock was set back, or that time has been noted. */
static int64_t settle(const history_t *history, int64_t since, int64_t now)
{
    return since < (int64_t)history->quarter * HISTORY_CELL_SECONDS || since > now ? now : since;
}

/*
 * It was offline until then, which perhaps nobody looked at; not before the service could know.
 */
static void note_silence(history_t *history, const change_t *change, const assess_facts_t *facts,
                         int64_t wall)
{
    const int64_t serving = facts->now - facts->serving_since - facts->offline_threshold;
    const int64_t first = (wall - serving) / CLOCK_SECOND;
    int64_t since = (int64_t)change->when - change->gap + facts->offline_threshold / CLOCK_SECOND;

    since = since > first ? since : first;
    if (since < (int64_t)change->when) {
        history_note(history, since, change->when, LIGHT_GREY);
    }
}

void lights_note(history_t *history, const client_t *client, int64_t seen, const announced_t *base,
                 const assess_facts_t *facts, int64_t wall)
{
    const light_t light = assess(client, seen, facts).light;
    const int newest = newest_behind(client, base);
    const change_t *changes = client->changes;
    const int64_t now = wall / CLOCK_SECOND;

    if (history->quarter == 0 || light != (light_t)history->light) {
        const int64_t since =
            since_when(light, newest >= 0 ? &changes[newest] : NULL, seen, facts, wall);

        history_set(history, settle(history, since, now), light);
    }
    for (int i = 0; i <= newest; i++) { /* those that were announced change nothing any more */
        const change_t *change = &changes[i];

        note_silence(history, change, facts, wall);
        /* What became of the newest one is the light of now, but of the past since when. */
        if (i < newest || (change->marks & CHANGE_PAST) != 0) {
            history_note(history, change->when, i < newest ? (int64_t)changes[i + 1].when : now,
                         assess_light(change->conditions));
        }
    }
}
