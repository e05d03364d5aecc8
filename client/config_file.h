/*
 * The configuration file: lines NAME=value, in the names of the environment.
 *
 * Empty lines and lines that begin with # say nothing. Space around name and value is dropped, one
 * pair of quotes ("…" or '…') around the value too. Where a name occurs twice, the last one counts.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_MAX 16384   /* bytes of text */
#define CONFIG_FILE_SETTINGS 64 /* lines that set something */

typedef struct config_setting_t {
    const char *name;  /* capital letters, digits and _ */
    const char *value; /* may be empty */
    unsigned line;     /* from 1 */
} config_setting_t;

/* The settings point into text: do not copy the structure. */
typedef struct config_file_t {
    size_t count;
    config_setting_t settings[CONFIG_FILE_SETTINGS];
    char text[CONFIG_FILE_MAX + 1];
} config_file_t;

/*
 * Read a file. When it does not exist and need not, that is an empty one. Returns false with a
 * sentence in fault (size bytes) that names file and line; it never repeats a value.
 */
bool config_file_read(config_file_t *out, const char *path, bool needed, char *fault, size_t size);

/* The value that the file gives name, NULL when none or an empty one. */
const char *config_file_get(const config_file_t *file, const char *name);

/* Drop space at both ends of a text, in place; returns where it starts now. */
char *config_file_trim(char *text);

#endif
