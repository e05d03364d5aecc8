#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apr_strings.h"

#include "store_row.h"
#include "store_schema.h"
#include "store_sql.h"

#define ROW_MAX 1000000           /* bytes; ours are far smaller */
#define NAMES_MAX 100             /* files set aside in one second */
#define ID_MAX (INT64_C(1) << 62) /* of a sane file; near the end there would be no next one */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Whether a file can be used. */
typedef enum verdict_t {
    USABLE,
    UNAVAILABLE, /* now; told already */
    DAMAGED,     /* this one and the rest: to be set aside */
    FOREIGN,
    NEWER
} verdict_t;

/* Of a file that is set aside: a part of its new name, and what is told. */
static const char *const suffixes[] = {
    [DAMAGED] = "damaged", [FOREIGN] = "foreign", [NEWER] = "newer"};
static const char *const reasons[] = {[DAMAGED] = "is damaged",
                                      [FOREIGN] = "is no store of VPN Sentinel",
                                      [NEWER] = "is of a newer version"};

/* --- what is told --- */

__attribute__((format(printf, 2, 3))) static void tell(store_file_t *file, const char *format, ...)
{
    char older[VITALS_ERROR_SIZE];
    char newest[VITALS_ERROR_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)apr_vsnprintf(newest, sizeof(newest), format, arguments);
    va_end(arguments);
    if (strstr(file->error, newest) != NULL) {
        return; /* once more */
    }
    memcpy(older, file->error, sizeof(older));
    (void)apr_snprintf(file->error, sizeof(file->error), "%s%s%s", newest,
                       older[0] != '\0' ? "; " : "", older);
}

static void tell_code(store_file_t *file, int code)
{
    if (code == SQLITE_READONLY_DBMOVED) {
        tell(file, "%s was removed or replaced", STORE_FILE_NAME);
    } else if ((code & 0xFF) == SQLITE_BUSY) {
        tell(file, "%s is in use by another process", STORE_FILE_NAME);
    } else {
        tell(file, "%s cannot be used: %s", STORE_FILE_NAME, sqlite3_errstr(code));
    }
}

/* --- the connection --- */

sqlite3 *store_file_connect(void)
{
    static const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(":memory:", &db, flags, NULL) != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, ROW_MAX);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    /* A file that cannot be used is left as it is; ours is checkpointed before it is detached. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* The lock is for all schemas that will be attached. */
    (void)store_sql_run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;"
                            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    return db;
}

void store_file_init(store_file_t *file, const char *folder, apr_pool_t *pool)
{
    file->path = apr_pstrcat(pool, folder, "/" STORE_FILE_NAME, NULL);
    file->wal = apr_pstrcat(pool, file->path, "-wal", NULL);
}

bool store_file_is_moved(const store_file_t *file, sqlite3 *db)
{
    int moved = 0;

    (void)sqlite3_file_control(db, STORE_DISK, SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0 || access(file->wal, F_OK) != 0;
}

/*
 * A transaction can be made durable by itself: SQLite's synchronous = FULL, which does the same,
 * would have to be set before it begins.
 */
int store_file_sync(sqlite3 *db)
{
    sqlite3_file *wal = NULL;
    int code = sqlite3_file_control(db, STORE_DISK, SQLITE_FCNTL_JOURNAL_POINTER, &wal);

    if (code != SQLITE_OK) {
        return code;
    }
    return wal->pMethods != NULL ? wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL)
                                 : SQLITE_IOERR_FSYNC;
}

/* --- opening --- */

/*
 * There is a file that can be written, readable by nobody else; SQLite itself would make it 0644
 * and open a read-only one without a word.
 */
static verdict_t make_file(store_file_t *file)
{
    struct stat found;
    int fd;

    if (stat(file->path, &found) == 0 && !S_ISREG(found.st_mode)) {
        return FOREIGN;
    }
    fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT && file->error[0] != '\0') {
        return UNAVAILABLE; /* that it was taken away is told */
    }
    if (fd < 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): the monitor has one thread. */
        tell(file, "%s cannot be opened: %s", STORE_FILE_NAME, strerror(errno));
        return UNAVAILABLE;
    }
    (void)fchmod(fd, 0600);
    (void)close(fd);
    return USABLE;
}

static verdict_t judge(store_file_t *file, int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
        return USABLE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
        return DAMAGED;
    default:
        tell_code(file, code);
        return UNAVAILABLE;
    }
}

/* Reads the head of the file and the text of its schema. */
static verdict_t attach(store_file_t *file, sqlite3 *db)
{
    int code;

    if (sqlite3_db_filename(db, STORE_DISK) != NULL) {
        return judge(file, SQLITE_LOCKED); /* it could not be detached */
    }
    code = store_sql_run(db, "ATTACH %Q AS " STORE_DISK, file->path);
    if (code == SQLITE_NOTADB || code == SQLITE_ERROR) {
        return FOREIGN; /* another format, or another encoding */
    }
    return judge(file, code);
}

/* Is it ours, and of which version? */
static verdict_t identify(store_file_t *file, sqlite3 *db, int64_t *version)
{
    int64_t application, tables;
    int code = store_sql_number(db, &application, "PRAGMA disk.application_id");

    if (code == SQLITE_OK) {
        code = store_sql_number(db, version, "PRAGMA disk.user_version");
    }
    if (code == SQLITE_OK) {
        code = store_sql_number(db, &tables, "SELECT count(*) FROM disk.sqlite_master");
    }
    if (code != SQLITE_OK) {
        return judge(file, code);
    }
    if (application == 0 && *version == 0 && tables == 0) {
        return USABLE; /* empty */
    }
    if (application != STORE_APPLICATION_ID || sqlite3_db_readonly(db, STORE_DISK) != 0) {
        return FOREIGN; /* the file can be written: what cannot is a format */
    }
    if (*version > store_schema_version()) {
        return NEWER;
    }
    return *version > 0 ? USABLE : DAMAGED;
}

/* The write-ahead log is what makes a commit cheap, and store_file_sync() work. */
static int use_wal(sqlite3 *db)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, "PRAGMA disk.journal_mode = WAL", -1, &statement, NULL);
    bool is_used;

    if (code != SQLITE_OK) {
        return code;
    }
    is_used = sqlite3_step(statement) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    code = sqlite3_finalize(statement);
    return code == SQLITE_OK && !is_used ? SQLITE_CANTOPEN : code;
}

/* Make it as this version works with it. */
static verdict_t prepare(store_file_t *file, sqlite3 *db, int64_t version)
{
    int code = use_wal(db);

    if (code == SQLITE_OK) {
        code = store_sql_run(db, "PRAGMA disk.synchronous = NORMAL;"
                                 "PRAGMA disk.cache_size = -1000"); /* KiB */
    }
    if (code == SQLITE_OK) {
        code = store_schema_migrate(db, STORE_DISK, version);
        if (code == SQLITE_ERROR) {
            return DAMAGED; /* its tables are not those of its version, and never will be */
        }
    }
    return judge(file, code);
}

/* Does it have our tables, which the memory has too, and are there ids left? */
static verdict_t inspect(store_file_t *file, sqlite3 *db)
{
    int64_t faults;
    int code = store_sql_number(db, &faults,
                                "SELECT count(*) FROM ("
                                "SELECT type, name, sql FROM main.sqlite_master EXCEPT "
                                "SELECT type, name, sql FROM disk.sqlite_master)");

    if (code == SQLITE_OK && faults == 0) {
        code =
            store_sql_number(db, &faults,
                             "SELECT (SELECT count(*) FROM disk.sqlite_sequence WHERE seq > %lld)"
                             " + EXISTS (SELECT 1 FROM disk.events WHERE id > %lld)"
                             " + EXISTS (SELECT 1 FROM disk.outbox WHERE id > %lld)"
                             " + EXISTS (SELECT 1 FROM disk.questions WHERE id > %lld)",
                             ID_MAX, ID_MAX, ID_MAX, ID_MAX);
    }
    return code == SQLITE_OK && faults > 0 ? DAMAGED : judge(file, code);
}

/* Attached only when USABLE. */
static verdict_t attach_usable(store_file_t *file, sqlite3 *db)
{
    int64_t version = 0;
    verdict_t verdict = make_file(file);

    if (verdict != USABLE) {
        return verdict;
    }
    verdict = attach(file, db);
    if (verdict != USABLE) {
        return verdict;
    }
    verdict = identify(file, db, &version);
    if (verdict == USABLE) {
        verdict = prepare(file, db, version);
    }
    if (verdict == USABLE) {
        verdict = inspect(file, db);
    }
    if (verdict != USABLE) {
        (void)store_sql_run(db, "DETACH " STORE_DISK);
    }
    return verdict;
}

/* --- rows that nobody can read --- */

/* What waits, as store_next_message() goes through it, from 0 on. */
static bool is_message(sqlite3_stmt *row)
{
    event_t event;

    return sqlite3_column_int64(row, 0) > 0 && store_row_event(&event, row, 1);
}

static bool is_question(sqlite3_stmt *row)
{
    question_t question;

    return store_row_question(&question, row);
}

/* What waits until somebody has read it. */
static const struct {
    const char *name, *table;
    const char *rows;                       /* the id first */
    bool (*is_readable)(sqlite3_stmt *row); /* as its reader judges */
} queues[] = {
    {"messages", "outbox",
     "SELECT o.id, e.* FROM disk.outbox o LEFT JOIN disk.events e ON e.id = o.event"
     " AND typeof(o.destination) = 'integer' AND o.destination >= 0 ORDER BY o.id",
     is_message},
    {"questions", "questions", "SELECT " STORE_ROW_QUESTION " FROM disk.questions ORDER BY id",
     is_question},
};

/* Of one queue. Returns a result code of SQLite. */
static int remove_unreadable(sqlite3 *db, size_t queue, int *removed)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, queues[queue].rows, -1, &row, NULL);

    *removed = 0;
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t id = sqlite3_column_int64(row, 0);

        code = SQLITE_OK;
        if (queues[queue].is_readable(row)) {
            continue;
        }
        if ((sqlite3_errcode(db) & 0xFF) == SQLITE_NOMEM) {
            code = SQLITE_NOMEM; /* that was why: the row may be good */
            break;
        }
        code = store_sql_run(db, "DELETE FROM disk.%s WHERE id = %lld", queues[queue].table, id);
        (*removed)++;
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

void store_file_clean(store_file_t *file, sqlite3 *db)
{
    int removed[COUNT(queues)] = {0};
    int code = store_sql_run(db, "BEGIN");

    for (size_t i = 0; code == SQLITE_OK && i < COUNT(queues); i++) {
        code = remove_unreadable(db, i, &removed[i]);
    }
    if (code == SQLITE_OK) {
        code = store_sql_run(db, "COMMIT");
    }
    store_sql_rollback(db);
    for (size_t i = 0; code == SQLITE_OK && i < COUNT(queues); i++) {
        if (removed[i] > 0) {
            file->has_news = true;
            tell(file, "%s: unreadable %s removed: %d", STORE_FILE_NAME, queues[i].name,
                 removed[i]);
        }
    }
}

/* --- setting aside --- */

/* Does the name fit, and is it free? */
static bool make_name(char out[PATH_MAX], const char *path, const char *suffix)
{
    struct stat found;

    return apr_snprintf(out, PATH_MAX, "%s%s", path, suffix) < PATH_MAX - 1 &&
           lstat(out, &found) != 0;
}

/* The log goes first and keeps the file's name before its own: by these SQLite still opens both. */
static bool rename_file(const store_file_t *file, const char *suffix)
{
    char aside[PATH_MAX], aside_wal[PATH_MAX];
    char wal_suffix[64];

    (void)apr_snprintf(wal_suffix, sizeof(wal_suffix), "%s-wal", suffix);
    if (!make_name(aside, file->path, suffix) || !make_name(aside_wal, file->path, wal_suffix)) {
        errno = EEXIST;
        return false;
    }
    if (rename(file->wal, aside_wal) != 0 && errno != ENOENT) {
        return false;
    }
    if (rename(file->path, aside) != 0) {
        const int error = errno;

        (void)rename(aside_wal, file->wal);
        errno = error;
        return false;
    }
    return true;
}

static bool set_aside(store_file_t *file, verdict_t verdict)
{
    time_t now = time(NULL);
    struct tm utc;
    char when[24];
    char suffix[48];

    (void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    (void)apr_snprintf(suffix, sizeof(suffix), ".%s-%s", suffixes[verdict], when);
    for (int number = 1; number < NAMES_MAX; number++) {
        if (rename_file(file, suffix)) {
            file->has_news = true;
            tell(file, "%s %s: set aside as %s%s", STORE_FILE_NAME, reasons[verdict],
                 STORE_FILE_NAME, suffix);
            return true;
        }
        if (errno != EEXIST) {
            break;
        }
        (void)apr_snprintf(suffix, sizeof(suffix), ".%s-%s-%d", suffixes[verdict], when, number);
    }
    tell(file, "%s %s and cannot be set aside: %s", STORE_FILE_NAME, reasons[verdict],
         strerror(errno)); /* NOLINT(concurrency-mt-unsafe): as above */
    return false;
}

bool store_file_attach(store_file_t *file, sqlite3 *db)
{
    verdict_t verdict = attach_usable(file, db);

    if (verdict >= DAMAGED && set_aside(file, verdict)) {
        verdict = attach_usable(file, db);
    }
    return verdict == USABLE;
}

void store_file_detach(store_file_t *file, sqlite3 *db, int code)
{
    verdict_t verdict = judge(file, code);

    if (verdict != DAMAGED) {
        /* Also into a file that was taken away: a log left behind would spoil the one that replaced
         * it. */
        (void)store_sql_run(db, "PRAGMA disk.wal_checkpoint(TRUNCATE)");
    }
    (void)store_sql_run(db, "DETACH " STORE_DISK);
    if (verdict == DAMAGED) {
        (void)set_aside(file, DAMAGED);
    }
}
