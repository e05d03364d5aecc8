/*
 * SQL of the store that is run once or now and then. For what runs often, store_sqlite.c keeps
 * prepared statements.
 *
 * Formats are those of sqlite3_mprintf; what is returned are result codes of SQLite.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>
#include <stdint.h>

#define STORE_DISK "disk" /* the schema that the store's file is attached as */
#define STORE_MEMORY "main"

int store_sql_run(sqlite3 *db, const char *format, ...);

/* The integer that a query finds; what it does not find is 0. */
int store_sql_number(sqlite3 *db, int64_t *out, const char *format, ...);

/* Roll back what is not committed, if there is anything. */
void store_sql_rollback(sqlite3 *db);

#endif
