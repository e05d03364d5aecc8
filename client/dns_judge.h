/*
 * What is to be made of DNS. Pure.
 *
 * The way of a query is what counts most: one that leaves by the tunnel is seen by nobody outside of
 * it, whoever answers. The kernel tells it (route.h), but not past a server on this host, which
 * sends queries of its own, and not where the tunnel is somewhere else (a router, another
 * container).
 */
#ifndef DNS_JUDGE_H
#define DNS_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "record.h"
#include "vpn_judge.h"

/*
 * By which path goes what is asked of a server? is_tunneled: a tunnel of this host is the way of
 * its traffic, without which there is nothing to be outside of; way: to the server.
 */
vps_dns_path_t dns_judge_way(bool is_tunneled, const vpn_way_t *way);

/* By which path go all of them: outside if one does, tunnel if all do whose path is known. */
vps_dns_path_t dns_judge_path(const vps_dns_path_t *paths, size_t count);

#endif
