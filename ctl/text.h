/*
 * Text of others on its way to a terminal: what may be shown of it, and how many columns it takes.
 *
 * A text is safe when text_safe() has made it so: characters that can be seen stay as they are, all
 * else (control characters, escape sequences, what reorders or hides text, bytes that are no
 * UTF-8, and outside of UTF-8 locales all that is not ASCII) is written as \xHH, a backslash as two.
 *
 * The locale is the only state, set once by text_begin(). No allocation.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Take the locale of the environment, for characters only. Before all others. */
void text_begin(void);

bool text_is_utf8(void);

/* What stands for the rest of a text that is cut; one column. */
const char *text_ellipsis(void);

/*
 * Bytes of the character at text, of which len bytes (at least 1) are there, when it may be shown as
 * it is, and in *columns how wide it is: 0 to 2. Else 0: it has to be escaped.
 */
size_t text_character(const char *text, size_t len, int *columns);

/*
 * Write len bytes of text to out, safe and with its NUL; what does not fit into size bytes (at
 * least 8) gives way to text_ellipsis(). Returns out.
 */
char *text_safe(char *out, size_t size, const char *text, size_t len);

/*
 * Append a safe text to the one in out, behind between unless that is empty; what does not fit into
 * size bytes (at least 8) gives way to text_ellipsis(). An empty text appends nothing.
 */
void text_append(char *out, size_t size, const char *between, const char *safe);

/* How many columns a safe text takes. */
size_t text_columns(const char *safe);

/* How many bytes of a safe text fit into so many columns; in *used how many of them they take. */
size_t text_fit(const char *safe, size_t columns, size_t *used);

#endif
