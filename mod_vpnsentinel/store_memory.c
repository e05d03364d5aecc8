#include "store_memory.h"

#include <stddef.h>

#include "clock.h"
#include "store_file.h"
#include "store_sql.h"

#define ROOM 500000 /* bytes that the disk must have before it is used again */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- from the disk --- */

static void set_ids(sqlite3 *db)
{
    int64_t newest = clock_wall();
    int64_t id;

    for (int i = 0; i < 2; i++) {
        /* Where the disk cannot be read, the time must do. */
        (void)store_sql_number(db, &id, "SELECT max(seq) FROM %s.sqlite_sequence",
                               i == 0 ? STORE_MEMORY : STORE_DISK);
        newest = id > newest ? id : newest;
    }
    (void)store_sql_run(db,
                        "DELETE FROM main.sqlite_sequence;"
                        "INSERT INTO main.sqlite_sequence (name, seq)"
                        " VALUES ('events', %lld), ('outbox', %lld)",
                        newest, newest);
}

/* ?1 = id of a message, ?2 = of its event, ?3 = whom it is for. One at a time: what can be read is taken. */
static const char *const copies[] = {
    "INSERT OR IGNORE INTO main.events SELECT * FROM disk.events WHERE id = ?2",
    "INSERT OR IGNORE INTO main.outbox SELECT ?1, id, ?3 FROM main.events WHERE id = ?2",
    ("INSERT OR IGNORE INTO main.announced SELECT * FROM disk.announced"
     " WHERE uid = (SELECT uid FROM main.events WHERE id = ?2)"),
};

/* row: id, event, destination. */
static void copy_message(sqlite3_stmt *const copy[], sqlite3_stmt *row)
{
    for (size_t i = 0; i < COUNT(copies); i++) {
        for (int column = 0; column < sqlite3_bind_parameter_count(copy[i]); column++) {
            (void)sqlite3_bind_int64(copy[i], column + 1, sqlite3_column_int64(row, column));
        }
        (void)sqlite3_step(copy[i]);
        (void)sqlite3_reset(copy[i]);
    }
}

static void copy_messages(sqlite3 *db)
{
    sqlite3_stmt *copy[COUNT(copies)] = {NULL};
    sqlite3_stmt *messages = NULL;

    for (size_t i = 0; i < COUNT(copies); i++) {
        (void)sqlite3_prepare_v2(db, copies[i], -1, &copy[i], NULL);
    }
    (void)sqlite3_prepare_v2(db, "SELECT id, event, destination FROM disk.outbox ORDER BY id", -1,
                             &messages, NULL);
    while (sqlite3_step(messages) == SQLITE_ROW) {
        copy_message(copy, messages);
    }
    (void)sqlite3_finalize(messages);
    for (size_t i = 0; i < COUNT(copies); i++) {
        (void)sqlite3_finalize(copy[i]);
    }
}

void store_memory_enter(sqlite3 *db)
{
    set_ids(db);
    if (sqlite3_db_filename(db, STORE_DISK) != NULL) {
        copy_messages(db);
        (void)store_sql_run(db, "INSERT OR IGNORE INTO main.settings SELECT * FROM disk.settings");
    }
}

/* --- to the disk --- */

/* m is a row of the memory, d the disk's. */
static const char *const gifts[] = {
    "INSERT OR IGNORE INTO disk.events"
    " SELECT nullif(m.id, (SELECT d.id FROM disk.events d WHERE d.id = m.id)),"
    " m.uid, m.number, m.kind, m.at, m.client_id, m.detail FROM main.events m ORDER BY m.id",

    /* What no message of the memory waits for was delivered. */
    "DELETE FROM disk.outbox WHERE EXISTS ("
    "SELECT 1 FROM disk.events d JOIN main.events m USING (uid, number)"
    " WHERE d.id = disk.outbox.event AND NOT EXISTS ("
    "SELECT 1 FROM main.outbox o"
    " WHERE o.event = m.id AND o.destination = disk.outbox.destination))",

    "INSERT OR IGNORE INTO disk.outbox"
    " SELECT nullif(o.id, (SELECT d.id FROM disk.outbox d WHERE d.id = o.id)), d.id, o.destination"
    " FROM main.outbox o JOIN main.events m ON m.id = o.event"
    " JOIN disk.events d USING (uid, number) ORDER BY o.id",

    "INSERT INTO disk.announced SELECT * FROM main.announced WHERE true"
    " ON CONFLICT (uid) DO UPDATE SET seq = excluded.seq, number = excluded.number,"
    " state = excluded.state, down_since = excluded.down_since, public_ip = excluded.public_ip,"
    " place = excluded.place, dns = excluded.dns, vpn = excluded.vpn,"
    " dns_verdict = excluded.dns_verdict, ipv6_verdict = excluded.ipv6_verdict,"
    " servers_ipv6 = excluded.servers_ipv6, leak_since = excluded.leak_since,"
    " ipv6_leak_since = excluded.ipv6_leak_since, bypass_since = excluded.bypass_since,"
    " history = excluded.history"
    " WHERE (excluded.number, excluded.seq) >= (number, seq)",

    "INSERT OR REPLACE INTO disk.settings SELECT * FROM main.settings",

    "INSERT INTO disk.questions (asked, thread, message, text)"
    " SELECT asked, thread, message, text FROM main.questions"
    " ORDER BY id",
};

/*
 * A disk that is as good as full takes little things and refuses the rest: prove that there is
 * room, lest the store come and go.
 */
static int prove_room(sqlite3 *db)
{
    int code = store_sql_run(
        db, "INSERT OR REPLACE INTO disk.settings VALUES ('room', zeroblob(%d))", ROOM);

    return code == SQLITE_OK ? store_sql_run(db, "DELETE FROM disk.settings WHERE name = 'room'")
                             : code;
}

int store_memory_hand_over(sqlite3 *db)
{
    int code = prove_room(db);

    if (code == SQLITE_OK) {
        code = store_sql_run(db, "BEGIN");
    }
    for (size_t i = 0; code == SQLITE_OK && i < COUNT(gifts); i++) {
        code = store_sql_run(db, "%s", gifts[i]);
    }
    if (code == SQLITE_OK) {
        code = store_sql_run(db, "COMMIT");
    }
    store_sql_rollback(db);
    return code == SQLITE_OK ? store_file_sync(db) : code;
}

void store_memory_clear(sqlite3 *db)
{
    (void)store_sql_run(db, "DELETE FROM main.outbox; DELETE FROM main.events;"
                            "DELETE FROM main.announced; DELETE FROM main.settings;"
                            "DELETE FROM main.questions");
}
