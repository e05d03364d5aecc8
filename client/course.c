#include "course.h"

#include "delay.h"

static course_action_t begin_round(course_t *course, signals_t *signals, int64_t now)
{
    signals->report = false;
    course->start = now;
    return COURSE_ROUND;
}

course_action_t course_next(course_t *course, signals_t *signals, int64_t now)
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
    if (signals->report || now >= course->due) {
        return begin_round(course, signals, now);
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
}
