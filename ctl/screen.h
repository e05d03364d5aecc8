/*
 * The terminal that standard output is, or is not.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stddef.h>

bool screen_is_terminal(void);

/* Are neither colours nor marks wanted? So it is for a file, with NO_COLOR, and on a dumb terminal. */
bool screen_is_plain(void);

/* Can it be drawn on: is it a terminal that knows more than lines? */
bool screen_can_draw(void);

/* Columns and lines; 0 columns when it is no terminal: as many as it takes. */
size_t screen_width(void);
size_t screen_height(void);

/*
 * Take the whole terminal, and give it back as it was: its text, its cursor, its modes. While it is
 * taken, keys are not shown, and what is typed is there at once. Each may be called again and again.
 */
void screen_enter(void);
void screen_leave(void);

/*
 * Replace what is there by as many of these lines as there is room for; each ends in a newline and is
 * not too wide. Returns false when the terminal is gone.
 */
bool screen_draw(const char *text);

#endif
