/*
 * The file of the store: how it becomes part of a connection, and what is done about one that
 * cannot be used.
 *
 * It is attached as "disk" to a connection whose main schema is the memory, so that either can be
 * used and rows be copied between them. It is locked as long as it is attached.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "apr_pools.h"

#include "vitals.h"

#define STORE_FILE_NAME "vpnsentinel.db"

typedef struct store_file_t {
    const char *path;
    const char *wal;               /* path of its write-ahead log */
    bool has_news;                 /* what is to be told though all is well again */
    char error[VITALS_ERROR_SIZE]; /* sentences, newest first, "" = none; plain ASCII */
} store_file_t;

void store_file_init(store_file_t *file, const char *folder, apr_pool_t *pool);

/* A connection on nothing but memory, which distrusts what is attached to it; NULL = no memory. */
sqlite3 *store_file_connect(void);

/*
 * Attach the file, made or migrated where necessary. What is damaged, foreign or too new is set
 * aside first. Returns false, nothing attached, with the error told, when it cannot be used.
 */
bool store_file_attach(store_file_t *file, sqlite3 *db);

/*
 * Remove from the attached file, and tell, the messages and questions that no reader will ever hand
 * out: they would wait for good. The events stay. Where the file cannot be read or written, all
 * stays as it is: whoever uses it next meets the error.
 */
void store_file_clean(store_file_t *file, sqlite3 *db);

/*
 * Detach it, because of an error (a result code of SQLite, which is told; SQLITE_READONLY_DBMOVED =
 * it was taken away) or to end (SQLITE_OK). One that turned out to be damaged is set aside. No
 * statement may be in use.
 */
void store_file_detach(store_file_t *file, sqlite3 *db, int code);

/* Was the file removed or replaced while it is attached? */
bool store_file_is_moved(const store_file_t *file, sqlite3 *db);

/* What has been committed is on the disk when this returns SQLITE_OK. */
int store_file_sync(sqlite3 *db);

#endif
