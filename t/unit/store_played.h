/*
 * Plays the store for the tests of what talks to Telegram: messages, questions and settings, and
 * transactions that fail, or take their time, when they are to. Include after cmocka.h.
 */
#ifndef STORE_PLAYED_H
#define STORE_PLAYED_H

#include <string.h>

#include "store.h"

#define PLAYED_MAX 64 /* of each, but of messages */
#define MESSAGES_MAX 512
#define PLAYED_TEXT_SIZE 160 /* bytes of a setting's name and value */

typedef struct played_t {
    struct {
        uint64_t id;
        event_t event;
    } messages[MESSAGES_MAX]; /* oldest first */
    question_t questions[PLAYED_MAX];
    struct {
        char name[PLAYED_TEXT_SIZE], value[PLAYED_TEXT_SIZE];
    } settings[PLAYED_MAX];
    size_t message_count, question_count, setting_count;
} played_t;

struct store_t {
    played_t is;     /* with what the transaction has changed */
    played_t was;    /* before it */
    bool begun;      /* one is open */
    uint64_t newest; /* id that was given */
    uint64_t changes;
    store_result_t success; /* what a commit says */
    unsigned failures;      /* commits that fail before one succeeds */
    bool renumbers;         /* the messages have other ids after one that fails */
    bool is_slow;           /* it ends in finish_commit() */
    store_done_t *done;     /* of one that has not ended */
    void *ctx;
    unsigned commits;
    unsigned walks;   /* through the messages, from the first */
    unsigned repeats; /* of every event */
};

static struct store_t store;

static void empty_store(void)
{
    memset(&store, 0, sizeof(store));
    store.newest = 100;
    store.success = STORE_DURABLE;
}

/* --- a transaction --- */

static void begin(store_t *self)
{
    assert_ptr_equal(self, &store);
    assert_null(store.done);
    if (!store.begun) {
        store.was = store.is;
        store.begun = true;
    }
    store.changes++;
}

static void finish_commit(void)
{
    const bool fails = store.failures > 0;
    store_done_t *done = store.done;

    store.done = NULL;
    if (fails) {
        store.failures--;
        store.is = store.begun ? store.was : store.is;
    }
    store.begun = false;
    for (size_t i = 0; fails && store.renumbers && i < store.is.message_count; i++) {
        store.is.messages[i].id = ++store.newest;
    }
    store.changes += fails;
    done(store.ctx, fails ? STORE_FAILED : store.success);
}

void store_commit(store_t *self, store_done_t *done, void *ctx)
{
    assert_ptr_equal(self, &store);
    assert_null(store.done);
    store.commits++;
    store.done = done;
    store.ctx = ctx;
    if (!store.is_slow) {
        finish_commit();
    }
}

void store_rollback(store_t *self)
{
    assert_ptr_equal(self, &store);
    store.is = store.begun ? store.was : store.is;
    store.begun = false;
    store.changes++;
}

/* As if committed by somebody else. */
static inline void keep_changes(void)
{
    store.begun = false;
}

uint64_t store_changes(const store_t *self)
{
    assert_ptr_equal(self, &store);
    return store.changes;
}

static void assert_readable(const store_t *self)
{
    assert_ptr_equal(self, &store);
    assert_false(store.begun);
}

/* --- messages --- */

static inline void play_message(const event_t *event)
{
    assert_true(store.is.message_count < MESSAGES_MAX);
    store.is.messages[store.is.message_count].id = ++store.newest;
    store.is.messages[store.is.message_count++].event = *event;
    store.changes++;
}

bool store_next_message(store_t *self, uint64_t after, uint64_t *message, event_t *event)
{
    assert_readable(self);
    store.walks += after == 0;
    for (size_t i = 0; i < store.is.message_count; i++) {
        if (store.is.messages[i].id > after) {
            *message = store.is.messages[i].id;
            *event = store.is.messages[i].event;
            return true;
        }
    }
    return false;
}

void store_remove_message(store_t *self, uint64_t message)
{
    size_t left = 0;

    begin(self);
    for (size_t i = 0; i < store.is.message_count; i++) {
        if (store.is.messages[i].id != message) {
            store.is.messages[left++] = store.is.messages[i];
        }
    }
    store.is.message_count = left;
}

uint32_t store_count_repeats(store_t *self, const event_t *event, int64_t window)
{
    assert_readable(self);
    assert_true(event->uid != 0 && window > 0);
    return store.repeats;
}

/* --- questions --- */

void store_put_question(store_t *self, const question_t *question)
{
    begin(self);
    assert_true(store.is.question_count < PLAYED_MAX);
    store.is.questions[store.is.question_count] = *question;
    store.is.questions[store.is.question_count++].id = ++store.newest;
}

bool store_next_question(store_t *self, question_t *out)
{
    assert_readable(self);
    if (store.is.question_count > 0) {
        *out = store.is.questions[0];
    }
    return store.is.question_count > 0;
}

void store_remove_question(store_t *self, uint64_t question)
{
    begin(self);
    assert_true(store.is.question_count > 0);
    assert_int_equal(store.is.questions[0].id, question);
    store.is.question_count--;
    memmove(&store.is.questions[0], &store.is.questions[1],
            store.is.question_count * sizeof(store.is.questions[0]));
}

/* --- settings --- */

static size_t find_setting(const char *name)
{
    size_t i = 0;

    while (i < store.is.setting_count && strcmp(store.is.settings[i].name, name) != 0) {
        i++;
    }
    return i;
}

void store_put_setting(store_t *self, const char *name, const char *value)
{
    const size_t i = find_setting(name);

    begin(self);
    assert_true(i < PLAYED_MAX && strlen(name) < PLAYED_TEXT_SIZE &&
                strlen(value) < PLAYED_TEXT_SIZE);
    strcpy(store.is.settings[i].name, name);
    strcpy(store.is.settings[i].value, value);
    store.is.setting_count += i == store.is.setting_count;
}

bool store_get_setting(store_t *self, const char *name, char *out, size_t size)
{
    const size_t i = find_setting(name);
    const char *value = i < store.is.setting_count ? store.is.settings[i].value : "";

    assert_readable(self);
    out[0] = '\0';
    if (i == store.is.setting_count || strlen(value) >= size) {
        return false;
    }
    strcpy(out, value);
    return true;
}

/* What a setting is, "" = there is none. */
static inline const char *setting(const char *name)
{
    const size_t i = find_setting(name);

    return i < store.is.setting_count ? store.is.settings[i].value : "";
}

#endif
