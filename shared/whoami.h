/*
 * Names in the DNS whose answer is the address that asked for them. Asked through a resolver, they
 * tell as which address that resolver asks the world:
 *
 *   "198.51.100.53"                 o-o.myaddr.l.google.com, whoami.cloudflare (CH), and others;
 *                                   beside it may stand "edns0-client-subnet 203.0.113.0/24"
 *   "ns" "198.51.100.53"            whoami.ds.akahelp.net; beside it "ecs" "…" and "ip" "…"
 *   "Resolver IP: 198.51.100.53"    resolver.dnscrypt.info
 *   "resolver: 198.51.100.53"       test.dnscheck.tools
 *   an A or AAAA record             whoami.akamai.net, whoami.v4.powerdns.org
 *
 * Only a public address counts (vps_addr_is_public): nobody sees a resolver at another one.
 *
 * Pure, thread-safe.
 */
#ifndef VPS_WHOAMI_H
#define VPS_WHOAMI_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

#define VPS_WHOAMI_COLO_SIZE 4 /* bytes of "FRA" with its NUL */

/* What the strings of an answer's TXT records told; zeroed = none was read yet. */
typedef struct vps_whoami_t {
    vps_addr_t addr;      /* the first one that is told */
    bool is_address_next; /* the string before was "ns" */
} vps_whoami_t;

/* Read the next string, in the order of the answer; first: it begins a record. */
void vps_whoami_read(vps_whoami_t *whoami, bool first, const char *text, size_t len);

/*
 * The code of a data centre as Cloudflare's id.server (CH) tells it, three capital letters. Returns
 * false, out untouched, when the text is anything else.
 */
bool vps_whoami_colo(char out[VPS_WHOAMI_COLO_SIZE], const char *text, size_t len);

#endif
