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

/* Since when it is offline; sec since epoch. */
static int64_t offline_since(const client_t *client, int64_t seen, const assess_facts_t *facts,
                             int64_t wall)
{
    const int64_t deadline = assess_deadline(seen, facts);

    if (deadline <= facts->now) {
        wall -= facts->now - deadline;
    }
    wall /= CLOCK_SECOND;
    return wall > (int64_t)client->last_seen ? wall : (int64_t)client->last_seen;
}

/* Not from before the newest cell: either the clock was set back, or that has been noted. */
static int64_t settle(const history_t *history, int64_t since, int64_t now)
{
    return since < (int64_t)history->quarter * HISTORY_CELL_SECONDS || since > now ? now : since;
}

/* It was offline and came back before anybody looked. */
static void note_silence(history_t *history, const change_t *change, const assess_facts_t *facts)
{
    const int64_t late = (int64_t)change->gap - facts->offline_threshold / CLOCK_SECOND;

    if (late > 0) {
        history_note(history, (int64_t)change->when - late, change->when, LIGHT_GREY);
    }
}

/* until: the next one's time; of the newest now. */
static void note_change(history_t *history, const change_t *change, int64_t until, bool is_newest)
{
    const bool is_past = (change->marks & CHANGE_PAST) != 0;

    if (is_newest && !is_past) {
        until = change->when; /* the light of now is what became of it */
    }
    if (!is_newest || is_past || change->merged > 1) {
        history_note(history, change->when, until, assess_light(change->conditions));
    }
}

void lights_note(history_t *history, const client_t *client, int64_t seen, const announced_t *base,
                 const assess_facts_t *facts, int64_t wall)
{
    const light_t light = assess(client, seen, facts).light;
    const light_t before = history->quarter != 0 ? (light_t)history->light : LIGHT_GREY;
    const int newest = newest_behind(client, base);
    const change_t *changes = client->changes;
    const int64_t now = wall / CLOCK_SECOND;
    int64_t since = now;

    if (light == LIGHT_GREY) {
        since = offline_since(client, seen, facts, wall);
    } else if (newest >= 0 && (changes[newest].marks & CHANGE_PAST) == 0) {
        since = changes[newest].when;
    }
    if (history->quarter == 0 || light != before) {
        history_set(history, settle(history, since, now), light);
    }
    for (int i = 0; i <= newest; i++) {
        if (changes[i].seq > base->seq) {
            if ((changes[i].marks & CHANGE_RETURN) != 0 && before != LIGHT_GREY) {
                note_silence(history, &changes[i], facts);
            }
            note_change(history, &changes[i], i < newest ? (int64_t)changes[i + 1].when : now,
                        i == newest);
        }
    }
}
