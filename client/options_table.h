/*
 * The table of the options: what they are called, what they may be and what they are when nobody says.
 * Internal to options.c, which knows where values come from.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include <stddef.h>

#include "options.h"

#define OPTIONS_A_SECRET "at most 256 visible ASCII characters"

typedef struct option_t option_t;
struct option_t {
    const char *name;
    const char *alias;    /* name in the released client, or NULL */
    const char *fallback; /* the default, "" = none */
    /* Text to member; false when the text is not what is allowed. */
    bool (*read)(const option_t *option, void *member, const char *text);
    size_t member; /* offset in options_t */
    size_t size;   /* bytes of a text member */
    long min, max; /* of a number */
    bool secret;
    const char *allowed; /* completes "… must be" */
    const char *help;
};

extern const option_t options_table[];
extern const size_t options_table_size;

/* The option of this name, or older name; NULL = there is none. */
const option_t *options_find(const char *name);

/* The same for a name in len bytes. */
const option_t *options_find_part(const char *name, size_t len);

#endif
