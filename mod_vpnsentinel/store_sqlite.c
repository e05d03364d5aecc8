#include "store_sqlite.h"

#include "clock.h"
#include "store_memory.h"
#include "store_row.h"
#include "store_schema.h"
#include "store_sql.h"

#define TEND_PAUSE (5 * CLOCK_SECOND) /* usec between two looks at the disk */

/* %s is the schema that is in use. */
static const char *const texts[STATEMENTS] = {
    [FIND_RIVAL] = "SELECT uid FROM %s.clients WHERE client_id = ?1 AND uid <> ?2",
    [PUT_CLIENT] = "INSERT INTO %s.clients VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                   " ON CONFLICT (uid) DO UPDATE SET client_id = excluded.client_id,"
                   " first_seen = excluded.first_seen, last_change = excluded.last_change,"
                   " observed_ip = excluded.observed_ip, report = excluded.report",
    [PUT_SEEN] = "INSERT INTO %s.seen VALUES (?1, ?2, ?3) ON CONFLICT (uid) DO UPDATE SET"
                 " last_seen = excluded.last_seen, keepalives = excluded.keepalives",
    [PUT_ANNOUNCED] =
        "INSERT OR REPLACE INTO %s.announced (uid, history, " STORE_ROW_ANNOUNCED ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    [REMOVE_CLIENT] = "DELETE FROM %s.clients WHERE uid = ?1",
    [REMOVE_SEEN] = "DELETE FROM %s.seen WHERE uid = ?1",
    [REMOVE_ANNOUNCED] = "DELETE FROM %s.announced WHERE uid = ?1",
    [PUT_EVENT] = "INSERT INTO %s.events (uid, number, kind, at, client_id, detail)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (uid, number) DO NOTHING",
    [RESTORE_EVENT] =
        "INSERT OR IGNORE INTO %s.events (uid, number, kind, at, client_id, detail, id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [PUT_MESSAGE] = "INSERT INTO %s.outbox (event, destination) VALUES (?1, ?2)",
    [REMOVE_MESSAGE] = "DELETE FROM %s.outbox WHERE id = ?1",
    [REMOVE_QUEUE] = "DELETE FROM %s.outbox WHERE destination = ?1",
    [PUT_SETTING] = "INSERT OR REPLACE INTO %s.settings VALUES (?1, ?2)",
    [PUT_QUESTION] = "INSERT INTO %s.questions (asked, thread, message, text)"
                     " VALUES (?1, ?2, ?3, ?4)",
    [REMOVE_QUESTION] = "DELETE FROM %s.questions WHERE id = ?1",
    [EXPIRE_EVENTS] = "DELETE FROM %s.events WHERE at < ?1"
                      " AND id NOT IN (SELECT event FROM %s.outbox)",
    [READ_CLIENTS] = "SELECT " STORE_ROW_CLIENT " FROM %s.clients c"
                     " LEFT JOIN %s.seen s ON s.uid = c.uid"
                     " LEFT JOIN %s.announced a ON a.uid = c.uid"
                     " WHERE c.uid > ?1 ORDER BY c.uid LIMIT ?2",
    [GET_ANNOUNCED] = "SELECT " STORE_ROW_ANNOUNCED " FROM %s.announced WHERE uid = ?1",
    [READ_EVENTS] = "SELECT " STORE_ROW_EVENT " FROM (SELECT * FROM %s.events WHERE id > ?1"
                    " ORDER BY id DESC LIMIT ?2) ORDER BY id",
    [NEXT_MESSAGE] = "SELECT o.id, e.* FROM %s.outbox o CROSS JOIN %s.events e ON e.id = o.event"
                     " WHERE o.destination = ?2 AND o.id > ?1 ORDER BY o.id",
    [NEXT_DESTINATION] = "SELECT destination FROM %s.outbox WHERE destination > ?1"
                         " ORDER BY destination LIMIT 1",
    [COUNT_REPEATS] = "SELECT count(*) FROM %s.events WHERE uid = ?1 AND number < ?2"
                      " AND number >= ?3 AND kind = ?4 AND at >= ?5",
    [NEXT_QUESTION] = "SELECT " STORE_ROW_QUESTION " FROM %s.questions ORDER BY id",
    [IS_WAITING] = "SELECT 1 FROM %s.events e JOIN %s.outbox o ON o.event = e.id WHERE e.uid = ?1",
    [QUEUE] = "SELECT (SELECT count(*) FROM %s.outbox WHERE destination = ?1), (SELECT at FROM"
              " %s.events WHERE id = (SELECT event FROM %s.outbox WHERE destination = ?1"
              " ORDER BY id LIMIT 1))",
    [GET_SETTING] = "SELECT value FROM %s.settings WHERE name = ?1",
};

/* --- disk or memory --- */

static void finalize(store_t *store)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(store->statement[i]);
        store->statement[i] = NULL;
    }
}

static int prepare_one(store_t *store, statement_t which, const char *schema)
{
    /* No text names it more often. */
    char *sql = sqlite3_mprintf(texts[which], schema, schema, schema);
    int code = SQLITE_NOMEM;

    if (sql != NULL) {
        code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &store->statement[which], NULL);
    }
    sqlite3_free(sql);
    return code;
}

/* Returns a result code of SQLite. */
static int prepare(store_t *store, const char *schema)
{
    int code = SQLITE_OK;

    finalize(store);
    for (size_t i = 0; i < STATEMENTS && code == SQLITE_OK; i++) {
        code = prepare_one(store, (statement_t)i, schema);
    }
    return code;
}

/* A statement that memory was too short for is NULL, and fails when it is used. */
static void use_memory(store_t *store)
{
    store_memory_enter(store->db);
    (void)prepare(store, STORE_MEMORY);
}

/* The disk has failed: take over what it still gives, and let go of it. */
static void degrade(store_t *store, int code)
{
    finalize(store);
    store->state = STORE_DEGRADED;
    store->changes++;
    store->file.has_news = false;
    store_memory_enter(store->db);
    store_file_detach(&store->file, store->db, code);
    (void)prepare(store, STORE_MEMORY);
}

/* Returns true when the disk is in use. */
static bool use_disk(store_t *store)
{
    int code;

    if (!store_file_attach(&store->file, store->db)) {
        return false;
    }
    code = store->state == STORE_DEGRADED ? store_memory_hand_over(store->db) : SQLITE_OK;
    if (code == SQLITE_OK) {
        store_file_clean(&store->file, store->db);
        code = prepare(store, STORE_DISK);
    }
    if (code != SQLITE_OK) {
        finalize(store);
        store_file_detach(&store->file, store->db, code);
        (void)prepare(store, STORE_MEMORY);
        return false;
    }
    store_memory_clear(store->db);
    store->state = STORE_OK;
    store->changes++;
    if (!store->file.has_news) {
        store->file.error[0] = '\0';
    }
    return true;
}

store_t *store_open(const char *folder, apr_pool_t *pool)
{
    store_t *store = apr_pcalloc(pool, sizeof(*store));

    store->db = store_file_connect();
    if (store->db == NULL || store_schema_migrate(store->db, STORE_MEMORY, 0) != SQLITE_OK) {
        (void)sqlite3_close(store->db);
        return NULL;
    }
    if (folder == NULL) {
        store->state = STORE_OFF;
        use_memory(store);
        return store;
    }
    store_file_init(&store->file, folder, pool);
    if (!use_disk(store)) {
        store->state = STORE_DEGRADED;
        use_memory(store);
    }
    return store;
}

void store_close(store_t *store)
{
    store_rollback(store);
    finalize(store);
    if (store->state == STORE_OK) {
        store_file_detach(&store->file, store->db, SQLITE_OK);
    }
    (void)sqlite3_close(store->db);
}

store_state_t store_state(const store_t *store)
{
    return store->state;
}

const char *store_driver(const store_t *store)
{
    return store->state == STORE_OFF ? "none" : "sqlite";
}

const char *store_error(const store_t *store)
{
    return store->file.error;
}

uint64_t store_changes(const store_t *store)
{
    return store->changes;
}

bool store_keeps_clients(const store_t *store)
{
    return store->state == STORE_OK;
}

bool store_tend(store_t *store, int64_t now)
{
    if (store->state == STORE_OFF || store->begun || now < store->tend_due) {
        return false;
    }
    store->tend_due = now + TEND_PAUSE;
    if (store->state == STORE_OK) {
        if (!store_file_is_moved(&store->file, store->db)) {
            return false;
        }
        degrade(store, SQLITE_READONLY_DBMOVED);
        store->file.has_news = true; /* nobody could be told before it is back */
    }
    return use_disk(store);
}

/* --- for statements --- */

void store_fail(store_t *store, int code)
{
    store->failed = store->begun;
    store_sql_rollback(store->db);
    if (store->state == STORE_OK) {
        degrade(store, code);
    }
}

void store_reset(sqlite3_stmt *statement)
{
    if (statement != NULL) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
    }
}
