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
    CONFIG_METRICS_MAX_CLIENTS, /* clients that have metrics of their own, 0 = none */
    CONFIG_CHECK_INTERVAL,      /* usec */
    CONFIG_FORGET_AFTER,        /* usec, 0 = never */
    CONFIG_EVENT_RETENTION,     /* usec, 0 = for ever */
    CONFIG_FLAP_THRESHOLD,      /* see outbox.h, 0 = never */
    CONFIG_TELEGRAM_THREAD,     /* topic that alerts go to, 0 = none */
    CONFIG_QUANTITIES
} config_quantity_t;

/* Server-wide settings that are a text. */
typedef enum config_text_t {
    CONFIG_TELEGRAM_TOKEN,
    CONFIG_TELEGRAM_CHAT,
    CONFIG_TELEGRAM_BASE,
    CONFIG_IPINFO_URL,
    CONFIG_IPAPI_URL,
    CONFIG_IPINFO_TOKEN,
    CONFIG_PROXY,
    CONFIG_STATE_DIR,
    CONFIG_TEXTS
} config_text_t;

/* VPNSentinelServerPublicIP. */
typedef enum config_server_ip_t {
    CONFIG_SERVER_IP_NONE,
    CONFIG_SERVER_IP_GIVEN, /* addresses */
    CONFIG_SERVER_IP_AUTO   /* asked by the monitor */
} config_server_ip_t;

/* VPNSentinelTelegram. */
typedef enum config_telegram_t {
    CONFIG_TELEGRAM_OFF,
    CONFIG_TELEGRAM_ON,
    CONFIG_TELEGRAM_AUTO /* on when token and chat are set */
} config_telegram_t;

/* The members that say "server-wide" are set in the main server only, the others in any. */
typedef struct config_t {
    apr_array_header_t *mounts;  /* mount_t; sorted by config_complete() */
    bool dashboard_off;          /* VPNSentinelDashboard off: drops those of the enclosing server */
    apr_array_header_t *keys;    /* const char *, NULL = not set; empty = "none", open */
    apr_array_header_t *allowed; /* apr_ipsubnet_t *, NULL = not set: everybody */
    apr_int64_t quantities[CONFIG_QUANTITIES]; /* server-wide, CONFIG_UNSET = not set */
    vps_addr_t server_ip[2]; /* server-wide: own public IPv4 and IPv6, or unknown */
    int server_ip_mode; /* server-wide: config_server_ip_t, CONFIG_UNSET; completed: never unset */
    int telegram;       /* server-wide: config_telegram_t, CONFIG_UNSET; completed: _ON or _OFF */
    bool telegram_unused; /* server-wide, completed: off, but a token or a chat is set and nobody
                             said off */
    const char *telegram_token;   /* server-wide, NULL = not set */
    const char *telegram_chat;    /* server-wide, NULL = not set */
    const char *telegram_base;    /* server-wide; completed: URL without a slash at its end */
    const char *ipinfo_url;       /* the same */
    const char *ipapi_url;        /* the same */
    const char *ipinfo_token;     /* server-wide, NULL = not set */
    const char *proxy;            /* server-wide: URL, NULL = none */
    const char *state_dir;        /* server-wide; completed: absolute path, NULL = none */
    apr_array_header_t *webhooks; /* server-wide: webhook_target_t, NULL = none */
    bool badges;                  /* server-wide */
    const char *log_name;         /* server-wide: file, "|program", "none"; NULL = not set */
    bool dashboard_disabled;      /* server-wide, completed: the environment says no dashboard */
    apr_array_header_t *digests;  /* completed: of the keys; NULL = closed, empty = open */
} config_t;

/* For the module structure. */
void *config_create(apr_pool_t *p, server_rec *s);
void *config_merge(apr_pool_t *p, void *base, void *add);

/* Read one value, of a directive or the environment. Return NULL, or what is allowed. */
const char *config_read(config_t *config, config_quantity_t quantity, const char *value,
                        apr_pool_t *p);
const char *config_read_text(config_t *config, config_text_t text, const char *value,
                             apr_pool_t *p);
const char *config_read_telegram(config_t *config, const char *value);
/* The same for each word of VPNSentinelServerPublicIP, or all in one value. */
const char *config_read_server_ip(config_t *config, const char *value, apr_pool_t *p);

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
