/*
 * Fuzz entry point: the daemon's copy of its journal. An input is what follows the line of this boot; one
 * that begins with "!" is the whole file. What is believed keeps the promises of journal.h and comes
 * back the same from its own copy.
 */
#include "fuzz.h"

#ifndef __clang__
/* gcc's analyzer does not follow how far state_dir_recall() fills what it is given. */
#pragma GCC diagnostic ignored "-Wanalyzer-use-of-uninitialized-value"
#endif
#include "journal_file.c"

#define CLIENT "a"
#define NOW (1000 * CLOCK_SECOND)

/* --- a folder that has this file --- */

static char file[TEXT_SIZE];
static size_t file_size;

ssize_t state_dir_recall(const state_dir_t *dir, const char *name, char *text, size_t size)
{
    (void)dir;
    check(strcmp(name, FILE_NAME) == 0);
    if (file_size > size) {
        return -1;
    }
    memcpy(text, file, file_size);
    return (ssize_t)file_size;
}

bool state_dir_keep(const state_dir_t *dir, const char *name, const char *text, size_t len)
{
    (void)dir;
    check(strcmp(name, FILE_NAME) == 0 && len <= sizeof(file));
    memcpy(file, text, len);
    file_size = len;
    return true;
}

void state_dir_forget(const state_dir_t *dir, const char *name)
{
    (void)dir;
    check(strcmp(name, FILE_NAME) == 0);
    file_size = 0;
}

/* --- the entry point --- */

static void fill_file(const uint8_t *data, size_t size)
{
    static char id[BOOT_ID_SIZE];
    const bool is_whole = size > 0 && data[0] == '!';

    if (id[0] == '\0') {
        read_boot_id(id);
    }
    file_size = is_whole ? 0 : (size_t)snprintf(file, sizeof(file), "%s\n", id);
    data += is_whole;
    size -= is_whole;
    size = size < sizeof(file) - file_size ? size : sizeof(file) - file_size;
    memcpy(file + file_size, data, size);
    file_size += size;
}

static void check_journal(const journal_t *journal)
{
    check(journal->past.count <= VPS_PAST_MAX);
    for (size_t i = 0; i < journal->past.count; i++) {
        const vps_change_t *change = &journal->past.changes[i];

        check(change->fact < VPS_FACTS && change->at >= 0 && change->at <= NOW);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const state_dir_t dir = {.fd = -1, .lock = -1};
    journal_t journal = {.changes = 0}, again = {.changes = 0};

    fill_file(data, size);
    journal_file_recall(&journal, &dir, CLIENT, NOW);
    check_journal(&journal);
    check(journal_file_keep(&journal, &dir, CLIENT));
    journal_file_recall(&again, &dir, CLIENT, NOW);
    check(again.past.count == journal.past.count);
    check(memcmp(&again.past, &journal.past, sizeof(again.past)) == 0);
    return 0;
}
