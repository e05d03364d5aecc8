#include "course.h"

#include "delay.h"

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static course_action_t begin_round(course_t *course, signals_t *signals, const change_t *change,
                                   int64_t now)
{
    const bool is_early = !signals->report && now < course->due;

    signals->report = false;
    if (!is_early) {
        course->start = now;
    }
    return early_begin(&course->early, change, is_early, now) ? COURSE_ROUND_ANEW : COURSE_ROUND;
}

int64_t course_wakes(const course_t *course, const change_t *change)
{
    return min(early_due(&course->early, change), course->due);
}

course_action_t course_next(course_t *course, signals_t *signals, const change_t *change,
                            int64_t now)
{
    if (signals->stop) {
        return COURSE_STOP;
    }
    if (signals->reload) {
        signals->reload = false;
        signals->report = true;
        outage_repeat(&course->outage);
        return COURSE_RELOAD;
    }
    if (signals->report || now >= course_wakes(course, change)) {
        return begin_round(course, signals, change, now);
    }
    return COURSE_WAIT;
}

course_news_t course_judge(course_t *course, transfer_kind_t kind, int64_t now)
{
    course_news_t news = {0};

    if (kind == TRANSFER_OK) {
        news.recovery = outage_end(&course->outage, now, news.length);
    } else {
        news.failure = outage_fail(&course->outage, kind, now);
    }
    return news;
}

void course_plan(course_t *course, const course_end_t *end, int64_t now)
{
    delay_round_t round = {
        .kind = end->kind,
        .took = now - course->start,
        .retry_after = end->retry_after,
        .interval = end->interval,
        .random = end->random,
    };

    course->failures = delay_backs_off(end->kind) ? course->failures + 1 : 0;
    round.failures = course->failures;
    course->due = now + delay_next(&round);
    if (end->is_doubtful && (end->kind == TRANSFER_OK || delay_backs_off(end->kind))) {
        course->due = min(course->due, now + COURSE_DOUBT);
    }
    course->early.hold = end->kind == TRANSFER_LIMITED && end->retry_after > 0 ? course->due : 0;
}
