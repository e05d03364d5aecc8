#include "dns.h"

#include <arpa/nameser.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dns_ask.h"
#include "dns_judge.h"
#include "iface.h"
#include "log.h"
#include "resolvers.h"
#include "route.h"
#include "vpn_sight.h"
#include "whoami.h"

#define PORT 53        /* of the system's servers */
#define NOT_ASKED (-1) /* no status of c-ares */

/* The system's servers as dns_ask_server() takes them. */
typedef struct names_t {
    char name[DNS_SERVERS_MAX][DNS_ASK_SERVER_SIZE];
    size_t count;
} names_t;

/* One of the system's servers, and as which address it asks the world, by each type of record. */
typedef struct server_t {
    dns_ask_t *ask;
    const char *whoami; /* the name */
    const char *name;
    int number;
    int status; /* of the TXT query: ARES_SUCCESS or why not, NOT_ASKED */
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

_Static_assert(DNS_SERVERS_MAX + 1 <= DNS_ASK_SERVERS, "all are asked at once");
_Static_assert(VPS_WHOAMI_COLO_SIZE <= VPS_DNS_COLO_MAX + 1, "a code fits");

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

static void ask_system(server_t servers[DNS_SERVERS_MAX], names_t *names, dns_ask_t *ask,
                       const options_t *options)
{
    for (size_t i = 0; i < names->count; i++) {
        server_t *server = &servers[i];

        *server = (server_t){
            .ask = ask, .whoami = options->dns_whoami, .name = names->name[i], .status = NOT_ASKED};
        server->number = dns_ask_server(ask, server->name);
        if (server->number >= 0) {
            dns_ask(ask, server->number, server->whoami, ns_c_in, ns_t_txt, answered_txt, server);
        }
    }
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

/* --- ways --- */

/*
 * Which servers does the system ask, as dns_ask_server() takes them? Those that its file names; without
 * any, one on this host. (c-ares would not tell of which link an address of a link is, or leave it out.)
 */
static void find_servers(names_t *names, resolvers_t *out)
{
    char text[VPS_ADDR_TEXT_SIZE];

    resolvers_read(out, RESOLVERS_FILE);
    if (out->count == 0) {
        vps_addr_parse(&out->addr[out->count++], "127.0.0.1", strlen("127.0.0.1"));
    }
    names->count = out->count < DNS_SERVERS_MAX ? out->count : DNS_SERVERS_MAX;
    for (size_t i = 0; i < names->count; i++) {
        vps_addr_format(text, &out->addr[i]);
        snprintf(names->name[i], sizeof(names->name[i]),
                 out->addr[i].version == 4 ? "%s%s%s:%d" : "[%s%s%s]:%d", text,
                 out->link[i][0] != '\0' ? "%" : "", out->link[i], PORT);
    }
}

/* The way by this link, given by its name or number. */
static void find_link(vpn_way_t *out, const char *link)
{
    unsigned index = if_nametoindex(link);
    char *end;

    if (index == 0) {
        index = (unsigned)strtoul(link, &end, 10);
        if (*end != '\0') {
            return;
        }
    }
    if (if_indextoname(index, out->name) != NULL) {
        out->link = iface_link(out->name);
    }
}

/*
 * Which way takes what is asked of a server, at an address of this link if there is one? Says so in the
 * debug log.
 */
static vps_dns_path_t find_path(const char *server, const vps_addr_t *addr, uint16_t port,
                                const char *link, bool is_tunneled)
{
    static const char *const words[] = {
        [VPS_DNS_PATH_UNKNOWN] = "unknown",
        [VPS_DNS_PATH_TUNNEL] = "tunnel",
        [VPS_DNS_PATH_OUTSIDE] = "outside",
    };
    vpn_way_t way = {.link = VPN_LINK_UNSEEN};
    vps_dns_path_t path;

    if (link[0] != '\0') {
        find_link(&way, link);
    } else {
        route_find(&way, addr, (route_flow_t){IPPROTO_UDP, port});
    }
    path = dns_judge_way(is_tunneled, &way);
    log_write(VPS_DEBUG, "dns", "Queries to %s leave by %s: path %s", server,
              way.name[0] != '\0' ? way.name : "no interface that is known", words[path]);
    return path;
}

static void find_paths(dns_view_t *out, names_t *names, const options_t *options)
{
    vpn_sight_t sight = {.was_tunnel = false};
    resolvers_t resolvers;
    bool is_tunneled;
    vps_addr_t addr;
    uint16_t port;

    vpn_sight_take(&sight);
    is_tunneled = vpn_judge(&sight).reason == VPN_BY_TUNNEL;
    find_servers(names, &resolvers);
    out->count = names->count;
    for (size_t i = 0; i < out->count; i++) {
        out->servers[i].addr = resolvers.addr[i];
        out->servers[i].path =
            find_path(names->name[i], &resolvers.addr[i], PORT, resolvers.link[i], is_tunneled);
    }
    if (dns_ask_address(options->cloudflare_dns, &addr, &port)) {
        out->direct_path = find_path(options->cloudflare_dns, &addr, port, "", is_tunneled);
    }
}

/* --- what it comes to --- */

static const vps_addr_t *exit_of(const server_t *server)
{
    return server->by_txt.version != 0 ? &server->by_txt
           : server->by_a.version != 0 ? &server->by_a
                                       : &server->by_aaaa;
}

/* Does one of the servers before this one come out at the same address? */
static bool is_repeated(const dns_view_t *view, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (vps_addr_equal(&view->servers[i].exit, &view->servers[index].exit)) {
            return true;
        }
    }
    return false;
}

static void log_view(const dns_view_t *view)
{
    char resolvers[DNS_SERVERS_MAX * (VPS_ADDR_TEXT_SIZE + 1)] = "";
    char text[VPS_ADDR_TEXT_SIZE];
    size_t used = 0;

    for (size_t i = 0; i < view->count; i++) {
        if (view->servers[i].exit.version != 0 && !is_repeated(view, i)) {
            used += (size_t)snprintf(resolvers + used, sizeof(resolvers) - used, " %s",
                                     vps_addr_format(text, &view->servers[i].exit));
        }
    }
    log_write(VPS_DEBUG, "dns", "Resolvers come out at:%s | Port 53 at: %s | Colo: %s", resolvers,
              vps_addr_format(text, &view->direct), view->colo);
}

/* --- telling --- */

/* Is it known of one of the servers where it comes out? */
static bool tells_exit(const dns_view_t *view)
{
    for (size_t i = 0; i < view->count; i++) {
        if (view->servers[i].exit.version != 0) {
            return true;
        }
    }
    return false;
}

static const char *reason(int status)
{
    return status == ARES_SUCCESS      ? "no public address in the answer"
           : status == NOT_ASKED       ? "it cannot be asked from here"
           : status == ARES_ECANCELLED ? ares_strerror(ARES_ETIMEOUT)
                                       : ares_strerror(status);
}

static void tell_resolver(dns_t *dns, const server_t *servers, const dns_view_t *view)
{
    const int64_t now = clock_elapsed();
    const char *name = servers[0].name;
    const int status = servers[0].status;
    char length[OUTAGE_LENGTH_SIZE];

    if (!tells_exit(view)) {
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

/*
 * A first wait, which is all when nothing at all comes in through the tunnel, and the rest of the time,
 * which is less by now when the network has changed.
 */
static bool wait_for_answers(dns_ask_t *ask, transfer_t *transfer, int64_t ms)
{
    const int64_t first = ms < PATIENCE_SILENT ? ms : PATIENCE_SILENT;

    return dns_ask_wait(ask, transfer->wait, first) &&
           (!pulse_beats(&transfer->pulse) ||
            dns_ask_wait(ask, transfer->wait, transfer_left(transfer, ms - first)));
}

bool dns_look(dns_t *dns, dns_view_t *out, const options_t *options, transfer_t *transfer)
{
    const int64_t ms = transfer_left(transfer, DNS_LOOK_MAX);
    dns_ask_t ask;
    names_t names;
    server_t servers[DNS_SERVERS_MAX] = {0};
    cloudflare_t cloudflare;
    bool is_done;

    memset(out, 0, sizeof(*out));
    find_paths(out, &names, options);
    if (ms < DNS_LOOK_MIN || options->dns_whoami[0] == '\0' || !dns_ask_open(&ask)) {
        return true;
    }
    ask_system(servers, &names, &ask, options);
    ask_cloudflare(&cloudflare, &ask, options);
    is_done = wait_for_answers(&ask, transfer, ms);
    dns_ask_close(&ask);
    if (!is_done) {
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        out->servers[i].exit = *exit_of(&servers[i]);
    }
    out->direct = cloudflare.direct;
    memcpy(out->colo, cloudflare.colo, sizeof(cloudflare.colo));
    tell_resolver(dns, servers, out);
    tell_cloudflare(dns, &cloudflare, options);
    log_view(out);
    return true;
}
