#include "journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "keepalive.h"

#define FILE_NAME "journal"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id" /* man 5 proc */
#define BOOT_ID_SIZE 64
#define TEXT_SIZE (VPS_KEEPALIVE_BODY_MAX + BOOT_ID_SIZE)

/* A line without its end; "" when it cannot be read, as of a machine that was never started again. */
static const char *read_boot_id(char out[BOOT_ID_SIZE])
{
    int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, BOOT_ID_SIZE - 1) : -1;

    if (fd >= 0) {
        close(fd);
    }
    out[len > 0 ? len : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return out;
}

/* --- reading --- */

/* The JSON behind the line of this boot; NULL when it is of another. */
static const char *skip_boot_id(const char *text, size_t *len)
{
    char id[BOOT_ID_SIZE];
    const size_t id_len = strlen(read_boot_id(id));

    if (*len <= id_len || memcmp(text, id, id_len) != 0 || text[id_len] != '\n') {
        return NULL;
    }
    *len -= id_len + 1;
    return text + id_len + 1;
}

/* From seconds to what clock_elapsed() counts; false when one of them is still to come. */
static bool take_times(vps_past_t *past, int64_t now)
{
    for (size_t i = 0; i < past->count; i++) {
        if (past->changes[i].at > now / CLOCK_SECOND) {
            return false;
        }
        past->changes[i].at *= CLOCK_SECOND;
    }
    return true;
}

void journal_file_recall(journal_t *out, const state_dir_t *dir, const char *client_id, int64_t now)
{
    char text[TEXT_SIZE];
    const ssize_t size = state_dir_recall(dir, FILE_NAME, text, sizeof(text));
    size_t len = size > 0 ? (size_t)size : 0;
    const char *body = skip_boot_id(text, &len);
    journal_t found = {0};
    vps_fault_t fault;

    if (body != NULL && vps_keepalive_parse(&found.known, &found.past, &fault, body, len) &&
        strcmp(found.known.client_id, client_id) == 0 && take_times(&found.past, now)) {
        *out = found;
    }
}

/* --- writing --- */

/* The journal as a report's JSON; NULL when memory is out. The caller's. */
static json_object *make_body(const journal_t *journal, const char *client_id)
{
    vps_record_t record = journal->known;
    vps_past_t past = journal->past;
    json_object *body, *changes;

    snprintf(record.client_id, sizeof(record.client_id), "%s", client_id);
    for (size_t i = 0; i < past.count; i++) {
        past.changes[i].at /= CLOCK_SECOND;
    }
    body = vps_record_to_json(&record);
    changes = vps_past_to_json(&past);
    if (body == NULL || changes == NULL || json_object_object_add(body, "journal", changes) != 0) {
        json_object_put(changes);
        json_object_put(body);
        return NULL;
    }
    return body;
}

static bool keep(const state_dir_t *dir, json_object *body)
{
    char text[TEXT_SIZE], id[BOOT_ID_SIZE];
    const int len = snprintf(text, sizeof(text), "%s\n%s", read_boot_id(id),
                             json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN));

    if (len < 0 || (size_t)len >= sizeof(text)) {
        errno = EFBIG;
        return false;
    }
    return state_dir_keep(dir, FILE_NAME, text, (size_t)len);
}

bool journal_file_keep(const journal_t *journal, const state_dir_t *dir, const char *client_id)
{
    json_object *body;
    bool is_kept;

    if (journal->past.count == 0) {
        state_dir_forget(dir, FILE_NAME);
        return true;
    }
    body = make_body(journal, client_id);
    if (body == NULL) {
        errno = ENOMEM;
        return false;
    }
    is_kept = keep(dir, body);
    json_object_put(body);
    return is_kept;
}
