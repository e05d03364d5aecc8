/*
 * The copy of the journal (journal.h) in the daemon's folder: what could not be told survives a restart
 * of the daemon. Not one of the machine: its clock begins anew then.
 *
 * The first line is the machine's boot id, the rest a report's JSON (shared/keepalive.h) with the facts
 * as they were known last and the journal, whose times are seconds since the machine's start. It is
 * read as strictly as what comes from the network.
 */
#ifndef JOURNAL_FILE_H
#define JOURNAL_FILE_H

#include "journal.h"
#include "state_dir.h"

/*
 * Fill *out with what is kept for this client at now (clock_elapsed()); left as it is when that is
 * nothing, or of no use.
 */
void journal_file_recall(journal_t *out, const state_dir_t *dir, const char *client_id,
                         int64_t now);

/* Keep a copy; none of an empty one. Returns false with errno when that failed. */
bool journal_file_keep(const journal_t *journal, const state_dir_t *dir, const char *client_id);

#endif
