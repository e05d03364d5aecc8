#include "server_ip_lookup.h"

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"

#include "clock.h"
#include "log.h"
#include "place.h"

#define COMPONENT "server-ip"
#define TIMEOUT_MS 10000L /* ms for a request */

/* The services in the order in which they are asked. */
typedef enum service_t { IPINFO, IPAPI, SERVICES } service_t;

static const struct {
    server_ip_source_t source;
    vps_place_source_t format;
} services[SERVICES] = {
    [IPINFO] = {SERVER_IP_IPINFO, VPS_PLACE_IPINFO},
    [IPAPI] = {SERVER_IP_IPAPI, VPS_PLACE_IPAPI},
};

struct server_ip_lookup_t {
    const server_ip_lookup_settings_t *settings;
    transfers_t *transfers;
    void (*changed)(void *ctx, const server_ip_t *ip);
    void *ctx;
    const char *urls[SERVICES];
    const char *authorization; /* header line for ipinfo, or NULL */
    server_ip_judge_t judge;
    int64_t rest_until[SERVICES];       /* monotonic usec: not asked before */
    int64_t next;                       /* monotonic usec: when the next round begins */
    int64_t retry;                      /* usec from this round to the next, if it ends in doubt */
    bool asking;                        /* a round is under way, and this is its state: */
    service_t asked;                    /* who is asked */
    bool answered;                      /* somebody told an address */
    char failure[TRANSFER_REASON_SIZE]; /* of whom was asked last and told none */
    bool failing;                       /* nobody told one in the round before */
};

server_ip_lookup_t *server_ip_lookup_create(const server_ip_lookup_settings_t *settings,
                                            const server_ip_t *known, transfers_t *transfers,
                                            void (*changed)(void *ctx, const server_ip_t *ip),
                                            void *ctx, apr_pool_t *pool)
{
    server_ip_lookup_t *lookup = apr_pcalloc(pool, sizeof(*lookup));

    lookup->settings = settings;
    lookup->transfers = transfers;
    lookup->changed = changed;
    lookup->ctx = ctx;
    lookup->judge.known = *known;
    lookup->retry = SERVER_IP_RETRY_MIN;
    lookup->urls[IPINFO] = apr_pstrcat(pool, settings->ipinfo_url, "/json", NULL);
    lookup->urls[IPAPI] = apr_pstrcat(pool, settings->ipapi_url, "/json/", NULL);
    if (settings->ipinfo_token != NULL) {
        lookup->authorization =
            apr_pstrcat(pool, "Authorization: Bearer ", settings->ipinfo_token, NULL);
    }
    return lookup;
}

/* --- a round: one service after the other until there is no doubt --- */

/* The address in force is known, and somebody just told it. */
static bool is_settled(const server_ip_lookup_t *lookup)
{
    return lookup->answered && !server_ip_is_in_doubt(&lookup->judge);
}

static void tell_round(const server_ip_lookup_t *lookup)
{
    char text[SERVER_IP_TEXT_SIZE];

    if (!lookup->answered && !lookup->failing) {
        server_ip_format(text, &lookup->judge.known);
        log_server(VPS_WARN, COMPONENT,
                   "⚠️ No look-up service tells the server's public IP (%s); in force: %s",
                   lookup->failure, text[0] != '\0' ? text : "none");
    } else if (lookup->answered && lookup->failing) {
        log_server(VPS_INFO, COMPONENT, "✅ The server's public IP can be looked up again");
    }
}

static void end_round(server_ip_lookup_t *lookup, int64_t now)
{
    tell_round(lookup);
    lookup->failing = !lookup->answered;
    lookup->asking = false;
    if (is_settled(lookup)) {
        lookup->next = now + SERVER_IP_REFRESH;
        lookup->retry = SERVER_IP_RETRY_MIN;
        return;
    }
    lookup->next = now + lookup->retry;
    lookup->retry *= 2;
    if (lookup->retry > SERVER_IP_RETRY_MAX) {
        lookup->retry = SERVER_IP_RETRY_MAX;
    }
}

static void fail(server_ip_lookup_t *lookup, service_t service, const char *reason)
{
    snprintf(lookup->failure, sizeof(lookup->failure), "%s: %.*s",
             server_ip_source_name(services[service].source), TRANSFER_REASON_SIZE / 2, reason);
    log_server(VPS_DEBUG, COMPONENT, "No answer from %s", lookup->failure);
}

static void note_address(server_ip_lookup_t *lookup, service_t service, const vps_addr_t *addr)
{
    const char *name = server_ip_source_name(services[service].source);
    char text[VPS_ADDR_TEXT_SIZE];

    vps_addr_format(text, addr);
    lookup->answered = true;
    log_server(VPS_DEBUG, COMPONENT, "%s says %s", name, text);
    if (server_ip_answered(&lookup->judge, services[service].source, addr)) {
        log_server(VPS_INFO, COMPONENT, "🌐 The server's public IP is %s", text);
        lookup->changed(lookup->ctx, &lookup->judge.known);
    }
}

static void note_answer(server_ip_lookup_t *lookup, const transfer_answer_t *answer, int64_t now)
{
    const service_t service = lookup->asked;
    vps_place_t place;

    if (answer->status == 429 || answer->status == 403 || answer->retry_after > 0) {
        const int64_t asked = answer->retry_after * CLOCK_SECOND;

        lookup->rest_until[service] = now + (asked > SERVER_IP_REST ? asked : SERVER_IP_REST);
    }
    if (answer->status != 200) {
        fail(lookup, service, answer->reason);
    } else if (vps_place_parse(&place, services[service].format, answer->body, answer->size)) {
        note_address(lookup, service, &place.public_ip);
    } else {
        fail(lookup, service, "no usable answer");
    }
}

static void answered(void *ctx, const transfer_answer_t *answer);

static bool start_request(server_ip_lookup_t *lookup, service_t service)
{
    const bool with_token = service == IPINFO && lookup->authorization != NULL;
    struct curl_slist *header = curl_slist_append(NULL, "Accept: application/json");
    bool started = false;

    if (header != NULL && (!with_token || curl_slist_append(header, lookup->authorization))) {
        const vps_http_request_t request = {
            .url = lookup->urls[service],
            .header = header,
            .timeout_ms = TIMEOUT_MS,
            .answer_max = VPS_PLACE_BODY_MAX,
        };

        started =
            transfers_start(lookup->transfers, &request,
                            with_token ? lookup->settings->ipinfo_token : NULL, answered, lookup);
    }
    curl_slist_free_all(header);
    return started;
}

/* Ask this service or the next one that can be asked; there is none: the round is over. */
static void ask_from(server_ip_lookup_t *lookup, int first, int64_t now)
{
    for (int service = first; service < SERVICES; service++) {
        if (now < lookup->rest_until[service]) {
            continue;
        }
        if (start_request(lookup, (service_t)service)) {
            lookup->asked = (service_t)service;
            return;
        }
        fail(lookup, (service_t)service, "out of memory");
    }
    end_round(lookup, now);
}

static void answered(void *ctx, const transfer_answer_t *answer)
{
    server_ip_lookup_t *lookup = ctx;
    const int64_t now = clock_monotonic();

    note_answer(lookup, answer, now);
    if (is_settled(lookup)) {
        end_round(lookup, now);
    } else {
        ask_from(lookup, (int)lookup->asked + 1, now);
    }
}

int64_t server_ip_lookup_tend(server_ip_lookup_t *lookup, int64_t now)
{
    if (!lookup->asking && now >= lookup->next) {
        lookup->asking = true;
        lookup->answered = false;
        ask_from(lookup, 0, now);
    }
    return lookup->asking ? INT64_MAX : lookup->next;
}
