#include "dashboard_picture.h"

#include "clock.h"
#include "dashboard_select.h"

#define READING_USEC (10 * CLOCK_SECOND) /* that the store may take to be read */

/* --- the server --- */

static bool take_server(server_picture_t *server)
{
    registry_t *registry = segment_registry();

    memset(server, 0, sizeof *server);
    if (registry == NULL) {
        return false;
    }
    server->now = clock_monotonic();
    server->wall = clock_wall() / CLOCK_SECOND;
    server->revision = registry_newest_revision(registry);
    if (!registry_acquire(registry)) {
        return false;
    }
    server->notice = *segment_notice();
    server->vitals = *segment_vitals();
    registry_release(registry);
    return registry_gaps(registry, &server->gaps) == REGISTRY_OK &&
           registry_get_server_ip(registry, &server->server_ip) == REGISTRY_OK;
}

const server_picture_t *picture_server(request_rec *r)
{
    server_picture_t *server = apr_palloc(r->pool, sizeof *server);

    return take_server(server) ? server : NULL;
}

bool picture_is_partial(const server_picture_t *server)
{
    return !server->vitals.loaded &&
           registry_uptime(segment_registry(), server->now) < READING_USEC;
}

/* --- a client --- */

static void read_history(uint8_t cells[HISTORY_CELLS], const server_picture_t *server,
                         const client_t *client, light_t light)
{
    history_read(cells, &client->history, &server->gaps, client->first_seen, server->wall, light);
}

static void complete_row(row_t *row, const server_picture_t *server, const assess_facts_t *facts)
{
    row->assessment = assess(&row->view.client, row->view.seen, facts);
    read_history(row->cells, server, &row->view.client, row->assessment.light);
}

bool picture_client(request_rec *r, const server_picture_t *server, const char *client_id,
                    const row_t **out)
{
    row_t *row = apr_palloc(r->pool, sizeof *row);
    registry_result_t result = registry_get(segment_registry(), client_id, &row->view);
    assess_facts_t facts;

    *out = NULL;
    if (result == REGISTRY_ABSENT) {
        return true;
    }
    if (result != REGISTRY_OK || !fleet_facts(&facts)) {
        return false;
    }
    complete_row(row, server, &facts);
    *out = row;
    return true;
}

/* --- the fleet --- */

static void add_history(fleet_history_t *history, const uint8_t cells[HISTORY_CELLS])
{
    unsigned int i;

    for (i = 0; i < HISTORY_CELLS; i++) {
        if (cells[i] > 0) {
            history->cells[i][cells[i] - 1]++;
        }
    }
}

static bool walk(fleet_picture_t *picture, fleet_t *fleet, selection_t *selection)
{
    uint8_t cells[HISTORY_CELLS];
    const client_view_t *view;
    assessment_t assessment;

    fleet_begin(fleet);
    while ((view = fleet_next(fleet, &assessment)) != NULL) {
        census_add(&picture->census, &assessment);
        read_history(cells, &picture->server, &view->client, assessment.light);
        add_history(&picture->history, cells);
        select_offer(selection, view, &assessment);
    }
    return !fleet->failed;
}

/* Copy the page's clients; one that has gone since is left out. */
static bool copy_rows(request_rec *r, fleet_picture_t *picture, const fleet_t *fleet,
                      const candidate_t *candidate, size_t count)
{
    size_t i;

    picture->rows = apr_palloc(r->pool, count * sizeof *picture->rows);
    for (i = 0; i < count; i++, candidate++) {
        row_t *row = &picture->rows[picture->row_count];
        registry_result_t result = registry_get_slot(fleet->registry, candidate->slot, &row->view);

        if (result == REGISTRY_UNAVAILABLE) {
            return false;
        }
        if (result == REGISTRY_OK && row->view.client.uid == candidate->uid) {
            complete_row(row, &picture->server, &fleet->facts);
            picture->row_count++;
        }
    }
    return true;
}

const fleet_picture_t *picture_fleet(request_rec *r, const query_t *query)
{
    fleet_picture_t *picture = apr_pcalloc(r->pool, sizeof *picture);
    fleet_t *fleet = apr_palloc(r->pool, sizeof *fleet);
    selection_t selection;
    const candidate_t *candidates;
    size_t count;

    select_begin(&selection, query, r->pool);
    if (!take_server(&picture->server) || !walk(picture, fleet, &selection)) {
        return NULL;
    }
    picture->matches = selection.matches;
    picture->pages = select_pages(selection.matches);
    picture->page = select_end(&selection, &candidates, &count);
    return copy_rows(r, picture, fleet, candidates, count) ? picture : NULL;
}
