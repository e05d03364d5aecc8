/* list: all clients, or those that are asked for. */
#include <stdio.h>

#include "commands.h"
#include "exits.h"
#include "fetch.h"
#include "api_json.h"

/* The JSON that is written while it comes. */
typedef struct stream_t {
    size_t count; /* clients written */
    int worst;    /* light_t; -1 = none yet */
} stream_t;

static void look(void *user, const row_t *row, json_object *client)
{
    stream_t *stream = user;

    fputs(stream->count++ == 0 ? "{\"clients\":[" : ",", stdout);
    json_write(stdout, client);
    stream->worst = (int)row->light > stream->worst ? (int)row->light : stream->worst;
}

static int conclude(const arguments_t *arguments, int worst)
{
    return arguments->fail_on >= 0 && worst >= arguments->fail_on ? EXIT_FAILED : EXIT_OK;
}

static int write_json(const arguments_t *arguments, asker_t *asker)
{
    stream_t stream = {.worst = -1};
    const fetch_t wanted = {
        .status = arguments->status, .light = arguments->light, .look = look, .user = &stream};
    fleet_t fleet = {0};
    ask_answer_t answer;

    if (!fetch_fleet(&fleet, asker, &answer, &wanted)) {
        if (stream.count > 0) {
            putchar('\n'); /* a cut document is none, so that nobody takes it for the whole */
        }
        return command_failed(asker, &answer);
    }
    printf("%s],\"count\":%zu}\n", stream.count == 0 ? "{\"clients\":[" : "", stream.count);
    return conclude(arguments, stream.worst);
}

static int write_table(const arguments_t *arguments, asker_t *asker)
{
    const fetch_t wanted = {.status = arguments->status, .light = arguments->light};
    const fleet_view_t view = command_view(arguments);
    fleet_t fleet = {0};
    ask_answer_t answer;
    int status;

    if (fetch_fleet(&fleet, asker, &answer, &wanted)) {
        fleet_sort(&fleet);
        fleet_write(stdout, &fleet, &view, fleet.count);
        status = conclude(arguments, fleet.count > 0 ? (int)fleet.rows[0].light : -1);
    } else {
        status = command_failed(asker, &answer);
    }
    fleet_clear(&fleet);
    return status;
}

int list_run(const arguments_t *arguments, asker_t *asker)
{
    return arguments->is_json ? write_json(arguments, asker) : write_table(arguments, asker);
}
