#include "fleet.h"

#include "clock.h"
#include "config.h"
#include "segment.h"

bool fleet_facts(assess_facts_t *out)
{
    return registry_facts(segment_registry(), out, clock_monotonic(),
                          config_quantity(CONFIG_OFFLINE_THRESHOLD)) == REGISTRY_OK;
}

void fleet_begin(fleet_t *fleet)
{
    fleet->registry = segment_registry();
    fleet->cursor = 0;
    fleet->count = 0;
    fleet->next = 0;
    fleet->failed = !fleet_facts(&fleet->facts);
}

static bool read_chunk(fleet_t *fleet)
{
    return registry_list(fleet->registry, &fleet->cursor, fleet->chunk, FLEET_CHUNK,
                         &fleet->count) == REGISTRY_OK;
}

const client_view_t *fleet_next(fleet_t *fleet, assessment_t *assessment)
{
    const client_view_t *view;

    if (fleet->next == fleet->count) {
        fleet->next = 0;
        fleet->failed = fleet->failed || !read_chunk(fleet);
        if (fleet->failed || fleet->count == 0) {
            fleet->count = 0;
            return NULL;
        }
    }
    view = &fleet->chunk[fleet->next++];
    *assessment = assess(&view->client, view->seen, &fleet->facts);
    return view;
}

bool fleet_census(census_t *out, fleet_t *fleet)
{
    assessment_t assessment;

    memset(out, 0, sizeof *out);
    fleet_begin(fleet);
    while (fleet_next(fleet, &assessment) != NULL) {
        census_add(out, &assessment);
    }
    return !fleet->failed;
}
