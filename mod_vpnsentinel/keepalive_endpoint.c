#include "keepalive_endpoint.h"

#include "http_protocol.h"

#include "answer.h"
#include "assess.h"
#include "body.h"
#include "claim.h"
#include "clock.h"
#include "config.h"
#include "guard.h"
#include "keepalive.h"
#include "log.h"
#include "monitor.h"
#include "segment.h"
#include "valid.h"

#ifdef VPS_TEST_HOOKS
#include "killpoint.h"

/* A test says in a header at which point of the change this process dies. */
static void arm_killpoint(request_rec *r)
{
    const char *at = apr_table_get(r->headers_in, "X-Test-Kill-At");

    killpoint_countdown = at != NULL ? (unsigned int)strtoul(at, NULL, 10) : 0;
}

/* A test asks whether the registry is sound; any answer tells it, in a header. */
static void tell_soundness(request_rec *r)
{
    char why[200];

    if (apr_table_get(r->headers_in, "X-Test-Validate") != NULL && segment_registry() != NULL) {
        apr_table_set(r->headers_out, "X-Test-Registry",
                      registry_validate(segment_registry(), why, sizeof why) ? "sound" : why);
    }
}
#else
#define arm_killpoint(r) ((void)0)
#define tell_soundness(r) ((void)0)
#endif

/*
 * Read the body into record and past. Returns OK, DONE when the request was answered, or a status for httpd.
 */
static int read_report(request_rec *r, vps_record_t *record, vps_past_t *past)
{
    vps_fault_t fault;
    body_t body;
    int status = body_read_json(r, &body);

    if (status != OK) {
        return status;
    }
    if (!vps_keepalive_parse(record, past, &fault, body.text, body.size)) {
        log_refusal(r, VPS_WARN, "api", "❌ Bad request from %s: %s", r->useragent_ip,
                    fault.message);
        (void)answer_error(r, HTTP_BAD_REQUEST, "Bad request", fault.message);
        return DONE;
    }
    return OK;
}

static void make_sighting(sighting_t *sighting, request_rec *r, const vps_record_t *record)
{
    sighting->report = record;
    assess_judged(&sighting->judged, record);
    sighting->observed_ip = claim_state(r)->observed_ip;
    sighting->when = clock_wall() / CLOCK_SECOND;
    sighting->now = clock_monotonic();
    sighting->offline_threshold = config_quantity(CONFIG_OFFLINE_THRESHOLD);
    sighting->past = NULL;
    sighting->past_count = 0;
}

/* The answers to what the registry cannot take. */
static int refuse(request_rec *r, registry_result_t result, const char *client_id)
{
    if (result != REGISTRY_FULL) {
        return answer_unavailable(r);
    }
    counters_add(segment_counters(), COUNT_REFUSED_FULL, 1);
    log_refusal(r, VPS_ERROR, "registry", "❌ Registry full: %s was refused", client_id);
    return answer_error(r, HTTP_SERVICE_UNAVAILABLE, "Registry full",
                        "The server takes no more clients; its VPNSentinelMaxClients is reached");
}

/*
 * Nearly all answers of a server are this one. Nothing in it needs escaping: so it is written as text,
 * which takes a tenth of what json-c takes, a fifth of the whole keepalive.
 */
static int confirm_keepalive(request_rec *r, const sighting_t *sighting)
{
    char when[VPS_TIME_TEXT_SIZE];
    char address[VPS_ADDR_TEXT_SIZE];
    const char *quote;

    vps_addr_format(address, &sighting->observed_ip);
    quote = address[0] != '\0' ? "\"" : "";
    answer_begin(r, HTTP_OK, "application/json");
    (void)ap_rvputs(r, "{\"status\":\"ok\",\"message\":\"Keepalive received\",\"server_time\":\"",
                    vps_time_format(when, sighting->when), "\",\"observed_ip\":", quote,
                    address[0] != '\0' ? address : "null", quote, "}", NULL);
    return OK;
}

int keepalive_handle(request_rec *r, const char *unused)
{
    vps_record_t record;
    vps_past_t past;
    hindsight_t hindsight[VPS_PAST_MAX];
    sighting_t sighting;
    registry_result_t result;
    bool changed;
    int status;

    (void)unused;
    tell_soundness(r);
    status = read_report(r, &record, &past);
    if (status != OK) {
        return status == DONE ? OK : status;
    }
    make_sighting(&sighting, r, &record);
    sighting.past = hindsight;
    sighting.past_count = hindsight_make(hindsight, &past, &record, sighting.when);
    arm_killpoint(r);
    result = registry_keepalive(segment_registry(), &sighting, &changed);
    if (result != REGISTRY_OK && result != REGISTRY_CREATED) {
        return refuse(r, result, record.client_id);
    }
    if (changed) {
        monitor_wake();
    }
    guard_mark_known(r);
    log_request(r, VPS_INFO, "api", "✅ Keepalive: %s | IP: %s", record.client_id, r->useragent_ip);
    return confirm_keepalive(r, &sighting);
}

int register_handle(request_rec *r, const char *unused)
{
    vps_record_t record;
    vps_past_t past; /* there is none of who has not reported yet */
    sighting_t sighting;
    registry_result_t result;
    json_object *json;
    int status = read_report(r, &record, &past);

    (void)unused;
    if (status != OK) {
        return status == DONE ? OK : status;
    }
    make_sighting(&sighting, r, &record);
    result = registry_register(segment_registry(), &sighting);
    if (result != REGISTRY_OK && result != REGISTRY_CREATED) {
        return refuse(r, result, record.client_id);
    }
    if (result == REGISTRY_CREATED) {
        monitor_wake();
    }
    json = json_object_new_object();
    if (json != NULL) {
        json_object_object_add(json, "status", json_object_new_string("ok"));
        json_object_object_add(json, "message", json_object_new_string("Client registered"));
        json_object_object_add(json, "server_time", answer_time(sighting.when));
        json_object_object_add(json, "client_id", json_object_new_string(record.client_id));
    }
    return answer_json(r, result == REGISTRY_CREATED ? HTTP_CREATED : HTTP_OK, json);
}
