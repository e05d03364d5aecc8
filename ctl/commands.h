/*
 * The commands. Each asks what it needs, writes to standard output, tells what went wrong on standard
 * error, and returns the exit status.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "arguments.h"
#include "ask.h"
#include "fleet.h"

int list_run(const arguments_t *arguments, asker_t *asker);
int show_run(const arguments_t *arguments, asker_t *asker);
int events_run(const arguments_t *arguments, asker_t *asker);
int watch_run(const arguments_t *arguments, asker_t *asker);
int delete_run(const arguments_t *arguments, asker_t *asker);
int status_run(const arguments_t *arguments, asker_t *asker);

/* --- what they share --- */

/* Tell why an answer is none. Returns EXIT_FAILED. */
int command_failed(const asker_t *asker, const ask_answer_t *answer);

/* Tell that the answer is not what a server of ours would say. Returns EXIT_FAILED. */
int command_foreign(const asker_t *asker, ask_answer_t *answer);

/* Write an answer as it is, in a line. Returns EXIT_OK. */
int command_json(json_object *json);

/* How the output is to look. */
fleet_view_t command_view(const arguments_t *arguments);

/* Write a line "LABEL  text" that fits; text is safe, "" = unknown. */
void command_line(const fleet_view_t *view, const char *label, const char *text);

#endif
