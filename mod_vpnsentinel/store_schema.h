/*
 * The tables of the store and how they came to be, version by version.
 *
 * A schema of version 0 is empty. Of each later one there is the step that leads to it from the one
 * before; what was released is never changed. All functions return a result code of SQLite.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdint.h>

#define STORE_APPLICATION_ID INT64_C(0x5650536E) /* "VPSn": tells the file from others' */

/* The newest version, which this code works with. */
int64_t store_schema_version(void);

/*
 * Bring a schema ("main" or an attached one) from this version to the newest, in one transaction. A
 * failure, or a death on the way, leaves it as it was.
 */
int store_schema_migrate(sqlite3 *db, const char *schema, int64_t version);

#endif
