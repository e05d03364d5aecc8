#include "guard.h"

#include "apr_network_io.h"
#include "apr_strings.h"

#include "answer.h"
#include "claim.h"
#include "clock.h"
#include "config.h"
#include "keyring.h"
#include "log.h"
#include "segment.h"

#define NOTICE_EVERY (60 * CLOCK_SECOND)
#define LOGGED_PATH_MAX 400                         /* bytes of a path in the log */
#define ACCESS "🌐 Access: %.*s%s | IP: %s | Auth: " /* how the line begins */

static void count(counter_t refused)
{
    counters_add(segment_counters(), refused, 1);
}

/* --- allow list --- */

static bool is_allowed(request_rec *r, const apr_array_header_t *allowed)
{
    int i;

    if (allowed == NULL) {
        return true;
    }
    for (i = 0; i < allowed->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(allowed, i, apr_ipsubnet_t *), r->useragent_addr)) {
            return true;
        }
    }
    return false;
}

/* --- rate limit --- */

/* Under the lock. Returns true when it is time for a line in the error log. */
static bool note_refusal(const vps_addr_t *addr, int64_t now)
{
    notice_t *notice = segment_notice();
    bool due = notice->told == 0 || now - notice->told >= NOTICE_EVERY;

    notice->when = clock_wall() / CLOCK_SECOND;
    notice->addr = *addr;
    if (due) {
        notice->told = now;
    }
    return due;
}

static void tell_refusal(request_rec *r, uint32_t limit)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_WARNING, 0, r,
        "VPNS0030: the rate limit of %u a minute meets %s, an address that clients report from: "
        "they may seem offline. Raise VPNSentinelRateLimit if many clients share the address; set "
        "up mod_remoteip if it is a proxy's",
        limit, r->useragent_ip);
}

static int refuse_rate(request_rec *r, uint32_t retry_after)
{
    json_object *json = json_object_new_object();

    count(COUNT_REFUSED_RATE_LIMIT);
    if (json != NULL) {
        json_object_object_add(json, "error", json_object_new_string("Rate limit exceeded"));
        json_object_object_add(
            json, "message",
            json_object_new_string("Too many requests. Please wait before retrying."));
        json_object_object_add(json, "retry_after", json_object_new_int64(retry_after));
    }
    apr_table_setn(r->headers_out, "Retry-After", apr_psprintf(r->pool, "%u", retry_after));
    (void)answer_json(r, HTTP_TOO_MANY_REQUESTS, json);
    return DONE;
}

static int check_rate(request_rec *r)
{
    registry_t *registry = segment_registry();
    request_state_t *state = claim_state(r);
    uint32_t limit = (uint32_t)config_quantity(CONFIG_RATE_LIMIT);
    int64_t now = clock_monotonic();
    ratelimit_verdict_t verdict;
    bool tell = false;

    if (limit == 0) {
        state->address_is_known = true; /* nobody asks */
        return OK;
    }
    if (!registry_acquire(registry)) {
        (void)answer_unavailable(r);
        return DONE;
    }
    verdict = ratelimit_hit(segment_ratelimit(), &state->observed_ip, limit, now / 1000);
    if (!verdict.allowed && verdict.known) {
        tell = note_refusal(&state->observed_ip, now);
    }
    registry_release(registry);
    state->address_is_known = verdict.known;
    if (tell) {
        tell_refusal(r, limit);
    }
    return verdict.allowed ? OK : refuse_rate(r, verdict.retry_after);
}

void guard_mark_known(request_rec *r)
{
    request_state_t *state = claim_state(r);
    registry_t *registry = segment_registry();

    if (!state->address_is_known && registry_acquire(registry)) {
        ratelimit_mark_known(segment_ratelimit(), &state->observed_ip);
        registry_release(registry);
    }
}

/* --- key --- */

static bool has_key(request_rec *r, const apr_array_header_t *digests)
{
    const char *key = apr_table_get(r->headers_in, "X-API-Key");
    const char *authorization = apr_table_get(r->headers_in, "Authorization");
    bool matches = key != NULL && keyring_matches(digests, key);

    if (authorization != NULL && strncasecmp(authorization, "Bearer ", 7) == 0) {
        authorization += 7;
        authorization += strspn(authorization, " ");
        matches = keyring_matches(digests, authorization) || matches;
    }
    return matches;
}

static bool is_authorized(request_rec *r, const apr_array_header_t *digests)
{
    if (digests == NULL) {
        return false;
    }
    return digests->nelts == 0 || has_key(r, digests);
}

/*
 * The path as it was sent: percent-encoded, so that it cannot look like another part of the line,
 * and without its query, which may hold anything.
 */
static void log_access(const request_rec *r, bool authorized)
{
    size_t len = strcspn(r->unparsed_uri, "?");
    int shown = len < LOGGED_PATH_MAX ? (int)len : LOGGED_PATH_MAX;
    const char *rest = len > LOGGED_PATH_MAX ? "..." : "";

    if (authorized) {
        log_request(r, VPS_INFO, "api", ACCESS "✅", shown, r->unparsed_uri, rest, r->useragent_ip);
    } else {
        log_refusal(r, VPS_INFO, "api", ACCESS "❌", shown, r->unparsed_uri, rest, r->useragent_ip);
    }
}

static int check_key(request_rec *r)
{
    bool authorized = is_authorized(r, config_of(r->server)->digests);

    log_access(r, authorized);
    if (!authorized) {
        count(COUNT_REFUSED_KEY);
        apr_table_setn(r->headers_out, "WWW-Authenticate", "Bearer");
        (void)answer_error(r, HTTP_UNAUTHORIZED, "Unauthorized", "Invalid or missing API key");
        return DONE;
    }
    return OK;
}

int guard_admit(request_rec *r)
{
    int status;

    if (!is_allowed(r, config_of(r->server)->allowed)) {
        count(COUNT_REFUSED_ALLOW_LIST);
        log_refusal(r, VPS_WARN, "security", "🚫 Access denied: %s is not in the allow list",
                    r->useragent_ip);
        (void)answer_error(r, HTTP_FORBIDDEN, "Access denied", "Your IP address is not authorized");
        return DONE;
    }
    status = check_rate(r);
    return status == OK ? check_key(r) : status;
}
