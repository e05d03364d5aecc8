#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#include "outbox.h"

#define ACCEPTED_MAX 65536u /* that are remembered: while there is no disk, nothing is forgotten */

/* Of an event; the message's id in the store changes when that degrades and recovers. */
typedef struct identity_t {
    uint64_t uid;
    uint64_t number;
} identity_t;

struct waiting_t {
    store_t *store;
    alert_t *alert; /* malloc'ed */
    size_t count, room;
    identity_t *accepted; /* malloc'ed; sorted by waiting_look() */
    size_t accepted_count, accepted_room;
    uint64_t *found; /* malloc'ed; messages that are removed */
    size_t found_room;
    bool has_accepted; /* see waiting_has_accepted() */
};

static apr_status_t free_arrays(void *data)
{
    waiting_t *waiting = data;

    free(waiting->alert);
    free(waiting->accepted);
    free(waiting->found);
    return APR_SUCCESS;
}

waiting_t *waiting_create(store_t *store, apr_pool_t *pool)
{
    waiting_t *waiting = apr_pcalloc(pool, sizeof(*waiting));

    waiting->store = store;
    apr_pool_cleanup_register(pool, waiting, free_arrays, apr_pool_cleanup_null);
    return waiting;
}

/* Room for this many; false when memory is out. */
static bool make_room(void **array, size_t *room, size_t wanted, size_t size)
{
    const size_t enough = wanted > 2 * *room ? wanted : 2 * *room;
    void *grown;

    if (wanted <= *room) {
        return true;
    }
    grown = realloc(*array, enough * size);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *room = enough;
    return true;
}

/* --- what Telegram has --- */

static int by_identity(const void *a, const void *b)
{
    const identity_t *one = a, *other = b;

    if (one->uid != other->uid) {
        return one->uid < other->uid ? -1 : 1;
    }
    return (one->number > other->number) - (one->number < other->number);
}

static void sort_accepted(waiting_t *waiting)
{
    if (waiting->accepted_count > 1) {
        qsort(waiting->accepted, waiting->accepted_count, sizeof(identity_t), by_identity);
    }
}

static bool is_accepted(const waiting_t *waiting, const event_t *event)
{
    const identity_t wanted = {event->uid, event->number};

    return waiting->accepted_count > 0 &&
           bsearch(&wanted, waiting->accepted, waiting->accepted_count, sizeof(identity_t),
                   by_identity) != NULL;
}

void waiting_accept(waiting_t *waiting, const alert_t *alerts, size_t count)
{
    void *accepted = waiting->accepted;

    if (waiting->accepted_count + count > ACCEPTED_MAX) {
        waiting->accepted_count = 0;
    }
    if (!make_room(&accepted, &waiting->accepted_room, waiting->accepted_count + count,
                   sizeof(identity_t))) {
        return;
    }
    waiting->accepted = accepted;
    for (size_t i = 0; i < count; i++) {
        waiting->accepted[waiting->accepted_count++] =
            (identity_t){alerts[i].uid, alerts[i].number};
    }
}

void waiting_forget_accepted(waiting_t *waiting)
{
    waiting->accepted_count = 0;
    waiting->has_accepted = false;
}

bool waiting_has_accepted(const waiting_t *waiting)
{
    return waiting->has_accepted;
}

/* Find them all in the store, which is not read in a transaction. Returns how many. */
static size_t find_accepted(waiting_t *waiting)
{
    void *found = waiting->found;
    uint64_t message = 0;
    size_t count = 0;
    event_t event;

    if (!make_room(&found, &waiting->found_room, waiting->accepted_count, sizeof(uint64_t))) {
        return 0;
    }
    waiting->found = found;
    sort_accepted(waiting);
    while (count < waiting->accepted_count &&
           store_next_message(waiting->store, message, &message, &event)) {
        if (is_accepted(waiting, &event)) {
            waiting->found[count++] = message;
        }
    }
    return count;
}

void waiting_remove_accepted(waiting_t *waiting)
{
    const size_t count = find_accepted(waiting);

    for (size_t i = 0; i < count; i++) {
        store_remove_message(waiting->store, waiting->found[i]);
    }
}

/* --- what waits --- */

static bool add_alert(waiting_t *waiting, uint64_t message, const event_t *event)
{
    void *alerts = waiting->alert;

    if (!make_room(&alerts, &waiting->room, waiting->count + 1, sizeof(alert_t))) {
        return false;
    }
    waiting->alert = alerts;
    waiting->alert[waiting->count++] = (alert_t){
        .message = message,
        .uid = event->uid,
        .number = event->number,
        .when = event->when,
        .kind = event->kind,
    };
    return true;
}

static void count_repeats(waiting_t *waiting, alert_t *alert)
{
    const event_t event = {
        .uid = alert->uid, .number = alert->number, .when = alert->when, .kind = alert->kind};

    if (alert->uid != 0) { /* the server does not flap */
        alert->repeats = (uint8_t)store_count_repeats(waiting->store, &event, OUTBOX_FLAP_WINDOW);
    }
}

alert_t *waiting_look(waiting_t *waiting, size_t *count)
{
    uint64_t message = 0;
    event_t event;

    sort_accepted(waiting);
    waiting->count = 0;
    waiting->has_accepted = false;
    while (waiting->count < OUTBOX_DIGEST_MAX &&
           store_next_message(waiting->store, message, &message, &event)) {
        if (is_accepted(waiting, &event)) {
            waiting->has_accepted = true;
        } else if (!add_alert(waiting, message, &event)) {
            break;
        }
    }
    for (size_t i = 0; i < waiting->count; i++) {
        count_repeats(waiting, &waiting->alert[i]);
    }
    *count = waiting->count;
    return waiting->alert;
}
