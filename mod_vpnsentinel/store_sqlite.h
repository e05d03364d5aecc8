/*
 * What the files of the store on SQLite share: store_sqlite.c, store_put.c, store_read.c.
 *
 * One connection. Its main schema is the memory, empty as long as the file is attached
 * (store_file.h) and works; when that fails, the memory takes over (store_memory.h), with the same
 * tables. The statements are prepared on the one that is in use.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store.h"
#include "store_file.h"

typedef enum statement_t {
    FIND_RIVAL,
    PUT_CLIENT,
    PUT_SEEN,
    PUT_ANNOUNCED,
    REMOVE_CLIENT,
    REMOVE_SEEN,
    REMOVE_ANNOUNCED,
    PUT_EVENT,
    RESTORE_EVENT,
    PUT_MESSAGE,
    REMOVE_MESSAGE,
    REMOVE_QUEUE,
    PUT_SETTING,
    PUT_QUESTION,
    REMOVE_QUESTION,
    EXPIRE_EVENTS,
    READ_CLIENTS,
    GET_ANNOUNCED,
    READ_EVENTS,
    NEXT_MESSAGE,
    NEXT_DESTINATION,
    COUNT_REPEATS,
    NEXT_QUESTION,
    IS_WAITING,
    QUEUE,
    GET_SETTING,
    STATEMENTS
} statement_t;

struct store_t {
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
    store_state_t state;
    store_file_t file;
    int64_t tend_due; /* monotonic usec: next look at the disk */
    uint64_t changes; /* see store_changes() */
    bool begun;       /* a transaction is open, or failed */
    bool failed;      /* and is rolled back already */
    bool must_last;   /* it holds what must survive a crash of the machine */
};

/*
 * A statement failed: so does what is under way. If that was on the disk, it is not trusted until
 * it has been looked at again. All statements are others then.
 */
void store_fail(store_t *store, int code);

/* A statement is done with. */
void store_reset(sqlite3_stmt *statement);

#endif
