#include <string.h>

#include "store_row.h"
#include "store_sqlite.h"

/*
 * Run a statement to its next row. Returns false, and the statement is done with, when there is
 * none.
 */
static bool next_row(store_t *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW) {
        return true;
    }
    store_reset(statement);
    if (code != SQLITE_DONE) {
        store_fail(store, code);
    }
    return false;
}

/* A number of ours as SQLite's, which has a sign. */
static int64_t clamp(uint64_t number)
{
    return number < INT64_MAX ? (int64_t)number : INT64_MAX;
}

size_t store_read_clients(store_t *store, uint64_t after, size_t limit, uint64_t *last,
                          void (*visit)(void *ctx, const client_t *client), void *ctx)
{
    sqlite3_stmt *statement = store->statement[READ_CLIENTS];
    client_t client;
    size_t rows = 0;

    *last = after;
    (void)sqlite3_bind_int64(statement, 1, clamp(after));
    (void)sqlite3_bind_int64(statement, 2, clamp(limit));
    for (; next_row(store, statement); rows++) {
        *last = (uint64_t)sqlite3_column_int64(statement, 0);
        if (store_row_client(&client, statement)) {
            visit(ctx, &client);
        }
    }
    return rows;
}

bool store_get_announced(store_t *store, uint64_t uid, announced_t *out)
{
    sqlite3_stmt *statement = store->statement[GET_ANNOUNCED];
    bool found;

    (void)sqlite3_bind_int64(statement, 1, clamp(uid));
    if (!next_row(store, statement)) {
        return false;
    }
    found = store_row_announced(out, statement, 0);
    store_reset(statement);
    return found;
}

void store_read_events(store_t *store, uint64_t after, size_t limit,
                       void (*visit)(void *ctx, const event_t *event), void *ctx)
{
    sqlite3_stmt *statement = store->statement[READ_EVENTS];
    event_t event;

    (void)sqlite3_bind_int64(statement, 1, clamp(after));
    (void)sqlite3_bind_int64(statement, 2, clamp(limit));
    while (next_row(store, statement)) {
        if (store_row_event(&event, statement, 0)) {
            visit(ctx, &event);
        }
    }
}

bool store_next_message(store_t *store, uint64_t after, uint64_t *message, event_t *event)
{
    return store_next_message_to(store, STORE_TELEGRAM, after, message, event);
}

bool store_next_message_to(store_t *store, uint64_t destination, uint64_t after, uint64_t *message,
                           event_t *event)
{
    sqlite3_stmt *statement = store->statement[NEXT_MESSAGE];

    (void)sqlite3_bind_int64(statement, 1, clamp(after));
    (void)sqlite3_bind_int64(statement, 2, clamp(destination));
    while (next_row(store, statement)) {
        if (store_row_event(event, statement, 1)) {
            *message = (uint64_t)sqlite3_column_int64(statement, 0);
            store_reset(statement);
            return true;
        }
    }
    return false;
}

uint32_t store_count_repeats(store_t *store, const event_t *event, int64_t window)
{
    sqlite3_stmt *statement = store->statement[COUNT_REPEATS];
    const uint64_t first =
        event->number > STORE_REPEATS_MAX ? event->number - STORE_REPEATS_MAX : 0;
    uint32_t count;

    (void)sqlite3_bind_int64(statement, 1, clamp(event->uid));
    (void)sqlite3_bind_int64(statement, 2, clamp(event->number));
    (void)sqlite3_bind_int64(statement, 3, clamp(first));
    store_bind_text(statement, 4, event_name((event_kind_t)event->kind));
    (void)sqlite3_bind_int64(statement, 5, event->when - window);
    if (!next_row(store, statement)) {
        return 0;
    }
    count = (uint32_t)sqlite3_column_int64(statement, 0);
    store_reset(statement);
    return count;
}

bool store_next_question(store_t *store, question_t *out)
{
    sqlite3_stmt *statement = store->statement[NEXT_QUESTION];

    while (next_row(store, statement)) {
        if (store_row_question(out, statement)) {
            store_reset(statement);
            return true;
        }
    }
    return false;
}

bool store_is_settled(store_t *store, uint64_t uid)
{
    sqlite3_stmt *statement = store->statement[IS_WAITING];

    (void)sqlite3_bind_int64(statement, 1, clamp(uid));
    if (!next_row(store, statement)) {
        return true;
    }
    store_reset(statement);
    return false;
}

bool store_next_destination(store_t *store, uint64_t after, uint64_t *destination)
{
    sqlite3_stmt *statement = store->statement[NEXT_DESTINATION];

    (void)sqlite3_bind_int64(statement, 1, clamp(after));
    if (!next_row(store, statement)) {
        return false;
    }
    *destination = (uint64_t)sqlite3_column_int64(statement, 0);
    store_reset(statement);
    return *destination > after;
}

uint64_t store_queue(store_t *store, int64_t *oldest)
{
    return store_queue_to(store, STORE_TELEGRAM, oldest);
}

uint64_t store_queue_to(store_t *store, uint64_t destination, int64_t *oldest)
{
    sqlite3_stmt *statement = store->statement[QUEUE];
    uint64_t count;

    *oldest = 0;
    (void)sqlite3_bind_int64(statement, 1, clamp(destination));
    if (!next_row(store, statement)) {
        return 0;
    }
    count = (uint64_t)sqlite3_column_int64(statement, 0);
    if (!store_row_time(oldest, statement, 1)) {
        *oldest = 0;
    }
    store_reset(statement);
    return count;
}

bool store_get_setting(store_t *store, const char *name, char *out, size_t size)
{
    sqlite3_stmt *statement = store->statement[GET_SETTING];
    const char *value;
    size_t len;
    bool found;

    out[0] = '\0';
    store_bind_text(statement, 1, name);
    if (!next_row(store, statement)) {
        return false;
    }
    value = store_row_text(statement, 0, &len);
    found = value != NULL && len < size;
    if (found) {
        memcpy(out, value, len + 1);
    }
    store_reset(statement);
    return found;
}
