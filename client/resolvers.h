/* The resolvers that a resolv.conf(5) names. All but resolvers_read() is pure. */
#ifndef RESOLVERS_H
#define RESOLVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

#define RESOLVERS_FILE "/etc/resolv.conf"
#define RESOLVERS_LINK_SIZE 16 /* bytes of the name of a link with its NUL */
#define RESOLVERS_MAX 8        /* more than anybody asks; the rest of a file's does not count */

/*
 * In their order. Zeroed: none. An address of a link ("fe80::1%eth0") may have that link's name, or its
 * number; "" = the file does not say.
 */
typedef struct resolvers_t {
    size_t count;
    vps_addr_t addr[RESOLVERS_MAX];
    char link[RESOLVERS_MAX][RESOLVERS_LINK_SIZE];
} resolvers_t;

/* Read a file; one that cannot be read names none. Never blocks. */
void resolvers_read(resolvers_t *out, const char *path);

/* Read the "nameserver" lines of a file's text of len bytes; what is no address does not count. */
void resolvers_parse(resolvers_t *out, const char *text, size_t len);

bool resolvers_equal(const resolvers_t *a, const resolvers_t *b);

/*
 * Does a route to prefix, of so many bits, lead to one of them? Not to one of this machine or of a
 * single link: that way does not depend on routes.
 */
bool resolvers_covered(const resolvers_t *resolvers, const vps_addr_t *prefix, unsigned bits);

#endif
