/* What fuzz entry points of the command line have in common: an answer, and a terminal that looks. */
#ifndef FUZZ_CTL_H
#define FUZZ_CTL_H

#include "fuzz.h"

#include "api_json.h"
#include "commands.h"
#include "text.h"

/* No character that a terminal obeys. */
static inline void check_shown(const char *text, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        int columns;

        n = text_character(text + i, len - i, &columns);
        check(n > 0);
    }
}

/* The answer as a command gets it; NULL when it is no JSON of a server of ours. */
static inline json_object *read_answer(const uint8_t *data, size_t size)
{
    static bool has_begun;

    if (!has_begun) {
        setenv("LC_ALL", "C.UTF-8", 1);
        text_begin();
        has_begun = true;
    }
    return json_read((const char *)data, size);
}

/* What "--json" writes can be shown, and is read as the same. */
static inline void check_json(json_object *json)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_object *again;

    check(out != NULL);
    json_write(out, json);
    check(fclose(out) == 0);
    check_shown(text, size);
    again = json_read(text, size);
    check(again != NULL && json_object_equal(again, json) != 0);
    json_object_put(again);
    free(text);
}

/* --- what commands call --- */

void command_line(const fleet_view_t *view, const char *label, const char *text)
{
    (void)view;
    check_shown(label, strlen(label));
    check_shown(text, strlen(text));
}

fleet_view_t command_view(const arguments_t *arguments)
{
    return (fleet_view_t){.is_utc = arguments->is_utc};
}

int command_failed(const asker_t *asker, const ask_answer_t *answer)
{
    (void)asker;
    return answer->kind;
}

int command_foreign(const asker_t *asker, ask_answer_t *answer)
{
    return command_failed(asker, answer);
}

int command_json(json_object *json)
{
    check_json(json);
    return 0;
}

#endif
