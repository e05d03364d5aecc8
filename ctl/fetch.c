#include "fetch.h"

#include <stdio.h>

typedef struct catch_t {
    fleet_t *fleet;
    const fetch_t *wanted;
} catch_t;

static const char *take(void *user, json_object *client)
{
    const catch_t *catch = user;
    const fetch_t *wanted = catch->wanted;
    row_t row;
    const char *fault = row_read(&row, client);

    if (fault != NULL || (wanted->light >= 0 && (light_t)wanted->light != row.light)) {
        return fault;
    }
    if (wanted->look != NULL) {
        wanted->look(wanted->user, &row, client);
        return NULL;
    }
    return fleet_add(catch->fleet, &row) ? NULL : "out of memory";
}

bool fetch_fleet(fleet_t *fleet, asker_t *asker, ask_answer_t *answer, const fetch_t *wanted)
{
    catch_t catch = {fleet, wanted};
    char path[64];
    split_t split;
    bool is_whole;

    snprintf(path, sizeof(path), "/clients%s%s", wanted->status != NULL ? "?status=" : "",
             wanted->status != NULL ? wanted->status : "");
    split_begin(&split, "clients", take, &catch);
    is_whole = ask_list(asker, answer, path, &split);
    fleet->now = answer->now;
    return is_whole;
}
