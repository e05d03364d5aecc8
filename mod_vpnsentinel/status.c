#include "status.h"

#include "answer.h"
#include "clock.h"
#include "config.h"
#include "fleet.h"
#include "segment.h"

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

/* A text of shared memory, "" = null. */
static json_object *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_object_new_string(text) : NULL;
}

/* IPv4 before IPv6. */
static void add_server_ip(json_object *json, const server_ip_t *own)
{
    const vps_addr_t *addr = own->addr[0].version != 0 ? &own->addr[0] : &own->addr[1];
    char text[VPS_ADDR_TEXT_SIZE];

    json_object_object_add(json, "server_public_ip", text_or_null(vps_addr_format(text, addr)));
    json_object_object_add(json, "server_public_ip_source",
                           text_or_null(server_ip_source_name((server_ip_source_t)own->source)));
}

static json_object *monitor_json(const vitals_t *vitals)
{
    json_object *json = json_object_new_object();
    bool running = vitals_is_running(vitals, clock_monotonic());

    if (json != NULL) {
        json_object_object_add(json, "running", json_object_new_boolean(running));
        json_object_object_add(json, "last_run", answer_time(vitals->last_run));
    }
    return json;
}

const char *status_store_word(const vitals_t *vitals)
{
    if (config_global()->state_dir == NULL) {
        return "off";
    }
    return vitals->store_state == STORE_OK ? "ok" : "degraded";
}

const char *status_store_error(const vitals_t *vitals)
{
    if (vitals->store_error[0] != '\0') {
        return vitals->store_error;
    }
    return vitals->store_state == STORE_UNKNOWN && config_global()->state_dir != NULL
               ? "not opened yet"
               : NULL;
}

static json_object *store_json(const vitals_t *vitals)
{
    json_object *json = json_object_new_object();
    const char *driver = config_global()->state_dir != NULL ? "sqlite" : "none";

    if (json != NULL) {
        json_object_object_add(json, "driver", json_object_new_string(driver));
        json_object_object_add(json, "state", json_object_new_string(status_store_word(vitals)));
        json_object_object_add(json, "last_error", text_or_null(status_store_error(vitals)));
    }
    return json;
}

static json_object *telegram_json(const vitals_t *vitals)
{
    json_object *json = json_object_new_object();

    if (json != NULL) {
        json_object_object_add(json, "enabled", json_object_new_boolean(vitals->telegram_enabled));
        json_object_object_add(json, "queued", json_object_new_int64((int64_t)vitals->queued));
        json_object_object_add(json, "oldest", answer_time(vitals->oldest));
        json_object_object_add(json, "muted_until", answer_time(vitals->muted_until));
        json_object_object_add(json, "last_success", answer_time(vitals->last_success));
        json_object_object_add(json, "last_error", text_or_null(vitals->telegram_error));
        json_object_object_add(json, "bot_error", text_or_null(vitals->bot_error));
    }
    return json;
}

static json_object *webhook_json(const webhook_vitals_t *vitals)
{
    json_object *json = json_object_new_object();

    if (json != NULL) {
        json_object_object_add(json, "host", json_object_new_string(vitals->host));
        json_object_object_add(json, "queued", json_object_new_int64((int64_t)vitals->queued));
        json_object_object_add(json, "oldest", answer_time(vitals->oldest));
        json_object_object_add(json, "last_success", answer_time(vitals->last_success));
        json_object_object_add(json, "last_error", text_or_null(vitals->error));
    }
    return json;
}

static json_object *webhooks_json(const vitals_t *vitals)
{
    json_object *json = json_object_new_array();
    uint32_t i;

    for (i = 0; json != NULL && i < vitals->webhooks; i++) {
        (void)json_object_array_add(json, webhook_json(&vitals->webhook[i]));
    }
    return json;
}

static json_object *status_json(const census_t *census, const server_ip_t *own,
                                const vitals_t *vitals)
{
    const registry_t *registry = segment_registry();
    int64_t uptime = registry_uptime(registry, clock_monotonic()) / CLOCK_SECOND;
    json_object *json = json_object_new_object();

    if (json != NULL) {
        json_object_object_add(json, "status", json_object_new_string("ok"));
        json_object_object_add(json, "version", json_object_new_string(VPS_VERSION));
        json_object_object_add(json, "started_at", answer_time(registry_started_at(registry)));
        json_object_object_add(json, "uptime_seconds", json_object_new_int64(uptime));
        json_object_object_add(json, "server_time", answer_time_now());
        json_object_object_add(json, "clients", census_json(census));
        add_server_ip(json, own);
        json_object_object_add(json, "monitor", monitor_json(vitals));
        json_object_object_add(json, "store", store_json(vitals));
        json_object_object_add(json, "telegram", telegram_json(vitals));
        json_object_object_add(json, "webhooks", webhooks_json(vitals));
    }
    return json;
}

int status_handle(request_rec *r, const char *unused)
{
    fleet_t *fleet = apr_palloc(r->pool, sizeof *fleet);
    census_t census;
    server_ip_t own;
    vitals_t vitals;

    (void)unused;
    if (!fleet_census(&census, fleet) ||
        registry_get_server_ip(segment_registry(), &own) != REGISTRY_OK) {
        return answer_unavailable(r);
    }
    segment_copy_vitals(&vitals);
    return answer_json(r, HTTP_OK, status_json(&census, &own, &vitals));
}
