/*
 * The command line: what is wanted, and how.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "light.h"
#include "settings.h"

#define ARGUMENTS_LIMIT_MAX 1000    /* events that the server gives at once */
#define ARGUMENTS_INTERVAL_MAX 3600 /* sec */

typedef enum command_t {
    COMMAND_LIST,
    COMMAND_SHOW,
    COMMAND_EVENTS,
    COMMAND_WATCH,
    COMMAND_DELETE,
    COMMAND_STATUS,
    COMMAND_HELP,
    COMMAND_VERSION
} command_t;

typedef struct arguments_t {
    command_t command;
    settings_flags_t settings;
    bool is_json;
    bool is_utc;
    bool is_sure;       /* --yes */
    const char *status; /* "online", "offline"; NULL = both */
    int light;          /* light_t, or -1 = all */
    int fail_on;        /* light_t, or -1 = never */
    const char *client; /* a valid client id; NULL = all */
    int64_t since;      /* sec since epoch; 0 = ever */
    long limit;         /* events; 0 = as many as the server likes */
    long interval;      /* sec between two looks */
    char *const *ids;   /* valid client ids */
    int ids_count;
} arguments_t;

/* now: sec since epoch. Returns false after a message on standard error. argv may be reordered. */
bool arguments_read(arguments_t *out, int argc, char *argv[], int64_t now);

/* Write what --help shows. */
void arguments_help(void);

#endif
