#include "store_schema.h"

#include <stddef.h>

#include "store_sql.h"

/*
 * Everything is NOT NULL, so that a value that could not be bound fails its statement; an unknown
 * address or country is ''. Times are seconds since the epoch. What is written each minute is in a
 * narrow table of its own (seen), so that it costs few pages.
 */
static const char *const version_1[] = {
    "CREATE TABLE %s.clients ("
    "uid INTEGER PRIMARY KEY,"
    " client_id TEXT NOT NULL UNIQUE,"
    " first_seen INTEGER NOT NULL,"
    " last_change INTEGER NOT NULL,"
    " observed_ip TEXT NOT NULL,"
    " report TEXT NOT NULL)",

    "CREATE TABLE %s.seen ("
    "uid INTEGER PRIMARY KEY,"
    " last_seen INTEGER NOT NULL,"
    " keepalives INTEGER NOT NULL)",

    "CREATE TABLE %s.announced ("
    "uid INTEGER PRIMARY KEY,"
    " seq INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " down_since INTEGER NOT NULL,"
    " public_ip TEXT NOT NULL,"
    " place TEXT NOT NULL,"
    " dns TEXT NOT NULL,"
    " vpn INTEGER NOT NULL)",

    "CREATE TABLE %s.events ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " uid INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " at INTEGER NOT NULL,"
    " client_id TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " UNIQUE (uid, number))",

    "CREATE TABLE %s.outbox ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " event INTEGER NOT NULL UNIQUE REFERENCES events (id))",

    "CREATE TABLE %s.settings ("
    "name TEXT NOT NULL PRIMARY KEY,"
    " value TEXT NOT NULL)",
    NULL,
};

/* Questions to the bot. */
static const char *const version_2[] = {
    "CREATE TABLE %s.questions ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " asked INTEGER NOT NULL,"
    " thread INTEGER NOT NULL,"
    " message INTEGER NOT NULL,"
    " text TEXT NOT NULL)",
    NULL,
};

/*
 * What clients say of their DNS and IPv6, and since when things are as they were announced. What was
 * announced before was judged without it: unknown.
 */
static const char *const version_3[] = {
    "ALTER TABLE %s.announced ADD COLUMN dns_verdict INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE %s.announced ADD COLUMN ipv6_verdict INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE %s.announced ADD COLUMN servers_ipv6 INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE %s.announced ADD COLUMN leak_since INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE %s.announced ADD COLUMN ipv6_leak_since INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE %s.announced ADD COLUMN bypass_since INTEGER NOT NULL DEFAULT 0",
    NULL,
};

/* Of each client its lights of 24 hours; '' = nothing yet. */
static const char *const version_4[] = {
    "ALTER TABLE %s.announced ADD COLUMN history TEXT NOT NULL DEFAULT ''",
    NULL,
};

/*
 * Of each event a message for each destination: 0 = Telegram, where all were for so far, others are
 * webhooks.
 */
static const char *const version_5[] = {
    "ALTER TABLE %s.outbox RENAME TO outbox_of_4",
    "CREATE TABLE %s.outbox ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " event INTEGER NOT NULL REFERENCES events (id),"
    " destination INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE (event, destination))",
    "CREATE INDEX %s.outbox_order ON outbox (destination, id)",
    "INSERT INTO %s.outbox (id, event) SELECT id, event FROM %s.outbox_of_4",
    "DROP TABLE %s.outbox_of_4",
    NULL,
};

/* The step at index n leads from version n to n + 1. */
static const char *const *const steps[] = {version_1, version_2, version_3, version_4, version_5};

int64_t store_schema_version(void)
{
    return (int64_t)(sizeof(steps) / sizeof(steps[0]));
}

static int take_step(sqlite3 *db, const char *schema, const char *const *statement)
{
    int code = SQLITE_OK;

    for (; code == SQLITE_OK && *statement != NULL; statement++) {
        code = store_sql_run(db, *statement, schema, schema); /* none names it more often */
    }
    return code;
}

static int take_steps(sqlite3 *db, const char *schema, int64_t version)
{
    int code = SQLITE_OK;

    for (; code == SQLITE_OK && version < store_schema_version(); version++) {
        code = take_step(db, schema, steps[version]);
    }
    if (code == SQLITE_OK) {
        code = store_sql_run(db, "PRAGMA %s.application_id = %lld", schema, STORE_APPLICATION_ID);
    }
    if (code == SQLITE_OK) {
        code = store_sql_run(db, "PRAGMA %s.user_version = %lld", schema, store_schema_version());
    }
    return code;
}

int store_schema_migrate(sqlite3 *db, const char *schema, int64_t version)
{
    int code;

    if (version == store_schema_version()) {
        return SQLITE_OK;
    }
    code = store_sql_run(db, "BEGIN");
    if (code == SQLITE_OK) {
        code = take_steps(db, schema, version);
    }
    if (code == SQLITE_OK) {
        code = store_sql_run(db, "COMMIT");
    }
    store_sql_rollback(db);
    return code;
}
