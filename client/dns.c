#include "dns.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "dns_ask.h"
#include "log.h"
#include "whoami.h"

/* One of the system's servers, and as which address it asks the world, by each type of record. */
typedef struct server_t {
    dns_ask_t *ask;
    const char *whoami; /* the name */
    char name[DNS_ASK_SERVER_SIZE];
    int number;
    int status; /* of the TXT query: ARES_SUCCESS or why not */
    vps_addr_t by_txt;
    vps_addr_t by_a;
    vps_addr_t by_aaaa;
} server_t;

/* Cloudflare's view. */
typedef struct cloudflare_t {
    int status; /* of the query for the address */
    vps_addr_t direct;
    char colo[VPS_WHOAMI_COLO_SIZE];
} cloudflare_t;

_Static_assert(DNS_RESOLVERS_MAX + 1 <= DNS_ASK_SERVERS, "all are asked at once");
_Static_assert(VPS_WHOAMI_COLO_SIZE <= VPS_DNS_COLO_MAX + 1, "a code fits");
_Static_assert(VPS_COUNTRY_MAX == VPS_DNS_LOC_MAX, "a country is copied as it is");

/* --- answers --- */

static vps_addr_t address_in_texts(const unsigned char *answer, int size)
{
    struct ares_txt_ext *texts = NULL;
    vps_whoami_t whoami = {0};

    if (ares_parse_txt_reply_ext(answer, size, &texts) == ARES_SUCCESS) {
        for (const struct ares_txt_ext *text = texts; text != NULL; text = text->next) {
            vps_whoami_read(&whoami, text->record_start != 0, (const char *)text->txt,
                            text->length);
        }
        ares_free_data(texts);
    }
    return whoami.addr;
}

static void keep_public(vps_addr_t *out, uint8_t version, const void *bytes)
{
    vps_addr_t addr;

    vps_addr_from_bytes(&addr, version, bytes);
    if (vps_addr_is_public(&addr)) {
        *out = addr;
    }
}

static void answered_a(void *arg, int status, const unsigned char *answer, int size)
{
    server_t *server = arg;
    struct ares_addrttl first;
    int count = 1;

    if (status == ARES_SUCCESS &&
        ares_parse_a_reply(answer, size, NULL, &first, &count) == ARES_SUCCESS && count == 1) {
        keep_public(&server->by_a, 4, &first.ipaddr);
    }
}

static void answered_aaaa(void *arg, int status, const unsigned char *answer, int size)
{
    server_t *server = arg;
    struct ares_addr6ttl first;
    int count = 1;

    if (status == ARES_SUCCESS &&
        ares_parse_aaaa_reply(answer, size, NULL, &first, &count) == ARES_SUCCESS && count == 1) {
        keep_public(&server->by_aaaa, 6, &first.ip6addr);
    }
}

static void answered_txt(void *arg, int status, const unsigned char *answer, int size)
{
    server_t *server = arg;

    server->status = status;
    if (status == ARES_SUCCESS) {
        server->by_txt = address_in_texts(answer, size);
    }
    if (server->by_txt.version == 0 && status != ARES_ECANCELLED) {
        dns_ask(server->ask, server->number, server->whoami, ns_c_in, ns_t_a, answered_a, server);
        dns_ask(server->ask, server->number, server->whoami, ns_c_in, ns_t_aaaa, answered_aaaa,
                server);
    }
}

static void answered_direct(void *arg, int status, const unsigned char *answer, int size)
{
    cloudflare_t *cloudflare = arg;

    cloudflare->status = status;
    if (status == ARES_SUCCESS) {
        cloudflare->direct = address_in_texts(answer, size);
    }
}

static void answered_colo(void *arg, int status, const unsigned char *answer, int size)
{
    cloudflare_t *cloudflare = arg;
    struct ares_txt_ext *texts = NULL;

    if (status == ARES_SUCCESS && ares_parse_txt_reply_ext(answer, size, &texts) == ARES_SUCCESS &&
        texts != NULL) {
        vps_whoami_colo(cloudflare->colo, (const char *)texts->txt, texts->length);
    }
    ares_free_data(texts);
}

/* --- questions --- */

static size_t ask_system(server_t servers[DNS_RESOLVERS_MAX], dns_ask_t *ask,
                         const options_t *options)
{
    char names[DNS_RESOLVERS_MAX][DNS_ASK_SERVER_SIZE];
    const size_t count = dns_ask_system_servers(names, DNS_RESOLVERS_MAX);

    for (size_t i = 0; i < count; i++) {
        server_t *server = &servers[i];

        *server = (server_t){.ask = ask, .whoami = options->dns_whoami, .status = ARES_ENOMEM};
        memcpy(server->name, names[i], sizeof(server->name));
        server->number = dns_ask_server(ask, names[i]);
        if (server->number >= 0) {
            dns_ask(ask, server->number, server->whoami, ns_c_in, ns_t_txt, answered_txt, server);
        }
    }
    return count;
}

static void ask_cloudflare(cloudflare_t *cloudflare, dns_ask_t *ask, const options_t *options)
{
    const int number = dns_ask_server(ask, options->cloudflare_dns);

    *cloudflare = (cloudflare_t){.status = ARES_ENOMEM};
    if (number >= 0) {
        dns_ask(ask, number, "whoami.cloudflare", ns_c_chaos, ns_t_txt, answered_direct,
                cloudflare);
        dns_ask(ask, number, "id.server", ns_c_chaos, ns_t_txt, answered_colo, cloudflare);
    }
}

/* --- what it comes to --- */

static const vps_addr_t *exit_of(const server_t *server)
{
    return server->by_txt.version != 0 ? &server->by_txt
           : server->by_a.version != 0 ? &server->by_a
                                       : &server->by_aaaa;
}

static void add_resolver(dns_view_t *view, const vps_addr_t *addr)
{
    for (size_t i = 0; i < view->count; i++) {
        if (vps_addr_equal(&view->resolvers[i], addr)) {
            return;
        }
    }
    if (addr->version != 0) {
        view->resolvers[view->count++] = *addr;
    }
}

static void log_view(const dns_view_t *view)
{
    char resolvers[DNS_RESOLVERS_MAX * (VPS_ADDR_TEXT_SIZE + 1)] = "";
    char text[VPS_ADDR_TEXT_SIZE];

    for (size_t i = 0; i < view->count; i++) {
        strcat(resolvers, " ");
        strcat(resolvers, vps_addr_format(text, &view->resolvers[i]));
    }
    log_write(VPS_DEBUG, "dns", "Resolvers come out at:%s | Port 53 at: %s | Colo: %s", resolvers,
              vps_addr_format(text, &view->direct), view->colo);
}

/* --- telling --- */

static const char *reason(int status)
{
    return status == ARES_SUCCESS      ? "no public address in the answer"
           : status == ARES_ECANCELLED ? ares_strerror(ARES_ETIMEOUT)
                                       : ares_strerror(status);
}

static void tell_resolver(dns_t *dns, const server_t *servers, size_t count, bool is_known)
{
    const int64_t now = clock_elapsed();
    const char *name = count > 0 ? servers[0].name : "no server";
    const int status = count > 0 ? servers[0].status : ARES_EFILE;
    char length[OUTAGE_LENGTH_SIZE];

    if (!is_known) {
        const bool news = outage_fail(&dns->resolver, (unsigned)status % 32, now);

        log_write(news ? VPS_WARN : VPS_DEBUG, "dns",
                  "⚠️ The system's resolver does not tell where it comes out: %s: %s", name,
                  reason(status));
    } else if (outage_end(&dns->resolver, now, length)) {
        log_write(VPS_INFO, "dns",
                  "✅ The system's resolver tells where it comes out again after %s", length);
    }
}

static void tell_cloudflare(dns_t *dns, const cloudflare_t *cloudflare, const options_t *options)
{
    const int64_t now = clock_elapsed();
    char length[OUTAGE_LENGTH_SIZE];

    if (cloudflare->direct.version == 0) {
        const bool news = outage_fail(&dns->cloudflare, (unsigned)cloudflare->status % 32, now);

        log_write(news ? VPS_WARN : VPS_DEBUG, "dns",
                  "⚠️ No usable answer from Cloudflare's resolver: %s: %s",
                  options->cloudflare_dns, reason(cloudflare->status));
    } else if (outage_end(&dns->cloudflare, now, length)) {
        log_write(VPS_INFO, "dns", "✅ Cloudflare's resolver answers again after %s", length);
    }
}

void dns_compare(dns_t *dns, const dns_view_t *view, const vps_addr_t *public_ip)
{
    const int64_t now = clock_elapsed();
    char length[OUTAGE_LENGTH_SIZE], here[VPS_ADDR_TEXT_SIZE], there[VPS_ADDR_TEXT_SIZE];

    if (view->direct.version == 0 || view->direct.version != public_ip->version) {
        return; /* nothing to be compared; an exit has an address of each version */
    }
    if (!vps_addr_equal(&view->direct, public_ip)) {
        const bool news = outage_fail(&dns->path, 0, now);

        log_write(
            news ? VPS_WARN : VPS_DEBUG, "dns",
            "⚠️ Port 53 comes out at %s, the rest at %s: DNS takes another way, or somebody "
            "answers in place of the servers",
            vps_addr_format(there, &view->direct), vps_addr_format(here, public_ip));
    } else if (outage_end(&dns->path, now, length)) {
        log_write(VPS_INFO, "dns", "✅ Port 53 comes out where the rest does again after %s",
                  length);
    }
}

/* --- looking --- */

bool dns_look(dns_t *dns, dns_view_t *out, const options_t *options, wait_t *wait)
{
    dns_ask_t ask;
    server_t servers[DNS_RESOLVERS_MAX];
    cloudflare_t cloudflare;
    size_t count;
    bool is_done;

    memset(out, 0, sizeof(*out));
    if (options->dns_whoami[0] == '\0' || !dns_ask_open(&ask)) {
        return true;
    }
    count = ask_system(servers, &ask, options);
    ask_cloudflare(&cloudflare, &ask, options);
    is_done = dns_ask_wait(&ask, wait, DNS_LOOK_MAX);
    dns_ask_close(&ask);
    if (!is_done) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        add_resolver(out, exit_of(&servers[i]));
    }
    out->direct = cloudflare.direct;
    memcpy(out->colo, cloudflare.colo, sizeof(cloudflare.colo));
    tell_resolver(dns, servers, count, out->count > 0);
    tell_cloudflare(dns, &cloudflare, options);
    log_view(out);
    return true;
}

void dns_fill(vps_record_t *record, const dns_view_t *view, size_t chosen, const vps_place_t *place)
{
    const char *country = place->location[0] != '\0' ? place->location : place->country;

    if (view->count > 0) {
        record->dns_resolver_ip = view->resolvers[chosen];
    }
    if (record->dns_colo[0] == '\0') {
        memcpy(record->dns_colo, view->colo, sizeof(record->dns_colo));
    }
    if (view->count > 0 && country[0] != '\0' &&
        vps_addr_equal(&place->public_ip, &view->resolvers[chosen])) {
        memcpy(record->dns_loc, country, sizeof(record->dns_loc));
        record->dns_source = VPS_DNS_RESOLVER;
    } else if (record->dns_loc[0] != '\0') {
        record->dns_source = VPS_DNS_TRACE;
    }
}
