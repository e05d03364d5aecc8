#include "metrics_clients.h"

#include <string.h>

#include "segment.h"

/* How many of each light there are and may stay. */
static void share_out(size_t quota[LIGHTS], const fleet_metrics_t *fleet, size_t room)
{
    size_t i;
    int light;

    memset(quota, 0, LIGHTS * sizeof *quota);
    for (i = 0; i < fleet->count; i++) {
        quota[fleet->clients[i].assessment.light]++;
    }
    for (light = LIGHTS - 1; light >= 0; light--) { /* the worst first */
        quota[light] = quota[light] < room ? quota[light] : room;
        room -= quota[light];
    }
}

/* Keep the worst, in their order. */
static void sort_out(fleet_metrics_t *fleet, size_t max)
{
    size_t quota[LIGHTS];
    size_t i, kept = 0;

    share_out(quota, fleet, max);
    for (i = 0; i < fleet->count; i++) {
        size_t *left = &quota[fleet->clients[i].assessment.light];

        if (*left > 0) {
            (*left)--;
            fleet->clients[kept++] = fleet->clients[i];
        }
    }
    fleet->count = kept;
}

static void add(fleet_metrics_t *fleet, const client_view_t *view, const assessment_t *assessment)
{
    client_metrics_t *client = &fleet->clients[fleet->count++];

    client->uid = view->client.uid;
    client->slot = view->slot;
    client->last_seen = view->client.last_seen;
    client->assessment = *assessment;
}

bool metrics_take_clients(fleet_metrics_t *out, uint32_t max, apr_pool_t *pool)
{
    const uint32_t slots = registry_slots(segment_registry());
    const size_t keep = max < slots ? max : slots;
    fleet_t *fleet = apr_palloc(pool, sizeof *fleet);
    const client_view_t *view;
    assessment_t assessment;

    memset(out, 0, sizeof *out);
    out->clients = apr_palloc(pool, 2 * keep * sizeof *out->clients);
    fleet_begin(fleet);
    while ((view = fleet_next(fleet, &assessment)) != NULL) {
        census_add(&out->census, &assessment);
        if (keep > 0) {
            add(out, view, &assessment);
            if (out->count == 2 * keep) {
                sort_out(out, keep);
            }
        }
    }
    sort_out(out, keep);
    return !fleet->failed;
}
