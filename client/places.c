#include "places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service.h"

#define COMPONENT "place"
#define URL_SIZE (OPTIONS_URL_SIZE + VPS_ADDR_TEXT_SIZE + 16)
#define HEADER_SIZE (OPTIONS_SECRET_SIZE + 32)
#define DAY (24 * CLOCK_HOUR)

static const struct {
    const char *name;
    options_service_t option;
} services[PLACES_SERVICES] = {
    [VPS_PLACE_IPINFO] = {"ipinfo", OPTIONS_SERVICE_IPINFO},
    [VPS_PLACE_IPAPI] = {"ip-api", OPTIONS_SERVICE_IPAPI},
    [VPS_PLACE_IPWHOIS] = {"ipwhois", OPTIONS_SERVICE_IPWHOIS},
};

typedef struct question_t {
    places_t *places;
    const options_t *options;
    transfer_t *transfer;
    places_entry_t *entry; /* of the address that is asked for; of none: who are we? */
} question_t;

/* --- remembering --- */

/* The entry of this address, or the one that was not used for the longest time, emptied for it. */
static places_entry_t *entry_of(places_t *places, const vps_addr_t *addr)
{
    places_entry_t *found = &places->entry[0];

    for (places_entry_t *entry = found; entry < places->entry + PLACES_REMEMBERED; entry++) {
        if (vps_addr_equal(&entry->addr, addr)) {
            found = entry;
            break;
        }
        if (entry->used < found->used) {
            found = entry;
        }
    }
    if (!vps_addr_equal(&found->addr, addr)) {
        memset(found, 0, sizeof(*found));
        found->addr = *addr;
    }
    found->used = ++places->uses;
    return found;
}

static void keep(places_entry_t *entry, const vps_place_t *place)
{
    entry->place = *place;
    entry->until = clock_elapsed() + PLACES_AGE;
}

/* --- asking --- */

static void make_url(char out[URL_SIZE], const options_t *options, vps_place_source_t source,
                     const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    vps_addr_format(text, addr);
    switch (source) {
    case VPS_PLACE_IPINFO:
        snprintf(out, URL_SIZE, "%s%s%s/json", options->ipinfo_url, text[0] != '\0' ? "/" : "",
                 text);
        break;
    case VPS_PLACE_IPAPI:
        snprintf(out, URL_SIZE, "%s/json/%s", options->ipapi_url, text);
        break;
    default:
        snprintf(out, URL_SIZE, "%s/%s", options->ipwhois_url, text);
        break;
    }
}

static struct curl_slist *make_header(const options_t *options, vps_place_source_t source)
{
    char line[HEADER_SIZE];
    struct curl_slist *header = NULL;

    transfer_header(&header, "Accept: application/json");
    if (source == VPS_PLACE_IPINFO && options->ipinfo_token[0] != '\0') {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", options->ipinfo_token);
        transfer_header(&header, line);
    }
    return header;
}

/* Is the answer one to the question? Then it is in *out. */
static bool read_answer(vps_place_t *out, vps_place_source_t source, const vps_addr_t *addr,
                        const vps_http_t *http)
{
    if (!vps_place_parse(out, source, http->answer, http->answer_size)) {
        return false;
    }
    return addr->version == 0 || (vps_addr_equal(&out->public_ip, addr) && out->country[0] != '\0');
}

/* A number of seconds in a header of the answer, in ms; -1 when there is none. */
static int64_t header_ms(const vps_http_t *http, const char *name)
{
    struct curl_header *header;
    char *end;
    long seconds;

    if (curl_easy_header(http->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return -1;
    }
    seconds = strtol(header->value, &end, 10);
    if (end == header->value || *end != '\0' || seconds < 0) {
        return -1;
    }
    return seconds < DAY / CLOCK_SECOND ? seconds * CLOCK_SECOND : DAY;
}

/* How long the service asks to be left alone, in ms; 0 = it does not. */
static int64_t asked_rest(transfer_kind_t kind, const vps_http_t *http)
{
    const int64_t retry_after = transfer_retry_after(http);
    const int64_t reset = header_ms(http, "X-Ttl");
    const bool has_none_left = header_ms(http, "X-Rl") == 0;

    if (kind == TRANSFER_OK && !has_none_left) {
        return 0;
    }
    if (retry_after > 0) {
        return retry_after;
    }
    if (reset > 0) {
        return reset;
    }
    return has_none_left ? REST_REFUSED : 0;
}

static const char *remedy_of(const options_t *options, vps_place_source_t source,
                             transfer_kind_t kind)
{
    const bool refuses = kind == TRANSFER_UNAUTHORIZED || kind == TRANSFER_FORBIDDEN;

    if (source == VPS_PLACE_IPINFO && refuses && options->ipinfo_token[0] != '\0') {
        return ": is IPINFO_API_TOKEN wrong, or its quota spent?";
    }
    return "";
}

/*
 * An answer, or an error that is about what was asked, is no reason to leave the service alone, but
 * for this question. About ourselves it may be somebody in between who answers, and who goes away
 * with the next network.
 */
static void rest_service(const question_t *question, vps_place_source_t source,
                         transfer_kind_t kind, bool is_useful, const vps_http_t *http)
{
    places_entry_t *entry = question->entry;
    const bool is_reply = kind == TRANSFER_OK || kind == TRANSFER_REFUSED;
    const int64_t asked = asked_rest(kind, http);
    const int64_t now = clock_elapsed();

    rest_after(&question->places->rest[source], is_reply ? TRANSFER_OK : kind, asked, now);
    if (is_useful) {
        rest_after(&entry->rest[source], TRANSFER_OK, 0, now);
    } else if (is_reply) {
        rest_after(&entry->rest[source],
                   entry->addr.version != 0 ? TRANSFER_REFUSED : TRANSFER_FOREIGN, 0, now);
    }
}

static bool ask(const question_t *question, vps_place_source_t source, vps_place_t *out)
{
    const options_t *options = question->options;
    const vps_addr_t *addr = &question->entry->addr;
    struct curl_slist *header = make_header(options, source);
    vps_http_t http;
    char url[URL_SIZE];
    transfer_kind_t kind;
    bool is_useful;

    make_url(url, options, source, addr);
    rest_spend(&question->places->rest[source], clock_elapsed());
    kind = service_get(question->transfer, options, url, header, VPS_PLACE_BODY_MAX, &http);
    is_useful = kind == TRANSFER_OK && read_answer(out, source, addr, &http);
    if (kind != TRANSFER_STOPPED) {
        rest_service(question, source, kind, is_useful, &http);
    }
    if (kind == TRANSFER_OK && !is_useful) {
        kind = TRANSFER_FOREIGN;
    }
    service_tell(&question->places->outage[source], COMPONENT, services[source].name, kind, &http,
                 remedy_of(options, source, kind));
    vps_http_close(&http);
    curl_slist_free_all(header);
    return is_useful;
}

static bool may_ask(const question_t *question, int source)
{
    const options_service_t wanted = question->options->service;
    const int64_t now = clock_elapsed();

    return (wanted == OPTIONS_SERVICE_AUTO || wanted == services[source].option) &&
           transfer_left(question->transfer, 1) > 0 && !transfer_is_silent(question->transfer) &&
           rest_is_over(&question->places->rest[source], now) &&
           rest_is_over(&question->entry->rest[source], now);
}

/* Ask the services in turn; once a signal asks to stop, none of the transfers begins. */
static bool ask_all(const question_t *question, vps_place_t *out)
{
    for (int source = 0; source < PLACES_SERVICES; source++) {
        if (may_ask(question, source) && ask(question, (vps_place_source_t)source, out)) {
            return true;
        }
    }
    memset(out, 0, sizeof(*out));
    return false;
}

/* --- what others call --- */

bool places_find(places_t *places, const options_t *options, transfer_t *transfer,
                 const vps_addr_t *addr, vps_place_t *out)
{
    question_t question = {.places = places, .options = options, .transfer = transfer};
    vps_place_t place;

    memset(out, 0, sizeof(*out));
    if (!vps_addr_is_public(addr)) {
        return false;
    }
    question.entry = entry_of(places, addr);
    if (clock_elapsed() >= question.entry->until && ask_all(&question, &place)) {
        keep(question.entry, &place);
    }
    *out = question.entry->place;
    return out->public_ip.version != 0;
}

bool places_find_self(places_t *places, const options_t *options, transfer_t *transfer,
                      vps_place_t *out)
{
    const question_t question = {
        .places = places, .options = options, .transfer = transfer, .entry = &places->self};

    if (!ask_all(&question, out)) {
        return false;
    }
    places_learn(places, out);
    return true;
}

void places_learn(places_t *places, const vps_place_t *place)
{
    if (vps_addr_is_public(&place->public_ip) && place->country[0] != '\0') {
        keep(entry_of(places, &place->public_ip), place);
    }
}

void places_retry(places_t *places)
{
    for (int source = 0; source < PLACES_SERVICES; source++) {
        rest_retry(&places->rest[source]);
        rest_retry(&places->self.rest[source]);
    }
}

/* What was spent stays so: a reload is no way around a budget. */
static void refresh_rest(rest_t *rest)
{
    *rest = (rest_t){.spent = rest->spent};
}

void places_refresh(places_t *places)
{
    for (int source = 0; source < PLACES_SERVICES; source++) {
        refresh_rest(&places->rest[source]);
    }
    memset(&places->self, 0, sizeof(places->self));
    for (int i = 0; i < PLACES_REMEMBERED; i++) {
        places->entry[i].until = 0;
        memset(places->entry[i].rest, 0, sizeof(places->entry[i].rest));
    }
}
