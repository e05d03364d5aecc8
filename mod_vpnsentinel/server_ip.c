#include "server_ip.h"

#include <stdio.h>
#include <string.h>

static const char *const source_names[] = {
    [SERVER_IP_CONFIGURED] = "configured",
    [SERVER_IP_IPINFO] = "ipinfo",
    [SERVER_IP_IPAPI] = "ip-api",
};

#define SOURCES (sizeof(source_names) / sizeof(source_names[0]))

const char *server_ip_source_name(server_ip_source_t source)
{
    return source < SOURCES ? source_names[source] : NULL;
}

static int slot_of(const vps_addr_t *addr)
{
    return addr->version == 6;
}

/* --- as a text --- */

char *server_ip_format(char out[SERVER_IP_TEXT_SIZE], const server_ip_t *ip)
{
    const char *name = server_ip_source_name(ip->source);
    size_t len = 0;

    out[0] = '\0';
    if (name != NULL) {
        len = (size_t)snprintf(out, SERVER_IP_TEXT_SIZE, "%s", name);
    }
    for (int slot = 0; name != NULL && slot < 2; slot++) {
        char text[VPS_ADDR_TEXT_SIZE];

        if (ip->addr[slot].version != 0) {
            len += (size_t)snprintf(out + len, SERVER_IP_TEXT_SIZE - len, " %s",
                                    vps_addr_format(text, &ip->addr[slot]));
        }
    }
    return out;
}

static server_ip_source_t find_source(const char *name, size_t len)
{
    for (size_t i = SERVER_IP_CONFIGURED; i < SOURCES; i++) {
        if (strlen(source_names[i]) == len && memcmp(source_names[i], name, len) == 0) {
            return (server_ip_source_t)i;
        }
    }
    return SERVER_IP_UNKNOWN;
}

/* Read " ADDRESS", one of each kind at most. Returns what is behind it, NULL when it is none. */
static const char *read_address(server_ip_t *out, const char *text)
{
    const size_t len = text[0] == ' ' ? strcspn(text + 1, " ") : 0;
    vps_addr_t addr;

    if (!vps_addr_parse(&addr, text + 1, len) || out->addr[slot_of(&addr)].version != 0) {
        return NULL;
    }
    out->addr[slot_of(&addr)] = addr;
    return text + 1 + len;
}

bool server_ip_parse(server_ip_t *out, const char *text)
{
    const size_t name_len = strcspn(text, " ");
    server_ip_t ip = {.source = (uint8_t)find_source(text, name_len)};
    const char *rest = text + name_len;

    memset(out, 0, sizeof(*out));
    if (ip.source == SERVER_IP_UNKNOWN || *rest == '\0') {
        return false;
    }
    while (rest != NULL && *rest != '\0') {
        rest = read_address(&ip, rest);
    }
    if (rest == NULL) {
        return false;
    }
    *out = ip;
    return true;
}

/* --- the judge --- */

bool server_ip_answered(server_ip_judge_t *judge, server_ip_source_t source, const vps_addr_t *addr)
{
    const int slot = slot_of(addr);
    vps_addr_t *known = &judge->known.addr[slot];
    server_ip_candidate_t *candidate = &judge->candidate[slot];
    const bool agrees = vps_addr_equal(&candidate->addr, addr);

    if (vps_addr_equal(known, addr)) {
        memset(candidate, 0, sizeof(*candidate));
        return false;
    }
    if (!agrees) {
        *candidate = (server_ip_candidate_t){.addr = *addr, .source = (uint8_t)source};
        return false;
    }
    *known = *addr;
    judge->known.source = candidate->source;
    memset(candidate, 0, sizeof(*candidate));
    return true;
}

bool server_ip_is_in_doubt(const server_ip_judge_t *judge)
{
    return judge->known.source == SERVER_IP_UNKNOWN || judge->candidate[0].addr.version != 0 ||
           judge->candidate[1].addr.version != 0;
}
