#include "directives.h"

#include <limits.h>

#include "http_core.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "config.h"
#include "keyring.h"
#include "mount.h"
#include "setting.h"
#include "vitals.h"
#include "webhook_target.h"

static config_t *config_being_read(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &vpnsentinel_module);
}

static const char *fault(cmd_parms *cmd, const char *value, const char *allowed)
{
    return allowed == NULL ? NULL
                           : setting_fault(cmd->pool, cmd->directive->directive, value, allowed);
}

/* --- mounts; in any server --- */

/* argument, else the environment's, else the built-in path. */
static const char *add_mount(cmd_parms *cmd, mount_kind_t kind, int argc, char *const argv[],
                             const char *variable, const char *built_in)
{
    const char *given = variable != NULL ? setting_env(variable) : NULL;
    const char *name = variable, *path, *wrong;

    if (argc > 1) {
        return fault(cmd, argv[1], "it takes one path at most");
    }
    if (argc == 1) {
        given = argv[0];
        name = cmd->directive->directive;
    }
    wrong = mount_path(&path, given != NULL ? given : built_in, cmd->pool);
    if (wrong != NULL) {
        return setting_fault(cmd->pool, name, given, apr_pstrcat(cmd->pool, "it ", wrong, NULL));
    }
    mount_add(config_being_read(cmd)->mounts, kind, path);
    return NULL;
}

static const char *set_api(cmd_parms *cmd, void *unused, int argc, char *const argv[])
{
    (void)unused;
    return add_mount(cmd, MOUNT_API, argc, argv, "VPN_SENTINEL_API_PATH", "/api/v1");
}

static const char *set_health(cmd_parms *cmd, void *unused, int argc, char *const argv[])
{
    (void)unused;
    return add_mount(cmd, MOUNT_HEALTH, argc, argv, NULL, "/");
}

static const char *set_metrics(cmd_parms *cmd, void *unused, int argc, char *const argv[])
{
    (void)unused;
    return add_mount(cmd, MOUNT_METRICS, argc, argv, NULL, "/metrics");
}

static const char *set_dashboard(cmd_parms *cmd, void *unused, int argc, char *const argv[])
{
    (void)unused;
    if (argc == 1 && strcasecmp(argv[0], "off") == 0) {
        config_being_read(cmd)->dashboard_off = true;
        return NULL;
    }
    return add_mount(cmd, MOUNT_DASHBOARD, argc, argv, NULL, "/dashboard");
}

/* --- guards; in any server --- */

static const char none_alone[] = "'none' opens the API to everybody and cannot stand beside a key";

static const char *add_key(cmd_parms *cmd, const char *key)
{
    config_t *config = config_being_read(cmd);
    const char *wrong = keyring_check(key);

    if (wrong != NULL) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->directive->directive, wrong);
    }
    if (config->keys == NULL) {
        config->keys = apr_array_make(cmd->pool, 4, sizeof(const char *));
    } else if (config->keys->nelts == 0) {
        return fault(cmd, "none", none_alone);
    }
    APR_ARRAY_PUSH(config->keys, const char *) = apr_pstrdup(cmd->pool, key);
    return NULL;
}

static const char *set_api_key(cmd_parms *cmd, void *unused, const char *key)
{
    config_t *config = config_being_read(cmd);

    (void)unused;
    if (strcmp(key, "none") != 0) {
        return add_key(cmd, key);
    }
    if (config->keys != NULL && config->keys->nelts > 0) {
        return fault(cmd, key, none_alone);
    }
    config->keys = apr_array_make(cmd->pool, 1, sizeof(const char *));
    return NULL;
}

/*
 * The next line without the space around it. Not ap_cfg_getline(), which joins a line that ends in a
 * backslash with the next. APR_ENOSPC: longer than any key.
 */
static apr_status_t read_line(char **out, char *line, apr_size_t size, ap_configfile_t *file)
{
    apr_status_t rv = file->getstr(line, size, file->param);
    size_t len;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    len = strlen(line);
    if (len == size - 1 && line[len - 1] != '\n') {
        return APR_ENOSPC;
    }
    while (len > 0 && apr_isspace(line[len - 1])) {
        line[--len] = '\0';
    }
    *out = line + strspn(line, " \t");
    return APR_SUCCESS;
}

/* Takes one line of a file: NULL, or the fault. */
typedef const char *take_line_t(cmd_parms *cmd, const char *line);

/* Take at most max lines that are neither empty nor a comment, and at least one. */
static const char *take_lines(cmd_parms *cmd, const char *path, ap_configfile_t *file,
                              take_line_t *take, int max)
{
    char buffer[KEYRING_KEY_MAX + 64];
    const char *wrong;
    char *line;
    apr_status_t rv = APR_SUCCESS;
    int number, taken = 0;

    for (number = 1;
         taken < max && (rv = read_line(&line, buffer, sizeof buffer, file)) == APR_SUCCESS;
         number++) {
        if (line[0] == '\0' || line[0] == '#') {
            continue;
        }
        wrong = take(cmd, line);
        if (wrong != NULL) {
            return apr_psprintf(cmd->pool, "%s (line %d of %s)", wrong, number, path);
        }
        taken++;
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        return fault(cmd, path, "a line of the file is too long or cannot be read");
    }
    return taken == 0 ? fault(cmd, path, "the file is empty or has only comments") : NULL;
}

static const char *take_file(cmd_parms *cmd, const char *name, take_line_t *take, int max)
{
    const char *path = ap_server_root_relative(cmd->temp_pool, name);
    const char *wrong;
    ap_configfile_t *file;
    apr_status_t rv;
    char reason[120];

    if (path == NULL) {
        return fault(cmd, name, "it must be the path of a file");
    }
    rv = ap_pcfg_openfile(&file, cmd->temp_pool, path);
    if (rv != APR_SUCCESS) {
        return apr_psprintf(cmd->pool, "%s: cannot read %s: %s", cmd->directive->directive, path,
                            apr_strerror(rv, reason, sizeof reason));
    }
    wrong = take_lines(cmd, path, file, take, max);
    ap_cfg_closefile(file);
    return wrong;
}

static const char *set_api_key_file(cmd_parms *cmd, void *unused, const char *name)
{
    (void)unused;
    return take_file(cmd, name, add_key, INT_MAX);
}

static const char *set_allowed_ips(cmd_parms *cmd, void *unused, const char *word)
{
    config_t *config = config_being_read(cmd);

    (void)unused;
    if (config->allowed == NULL) {
        config->allowed = apr_array_make(cmd->pool, 8, sizeof(void *));
    }
    return fault(cmd, word, setting_networks(config->allowed, word));
}

/* --- server-wide --- */

/* In the table: which quantity or text a directive sets. */
#define SETS(setting) ((void *)(intptr_t)(setting))

static const char *set_quantity(cmd_parms *cmd, void *unused, const char *value)
{
    config_quantity_t quantity = (config_quantity_t)(intptr_t)cmd->info;
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    return fault(cmd, value, config_read(config_being_read(cmd), quantity, value, cmd->pool));
}

/* Any of them may be or hold a secret, at least by mistake. */
static const char *take_text(cmd_parms *cmd, const char *value)
{
    config_text_t text = (config_text_t)(intptr_t)cmd->info;

    return fault(cmd, NULL, config_read_text(config_being_read(cmd), text, value, cmd->pool));
}

static const char *set_text(cmd_parms *cmd, void *unused, const char *value)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    return misplaced != NULL ? misplaced : take_text(cmd, value);
}

static const char *set_text_file(cmd_parms *cmd, void *unused, const char *name)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    return misplaced != NULL ? misplaced : take_file(cmd, name, take_text, 1);
}

static const char *set_telegram(cmd_parms *cmd, void *unused, const char *value)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    return fault(cmd, value, config_read_telegram(config_being_read(cmd), value));
}

static const char *set_badges(cmd_parms *cmd, void *unused, const char *value)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    return fault(cmd, value, setting_boolean(&config_being_read(cmd)->badges, value));
}

/* Of the newest webhook. */
static const char *take_secret(cmd_parms *cmd, const char *line)
{
    const apr_array_header_t *webhooks = config_being_read(cmd)->webhooks;
    webhook_target_t *newest = &APR_ARRAY_IDX(webhooks, webhooks->nelts - 1, webhook_target_t);

    return fault(cmd, NULL, webhook_target_read_secret(newest, line, cmd->pool));
}

static const char *add_webhook(cmd_parms *cmd, const webhook_target_t *target)
{
    config_t *config = config_being_read(cmd);
    int i;

    if (config->webhooks == NULL) {
        config->webhooks = apr_array_make(cmd->pool, 2, sizeof(webhook_target_t));
    }
    if (config->webhooks->nelts == WEBHOOKS_MAX) {
        return fault(cmd, NULL, "there are 8 already");
    }
    for (i = 0; i < config->webhooks->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->webhooks, i, webhook_target_t).url, target->url) == 0) {
            return fault(cmd, NULL, "the same URL is there already");
        }
    }
    APR_ARRAY_PUSH(config->webhooks, webhook_target_t) = *target;
    return NULL;
}

/* The URL is never told: it may hold a token. */
static const char *set_webhook(cmd_parms *cmd, void *unused, const char *url, const char *file)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY), *wrong;
    webhook_target_t target;

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    wrong = webhook_target_read(&target, url, cmd->pool);
    if (wrong != NULL) {
        return fault(cmd, NULL, wrong);
    }
    wrong = add_webhook(cmd, &target);
    return wrong == NULL && file != NULL ? take_file(cmd, file, take_secret, 1) : wrong;
}

static const char *set_server_public_ip(cmd_parms *cmd, void *unused, const char *word)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    return fault(cmd, word, config_read_server_ip(config_being_read(cmd), word, cmd->pool));
}

static const char *set_log(cmd_parms *cmd, void *unused, const char *name)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    if (name[0] == '\0' || strcmp(name, "|") == 0) {
        return fault(cmd, name, "it must be a file, \"|program\" or none");
    }
    config_being_read(cmd)->log_name = apr_pstrdup(cmd->pool, name);
    return NULL;
}

const command_rec directives[] = {
    AP_INIT_TAKE_ARGV("VPNSentinelAPI", set_api, NULL, RSRC_CONF,
                      "URL path at which clients report and the registry is read"),
    AP_INIT_TAKE1("VPNSentinelAPIKeyFile", set_api_key_file, NULL, RSRC_CONF,
                  "a file with keys of the API, one a line"),
    AP_INIT_ITERATE("VPNSentinelAPIKey", set_api_key, NULL, RSRC_CONF,
                    "keys of the API, or none to open it to everybody"),
    AP_INIT_ITERATE("VPNSentinelAllowedIPs", set_allowed_ips, NULL, RSRC_CONF,
                    "addresses and CIDR ranges that may use the API"),
    AP_INIT_TAKE1("VPNSentinelBadges", set_badges, NULL, RSRC_CONF,
                  "on or off: a badge of each client below the dashboard"),
    AP_INIT_TAKE1("VPNSentinelCheckInterval", set_quantity, SETS(CONFIG_CHECK_INTERVAL), RSRC_CONF,
                  "how often the monitor looks after all clients at least"),
    AP_INIT_TAKE_ARGV("VPNSentinelDashboard", set_dashboard, NULL, RSRC_CONF,
                      "URL path of the dashboard, or off"),
    AP_INIT_TAKE1("VPNSentinelEventRetention", set_quantity, SETS(CONFIG_EVENT_RETENTION),
                  RSRC_CONF, "how long events are kept, 0 for ever"),
    AP_INIT_TAKE1("VPNSentinelFlapThreshold", set_quantity, SETS(CONFIG_FLAP_THRESHOLD), RSRC_CONF,
                  "how often the same trouble of a client within 15 minutes is told singly, the "
                  "last time as flapping; 0 = always"),
    AP_INIT_TAKE1("VPNSentinelForgetAfter", set_quantity, SETS(CONFIG_FORGET_AFTER), RSRC_CONF,
                  "how long a client must be offline to be forgotten, 0 for never"),
    AP_INIT_TAKE_ARGV("VPNSentinelHealth", set_health, NULL, RSRC_CONF,
                      "URL path below which health and healthz answer"),
    AP_INIT_TAKE1("VPNSentinelIPAPIURL", set_text, SETS(CONFIG_IPAPI_URL), RSRC_CONF,
                  "base URL of ip-api.com or of what answers like it"),
    AP_INIT_TAKE1("VPNSentinelIPInfoTokenFile", set_text_file, SETS(CONFIG_IPINFO_TOKEN), RSRC_CONF,
                  "a file with the token for ipinfo.io"),
    AP_INIT_TAKE1("VPNSentinelIPInfoURL", set_text, SETS(CONFIG_IPINFO_URL), RSRC_CONF,
                  "base URL of ipinfo.io or of what answers like it"),
    AP_INIT_TAKE1("VPNSentinelLog", set_log, NULL, RSRC_CONF,
                  "file or \"|program\" for the module's own log, or none"),
    AP_INIT_TAKE1("VPNSentinelMaxClients", set_quantity, SETS(CONFIG_MAX_CLIENTS), RSRC_CONF,
                  "how many clients the registry takes"),
    AP_INIT_TAKE_ARGV("VPNSentinelMetrics", set_metrics, NULL, RSRC_CONF,
                      "URL path of the metrics for Prometheus"),
    AP_INIT_TAKE1("VPNSentinelMetricsMaxClients", set_quantity, SETS(CONFIG_METRICS_MAX_CLIENTS),
                  RSRC_CONF, "how many clients have metrics of their own, 0 for none"),
    AP_INIT_TAKE1("VPNSentinelOfflineThreshold", set_quantity, SETS(CONFIG_OFFLINE_THRESHOLD),
                  RSRC_CONF, "silence after which a client is offline"),
    AP_INIT_TAKE1("VPNSentinelProxy", set_text, SETS(CONFIG_PROXY), RSRC_CONF,
                  "URL of the proxy for the monitor's own requests"),
    AP_INIT_TAKE1("VPNSentinelRateLimit", set_quantity, SETS(CONFIG_RATE_LIMIT), RSRC_CONF,
                  "requests a minute that an address may make of the API, 0 for no limit"),
    AP_INIT_ITERATE("VPNSentinelServerPublicIP", set_server_public_ip, NULL, RSRC_CONF,
                    "this server's own public addresses, auto or none"),
    AP_INIT_TAKE1("VPNSentinelStateDir", set_text, SETS(CONFIG_STATE_DIR), RSRC_CONF,
                  "folder for what outlives the server, or none"),
    AP_INIT_TAKE1("VPNSentinelTelegram", set_telegram, NULL, RSRC_CONF,
                  "on, off or auto: send alerts by Telegram"),
    AP_INIT_TAKE1("VPNSentinelTelegramAPIBase", set_text, SETS(CONFIG_TELEGRAM_BASE), RSRC_CONF,
                  "base URL of Telegram's Bot API or of a server of your own"),
    AP_INIT_TAKE1("VPNSentinelTelegramChatID", set_text, SETS(CONFIG_TELEGRAM_CHAT), RSRC_CONF,
                  "the chat that gets the alerts"),
    AP_INIT_TAKE1("VPNSentinelTelegramThreadID", set_quantity, SETS(CONFIG_TELEGRAM_THREAD),
                  RSRC_CONF, "topic of the chat that alerts go to; 0 = none"),
    AP_INIT_TAKE1("VPNSentinelTelegramToken", set_text, SETS(CONFIG_TELEGRAM_TOKEN), RSRC_CONF,
                  "the bot's token"),
    AP_INIT_TAKE1("VPNSentinelTelegramTokenFile", set_text_file, SETS(CONFIG_TELEGRAM_TOKEN),
                  RSRC_CONF, "a file with the bot's token"),
    AP_INIT_TAKE12("VPNSentinelWebhook", set_webhook, NULL, RSRC_CONF,
                   "URL that each event is posted to, and a file with the secret to sign it with"),
    {NULL, {NULL}, NULL, 0, 0, NULL}};
