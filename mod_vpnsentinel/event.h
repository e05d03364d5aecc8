/*
 * An event: something that was announced, of one client or of the server itself. What the store
 * keeps, Telegram and the log tell and the API lists.
 *
 * POD of fixed size: lives in shared memory too. Pure functions, thread-safe.
 */
#ifndef EVENT_H
#define EVENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "record.h"

#define EVENT_NOTE_SIZE 200 /* bytes with the NUL */

/* Stored by their names (event_name), never by number. */
typedef enum event_kind_t {
    EVENT_CONNECTED, /* first keepalive ever, or after offline; seconds: length of the silence */
    EVENT_ADDRESS,   /* another public IP: from, to */
    EVENT_LEAK, /* DNS leak began: dns_verdict, or without one place and dns; and the resolver */
    EVENT_LEAK_OVER,      /* and ended: the same; seconds: how long it was */
    EVENT_IPV6_LEAK,      /* IPv6 leak began: ipv6_verdict, public_ip6 */
    EVENT_IPV6_LEAK_OVER, /* and ended: the same; seconds: how long it was */
    EVENT_BYPASS,      /* the client's public IP is the server's own; or its public_ip6, if known */
    EVENT_BYPASS_OVER, /* no longer; seconds: the same */
    EVENT_DISCONNECTED,   /* vpn_connected: false */
    EVENT_RECONNECTED,    /* true again; seconds: length of the outage */
    EVENT_OFFLINE,        /* seconds: the silence */
    EVENT_FORGOTTEN,      /* stale, removed; seconds: the silence */
    EVENT_STARTED,        /* the server started */
    EVENT_SERVER_ADDRESS, /* the server's own address changed: from, to; note: what that makes of
                             clients when it is more than one */
    EVENT_KINDS
} event_kind_t;

/* uid and number are its identity: no two events have the same. Texts as in record.h. */
typedef struct event_t {
    uint64_t id;                           /* in order of recording, from 1; 0 = not yet */
    uint64_t uid;                          /* of the client; 0 = the server */
    uint64_t number;                       /* of the events of this uid */
    int64_t when;                          /* sec since epoch: when it happened */
    uint32_t seconds;                      /* see event_kind_t; 0 = not known */
    uint32_t merged;                       /* changes in between that cannot be told singly */
    uint8_t kind;                          /* event_kind_t */
    uint8_t light;                         /* light_t + 1, of the client behind it; 0 = not known */
    uint8_t dns_path;                      /* see record.h */
    uint8_t dns_verdict;                   /* the same */
    uint8_t ipv6_verdict;                  /* the same */
    vps_addr_t from;                       /* address before, or unknown */
    vps_addr_t to;                         /* public IP now, or unknown */
    vps_addr_t public_ip6;                 /* the IPv6 exit that it is about, or unknown */
    vps_addr_t dns_resolver_ip;            /* see record.h */
    char place[3];                         /* country of the exit, alpha-2, "" = unknown */
    char dns[3];                           /* country of DNS, alpha-2 */
    char client_id[VPS_CLIENT_ID_MAX + 1]; /* "" = the server */
    char city[VPS_CITY_MAX + 1];           /* of the exit */
    char provider[VPS_PROVIDER_MAX + 1];   /* of the exit */
    char dns_colo[VPS_DNS_COLO_MAX + 1];   /* see record.h */
    char note[EVENT_NOTE_SIZE];            /* see event_kind_t */
} event_t;

/* "connected", "ip_changed", "dns_leak", "dns_leak_over", "ipv6_leak", "ipv6_leak_over", "bypass",
 * "bypass_over", "vpn_disconnected", "vpn_reconnected", "offline", "forgotten", "server_started",
 * "server_ip_changed". */
const char *event_name(event_kind_t kind);

/* The kind of this name; false when there is none. */
bool event_kind_parse(event_kind_t *out, const char *name);

/*
 * What there is to say besides id, uid, number, when, kind and client_id: a JSON object of the
 * members "from", "to", "public_ip6", "place", "dns", "dns_colo", "dns_resolver_ip", "city", "provider",
 * "seconds", "merged", "note", and, by their names, "dns_path", "dns_verdict", "ipv6_verdict", "light";
 * what is unknown or 0 is left out. The caller owns it; NULL when memory is out.
 */
json_object *event_detail_to_json(const event_t *event);

/*
 * Read that back from a text, which may be anything: members that are not as they should be count as
 * unknown. Returns false, all of them unknown, when it is no JSON object at all.
 */
bool event_detail_parse(event_t *event, const char *text, size_t len);

#endif
