#include "clients.h"

#include "http_protocol.h"

#include "apr_strings.h"

#include "answer.h"
#include "fleet.h"
#include "keepalive.h"
#include "log.h"
#include "monitor.h"
#include "segment.h"

static json_object *condition_names(unsigned int conditions)
{
    json_object *names = json_object_new_array();
    unsigned int n;

    for (n = 0; n < CONDITIONS && names != NULL; n++) {
        if (conditions & 1u << n) {
            json_object_array_add(names, json_object_new_string(assess_condition_name(n)));
        }
    }
    return names;
}

static json_object *address(const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    vps_addr_format(text, addr);
    return text[0] != '\0' ? json_object_new_string(text) : NULL;
}

static int is_offline(const assessment_t *assessment)
{
    return (assessment->conditions & CONDITION_OFFLINE) != 0;
}

/* The members of a client in the API; the caller frees. NULL without memory. */
static json_object *client_json(const client_t *client, const assessment_t *assessment)
{
    json_object *json = vps_record_to_json(&client->report);

    if (json == NULL) {
        return NULL;
    }
    json_object_object_add(json, "observed_ip", address(&client->observed_ip));
    json_object_object_add(json, "status",
                           json_object_new_string(is_offline(assessment) ? "offline" : "online"));
    json_object_object_add(json, "light",
                           json_object_new_string(assess_light_name(assessment->light)));
    json_object_object_add(json, "conditions", condition_names(assessment->conditions));
    json_object_object_add(json, "first_seen", answer_time(client->first_seen));
    json_object_object_add(json, "last_seen", answer_time(client->last_seen));
    json_object_object_add(json, "last_change", answer_time(client->last_change));
    json_object_object_add(json, "keepalives", json_object_new_int64((int64_t)client->keepalives));
    return json;
}

/* --- one --- */

static int no_such_client(request_rec *r)
{
    return answer_error(r, HTTP_NOT_FOUND, "Not found", "There is no client of this id");
}

static int show(request_rec *r, const char *client_id)
{
    assess_facts_t facts;
    assessment_t assessment;
    client_view_t view;
    registry_result_t result = registry_get(segment_registry(), client_id, &view);

    if (result != REGISTRY_OK) {
        return result == REGISTRY_ABSENT ? no_such_client(r) : answer_unavailable(r);
    }
    if (!fleet_facts(&facts)) {
        return answer_unavailable(r);
    }
    assessment = assess(&view.client, view.seen, &facts);
    return answer_json(r, HTTP_OK, client_json(&view.client, &assessment));
}

static int remove_client(request_rec *r, const char *client_id)
{
    registry_result_t result = registry_remove(segment_registry(), client_id);
    json_object *json;

    if (result != REGISTRY_OK) {
        return result == REGISTRY_ABSENT ? no_such_client(r) : answer_unavailable(r);
    }
    monitor_wake();
    log_request(r, VPS_INFO, "registry", "🗑️ Client removed: %s | IP: %s", client_id,
                r->useragent_ip);
    json = json_object_new_object();
    if (json != NULL) {
        json_object_object_add(json, "status", json_object_new_string("ok"));
        json_object_object_add(json, "message", json_object_new_string("Client removed"));
    }
    return answer_json(r, HTTP_OK, json);
}

int clients_handle_one(request_rec *r, const char *client_id)
{
    if (!vps_valid_client_id(client_id, strlen(client_id))) {
        return no_such_client(r);
    }
    return r->method_number == M_DELETE ? remove_client(r, client_id) : show(r, client_id);
}

/* --- all --- */

typedef enum filter_t { FILTER_NONE, FILTER_ONLINE, FILTER_OFFLINE, FILTER_BAD } filter_t;

static filter_t filter_of(request_rec *r)
{
    char *args = apr_pstrdup(r->pool, r->args != NULL ? r->args : "");
    filter_t filter = FILTER_NONE;
    char *word, *state;

    for (word = apr_strtok(args, "&", &state); word != NULL; word = apr_strtok(NULL, "&", &state)) {
        if (strcmp(word, "status=online") == 0) {
            filter = FILTER_ONLINE;
        } else if (strcmp(word, "status=offline") == 0) {
            filter = FILTER_OFFLINE;
        } else if (strcmp(word, "status") == 0 || strncmp(word, "status=", 7) == 0) {
            return FILTER_BAD;
        }
    }
    return filter;
}

static int passes(filter_t filter, const assessment_t *assessment)
{
    return filter == FILTER_NONE || is_offline(assessment) == (filter == FILTER_OFFLINE);
}

/* Write all that pass, each as it is read. Returns how many, or -1 when the list could not be
 * finished. */
static long write_clients(request_rec *r, filter_t filter)
{
    fleet_t *fleet = apr_palloc(r->pool, sizeof *fleet);
    const client_view_t *view;
    assessment_t assessment;
    long count = 0;

    fleet_begin(fleet);
    while ((view = fleet_next(fleet, &assessment)) != NULL && !r->connection->aborted) {
        json_object *json;

        if (!passes(filter, &assessment)) {
            continue;
        }
        json = client_json(&view->client, &assessment);
        if (json == NULL) {
            return -1;
        }
        if (count++ > 0) {
            (void)ap_rputs(",", r);
        }
        answer_write_json(r, json);
        json_object_put(json);
    }
    return fleet->failed ? -1 : count;
}

int clients_handle_list(request_rec *r, const char *unused)
{
    filter_t filter = filter_of(r);
    long count;

    (void)unused;
    if (filter == FILTER_BAD) {
        return answer_error(r, HTTP_BAD_REQUEST, "Bad request", "status must be online or offline");
    }
    answer_begin(r, HTTP_OK, "application/json");
    if (r->header_only) {
        return OK;
    }
    (void)ap_rputs("{\"clients\":[", r);
    count = write_clients(r, filter);
    if (count < 0) {
        /* The status is out already: a cut answer is no valid JSON, so nobody takes it for the
         * whole. */
        r->connection->keepalive = AP_CONN_CLOSE;
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "VPNS0040: the list of clients was cut short");
        return AP_FILTER_ERROR;
    }
    (void)ap_rprintf(r, "],\"count\":%ld}", count);
    return OK;
}
