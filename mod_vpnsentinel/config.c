#include "config.h"

#include "http_main.h"

#include "apr_strings.h"

#include "keyring.h"
#include "mount.h"
#include "ratelimit.h"
#include "setting.h"

/* What a quantity may be, and is when nobody says. */
typedef struct quantity_t {
    const char *variable; /* of the environment, NULL = none */
    bool is_duration;     /* in usec, the numbers here in sec */
    int min, max, initial;
} quantity_t;

static const quantity_t quantities[CONFIG_QUANTITIES] = {
    [CONFIG_RATE_LIMIT] = {"VPN_SENTINEL_SERVER_RATE_LIMIT", false, 0, RATELIMIT_MAX, 30},
    [CONFIG_OFFLINE_THRESHOLD] = {"VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD", true, 2, 604800, 300},
    [CONFIG_MAX_CLIENTS] = {NULL, false, 1, 1000000, 10000},
};

void *config_create(apr_pool_t *p, server_rec *s)
{
    config_t *config = apr_pcalloc(p, sizeof *config);
    int i;

    (void)s;
    config->mounts = apr_array_make(p, 4, sizeof(mount_t));
    config->server_ip_set = CONFIG_UNSET;
    for (i = 0; i < CONFIG_QUANTITIES; i++) {
        config->quantities[i] = CONFIG_UNSET;
    }
    return config;
}

/* The mounts of a virtual host: its own, and the main server's but for a dashboard that is switched
 * off. */
static apr_array_header_t *merge_mounts(apr_pool_t *p, const config_t *base, const config_t *add)
{
    apr_array_header_t *mounts = apr_array_copy(p, add->mounts);
    const mount_t *mount = (const mount_t *)base->mounts->elts;
    int i;

    for (i = 0; i < base->mounts->nelts; i++) {
        if (mount[i].kind != MOUNT_DASHBOARD || !add->dashboard_off) {
            APR_ARRAY_PUSH(mounts, mount_t) = mount[i];
        }
    }
    return mounts;
}

void *config_merge(apr_pool_t *p, void *base_config, void *add_config)
{
    const config_t *base = base_config, *add = add_config;
    config_t *config =
        apr_pmemdup(p, base, sizeof *base); /* server-wide members: the main server's */

    config->mounts = merge_mounts(p, base, add);
    config->dashboard_off = add->dashboard_off;
    config->keys = add->keys != NULL ? add->keys : base->keys;
    config->allowed = add->allowed != NULL ? add->allowed : base->allowed;
    return config;
}

const config_t *config_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &vpnsentinel_module);
}

const config_t *config_global(void)
{
    return config_of(ap_server_conf);
}

apr_int64_t config_quantity(config_quantity_t quantity)
{
    return config_global()->quantities[quantity];
}

/* --- completion: environment, defaults, checks --- */

const char *config_read(config_t *config, config_quantity_t quantity, const char *text,
                        apr_pool_t *p)
{
    const quantity_t *rule = &quantities[quantity];
    apr_int64_t *out = &config->quantities[quantity];

    return rule->is_duration ? setting_duration(p, out, text, rule->min, rule->max)
                             : setting_number(p, out, text, rule->min, rule->max);
}

static const char *complete_quantity(apr_pool_t *p, config_t *config, config_quantity_t quantity)
{
    const quantity_t *rule = &quantities[quantity];
    const char *value = rule->variable != NULL ? setting_env(rule->variable) : NULL, *wrong;

    if (config->quantities[quantity] != CONFIG_UNSET) {
        return NULL;
    }
    config->quantities[quantity] =
        rule->is_duration ? apr_time_from_sec(rule->initial) : rule->initial;
    if (value == NULL) {
        return NULL;
    }
    wrong = config_read(config, quantity, value, p);
    return wrong != NULL ? setting_fault(p, rule->variable, value, wrong) : NULL;
}

static const char *complete_quantities(apr_pool_t *p, config_t *config)
{
    const char *wrong = NULL;
    int i;

    for (i = 0; i < CONFIG_QUANTITIES && wrong == NULL; i++) {
        wrong = complete_quantity(p, config, (config_quantity_t)i);
    }
    return wrong;
}

static const char *complete_server_ip(apr_pool_t *p, config_t *config)
{
    static const char name[] = "VPN_SENTINEL_SERVER_PUBLIC_IP";
    const char *value = setting_env(name), *wrong;

    if (config->server_ip_set != CONFIG_UNSET || value == NULL) {
        return NULL;
    }
    wrong = setting_server_ip(p, config->server_ip, value);
    return wrong != NULL ? setting_fault(p, name, value, wrong) : NULL;
}

static const char *complete_dashboard(apr_pool_t *p, config_t *config)
{
    static const char name[] = "VPN_SENTINEL_WEB_DASHBOARD_ENABLED";
    const char *value = setting_env(name), *wrong;
    bool enabled = true;

    if (value == NULL) {
        return NULL;
    }
    wrong = setting_boolean(&enabled, value);
    config->dashboard_disabled = !enabled;
    return wrong != NULL ? setting_fault(p, name, value, wrong) : NULL;
}

static const char *complete_keys(apr_pool_t *p, config_t *config)
{
    static const char name[] = "VPN_SENTINEL_API_KEY";
    const char *value = setting_env(name), *wrong;

    if (config->keys == NULL && value != NULL) {
        wrong = strcmp(value, "none") != 0
                    ? keyring_check(value)
                    : "none is no key; only the directive \"VPNSentinelAPIKey none\" opens the API";
        if (wrong != NULL) {
            return apr_psprintf(p, "%s: %s", name, wrong);
        }
        config->keys = apr_array_make(p, 1, sizeof(const char *));
        APR_ARRAY_PUSH(config->keys, const char *) = apr_pstrdup(p, value);
    }
    if (config->keys != NULL) {
        config->digests = keyring_create(config->keys, p);
        if (config->digests == NULL) {
            return "no random bytes can be had to protect the API keys with";
        }
    }
    return NULL;
}

static const char *complete_allowed(apr_pool_t *p, config_t *config)
{
    static const char name[] = "VPN_SENTINEL_ALLOWED_IPS";
    static const char switch_name[] = "VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED";
    const char *value = setting_env(name), *on = setting_env(switch_name), *wrong;
    bool enabled = false;

    if (on != NULL) {
        wrong = setting_boolean(&enabled, on);
        if (wrong != NULL) {
            return setting_fault(p, switch_name, on, wrong);
        }
    }
    if (config->allowed != NULL || !enabled) {
        return NULL;
    }
    config->allowed = apr_array_make(p, 8, sizeof(void *));
    wrong = value != NULL ? setting_networks(config->allowed, value) : NULL;
    if (wrong != NULL) {
        return setting_fault(p, name, value, wrong);
    }
    if (config->allowed->nelts == 0) {
        return apr_psprintf(p, "%s: it must not be empty while %s is true", name, switch_name);
    }
    return NULL;
}

static const char *complete_mounts(apr_pool_t *p, config_t *config)
{
    const char *twice = mount_sort(config->mounts);

    return twice == NULL
               ? NULL
               : apr_psprintf(p,
                              "VPNSentinelAPI, VPNSentinelDashboard and VPNSentinelHealth "
                              "must not claim the same path: '%s'",
                              twice[0] != '\0' ? twice : "/");
}

static const char *complete_server(apr_pool_t *p, config_t *config)
{
    static const char *(*const parts[])(apr_pool_t *, config_t *) = {
        complete_quantities, complete_server_ip, complete_dashboard,
        complete_keys,       complete_allowed,   complete_mounts};
    const char *wrong = NULL;
    size_t i;

    for (i = 0; i < sizeof parts / sizeof parts[0] && wrong == NULL; i++) {
        wrong = parts[i](p, config);
    }
    return wrong;
}

const char *config_complete(apr_pool_t *p, server_rec *main_server)
{
    const config_t *main_config = config_of(main_server);
    const char *wrong = NULL;
    server_rec *s;

    for (s = main_server; s != NULL && wrong == NULL; s = s->next) {
        /* A virtual host without a directive of ours shares the main server's. */
        if (s == main_server || config_of(s) != main_config) {
            wrong = complete_server(p, ap_get_module_config(s->module_config, &vpnsentinel_module));
        }
    }
    return wrong;
}

/* --- what the server tells --- */

bool config_is_mounted(server_rec *main_server)
{
    server_rec *s;

    for (s = main_server; s != NULL; s = s->next) {
        if (config_of(s)->mounts->nelts > 0) {
            return true;
        }
    }
    return false;
}

static bool has_api(const config_t *config)
{
    int i;

    for (i = 0; i < config->mounts->nelts; i++) {
        if (APR_ARRAY_IDX(config->mounts, i, mount_t).kind == MOUNT_API) {
            return true;
        }
    }
    return false;
}

void config_tell(server_rec *main_server)
{
    const config_t *told = NULL;
    server_rec *s;

    for (s = main_server; s != NULL; s = s->next) {
        const config_t *config = config_of(s);

        if (!has_api(config) || config == told) {
            continue;
        }
        told = config;
        if (config->digests == NULL) {
            ap_log_error(
                APLOG_MARK, APLOG_ERR, 0, s,
                "VPNS0002: the API is closed, every request gets 401: no key is configured. Set "
                "VPNSentinelAPIKeyFile, VPNSentinelAPIKey or VPN_SENTINEL_API_KEY "
                "(\"VPNSentinelAPIKey none\" opens it to everybody)");
        } else if (config->digests->nelts == 0) {
            ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                         "VPNS0003: the API is open to everybody: VPNSentinelAPIKey none");
        }
    }
}
