/*
 * The DNS test: as which addresses the system's resolvers ask the world, and what Cloudflare sees
 * of a query that goes straight there.
 *
 * Each server that the system is configured with is asked for the whoami name (shared/whoami.h):
 * TXT, and when that tells no address, A and AAAA. Cloudflare's resolver is asked, in class CH, for
 * whoami.cloudflare, the address that the query came from, and for id.server, its data centre. The
 * latter two travel the way of all port 53 and say nothing about the system's resolvers.
 *
 * Which way queries take to each of these servers the kernel tells (dns_judge.h).
 *
 * All of it together ends within DNS_LOOK_MAX. An answer of no use and none at all are the same:
 * unknown, told once when it starts and once when it is over.
 */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "outage.h"
#include "record.h"
#include "transfer.h"

#define DNS_LOOK_MAX 5000 /* ms */
#define DNS_LOOK_MIN 500  /* ms; in less no answer can be expected */
#define DNS_SERVERS_MAX 4 /* of the system's that are asked, the first ones */

/* One of the servers that the system is configured with. */
typedef struct dns_server_t {
    vps_addr_t addr;     /* its address there */
    vps_dns_path_t path; /* of what is asked of it */
    vps_addr_t exit;     /* as which it asks the world; unknown = it did not tell */
} dns_server_t;

/* What one look has seen. */
typedef struct dns_view_t {
    dns_server_t servers[DNS_SERVERS_MAX]; /* in their order */
    size_t count;                          /* of them */
    vps_addr_t direct;                     /* where port 53 comes out */
    vps_dns_path_t direct_path;            /* of what is asked of Cloudflare there */
    char colo[VPS_DNS_COLO_MAX + 1];       /* Cloudflare's data centre; "" = unknown */
} dns_view_t;

/* What was seen and told before; a zeroed one has told nothing. */
typedef struct dns_t {
    outage_t resolver;   /* no resolver is known */
    outage_t cloudflare; /* nor what Cloudflare sees */
    outage_t path;       /* port 53 comes out elsewhere than the rest */
    outage_t verdict;    /* it leaks, or somebody answers in place of the servers */
    bool was_odd;        /* what was asked of Cloudflare last came out elsewhere than the rest */
} dns_t;

/*
 * Look, within DNS_LOOK_MAX and the time that the look has left. With less than DNS_LOOK_MIN, or with the
 * option that says so, no query leaves, and all but the paths is unknown. Returns false when a signal
 * asked to stop.
 */
bool dns_look(dns_t *dns, dns_view_t *out, const options_t *options, transfer_t *transfer);

/* Tell when port 53 does not come out where the rest does. */
void dns_compare(dns_t *dns, const dns_view_t *view, const vps_addr_t *public_ip);

#endif
