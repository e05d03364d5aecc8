#include "fleet.h"

#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "table.h"

#define FIRST_ROOM 64 /* rows */

bool fleet_add(fleet_t *fleet, const row_t *row)
{
    if (fleet->count == fleet->room) {
        const size_t room = fleet->room > 0 ? fleet->room + fleet->room / 2 : FIRST_ROOM;
        row_t *rows = reallocarray(fleet->rows, room, sizeof(*rows));

        if (rows == NULL) {
            return false;
        }
        fleet->rows = rows;
        fleet->room = room;
    }
    fleet->rows[fleet->count++] = *row;
    return true;
}

void fleet_clear(fleet_t *fleet)
{
    free(fleet->rows);
    memset(fleet, 0, sizeof(*fleet));
}

void fleet_sort(fleet_t *fleet)
{
    if (fleet->count > 1) {
        qsort(fleet->rows, fleet->count, sizeof(*fleet->rows), row_worse);
    }
}

static int by_id(const void *a, const void *b)
{
    const row_t *one = a, *other = b;

    return strcmp(one->id, other->id);
}

void fleet_sort_by_id(fleet_t *fleet)
{
    if (fleet->count > 1) {
        qsort(fleet->rows, fleet->count, sizeof(*fleet->rows), by_id);
    }
}

static bool differ(const row_t *before, const row_t *after)
{
    return before->light != after->light || strcmp(before->why, after->why) != 0 ||
           strcmp(before->address, after->address) != 0;
}

void fleet_compare(const fleet_t *before, const fleet_t *after, fleet_tell_t tell, void *user)
{
    size_t i = 0, j = 0;

    while (i < before->count || j < after->count) {
        const row_t *old = i < before->count ? &before->rows[i] : NULL;
        const row_t *new = j < after->count ? &after->rows[j] : NULL;
        const int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->id, new->id);

        if (order < 0) {
            tell(user, old, NULL);
        } else if (order > 0) {
            tell(user, NULL, new);
        } else if (differ(old, new)) {
            tell(user, old, new);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

/* --- showing --- */

enum { LIGHT, CLIENT, WHY, SEEN, ADDRESS, PLACE, DNS, COLUMNS }; /* the first matter most */

static const table_column_t columns[COLUMNS] = {
    [LIGHT] = {"LIGHT", 0},    [CLIENT] = {"CLIENT", 12},     [WHY] = {"STATE", 10},
    [SEEN] = {"LAST SEEN", 0}, [ADDRESS] = {"PUBLIC IP", 12}, [PLACE] = {"PLACE", 8},
    [DNS] = {"DNS", 4},
};

typedef struct shown_t {
    const fleet_t *fleet;
    const fleet_view_t *view;
} shown_t;

static void cell(const void *user, size_t index, size_t column, char out[TABLE_CELL_SIZE])
{
    const shown_t *shown = user;
    const row_t *row = &shown->fleet->rows[index];
    const char *const texts[COLUMNS] = {
        [CLIENT] = row->id,   [WHY] = row->why, [ADDRESS] = row->address,
        [PLACE] = row->place, [DNS] = row->dns,
    };

    if (column == LIGHT) {
        snprintf(out, TABLE_CELL_SIZE, "%s%s", shown->view->is_plain ? "" : light_mark(row->light),
                 light_name(row->light));
    } else if (column == SEEN) {
        moment_text(out, row->last_seen, shown->fleet->now, shown->view->is_utc);
    } else {
        snprintf(out, TABLE_CELL_SIZE, "%s", texts[column][0] != '\0' ? texts[column] : "-");
    }
}

static const char *style(const void *user, size_t index, size_t column)
{
    const shown_t *shown = user;

    return column == LIGHT || column == WHY ? light_style(shown->fleet->rows[index].light) : "";
}

void fleet_write(FILE *out, const fleet_t *fleet, const fleet_view_t *view, size_t rows)
{
    const shown_t shown = {fleet, view};
    const table_t table = {
        .columns = columns,
        .count = COLUMNS,
        .rows = fleet->count,
        .cell = cell,
        .style = style,
        .user = &shown,
        .width = view->width,
        .is_plain = view->is_plain,
    };

    table_write(out, &table, rows);
}

void fleet_write_census(FILE *out, const fleet_t *fleet, const fleet_view_t *view)
{
    size_t counts[LIGHTS] = {0};
    const char *between = ": ";

    for (size_t i = 0; i < fleet->count; i++) {
        counts[fleet->rows[i].light]++;
    }
    fprintf(out, "%zu client%s", fleet->count, fleet->count == 1 ? "" : "s");
    for (int light = LIGHTS - 1; light >= 0; light--) {
        const char *name = light_name((light_t)light);

        if (counts[light] == 0) {
            continue;
        }
        if (view->is_plain) {
            fprintf(out, "%s%zu %s", between, counts[light], name);
        } else {
            fprintf(out, "%s%s%s%zu %s" STYLE_END, between, light_style((light_t)light),
                    light_mark((light_t)light), counts[light], name);
        }
        between = ", ";
    }
}
