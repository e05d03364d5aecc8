/*
 * The module's configuration, one a server: what directives said, completed by environment and
 * defaults.
 *
 * Written while httpd reads its configuration, in one process; read-only afterwards.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "mod_vpnsentinel.h"

#include <stdbool.h>

#include "addr.h"

#define CONFIG_UNSET (-1)

/* Server-wide settings that are a number or a duration. */
typedef enum config_quantity_t {
    CONFIG_RATE_LIMIT,        /* requests a minute and address, 0 = no limit */
    CONFIG_OFFLINE_THRESHOLD, /* usec */
    CONFIG_MAX_CLIENTS,
    CONFIG_QUANTITIES
} config_quantity_t;

/* The members that say "server-wide" are set in the main server only, the others in any. */
typedef struct config_t {
    apr_array_header_t *mounts;  /* mount_t; sorted by config_complete() */
    bool dashboard_off;          /* VPNSentinelDashboard off: drops those of the enclosing server */
    apr_array_header_t *keys;    /* const char *, NULL = not set; empty = "none", open */
    apr_array_header_t *allowed; /* apr_ipsubnet_t *, NULL = not set: everybody */
    apr_int64_t quantities[CONFIG_QUANTITIES]; /* server-wide, CONFIG_UNSET = not set */
    vps_addr_t server_ip[2];     /* server-wide: own public IPv4 and IPv6, or unknown */
    int server_ip_set;           /* server-wide: CONFIG_UNSET, 0 for none, 1 for addresses */
    const char *log_name;        /* server-wide: file, "|program", "none"; NULL = not set */
    bool dashboard_disabled;     /* server-wide, completed: the environment says no dashboard */
    apr_array_header_t *digests; /* completed: of the keys; NULL = closed, empty = open */
} config_t;

/* For the module structure. */
void *config_create(apr_pool_t *p, server_rec *s);
void *config_merge(apr_pool_t *p, void *base, void *add);

/* Read the text of a quantity. Returns NULL, or what is allowed. */
const char *config_read(config_t *config, config_quantity_t quantity, const char *text,
                        apr_pool_t *p);

/*
 * Fill every member that no directive set, of all servers, and check what directives cannot check
 * alone. Returns NULL, or a sentence that names what is wrong and what is allowed.
 */
const char *config_complete(apr_pool_t *p, server_rec *main_server);

/* Is anything mounted in any server? */
bool config_is_mounted(server_rec *main_server);

/* Tell in the error log what an administrator should know of a configuration that works: once a
 * start. */
void config_tell(server_rec *main_server);

/* The configuration of a server; never NULL. */
const config_t *config_of(const server_rec *s);

/* The configuration of the main server: for the server-wide members. */
const config_t *config_global(void);

/* A quantity of the main server. */
apr_int64_t config_quantity(config_quantity_t quantity);

#endif
