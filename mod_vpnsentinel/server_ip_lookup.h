/*
 * Asks the look-up services for the server's own address, in the monitor: ipinfo.io, then
 * ip-api.com, and again while in doubt.
 */
#ifndef SERVER_IP_LOOKUP_H
#define SERVER_IP_LOOKUP_H

#include "apr_pools.h"

#include "server_ip.h"
#include "transfer.h"

#define SERVER_IP_REFRESH INT64_C(3600000000)  /* usec between look-ups while nothing is in doubt */
#define SERVER_IP_RETRY_MIN INT64_C(2000000)   /* usec before the next one else; doubles up to */
#define SERVER_IP_RETRY_MAX INT64_C(300000000) /* usec */
#define SERVER_IP_REST INT64_C(600000000) /* usec that a service which refuses rests at least */

typedef struct server_ip_lookup_t server_ip_lookup_t;

typedef struct server_ip_lookup_settings_t {
    const char *ipinfo_url; /* bases without a slash at their end */
    const char *ipapi_url;
    const char *ipinfo_token; /* or NULL */
} server_ip_lookup_settings_t;

/* known: what was in force before this process (source unknown = nothing). changed: called when the
 * address in force is another. settings must outlive it. NULL when memory is out. */
server_ip_lookup_t *server_ip_lookup_create(const server_ip_lookup_settings_t *settings,
                                            const server_ip_t *known, transfers_t *transfers,
                                            void (*changed)(void *ctx, const server_ip_t *ip),
                                            void *ctx, apr_pool_t *pool);

/* Ask if it is time. Returns when to be called again (monotonic usec). */
int64_t server_ip_lookup_tend(server_ip_lookup_t *lookup, int64_t now);

#endif
