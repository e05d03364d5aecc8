/*
 * mod_vpnsentinel/outbox.h in thousands of random schedules: alerts come, Telegram fails in every
 * way, people ask and mute, and a ledger tells that nothing is lost, nothing doubled without need,
 * and the order of each client kept. The clock is simulated.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "event.h"
#include "outbox.h"

#define SCHEDULES 4000
#define CLIENTS 12u
#define ALERTS_MAX 400u
#define SECOND INT64_C(1000000) /* usec */
#define WALL INT64_C(1700000000)
#define LENGTH (1200 * SECOND)   /* in which things happen */
#define PATIENCE (7200 * SECOND) /* until all must have arrived */

/* --- chance --- */

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* --- the world --- */

/* What happened, and what became of it. */
typedef struct entry_t {
    alert_t alert;
    int64_t at;        /* usec: when it was recorded */
    unsigned accepted; /* how often Telegram took it */
    unsigned excused;  /* of these: without the sender knowing */
    int64_t first;     /* usec: when first */
    bool is_waiting;
} entry_t;

typedef struct world_t {
    int64_t now; /* usec since the schedule began */
    outbox_t outbox;
    entry_t entries[ALERTS_MAX];
    size_t count;
    uint32_t numbers[CLIENTS];       /* of the last event of each */
    unsigned asked;                  /* questions that wait */
    int64_t muted_until;             /* sec since epoch, 0 = neither muted nor just after it */
    int64_t sent[OUTBOX_MINUTE_MAX]; /* when the newest messages were accepted, a ring */
    unsigned sends;
    int64_t asked_to_wait; /* usec: until when Telegram has asked to wait */
    bool is_well;          /* it fails no more */
    int64_t longest;       /* usec that an alert waited */
} world_t;

static world_t world;

static int64_t wall(void)
{
    return WALL + world.now / SECOND;
}

static bool is_muted(void)
{
    return wall() < world.muted_until;
}

/* As store_count_repeats() counts. */
static uint8_t count_repeats(const alert_t *alert)
{
    uint8_t repeats = 0;

    for (size_t i = 0; i < world.count; i++) {
        const alert_t *other = &world.entries[i].alert;

        repeats += other->uid == alert->uid && other->kind == alert->kind &&
                   other->when >= alert->when - OUTBOX_FLAP_WINDOW && repeats < 64;
    }
    return repeats;
}

static void record(uint64_t uid, event_kind_t kind)
{
    entry_t *entry = &world.entries[world.count];

    if (world.count == ALERTS_MAX) {
        return;
    }
    *entry = (entry_t){.at = world.now, .is_waiting = true};
    entry->alert = (alert_t){.message = world.count + 1, .uid = uid, .when = wall(), .kind = kind};
    entry->alert.number = ++world.numbers[uid];
    entry->alert.repeats = uid != 0 ? count_repeats(&entry->alert) : 0;
    world.count++;
}

/* --- what happens --- */

/* Client 1 flaps, all go at once now and then, the others do something at times. */
static void happen(void)
{
    static const event_kind_t kinds[] = {EVENT_CONNECTED, EVENT_OFFLINE, EVENT_LEAK,
                                         EVENT_LEAK_OVER, EVENT_BYPASS,  EVENT_ADDRESS};

    switch (draw(40)) {
    case 0:
        for (uint64_t uid = 1; uid < CLIENTS; uid++) {
            record(uid, EVENT_OFFLINE);
        }
        break;
    case 1:
        world.asked += world.asked < 20;
        break;
    case 2:
        if (draw(4) == 0 && world.muted_until == 0) {
            world.muted_until = wall() + 1 + (int64_t)draw(300);
        }
        break;
    case 3:
        record(0, EVENT_SERVER_ADDRESS);
        break;
    default:
        if (draw(3) == 0) {
            record(1, world.numbers[1] % 2 == 0 ? EVENT_OFFLINE : EVENT_CONNECTED);
        } else {
            record(1 + draw(CLIENTS - 1), kinds[draw(6)]);
        }
        break;
    }
}

/* --- Telegram --- */

static alert_t waiting[ALERTS_MAX];
static size_t waiting_count;
static outbox_plan_t plan;

/* It takes the message. Returns whether the sender is told so. */
static void accept_message(bool is_told)
{
    const unsigned slot = world.sends % OUTBOX_MINUTE_MAX;

    assert_true(world.now >= world.asked_to_wait);
    assert_true(world.sends < OUTBOX_MINUTE_MAX || !is_told ||
                world.now - world.sent[slot] >= OUTBOX_MINUTE);
    if (is_told) {
        world.sent[slot] = world.now;
        world.sends++;
    }
    for (size_t i = 0; plan.turn != OUTBOX_REPLY && i < waiting_count; i++) {
        entry_t *entry = &world.entries[waiting[i].message - 1];

        if (waiting[i].is_taken) {
            assert_false(is_muted());
            entry->first = entry->accepted++ == 0 ? world.now : entry->first;
            entry->excused += !is_told;
            entry->is_waiting = !is_told;
        }
    }
}

/* What Telegram says of the message; its own doing is done. */
static telegram_answer_t answer(void)
{
    telegram_answer_t out = {.kind = TELEGRAM_OK};

    switch (world.is_well ? 99 : draw(16)) {
    case 0:
        out = (telegram_answer_t){.kind = TELEGRAM_LATER, .retry_after = (int64_t)draw(40)};
        world.asked_to_wait = world.now + out.retry_after * SECOND;
        return out;
    case 1:
        accept_message(false); /* cut off */
        out.kind = TELEGRAM_LATER;
        return out;
    case 2:
        out.kind = world.outbox.plain ? TELEGRAM_LATER : TELEGRAM_UNPARSABLE;
        return out;
    case 3:
        out.kind = TELEGRAM_NO_THREAD;
        return out;
    case 4:
        out = (telegram_answer_t){.kind = TELEGRAM_MIGRATED, .migrated_to = -1};
        return out;
    case 5:
        out.kind = draw(4) == 0 ? TELEGRAM_REFUSED : TELEGRAM_LATER;
        return out;
    default:
        accept_message(true);
        return out;
    }
}

/* --- the sender --- */

static void look_at_waiting(void)
{
    waiting_count = 0;
    for (size_t i = 0; i < world.count; i++) {
        if (world.entries[i].is_waiting) {
            waiting[waiting_count++] = world.entries[i].alert;
        }
    }
}

static void end_mute(void)
{
    if (world.muted_until != 0 && !is_muted() &&
        (waiting_count == 0 || plan.turn == OUTBOX_DIGEST)) {
        world.muted_until = 0;
    }
}

/* As delivery.c does. Returns when to be called again. */
static int64_t tend(void)
{
    const outbox_moment_t moment = {
        .now = world.now,
        .wall = wall(),
        .is_muted = is_muted(),
        .muted_until = world.muted_until,
        .is_after_mute = world.muted_until != 0 && !is_muted(),
        .is_asked = world.asked > 0,
    };
    telegram_answer_t said;
    outbox_result_t result;

    look_at_waiting();
    outbox_plan(&plan, &world.outbox, waiting, waiting_count, &moment);
    if (plan.turn == OUTBOX_WAIT) {
        assert_true(plan.due > world.now);
        end_mute();
        return plan.due;
    }
    assert_true(outbox_due(&world.outbox, &moment) <= world.now);
    said = answer();
    result =
        outbox_answered(&world.outbox, plan.turn, &said, world.now, (uint32_t)draw(UINT32_MAX));
    assert_int_equal(result == OUTBOX_TAKEN, said.kind == TELEGRAM_OK);
    if (plan.turn == OUTBOX_REPLY) {
        world.asked -= result != OUTBOX_AGAIN;
    } else {
        assert_int_not_equal(result, OUTBOX_DROP);
        if (result == OUTBOX_TAKEN) {
            end_mute();
        }
    }
    return world.now;
}

/* --- the ledger --- */

static void assert_all_arrived_once(void)
{
    for (size_t i = 0; i < world.count; i++) {
        const entry_t *entry = &world.entries[i];

        assert_false(entry->is_waiting);
        assert_int_equal(entry->accepted, entry->excused + 1);
        if (entry->first - entry->at > world.longest) {
            world.longest = entry->first - entry->at;
        }
    }
}

static void assert_order_of_clients(void)
{
    for (uint64_t uid = 0; uid < CLIENTS; uid++) {
        int64_t latest = 0;

        for (size_t i = 0; i < world.count; i++) {
            if (world.entries[i].alert.uid == uid) {
                assert_true(world.entries[i].first >= latest);
                latest = world.entries[i].first;
            }
        }
    }
}

static void run_schedule(uint64_t number, bool is_well, unsigned threshold, uint64_t pause)
{
    int64_t next = 0, due = 0;

    memset(&world, 0, sizeof(world));
    seed = number;
    world.is_well = is_well;
    world.outbox.flap_threshold = threshold;
    while (world.now < LENGTH) {
        if (world.now >= next) {
            happen();
            next = world.now + (int64_t)draw(pause);
            due = world.now;
        }
        if (world.now >= due) {
            due = tend();
            world.now += (int64_t)draw(SECOND / 5);
        }
        world.now = due > world.now ? (due < next         ? due
                                       : next > world.now ? next
                                                          : world.now)
                                    : world.now;
    }
    world.is_well = true;
    for (; due<PATIENCE; world.now = due> world.now ? due : world.now + SECOND / 10) {
        due = tend();
    }
    assert_int_equal(world.asked, 0);
    assert_all_arrived_once();
    assert_order_of_clients();
}

/* --- tests --- */

static void test_faults(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < SCHEDULES; number++) {
        run_schedule(number, false, number % 3 == 0 ? 0 : 3, 1 + draw(60) * SECOND);
    }
}

/* All is well: nobody waits longer than the hold of one that flaps, and a mute. */
static void test_no_faults(void **state)
{
    int64_t longest = 0;

    (void)state;
    for (uint64_t number = 0; number < SCHEDULES / 4; number++) {
        run_schedule(number, true, 3, 30 * SECOND);
        for (size_t i = 0; i < world.count; i++) {
            assert_int_equal(world.entries[i].accepted, 1);
        }
        longest = world.longest > longest ? world.longest : longest;
    }
    assert_true(longest <= (OUTBOX_FLAP_HOLD + 300) * SECOND + OUTBOX_GAP_MAX + OUTBOX_MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_no_faults),
    };

    return cmocka_run_group_tests_name("outbox_model", tests, NULL, NULL);
}
