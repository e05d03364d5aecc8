#include <sqlite3.h>

#include "keepalive.h"
#include "store_row.h"
#include "store_sql.h"
#include "store_sqlite.h"

/* Each put comes here first. Returns false when the transaction has failed. */
static bool begin(store_t *store, bool must_last)
{
    if (!store->begun) {
        int code;

        store->begun = true;
        code = store_sql_run(store->db, "BEGIN");
        if (code != SQLITE_OK) {
            store_fail(store, code);
        }
    }
    store->must_last = store->must_last || must_last;
    return !store->failed;
}

/*
 * Run a statement that finds nothing. Returns false when that, and the transaction with it, failed.
 */
static bool run(store_t *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    store_reset(statement);
    if (code != SQLITE_DONE) {
        store_fail(store, code);
        return false;
    }
    return true;
}

/* One with a number as its only parameter. */
static bool run_on(store_t *store, statement_t which, uint64_t number)
{
    (void)sqlite3_bind_int64(store->statement[which], 1, (int64_t)number);
    return run(store, store->statement[which]);
}

static bool remove_rows(store_t *store, uint64_t uid)
{
    return run_on(store, REMOVE_CLIENT, uid) && run_on(store, REMOVE_SEEN, uid) &&
           run_on(store, REMOVE_ANNOUNCED, uid);
}

static bool put_announced(store_t *store, const client_t *client)
{
    sqlite3_stmt *statement = store->statement[PUT_ANNOUNCED];
    char history[HISTORY_TEXT_SIZE];

    (void)sqlite3_bind_int64(statement, 1, (int64_t)client->uid);
    store_bind_text(statement, 2, history_format(history, &client->history));
    store_bind_announced(statement, 3, &client->announced);
    return run(store, statement);
}

static bool put_seen(store_t *store, const client_t *client)
{
    sqlite3_stmt *statement = store->statement[PUT_SEEN];

    (void)sqlite3_bind_int64(statement, 1, (int64_t)client->uid);
    (void)sqlite3_bind_int64(statement, 2, client->last_seen);
    (void)sqlite3_bind_int64(statement, 3, client->keepalives);
    return run(store, statement);
}

/* Another client of this client_id is one that was removed, or a row of somebody else's making. */
static bool remove_rival(store_t *store, const client_t *client)
{
    sqlite3_stmt *statement = store->statement[FIND_RIVAL];
    uint64_t uid = 0;
    int code;

    store_bind_text(statement, 1, client->report.client_id);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)client->uid);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        uid = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    store_reset(statement);
    if (code == SQLITE_DONE) {
        return true;
    }
    if (code != SQLITE_ROW) {
        store_fail(store, code);
        return false;
    }
    return remove_rows(store, uid);
}

static bool put_row(store_t *store, const client_t *client)
{
    sqlite3_stmt *statement = store->statement[PUT_CLIENT];
    json_object *report = vps_record_to_json(&client->report);
    char observed_ip[VPS_ADDR_TEXT_SIZE];
    bool done;

    if (report == NULL) {
        store_fail(store, SQLITE_NOMEM);
        return false;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)client->uid);
    store_bind_text(statement, 2, client->report.client_id);
    (void)sqlite3_bind_int64(statement, 3, client->first_seen);
    (void)sqlite3_bind_int64(statement, 4, client->last_change);
    store_bind_text(statement, 5, vps_addr_format(observed_ip, &client->observed_ip));
    store_bind_text(statement, 6,
                    json_object_to_json_string_ext(report, JSON_C_TO_STRING_NOSLASHESCAPE));
    done = run(store, statement);
    json_object_put(report);
    return done;
}

void store_put_client(store_t *store, const client_t *client)
{
    if (!begin(store, false)) {
        return;
    }
    if (!store_keeps_clients(store)) {
        (void)put_announced(store, client);
        return;
    }
    (void)(remove_rival(store, client) && put_row(store, client) && put_seen(store, client) &&
           put_announced(store, client));
}

void store_put_announced(store_t *store, const client_t *client)
{
    if (begin(store, true)) {
        (void)put_announced(store, client);
    }
}

void store_put_seen(store_t *store, const client_t *client)
{
    if (store_keeps_clients(store) && begin(store, false)) {
        (void)put_seen(store, client);
    }
}

void store_remove_client(store_t *store, uint64_t uid)
{
    if (begin(store, true)) {
        (void)remove_rows(store, uid);
    }
}

/* Returns false when it failed or had been recorded before. */
static bool put_event(store_t *store, sqlite3_stmt *statement, const event_t *event)
{
    json_object *detail = event_detail_to_json(event);
    bool done;

    if (detail == NULL) {
        store_fail(store, SQLITE_NOMEM);
        return false;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)event->uid);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)event->number);
    store_bind_text(statement, 3, event_name((event_kind_t)event->kind));
    (void)sqlite3_bind_int64(statement, 4, event->when);
    store_bind_text(statement, 5, event->client_id);
    store_bind_text(statement, 6,
                    json_object_to_json_string_ext(detail, JSON_C_TO_STRING_NOSLASHESCAPE));
    done = run(store, statement) && sqlite3_changes(store->db) > 0;
    json_object_put(detail);
    return done;
}

void store_put_event(store_t *store, event_t *event, bool deliver)
{
    event->id = 0;
    if (!begin(store, true) || !put_event(store, store->statement[PUT_EVENT], event)) {
        return;
    }
    event->id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    if (deliver) {
        store_put_message(store, event->id, STORE_TELEGRAM);
    }
}

void store_put_message(store_t *store, uint64_t event, uint64_t destination)
{
    if (begin(store, true)) {
        store->changes++;
        (void)sqlite3_bind_int64(store->statement[PUT_MESSAGE], 2, (int64_t)destination);
        (void)run_on(store, PUT_MESSAGE, event);
    }
}

void store_restore_event(store_t *store, const event_t *event)
{
    if (begin(store, false)) {
        (void)sqlite3_bind_int64(store->statement[RESTORE_EVENT], 7, (int64_t)event->id);
        (void)put_event(store, store->statement[RESTORE_EVENT], event);
    }
}

void store_remove_message(store_t *store, uint64_t message)
{
    if (begin(store, true)) {
        store->changes++;
        (void)run_on(store, REMOVE_MESSAGE, message);
    }
}

void store_remove_queue(store_t *store, uint64_t destination)
{
    if (begin(store, true)) {
        store->changes++;
        (void)run_on(store, REMOVE_QUEUE, destination);
    }
}

void store_put_setting(store_t *store, const char *name, const char *value)
{
    sqlite3_stmt *statement;

    if (begin(store, true)) {
        store->changes++;
        statement = store->statement[PUT_SETTING];
        store_bind_text(statement, 1, name);
        store_bind_text(statement, 2, value);
        (void)run(store, statement);
    }
}

void store_put_question(store_t *store, const question_t *question)
{
    sqlite3_stmt *statement;

    if (begin(store, true)) {
        store->changes++;
        statement = store->statement[PUT_QUESTION];
        (void)sqlite3_bind_int64(statement, 1, question->asked);
        (void)sqlite3_bind_int64(statement, 2, question->thread);
        (void)sqlite3_bind_int64(statement, 3, question->message);
        store_bind_text(statement, 4, question->text);
        (void)run(store, statement);
    }
}

void store_remove_question(store_t *store, uint64_t question)
{
    if (begin(store, true)) {
        store->changes++;
        (void)run_on(store, REMOVE_QUESTION, question);
    }
}

void store_expire_events(store_t *store, int64_t before)
{
    if (begin(store, true)) {
        (void)run_on(store, EXPIRE_EVENTS, (uint64_t)before);
    }
}

/* Returns a result code of SQLite. When it is an error, the transaction may have happened. */
static int commit(store_t *store)
{
    bool to_disk = store->state == STORE_OK && store->must_last;
    int code;

    if (to_disk && store_file_is_moved(&store->file, store->db)) {
        return SQLITE_READONLY_DBMOVED;
    }
    code = store_sql_run(store->db, "COMMIT");
    return code == SQLITE_OK && to_disk ? store_file_sync(store->db) : code;
}

static void end(store_t *store)
{
    store->begun = false;
    store->failed = false;
    store->must_last = false;
}

void store_commit(store_t *store, store_done_t *done, void *ctx)
{
    store_result_t result;

    if (store->begun && !store->failed) {
        int code = commit(store);

        if (code != SQLITE_OK) {
            store_fail(store, code);
        }
    }
    result = store->failed              ? STORE_FAILED
             : store->state == STORE_OK ? STORE_DURABLE
                                        : STORE_VOLATILE;
    end(store);
    done(ctx, result);
}

void store_rollback(store_t *store)
{
    store_sql_rollback(store->db);
    store->changes++;
    end(store);
}
