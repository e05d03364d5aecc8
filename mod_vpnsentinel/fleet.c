#include "fleet.h"

#include "clock.h"
#include "config.h"
#include "segment.h"

void fleet_facts(assess_facts_t *out)
{
    const config_t *config = config_global();

    out->now = clock_monotonic();
    out->serving_since = registry_serving_since(segment_registry());
    out->offline_threshold = config_quantity(CONFIG_OFFLINE_THRESHOLD);
    out->server_ip[0] = config->server_ip[0];
    out->server_ip[1] = config->server_ip[1];
}

void fleet_begin(fleet_t *fleet)
{
    fleet_facts(&fleet->facts);
    fleet->registry = segment_registry();
    fleet->cursor = 0;
    fleet->count = 0;
    fleet->next = 0;
    fleet->failed = false;
}

const client_view_t *fleet_next(fleet_t *fleet, assessment_t *assessment)
{
    const client_view_t *view;

    if (fleet->next == fleet->count) {
        fleet->next = 0;
        if (registry_list(fleet->registry, &fleet->cursor, fleet->chunk, FLEET_CHUNK,
                          &fleet->count) != REGISTRY_OK) {
            fleet->failed = true;
        }
        if (fleet->failed || fleet->count == 0) {
            fleet->count = 0;
            return NULL;
        }
    }
    view = &fleet->chunk[fleet->next++];
    *assessment = assess(&view->client, view->seen, &fleet->facts);
    return view;
}
