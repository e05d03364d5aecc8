#include "config.h"

#include "http_main.h"

#include "apr_strings.h"

#include "mount.h"

void *config_create(apr_pool_t *p, server_rec *s)
{
    config_t *config = apr_pcalloc(p, sizeof *config);
    int i;

    (void)s;
    config->mounts = apr_array_make(p, 4, sizeof(mount_t));
    config->server_ip_mode = CONFIG_UNSET;
    config->telegram = CONFIG_UNSET;
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

static void tell_api(const config_t *config, const server_rec *s)
{
    if (config->digests == NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "VPNS0002: the API is closed, every request gets 401: no key is configured. "
                     "Set VPNSentinelAPIKeyFile, VPNSentinelAPIKey or VPN_SENTINEL_API_KEY "
                     "(\"VPNSentinelAPIKey none\" opens it to everybody)");
    } else if (config->digests->nelts == 0) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "VPNS0003: the API is open to everybody: VPNSentinelAPIKey none");
    }
}

void config_tell(server_rec *main_server)
{
    const config_t *main_config = config_of(main_server);
    const config_t *told = NULL;
    server_rec *s;

    for (s = main_server; s != NULL; s = s->next) {
        const config_t *config = config_of(s);

        if (has_api(config) && config != told) {
            tell_api(config, s);
            told = config;
        }
    }
    if (main_config->telegram_unused) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, main_server,
                     "VPNS0004: nothing is sent by Telegram, although a token or a chat is set: it "
                     "takes both and \"VPNSentinelTelegram on\" (or "
                     "VPN_SENTINEL_TELEGRAM_ENABLED=true)");
    }
}
