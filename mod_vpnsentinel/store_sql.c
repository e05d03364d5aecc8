#include "store_sql.h"

#include <stdarg.h>
#include <stddef.h>

int store_sql_run(sqlite3 *db, const char *format, ...)
{
    va_list arguments;
    char *sql;
    int code = SQLITE_NOMEM;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sql != NULL) {
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    sqlite3_free(sql);
    return code;
}

int store_sql_number(sqlite3 *db, int64_t *out, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list arguments;
    char *sql;
    int code = SQLITE_NOMEM;

    *out = 0;
    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sql != NULL) {
        code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    }
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
    }
    if (statement != NULL) {
        code = sqlite3_finalize(statement);
    }
    sqlite3_free(sql);
    return code;
}

void store_sql_rollback(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
}
