/*
 * Which server is asked, with which key: the client's own settings (client/options.h), of which this
 * program needs a few. A flag beats the environment beats the file.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>

#include "options.h"

/* What flags say; NULL = nothing. */
typedef struct settings_flags_t {
    const char *server;   /* URL */
    const char *key_file; /* path */
    const char *config;   /* path; NULL = the client's own file, if it can be read */
} settings_flags_t;

typedef struct settings_t {
    options_t options;
    char key_source[OPTIONS_PATH_SIZE + 64]; /* for people; "" = there is no key */
    bool key_is_in_file;                     /* that of options.api_key_file */
} settings_t;

/*
 * Read everything. Returns false with a sentence in fault. To be called once, before there are
 * threads: flags go into the environment.
 */
bool settings_load(settings_t *out, const settings_flags_t *flags, char fault[OPTIONS_FAULT_SIZE]);

/* Say on standard error what is allowed but unwise. */
void settings_warn(const settings_t *settings);

#endif
