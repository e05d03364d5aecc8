/*
 * The daemon's rounds: look, report, wait; and the signals and changes of the network that change their
 * course.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>

#include "change_watch.h"
#include "course.h"
#include "journal.h"
#include "look.h"
#include "options.h"
#include "report.h"
#include "transfer.h"
#include "vitals.h"
#include "wait.h"

/* All that a running daemon holds. */
typedef struct loop_t {
    const char *config_path; /* NULL = the default file */
    options_t options;
    wait_t wait;
    vitals_t vitals; /* used by loop_run() only, as changes is */
    change_watch_t changes;
    transfer_t transfer;
    look_t look;
    journal_t journal;
    unsigned kept; /* the journal's changes, as of its copy in the folder */
    course_t course;
    found_t found;
    int timer; /* descriptor; readable when the next round is due */
} loop_t;

/*
 * Read the options of config_path. Returns false with a sentence in fault; then nothing needs
 * closing.
 */
bool loop_load(loop_t *out, const char *config_path, char fault[OPTIONS_FAULT_SIZE]);

/* Open what loop_load() did not: signals, timer, transfers. Returns false when the system refuses. */
bool loop_open(loop_t *loop);

void loop_close(loop_t *loop);

/* One round. Returns whether the report was accepted. */
bool loop_once(loop_t *loop);

/* Look, and write the body of a report to standard output. Returns false when stopped. */
bool loop_print(loop_t *loop);

/* Rounds until a signal stops them. */
void loop_run(loop_t *loop);

#endif
