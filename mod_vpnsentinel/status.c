#include "status.h"

#include "answer.h"
#include "clock.h"
#include "config.h"
#include "fleet.h"
#include "segment.h"

typedef struct census_t {
    int64_t total;
    int64_t offline;
    int64_t lights[LIGHTS];
} census_t;

/* Returns false when the registry could not be read to its end. */
static bool take_census(request_rec *r, census_t *census)
{
    fleet_t *fleet = apr_palloc(r->pool, sizeof *fleet);
    assessment_t assessment;

    memset(census, 0, sizeof *census);
    fleet_begin(fleet);
    while (fleet_next(fleet, &assessment) != NULL) {
        census->total++;
        census->offline += (assessment.conditions & CONDITION_OFFLINE) != 0;
        census->lights[assessment.light]++;
    }
    return !fleet->failed;
}

static json_object *census_json(const census_t *census)
{
    json_object *json = json_object_new_object();
    int light;

    if (json == NULL) {
        return NULL;
    }
    json_object_object_add(json, "total", json_object_new_int64(census->total));
    json_object_object_add(json, "online", json_object_new_int64(census->total - census->offline));
    json_object_object_add(json, "offline", json_object_new_int64(census->offline));
    for (light = 0; light < LIGHTS; light++) {
        json_object_object_add(json, assess_light_name((light_t)light),
                               json_object_new_int64(census->lights[light]));
    }
    json_object_object_add(json, "max",
                           json_object_new_int64(registry_max_clients(segment_registry())));
    return json;
}

/* The configured addresses, IPv4 first. */
static void add_server_ip(json_object *json)
{
    const vps_addr_t *own = config_global()->server_ip;
    const vps_addr_t *addr = own[0].version != 0 ? &own[0] : &own[1];
    char text[VPS_ADDR_TEXT_SIZE];
    bool known = vps_addr_format(text, addr)[0] != '\0';

    json_object_object_add(json, "server_public_ip", known ? json_object_new_string(text) : NULL);
    json_object_object_add(json, "server_public_ip_source",
                           known ? json_object_new_string("configured") : NULL);
}

int status_handle(request_rec *r, const char *unused)
{
    const registry_t *registry = segment_registry();
    int64_t uptime = (clock_monotonic() - registry_serving_since(registry)) / CLOCK_SECOND;
    census_t census;
    json_object *json;

    (void)unused;
    if (!take_census(r, &census)) {
        return answer_unavailable(r);
    }
    json = json_object_new_object();
    if (json != NULL) {
        json_object_object_add(json, "status", json_object_new_string("ok"));
        json_object_object_add(json, "version", json_object_new_string(VPS_VERSION));
        json_object_object_add(json, "started_at", answer_time(registry_started_at(registry)));
        json_object_object_add(json, "uptime_seconds", json_object_new_int64(uptime));
        json_object_object_add(json, "server_time", answer_time_now());
        json_object_object_add(json, "clients", census_json(&census));
        add_server_ip(json);
    }
    return answer_json(r, HTTP_OK, json);
}
