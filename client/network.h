/*
 * Networks: which one an address is in, by its first bits or by the number of the autonomous system
 * (AS) that announces it. Pure.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define NETWORK_LIST_MAX 32 /* entries */

/* An address as which somebody is seen on the Internet, and whose it is. */
typedef struct network_origin_t {
    vps_addr_t addr; /* unknown = nothing is known */
    uint32_t as;     /* 0 = unknown */
} network_origin_t;

/* An entry of a list: an AS, or addresses. */
typedef struct network_t {
    uint32_t as;     /* 0 = it is one of addresses */
    vps_addr_t addr; /* that begin with the first bits of this one */
    unsigned bits;
} network_t;

typedef struct network_list_t {
    network_t network[NETWORK_LIST_MAX];
    size_t count;
} network_list_t;

/*
 * The AS in the text that a look-up service tells for a provider, "AS9009 M247"; 0 = it tells none.
 * The format is that of provider in record.h.
 */
uint32_t network_as(const char *provider);

/*
 * Are these two known addresses so near that one site has both? The same /24 of IPv4, the same /48
 * of IPv6, which are the smallest networks that are announced on the Internet.
 */
bool network_is_near(const vps_addr_t *a, const vps_addr_t *b);

/*
 * Read a list of addresses, ranges "192.0.2.0/24", and ASes "AS9009" in any case, with commas or
 * space between them. Returns false, *out unspecified, when it has anything else, no entry, or more
 * than NETWORK_LIST_MAX.
 */
bool network_list_read(network_list_t *out, const char *text);

/* Is an address among those of the list? An unknown one is not. */
bool network_list_has_addr(const network_list_t *list, const vps_addr_t *addr);

/* Is an AS in the list? The unknown one is not. */
bool network_list_has_as(const network_list_t *list, uint32_t as);

#endif
