/* events: what was announced, newest first. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "event.h"
#include "exits.h"
#include "api_json.h"
#include "light.h"
#include "moment.h"
#include "table.h"
#include "tell.h"

#define PATH_SIZE 256

/* The events while they come: kept, or written at once as JSON. */
typedef struct events_t {
    event_t *events; /* ARGUMENTS_LIMIT_MAX; NULL = write JSON */
    size_t count;
    int64_t now; /* sec since epoch */
    fleet_view_t view;
} events_t;

static const char *take(void *user, json_object *json)
{
    events_t *events = user;
    event_t event;
    const char *fault = event_read(&event, json);

    if (fault != NULL) {
        return fault;
    }
    if (events->count == ARGUMENTS_LIMIT_MAX) {
        return "the list is too long";
    }
    if (events->events != NULL) {
        events->events[events->count] = event;
    } else {
        fputs(events->count == 0 ? "{\"events\":[" : ",", stdout);
        json_write(stdout, json);
    }
    events->count++;
    return NULL;
}

/* --- as a table --- */

enum { TIME, CLIENT, EVENT, DETAIL, COLUMNS };

static const table_column_t columns[COLUMNS] = {[TIME] = {"TIME", 0},
                                                [CLIENT] = {"CLIENT", 12},
                                                [EVENT] = {"EVENT", 0},
                                                [DETAIL] = {"DETAIL", 10}};

static void cell(const void *user, size_t index, size_t column, char out[TABLE_CELL_SIZE])
{
    const events_t *events = user;
    const event_t *event = &events->events[index];

    switch (column) {
    case TIME:
        moment_text(out, event->when, events->now, events->view.is_utc);
        break;
    case CLIENT:
        snprintf(out, TABLE_CELL_SIZE, "%s", event->id[0] != '\0' ? event->id : "(server)");
        break;
    case EVENT:
        if (event->light >= 0 && !events->view.is_plain) {
            snprintf(out, TABLE_CELL_SIZE, "%s%s", light_mark((light_t)event->light), event->what);
        } else {
            snprintf(out, TABLE_CELL_SIZE, "%s", event->what);
        }
        break;
    default:
        snprintf(out, TABLE_CELL_SIZE, "%s", event->detail[0] != '\0' ? event->detail : "-");
        break;
    }
}

static const char *style(const void *user, size_t index, size_t column)
{
    const events_t *events = user;
    const int light = events->events[index].light;

    return column == EVENT && light >= 0 ? light_style((light_t)light) : "";
}

static void write_table(const events_t *events)
{
    const table_t table = {
        .columns = columns,
        .count = COLUMNS,
        .rows = events->count,
        .cell = cell,
        .style = style,
        .user = events,
        .width = events->view.width,
        .is_plain = events->view.is_plain,
    };

    table_write(stdout, &table, events->count);
}

/* --- asking --- */

static void make_path(char out[PATH_SIZE], const arguments_t *arguments)
{
    const long limit = arguments->limit > 0 ? arguments->limit : 100;
    int used = snprintf(out, PATH_SIZE, "/events?limit=%ld", limit);

    if (arguments->client != NULL) {
        used += snprintf(out + used, PATH_SIZE - (size_t)used, "&client=%s", arguments->client);
    }
    if (arguments->since > 0) {
        snprintf(out + used, PATH_SIZE - (size_t)used, "&since=%" PRId64, arguments->since);
    }
}

/* Returns the exit status. */
static int run(events_t *events, const arguments_t *arguments, asker_t *asker)
{
    char path[PATH_SIZE];
    ask_answer_t answer;
    split_t split;

    make_path(path, arguments);
    split_begin(&split, "events", take, events);
    if (!ask_list(asker, &answer, path, &split)) {
        if (events->events == NULL && events->count > 0) {
            putchar('\n');
        }
        return command_failed(asker, &answer);
    }
    events->now = answer.now;
    if (events->events != NULL) {
        write_table(events);
    } else {
        printf("%s],\"count\":%zu}\n", events->count == 0 ? "{\"events\":[" : "", events->count);
    }
    return EXIT_OK;
}

int events_run(const arguments_t *arguments, asker_t *asker)
{
    events_t events = {.view = command_view(arguments)};
    int status;

    if (!arguments->is_json) {
        events.events = calloc(ARGUMENTS_LIMIT_MAX, sizeof(*events.events));
        if (events.events == NULL) {
            tell("out of memory");
            return EXIT_FAILED;
        }
    }
    status = run(&events, arguments, asker);
    free(events.events);
    return status;
}
