/* mod_vpnsentinel/outbox.h: what goes next, and when, after each kind of answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "event.h"
#include "outbox.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECOND INT64_C(1000000) /* usec */
#define NOW (1000 * SECOND)
#define WALL INT64_C(1700000000)

static const telegram_answer_t ok = {.kind = TELEGRAM_OK};
static const telegram_answer_t later = {.kind = TELEGRAM_LATER};
static const telegram_answer_t unparsable = {.kind = TELEGRAM_UNPARSABLE};
static const telegram_answer_t no_thread = {.kind = TELEGRAM_NO_THREAD};
static const telegram_answer_t migrated = {.kind = TELEGRAM_MIGRATED, .migrated_to = -100};
static const telegram_answer_t refused = {.kind = TELEGRAM_REFUSED};
static const outbox_moment_t moment = {.now = NOW, .wall = WALL};

/* --- answers --- */

static void test_accepted(void **state)
{
    static const outbox_turn_t turns[] = {OUTBOX_ALERT, OUTBOX_DIGEST, OUTBOX_REPLY};

    (void)state;
    for (size_t i = 0; i < COUNT(turns); i++) {
        outbox_t outbox = {.failures = 7, .plain = true, .no_thread = true, .is_moved = true};

        assert_int_equal(outbox_answered(&outbox, turns[i], &ok, NOW, UINT32_MAX), OUTBOX_TAKEN);
        assert_int_equal(outbox.not_before, NOW + OUTBOX_PACE);
        assert_int_equal(outbox.failures, 0);
        assert_false(outbox.plain || outbox.no_thread || outbox.is_moved);
    }
}

static void test_back_off(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    outbox_t outbox = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(seconds); i++) {
        assert_int_equal(outbox_answered(&outbox, OUTBOX_ALERT, &later, NOW, 0), OUTBOX_AGAIN);
        assert_int_equal(outbox.not_before, NOW + seconds[i] * SECOND);
    }
    outbox.failures = UINT32_MAX;
    (void)outbox_answered(&outbox, OUTBOX_ALERT, &later, NOW, 0);
    outbox.failures = UINT32_MAX / 2;
    (void)outbox_answered(&outbox, OUTBOX_ALERT, &later, NOW, 0);
    assert_int_equal(outbox.not_before, NOW + 60 * SECOND);
    (void)outbox_answered(&outbox, OUTBOX_ALERT, &ok, NOW, 0);
    (void)outbox_answered(&outbox, OUTBOX_ALERT, &later, NOW, 0);
    assert_int_equal(outbox.not_before, NOW + 1 * SECOND);
}

/* What they ask for, when it is longer than the back-off; that grows all the same. */
static void test_asked_to_wait(void **state)
{
    static const struct {
        unsigned failures;
        int64_t asked, seconds;
    } cases[] = {{0, 34, 34}, {0, 1, 1}, {3, 3, 8}, {3, 9, 9}, {9, 59, 60}, {9, 3600, 3600}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const telegram_answer_t answer = {.kind = TELEGRAM_LATER, .retry_after = cases[i].asked};
        outbox_t outbox = {.failures = cases[i].failures};

        assert_int_equal(outbox_answered(&outbox, OUTBOX_REPLY, &answer, NOW, 0), OUTBOX_AGAIN);
        assert_int_equal(outbox.not_before, NOW + cases[i].seconds * SECOND);
        assert_int_equal(outbox.failures, cases[i].failures + 1);
    }
}

static void test_refused(void **state)
{
    outbox_t outbox = {0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(outbox_answered(&outbox, OUTBOX_DIGEST, &refused, NOW, 0), OUTBOX_AGAIN);
        assert_int_equal(outbox.not_before, NOW + TELEGRAM_REFUSED_RETRY);
    }
    assert_false(outbox.plain);
}

/* An answer that is refused is not worth keeping alerts waiting. */
static void test_a_refused_reply_is_dropped(void **state)
{
    outbox_t outbox = {0};

    (void)state;
    assert_int_equal(outbox_answered(&outbox, OUTBOX_REPLY, &unparsable, NOW, 0), OUTBOX_AGAIN);
    assert_true(outbox.plain);
    assert_int_equal(outbox_answered(&outbox, OUTBOX_REPLY, &refused, NOW, 0), OUTBOX_DROP);
    assert_false(outbox.plain); /* of the next message nothing is known */
    assert_int_equal(outbox.not_before, NOW + OUTBOX_PACE);
    assert_int_equal(outbox.failures, 0);
}

/* At once again in another way, once; when that does not go either, there is no other. */
static void test_other_ways(void **state)
{
    static const struct {
        const telegram_answer_t *answer;
        size_t way; /* in outbox_t */
    } cases[] = {{&unparsable, offsetof(outbox_t, plain)},
                 {&no_thread, offsetof(outbox_t, no_thread)},
                 {&migrated, offsetof(outbox_t, is_moved)}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        outbox_t outbox = {0};
        const bool *way = (const bool *)((const char *)&outbox + cases[i].way);

        assert_int_equal(outbox_answered(&outbox, OUTBOX_ALERT, cases[i].answer, NOW, UINT32_MAX),
                         OUTBOX_AGAIN);
        assert_true(*way);
        assert_int_equal(outbox.plain + outbox.no_thread + outbox.is_moved, 1);
        assert_true(outbox.not_before <= NOW);
        (void)outbox_answered(&outbox, OUTBOX_ALERT, &later, NOW, 0);
        assert_true(*way);
        assert_int_equal(outbox.not_before, NOW + SECOND);
        (void)outbox_answered(&outbox, OUTBOX_ALERT, cases[i].answer, NOW, 0);
        assert_int_equal(outbox.not_before, NOW + TELEGRAM_REFUSED_RETRY);
        assert_int_equal(outbox_answered(&outbox, OUTBOX_ALERT, &ok, NOW, 0), OUTBOX_TAKEN);
        assert_false(*way);
    }
}

/* Random numbers make a wait up to a fifth longer, never shorter, and different. */
static void test_spread(void **state)
{
    static const telegram_answer_t hour = {.kind = TELEGRAM_LATER, .retry_after = 3600};
    static const struct {
        const telegram_answer_t *answer;
        int64_t wait;
    } cases[] = {{&later, SECOND}, {&refused, TELEGRAM_REFUSED_RETRY}, {&hour, 3600 * SECOND}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t previous = -1;

        for (uint64_t random = 0; random <= UINT32_MAX; random += UINT32_MAX / 5) {
            outbox_t outbox = {0};
            int64_t added;

            (void)outbox_answered(&outbox, OUTBOX_ALERT, cases[i].answer, NOW, (uint32_t)random);
            added = outbox.not_before - NOW - cases[i].wait;
            assert_in_range(added, 0, cases[i].wait / 5);
            assert_true(added > previous);
            previous = added;
        }
        assert_int_equal(previous, cases[i].wait / 5);
    }
}

/* As fast as it may go for an hour: never more than a group takes in a minute. */
static void test_pace(void **state)
{
    static int64_t sent[3600];
    outbox_t outbox = {0};
    size_t count = 0;

    (void)state;
    for (int64_t now = NOW; now < NOW + 3600 * SECOND; now = outbox.not_before) {
        sent[count++] = now;
        (void)outbox_answered(&outbox, OUTBOX_ALERT, &ok, now, 0);
        assert_true(outbox.not_before >= now + OUTBOX_PACE);
        if (count > OUTBOX_MINUTE_MAX) {
            assert_true(sent[count - 1] - sent[count - 1 - OUTBOX_MINUTE_MAX] >= OUTBOX_MINUTE);
        }
    }
    assert_int_equal(sent[OUTBOX_MINUTE_EASY - 1], NOW + (OUTBOX_MINUTE_EASY - 1) * OUTBOX_PACE);
    assert_in_range(count, 10 * 60, 20 * 60);
}

/* Digest after digest comes at growing gaps; single alerts, and a time without any, end that. */
static void test_gaps_of_a_storm(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 10, 10};
    outbox_t outbox = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(seconds); i++) {
        (void)outbox_answered(&outbox, OUTBOX_DIGEST, &ok, NOW, 0);
        assert_int_equal(outbox.alerts_not_before, NOW + seconds[i] * SECOND);
        (void)outbox_answered(&outbox, OUTBOX_REPLY, &ok, NOW, 0); /* says nothing of the storm */
    }
    (void)outbox_answered(&outbox, OUTBOX_ALERT, &ok, NOW, 0);
    (void)outbox_answered(&outbox, OUTBOX_DIGEST, &ok, NOW, 0);
    assert_int_equal(outbox.alerts_not_before, NOW + 1 * SECOND);
    (void)outbox_answered(&outbox, OUTBOX_DIGEST, &ok, NOW + 10 * SECOND, 0);
    assert_int_equal(outbox.alerts_not_before, NOW + 12 * SECOND);
    (void)outbox_answered(&outbox, OUTBOX_DIGEST, &ok, NOW + 22 * SECOND, 0); /* another storm */
    assert_int_equal(outbox.alerts_not_before, NOW + 23 * SECOND);
}

/* --- whose turn it is --- */

/* Alerts of clients 1, 2, 3 and so on, that all went offline just now. */
static void make_alerts(alert_t *alerts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        alerts[i] = (alert_t){
            .message = i + 1, .uid = i + 1, .number = 1, .when = WALL, .kind = EVENT_OFFLINE};
    }
}

/* The ids of the messages that are taken, as digits. */
static uint64_t taken(const alert_t *alerts, size_t count)
{
    uint64_t digits = 0;

    for (size_t i = 0; i < count; i++) {
        if (alerts[i].is_taken) {
            digits = digits * 10 + alerts[i].message;
        }
    }
    return digits;
}

static void test_few_go_one_by_one(void **state)
{
    alert_t alerts[9];
    outbox_plan_t plan;
    outbox_t outbox = {0};

    (void)state;
    make_alerts(alerts, COUNT(alerts));
    outbox_plan(&plan, &outbox, alerts, 0, &moment);
    assert_int_equal(plan.turn, OUTBOX_WAIT);
    assert_int_equal(plan.due, INT64_MAX);
    for (size_t count = 1; count <= OUTBOX_FEW; count++) {
        outbox_plan(&plan, &outbox, alerts, count, &moment);
        assert_int_equal(plan.turn, OUTBOX_ALERT);
        assert_int_equal(taken(alerts, count), 1);
    }
    outbox_plan(&plan, &outbox, alerts, 4, &moment);
    assert_int_equal(plan.turn, OUTBOX_DIGEST);
    assert_int_equal(taken(alerts, 4), 1234);
    outbox_plan(&plan, &outbox, alerts, 9, &moment);
    assert_int_equal(taken(alerts, 9), 123456789);
}

static void test_a_digest_has_an_end(void **state)
{
    static alert_t alerts[OUTBOX_DIGEST_MAX + 2];
    const outbox_t outbox = {.flap_threshold = 3};
    outbox_plan_t plan;
    size_t count = 0;

    (void)state;
    make_alerts(alerts, COUNT(alerts));
    for (size_t i = 0; i < COUNT(alerts); i++) {
        alerts[i].repeats = 9; /* even of flapping clients; who holds all has no room for others */
    }
    outbox_plan(&plan, &outbox, alerts, COUNT(alerts), &moment);
    assert_int_equal(plan.turn, OUTBOX_DIGEST);
    for (size_t i = 0; i < COUNT(alerts); i++) {
        count += alerts[i].is_taken;
        assert_int_equal(alerts[i].is_taken, i < OUTBOX_DIGEST_MAX);
    }
    assert_int_equal(count, OUTBOX_DIGEST_MAX);
}

static void test_turns(void **state)
{
    static const int64_t past = NOW - SECOND, soon = NOW + SECOND, late = NOW + 9 * SECOND;
    static const struct {
        int64_t not_before, alerts_not_before;
        size_t alerts;
        bool is_asked, is_muted, is_after_reply;
        outbox_turn_t turn;
        int64_t due;
    } cases[] = {
        {past, past, 0, true, false, true, OUTBOX_REPLY, INT64_MAX},
        {past, past, 1, true, false, false, OUTBOX_REPLY, past}, /* they take turns */
        {past, past, 1, true, false, true, OUTBOX_ALERT, past},
        {past, past, 9, true, false, true, OUTBOX_DIGEST, past},
        {past, soon, 1, true, false, true, OUTBOX_REPLY, soon},
        {past, soon, 9, false, false, false, OUTBOX_WAIT, soon},
        {soon, past, 9, false, false, false, OUTBOX_WAIT, soon},
        {soon, late, 9, false, false, false, OUTBOX_WAIT, late},
        {soon, late, 9, true, false, false, OUTBOX_WAIT, soon},
        {soon, past, 0, true, false, false, OUTBOX_WAIT, soon},
        {soon, past, 0, false, false, false, OUTBOX_WAIT, INT64_MAX},
        {past, past, 9, false, true, false, OUTBOX_WAIT, NOW + 7 * SECOND}, /* when the mute ends */
        {past, past, 9, true, true, false, OUTBOX_REPLY, NOW + 7 * SECOND},
        {late, past, 9, false, true, false, OUTBOX_WAIT, late},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const outbox_t outbox = {.not_before = cases[i].not_before,
                                 .alerts_not_before = cases[i].alerts_not_before,
                                 .is_after_reply = cases[i].is_after_reply};
        const outbox_moment_t now = {.now = NOW,
                                     .wall = WALL,
                                     .is_asked = cases[i].is_asked,
                                     .is_muted = cases[i].is_muted,
                                     .muted_until = WALL + 7};
        alert_t alerts[9];
        outbox_plan_t plan;

        make_alerts(alerts, COUNT(alerts));
        outbox_plan(&plan, &outbox, alerts, cases[i].alerts, &now);
        assert_int_equal(plan.turn, cases[i].turn);
        assert_int_equal(plan.due, cases[i].due);
        assert_true(taken(alerts, 9) == 0 || !cases[i].is_muted);
        if (plan.turn != OUTBOX_WAIT) { /* who asks first is not sent away */
            assert_true(outbox_due(&outbox, &now) <= NOW);
        }
    }
}

/* The wall clock may be set: it is looked at again within the minute. */
static void test_a_mute_far_away(void **state)
{
    const outbox_moment_t now = {
        .now = NOW, .wall = WALL, .is_muted = true, .muted_until = WALL + 86400};
    const outbox_t outbox = {0};

    (void)state;
    assert_int_equal(outbox_due(&outbox, &now), NOW + OUTBOX_MINUTE);
}

static void test_after_a_mute_comes_one_digest(void **state)
{
    const outbox_moment_t now = {.now = NOW, .wall = WALL, .is_after_mute = true};
    const outbox_t outbox = {.flap_threshold = 2};
    alert_t alerts[3];
    outbox_plan_t plan;

    (void)state;
    make_alerts(alerts, COUNT(alerts));
    alerts[1].repeats = 5;
    for (size_t count = 1; count <= COUNT(alerts); count++) {
        outbox_plan(&plan, &outbox, alerts, count, &now);
        assert_int_equal(plan.turn, OUTBOX_DIGEST);
        assert_int_equal(taken(alerts, count), count == 1 ? 1 : count == 2 ? 12 : 123);
    }
}

/* --- who flaps --- */

static void test_the_one_that_makes_it_flap(void **state)
{
    static const struct {
        unsigned threshold;
        uint8_t kind, repeats;
        bool expected;
    } cases[] = {
        {3, EVENT_OFFLINE, 2, true},  {3, EVENT_OFFLINE, 1, false},
        {3, EVENT_OFFLINE, 3, false}, {3, EVENT_CONNECTED, 2, false},
        {3, EVENT_LEAK, 2, true},     {3, EVENT_ADDRESS, 2, true},
        {0, EVENT_OFFLINE, 0, false}, {0, EVENT_OFFLINE, 255, false},
        {50, EVENT_LEAK, 49, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const outbox_t outbox = {.flap_threshold = cases[i].threshold};
        const alert_t alert = {.uid = 1, .kind = cases[i].kind, .repeats = cases[i].repeats};

        assert_int_equal(outbox_is_flap(&outbox, &alert), cases[i].expected);
    }
}

/* One line is one set of waiting alerts: uid, repeats and age (sec) of each. */
static void test_who_flaps_is_held(void **state)
{
    static const struct {
        const char *name;
        struct {
            uint64_t uid;
            uint8_t repeats;
            int64_t age; /* sec */
        } alerts[6];
        uint64_t taken;
        outbox_turn_t turn;
        int64_t due; /* sec from now, with OUTBOX_WAIT */
    } cases[] = {
        {"below", {{1, 2, 0}}, 1, OUTBOX_ALERT, 0},
        {"held", {{1, 3, 0}}, 0, OUTBOX_WAIT, 60},
        {"calm soon", {{1, 3, 100}}, 0, OUTBOX_WAIT, 20},
        {"calm", {{1, 3, 120}}, 1, OUTBOX_ALERT, 0},
        {"calm, several", {{1, 3, 130}, {1, 3, 125}, {1, 4, 120}}, 123, OUTBOX_DIGEST, 0},
        {"not calm", {{1, 3, 599}, {1, 9, 0}}, 0, OUTBOX_WAIT, 1},
        {"long enough", {{1, 3, 600}, {1, 9, 0}}, 12, OUTBOX_DIGEST, 0},
        {"another trouble", {{1, 3, 50}, {1, 0, 0}}, 12, OUTBOX_DIGEST, 0},
        {"another client", {{1, 3, 50}, {2, 0, 0}}, 2, OUTBOX_ALERT, 0},
        {"others",
         {{1, 3, 0}, {2, 0, 0}, {3, 0, 0}, {1, 3, 0}, {4, 0, 0}, {5, 0, 0}},
         2356,
         OUTBOX_DIGEST,
         0},
        {"the server", {{0, 0, 0}, {1, 3, 0}}, 1, OUTBOX_ALERT, 0},
        {"two of them", {{1, 3, 100}, {2, 3, 90}}, 0, OUTBOX_WAIT, 20},
        {"from the future", {{1, 3, -1}}, 1, OUTBOX_ALERT, 0},
    };
    const outbox_t outbox = {.flap_threshold = 3};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        alert_t alerts[6];
        outbox_plan_t plan;
        size_t count = 0;

        for (; count < 6 && (count == 0 || cases[i].alerts[count].uid != 0); count++) {
            alerts[count] = (alert_t){.message = count + 1,
                                      .uid = cases[i].alerts[count].uid,
                                      .repeats = cases[i].alerts[count].repeats,
                                      .when = WALL - cases[i].alerts[count].age,
                                      .kind = EVENT_OFFLINE};
        }
        outbox_plan(&plan, &outbox, alerts, count, &moment);
        if (plan.turn != cases[i].turn ||
            (plan.turn == OUTBOX_WAIT && plan.due != NOW + cases[i].due * SECOND) ||
            taken(alerts, count) != cases[i].taken) {
            fail_msg("%s: turn %d, taken %d, due %d s", cases[i].name, (int)plan.turn,
                     (int)taken(alerts, count), (int)((plan.due - NOW) / SECOND));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_asked_to_wait),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_refused_reply_is_dropped),
        cmocka_unit_test(test_other_ways),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_gaps_of_a_storm),
        cmocka_unit_test(test_few_go_one_by_one),
        cmocka_unit_test(test_a_digest_has_an_end),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_a_mute_far_away),
        cmocka_unit_test(test_after_a_mute_comes_one_digest),
        cmocka_unit_test(test_the_one_that_makes_it_flap),
        cmocka_unit_test(test_who_flaps_is_held),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
