/*
 * What the next message to the chat is, and when it may go: the policy of delivery, without doing it.
 *
 * One message at a time, each until it is accepted. A few alerts go one by one, in order; more of
 * them become a digest, and while a storm lasts digests come at growing gaps. Of a client that
 * flaps, that does the same again and again, alerts are held until it is calm. Answers to questions
 * take turns with alerts.
 *
 * The pace is that of a group, 20 messages a minute, for every chat
 * (core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this): the first ones a second
 * apart, then more rarely.
 *
 * Pure functions but for malloc(); times on the monotonic clock, usec, where not said otherwise.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <stddef.h>

#include "alert.h"
#include "telegram.h"

#define OUTBOX_PACE INT64_C(1000000)      /* usec between two messages */
#define OUTBOX_SLOW_PACE INT64_C(5000000) /* usec, when many went within the minute */
#define OUTBOX_MINUTE INT64_C(60000000)   /* usec */
#define OUTBOX_MINUTE_EASY 10u            /* messages within it before the pace slows down */
#define OUTBOX_MINUTE_MAX 20u             /* messages within it */
#define OUTBOX_GAP_MAX INT64_C(10000000)  /* usec between two digests of a storm, at most */
#define OUTBOX_FEW 3u                     /* alerts that go one by one; more are a digest */
#define OUTBOX_DIGEST_MAX 16384u          /* alerts of a digest */
#define OUTBOX_FLAP_WINDOW 900            /* sec in which repeats count */
#define OUTBOX_FLAP_CALM 120              /* sec without an alert that end the hold */
#define OUTBOX_FLAP_HOLD 600              /* sec that an alert is held at most */

typedef struct outbox_t {
    unsigned int flap_threshold; /* the how many-th time within the window is flapping, 0 = never */
    int64_t not_before;          /* nothing is sent earlier */
    int64_t alerts_not_before;   /* no alert is */
    int64_t gap;                 /* usec between digests, as long as a storm lasts; 0 = none does */
    int64_t taken[OUTBOX_MINUTE_MAX]; /* when the newest messages were accepted, a ring */
    unsigned int takes;               /* ever */
    unsigned int failures;            /* in a row */
    bool plain;                       /* the message at hand goes without HTML */
    bool no_thread;                   /* the same: without its topic */
    bool is_moved;                    /* the same: the chat has just become another one */
    bool is_after_reply;              /* the newest message was an answer */
} outbox_t;

typedef enum outbox_turn_t {
    OUTBOX_WAIT,   /* nothing now */
    OUTBOX_ALERT,  /* the one alert that is taken */
    OUTBOX_DIGEST, /* all that are taken, as one message */
    OUTBOX_REPLY   /* an answer to the oldest question */
} outbox_turn_t;

typedef struct outbox_moment_t {
    int64_t now;
    int64_t wall;        /* sec since epoch */
    bool is_muted;       /* no alert goes */
    int64_t muted_until; /* sec since epoch, with is_muted */
    bool is_after_mute;  /* all that wait go in one digest, held ones too */
    bool is_asked;       /* a question waits */
} outbox_moment_t;

typedef struct outbox_plan_t {
    outbox_turn_t turn;
    int64_t due; /* OUTBOX_WAIT: when to ask again, INT64_MAX = when something has changed */
} outbox_plan_t;

/*
 * When there may be something to send, as far as that can be told without a look at what waits. Not
 * in the future: look.
 */
int64_t outbox_due(const outbox_t *outbox, const outbox_moment_t *moment);

/* What is next. alerts: all that wait, in order of recording; who is taken is marked. */
void outbox_plan(outbox_plan_t *plan, const outbox_t *outbox, alert_t *alerts, size_t count,
                 const outbox_moment_t *moment);

/* Is this the alert that makes its client one that flaps? */
bool outbox_is_flap(const outbox_t *outbox, const alert_t *alert);

/* Of what came of a message. */
typedef enum outbox_result_t {
    OUTBOX_TAKEN, /* it is Telegram's now */
    OUTBOX_AGAIN, /* to be sent again, not before outbox->not_before */
    OUTBOX_DROP   /* an answer that nobody can be given */
} outbox_result_t;

/*
 * Take note of the answer to a message; random: any number, spreads the waits by up to a fifth. After
 * TELEGRAM_MIGRATED the caller sends it again to the new chat.
 */
outbox_result_t outbox_answered(outbox_t *outbox, outbox_turn_t turn,
                                const telegram_answer_t *answer, int64_t now, uint32_t random);

#endif
