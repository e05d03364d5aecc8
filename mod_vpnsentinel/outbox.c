#include "outbox.h"

#include <stdlib.h>

#include "clock.h"
#include "event.h"
#include "message.h"

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- who flaps --- */

/* What it says was said often enough. */
static bool is_repeated(const outbox_t *outbox, const alert_t *alert)
{
    return outbox->flap_threshold > 0 && alert->repeats >= outbox->flap_threshold;
}

bool outbox_is_flap(const outbox_t *outbox, const alert_t *alert)
{
    return outbox->flap_threshold > 0 && alert->repeats + 1u == outbox->flap_threshold &&
           !message_is_good((event_kind_t)alert->kind);
}

/* The alerts that wait of one client. */
typedef struct group_t {
    alert_t **alert;
    size_t count;
} group_t;

/* Until when they are held, sec since epoch; 0 = they are not. */
static int64_t held_until(const outbox_t *outbox, const group_t *group, int64_t wall)
{
    int64_t oldest = group->alert[0]->when, newest = oldest, until;

    for (size_t i = 0; i < group->count; i++) {
        if (!is_repeated(outbox, group->alert[i])) {
            return 0;
        }
        oldest = shorter(oldest, group->alert[i]->when);
        newest = longer(newest, group->alert[i]->when);
    }
    until = shorter(newest + OUTBOX_FLAP_CALM, oldest + OUTBOX_FLAP_HOLD);
    return newest <= wall && wall < until ? until : 0; /* what lies ahead: the clock was set back */
}

static int by_client(const void *a, const void *b)
{
    const alert_t *one = *(alert_t *const *)a, *other = *(alert_t *const *)b;

    if (one->uid != other->uid) {
        return one->uid < other->uid ? -1 : 1;
    }
    return (one->message > other->message) - (one->message < other->message);
}

/* What is to be known of the alerts that are taken. */
typedef struct take_t {
    size_t count;
    bool is_gathered; /* some of them, of one client, were held */
    int64_t release;  /* sec since epoch: when the first of those that are held are let go */
} take_t;

static void take_group(take_t *take, const outbox_t *outbox, const group_t *group, int64_t wall)
{
    const int64_t until = held_until(outbox, group, wall);

    if (until > 0) {
        take->release = shorter(take->release, until);
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        group->alert[i]->is_taken = true;
        take->is_gathered =
            take->is_gathered || (group->count > 1 && is_repeated(outbox, group->alert[i]));
    }
    take->count += group->count;
}

/* Take those of clients that do not flap. Returns false when memory is out. */
static bool take_calm(take_t *take, const outbox_t *outbox, alert_t *alerts, size_t count,
                      int64_t wall)
{
    alert_t **sorted = malloc(count * sizeof(*sorted));
    size_t end;

    if (sorted == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &alerts[i];
    }
    qsort(sorted, count, sizeof(*sorted), by_client);
    for (size_t i = 0; i < count; i = end) {
        for (end = i + 1; end < count && sorted[end]->uid == sorted[i]->uid; end++) {
        }
        take_group(take, outbox, &(group_t){&sorted[i], end - i}, wall);
    }
    free(sorted);
    return true;
}

static void take_all(take_t *take, alert_t *alerts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        alerts[i].is_taken = true;
    }
    take->count = count;
}

static bool does_any_repeat(const outbox_t *outbox, const alert_t *alerts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_repeated(outbox, &alerts[i])) {
            return true;
        }
    }
    return false;
}

static void take_alerts(take_t *take, const outbox_t *outbox, alert_t *alerts, size_t count,
                        const outbox_moment_t *moment)
{
    *take = (take_t){.release = INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        alerts[i].is_taken = false;
    }
    if (moment->is_muted) {
        return;
    }
    if (moment->is_after_mute || count >= OUTBOX_DIGEST_MAX ||
        !does_any_repeat(outbox, alerts, count) ||
        !take_calm(take, outbox, alerts, count, moment->wall)) {
        take_all(take, alerts, count);
    }
}

/* Of those that are taken, leave all behind the first so many. */
static void take_at_most(alert_t *alerts, size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        if (alerts[i].is_taken && most > 0) {
            most--;
        } else {
            alerts[i].is_taken = false;
        }
    }
}

/* --- whose turn it is --- */

static void plan_alerts(outbox_plan_t *plan, alert_t *alerts, size_t count, const take_t *take,
                        const outbox_moment_t *moment)
{
    if (take->count > OUTBOX_FEW || take->is_gathered || moment->is_after_mute) {
        plan->turn = OUTBOX_DIGEST;
        take_at_most(alerts, count, OUTBOX_DIGEST_MAX);
    } else {
        plan->turn = OUTBOX_ALERT;
        take_at_most(alerts, count, 1);
    }
}

/* A time of the wall clock on the monotonic one; not too far, for the former may be set. */
static int64_t moment_of(int64_t wall, const outbox_moment_t *moment)
{
    if (wall == INT64_MAX) {
        return INT64_MAX;
    }
    return moment->now + shorter((wall - moment->wall) * CLOCK_SECOND, OUTBOX_MINUTE);
}

static int64_t alerts_due(const outbox_t *outbox, const outbox_moment_t *moment)
{
    return moment->is_muted ? longer(outbox->not_before, moment_of(moment->muted_until, moment))
                            : longer(outbox->not_before, outbox->alerts_not_before);
}

int64_t outbox_due(const outbox_t *outbox, const outbox_moment_t *moment)
{
    return moment->is_asked ? outbox->not_before : alerts_due(outbox, moment);
}

void outbox_plan(outbox_plan_t *plan, const outbox_t *outbox, alert_t *alerts, size_t count,
                 const outbox_moment_t *moment)
{
    const int64_t due = alerts_due(outbox, moment);
    take_t take;

    take_alerts(&take, outbox, alerts, count, moment);
    plan->turn = OUTBOX_WAIT;
    plan->due = take.count > 0 || moment->is_muted ? due : moment_of(take.release, moment);
    if (moment->is_asked && moment->now >= outbox->not_before &&
        !(outbox->is_after_reply && take.count > 0 && moment->now >= due)) {
        plan->turn = OUTBOX_REPLY;
    } else if (take.count > 0 && moment->now >= due) {
        plan_alerts(plan, alerts, count, &take, moment);
    } else if (moment->is_asked) {
        plan->due = shorter(plan->due, outbox->not_before);
    }
}

/* --- answers --- */

/* Up to a fifth longer, so that many servers do not come back as one. */
static int64_t spread(int64_t wait, uint32_t random)
{
    return wait + wait / 5 * (random >> 16) / UINT16_MAX;
}

/* How many messages were accepted within the minute. */
static unsigned int count_recent(const outbox_t *outbox, int64_t now)
{
    unsigned int recent = 0;

    for (unsigned int i = 0; i < OUTBOX_MINUTE_MAX && i < outbox->takes; i++) {
        recent += outbox->taken[i] > now - OUTBOX_MINUTE;
    }
    return recent;
}

static void accepted(outbox_t *outbox, outbox_turn_t turn, int64_t now)
{
    outbox->taken[outbox->takes++ % OUTBOX_MINUTE_MAX] = now;
    outbox->not_before =
        now + (count_recent(outbox, now) < OUTBOX_MINUTE_EASY ? OUTBOX_PACE : OUTBOX_SLOW_PACE);
    if (now >= outbox->alerts_not_before + OUTBOX_GAP_MAX) { /* nobody waited for it */
        outbox->gap = 0;
    }
    if (turn == OUTBOX_DIGEST) {
        outbox->gap = outbox->gap == 0 ? OUTBOX_PACE : shorter(2 * outbox->gap, OUTBOX_GAP_MAX);
        outbox->alerts_not_before = now + outbox->gap;
    } else if (turn == OUTBOX_ALERT) {
        outbox->gap = 0;
    }
    outbox->is_after_reply = turn == OUTBOX_REPLY;
    outbox->failures = 0;
    outbox->plain = false;
    outbox->no_thread = false;
    outbox->is_moved = false;
}

/* Can it be sent in another way, at once? */
static bool change_way(outbox_t *outbox, telegram_kind_t kind)
{
    bool *way = kind == TELEGRAM_UNPARSABLE  ? &outbox->plain
                : kind == TELEGRAM_NO_THREAD ? &outbox->no_thread
                : kind == TELEGRAM_MIGRATED  ? &outbox->is_moved
                                             : NULL;

    if (way == NULL || *way) {
        return false;
    }
    *way = true;
    return true;
}

outbox_result_t outbox_answered(outbox_t *outbox, outbox_turn_t turn,
                                const telegram_answer_t *answer, int64_t now, uint32_t random)
{
    if (answer->kind == TELEGRAM_OK) {
        accepted(outbox, turn, now);
        return OUTBOX_TAKEN;
    }
    if (change_way(outbox, answer->kind)) {
        outbox->not_before = now;
        return OUTBOX_AGAIN;
    }
    if (turn == OUTBOX_REPLY && answer->kind != TELEGRAM_LATER) {
        outbox->not_before = now + OUTBOX_PACE;
        outbox->plain = outbox->no_thread = outbox->is_moved = false;
        return OUTBOX_DROP;
    }
    outbox->not_before = now + spread(telegram_retry(answer, outbox->failures), random);
    outbox->failures++;
    return OUTBOX_AGAIN;
}
