#include "health.h"

#include "http_protocol.h"

#include "apr_strings.h"

#include "answer.h"
#include "clock.h"
#include "config.h"
#include "segment.h"

/* What works of what the service needs. */
typedef struct checks_t {
    bool registry;
    bool store;
    bool monitor;
    vitals_t vitals; /* what the words come from; all zero without a registry */
} checks_t;

static int wants_json(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept != NULL && ap_strcasestr(accept, "application/json") != NULL;
}

static int is_probe(const char *rest)
{
    return strcmp(rest, "/live") == 0 || strcmp(rest, "/ready") == 0 ||
           strcmp(rest, "/startup") == 0;
}

/* Ready: clients are taken in, judged, and what is announced is kept, unless nobody wants that. */
static bool store_is_ready(const vitals_t *vitals)
{
    return vitals->store_state == STORE_OK || config_global()->state_dir == NULL;
}

/* Started: the registry has what was stored. Whether the disk still works is readiness' business. */
static checks_t check(bool for_startup)
{
    checks_t checks = {.registry = segment_registry() != NULL};
    const vitals_t *vitals = &checks.vitals;

    if (checks.registry) {
        segment_copy_vitals(&checks.vitals);
        checks.store = vitals->loaded && (for_startup || store_is_ready(vitals));
        checks.monitor = vitals_is_running(vitals, clock_monotonic());
    }
    return checks;
}

static json_object *word(bool works)
{
    return json_object_new_string(works ? "ok" : "unavailable");
}

/* " since 2026-11-28T15:30:00Z"; nothing for a time that is not known. */
static const char *moment(request_rec *r, const char *words, int64_t when)
{
    char text[VPS_TIME_TEXT_SIZE];

    return when > 0 ? apr_pstrcat(r->pool, words, vps_time_format(text, when), NULL) : "";
}

/*
 * Alerts in words: "off", "ok", "3 queued since 2026-11-28T15:30:00Z, last success never: HTTP 429",
 * "ok, muted until 2026-11-28T16:00:00Z, the bot hears nothing: HTTP 401: Unauthorized". No reason not
 * to be ready: what waits is kept, and no other server would do better.
 */
static json_object *alerts_json(request_rec *r, const vitals_t *vitals)
{
    const char *text = "ok", *success = moment(r, "", vitals->last_success);

    if (!vitals->telegram_enabled) {
        return json_object_new_string("off");
    }
    if (vitals->queued > 0 || vitals->telegram_error[0] != '\0') {
        text = apr_psprintf(r->pool, "%" APR_UINT64_T_FMT " queued%s, last success %s%s%s",
                            vitals->queued, moment(r, " since ", vitals->oldest),
                            success[0] != '\0' ? success : "never",
                            vitals->telegram_error[0] != '\0' ? ": " : "", vitals->telegram_error);
    }
    return json_object_new_string(apr_pstrcat(
        r->pool, text, moment(r, ", muted until ", vitals->muted_until),
        vitals->bot_error[0] != '\0' ? ", the bot hears nothing: " : "", vitals->bot_error, NULL));
}

/*
 * Of all webhooks together, the same: "off", "ok", "3 queued: hooks.example.org: HTTP 500", with the
 * first host that has an error.
 */
static json_object *webhooks_word(request_rec *r, const vitals_t *vitals)
{
    const webhook_vitals_t *failing = NULL;
    uint64_t queued = 0;
    uint32_t i;

    for (i = 0; i < vitals->webhooks; i++) {
        const webhook_vitals_t *webhook = &vitals->webhook[i];

        queued += webhook->queued;
        failing = failing == NULL && webhook->error[0] != '\0' ? webhook : failing;
    }
    if (queued == 0 && failing == NULL) {
        return json_object_new_string(vitals->webhooks > 0 ? "ok" : "off");
    }
    return json_object_new_string(
        apr_psprintf(r->pool, "%" APR_UINT64_T_FMT " queued%s%s%s%s", queued,
                     failing != NULL ? ": " : "", failing != NULL ? failing->host : "",
                     failing != NULL ? ": " : "", failing != NULL ? failing->error : ""));
}

/* checks: NULL = none was made. */
static json_object *probe_json(request_rec *r, bool works, const checks_t *checks)
{
    json_object *json = json_object_new_object();
    json_object *members = json_object_new_object();

    if (members != NULL && checks != NULL) {
        json_object_object_add(members, "registry", word(checks->registry));
        json_object_object_add(members, "store", word(checks->store));
        json_object_object_add(members, "monitor", word(checks->monitor));
        json_object_object_add(members, "telegram", alerts_json(r, &checks->vitals));
        json_object_object_add(members, "webhooks", webhooks_word(r, &checks->vitals));
    }
    if (json == NULL) {
        json_object_put(members);
        return NULL;
    }
    json_object_object_add(json, "status", word(works));
    json_object_object_add(json, "checks", members);
    return json;
}

static int answer_probe(request_rec *r, bool works, const checks_t *checks)
{
    int status = works ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE;

    if (!wants_json(r)) {
        return answer_text(r, status, works ? "OK" : "UNAVAILABLE");
    }
    return answer_json(r, status, probe_json(r, works, checks));
}

/* A process that answers is alive; the other probes ask for what the service needs. */
static int probe(request_rec *r, const char *rest)
{
    checks_t checks;

    if (strcmp(rest, "/live") == 0) {
        return answer_probe(r, true, NULL);
    }
    checks = check(strcmp(rest, "/startup") == 0);
    return answer_probe(r, checks.registry && checks.store && checks.monitor, &checks);
}

int health_handle(request_rec *r, const char *rest)
{
    if (rest[0] != '\0' && !is_probe(rest)) {
        return answer_text(r, HTTP_NOT_FOUND, "Not found");
    }
    if (r->method_number != M_GET) {
        apr_table_setn(r->headers_out, "Allow", "GET, HEAD");
        return answer_text(r, HTTP_METHOD_NOT_ALLOWED, "Method not allowed");
    }
    return rest[0] == '\0' ? answer_text(r, HTTP_OK, "OK") : probe(r, rest);
}
