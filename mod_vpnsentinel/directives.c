#include "directives.h"

#include "http_core.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "config.h"
#include "keyring.h"
#include "mount.h"
#include "setting.h"

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

static const char *add_keys_of(cmd_parms *cmd, const char *path, ap_configfile_t *file)
{
    char line[KEYRING_KEY_MAX + 64];
    const char *wrong;
    char *key;
    apr_status_t rv;
    int number, keys = 0;

    for (number = 1; (rv = read_line(&key, line, sizeof line, file)) == APR_SUCCESS; number++) {
        if (key[0] == '\0' || key[0] == '#') {
            continue;
        }
        wrong = add_key(cmd, key);
        if (wrong != NULL) {
            return apr_psprintf(cmd->pool, "%s (line %d of %s)", wrong, number, path);
        }
        keys++;
    }
    if (!APR_STATUS_IS_EOF(rv)) {
        return fault(cmd, path, "a line of the file is too long or cannot be read");
    }
    return keys == 0 ? fault(cmd, path, "the file holds no key") : NULL;
}

static const char *set_api_key_file(cmd_parms *cmd, void *unused, const char *name)
{
    const char *path = ap_server_root_relative(cmd->temp_pool, name);
    const char *wrong;
    ap_configfile_t *file;
    apr_status_t rv;
    char reason[120];

    (void)unused;
    if (path == NULL) {
        return fault(cmd, name, "it must be the path of a file");
    }
    rv = ap_pcfg_openfile(&file, cmd->temp_pool, path);
    if (rv != APR_SUCCESS) {
        return apr_psprintf(cmd->pool, "%s: cannot read %s: %s", cmd->directive->directive, path,
                            apr_strerror(rv, reason, sizeof reason));
    }
    wrong = add_keys_of(cmd, path, file);
    ap_cfg_closefile(file);
    return wrong;
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

static const char *set_quantity(cmd_parms *cmd, void *unused, const char *text)
{
    const config_quantity_t *quantity = cmd->info;
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    return fault(cmd, text, config_read(config_being_read(cmd), *quantity, text, cmd->pool));
}

static const char *set_server_public_ip(cmd_parms *cmd, void *unused, const char *word)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    config_t *config = config_being_read(cmd);
    bool is_none;

    (void)unused;
    if (misplaced != NULL) {
        return misplaced;
    }
    is_none = strcasecmp(word, "none") == 0;
    if (config->server_ip_set != CONFIG_UNSET && (is_none || !config->server_ip_set)) {
        return fault(cmd, word, "must be one IPv4 address, one IPv6 address, both, or none alone");
    }
    config->server_ip_set = !is_none;
    return fault(cmd, word, setting_server_ip(cmd->pool, config->server_ip, word));
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

static config_quantity_t rate_limit = CONFIG_RATE_LIMIT;
static config_quantity_t offline_threshold = CONFIG_OFFLINE_THRESHOLD;
static config_quantity_t max_clients = CONFIG_MAX_CLIENTS;

const command_rec directives[] = {
    AP_INIT_TAKE_ARGV("VPNSentinelAPI", set_api, NULL, RSRC_CONF,
                      "URL path at which clients report and the registry is read"),
    AP_INIT_TAKE1("VPNSentinelAPIKeyFile", set_api_key_file, NULL, RSRC_CONF,
                  "a file with keys of the API, one a line"),
    AP_INIT_ITERATE("VPNSentinelAPIKey", set_api_key, NULL, RSRC_CONF,
                    "keys of the API, or none to open it to everybody"),
    AP_INIT_ITERATE("VPNSentinelAllowedIPs", set_allowed_ips, NULL, RSRC_CONF,
                    "addresses and CIDR ranges that may use the API"),
    AP_INIT_TAKE_ARGV("VPNSentinelDashboard", set_dashboard, NULL, RSRC_CONF,
                      "URL path of the dashboard, or off"),
    AP_INIT_TAKE_ARGV("VPNSentinelHealth", set_health, NULL, RSRC_CONF,
                      "URL path below which health and healthz answer"),
    AP_INIT_TAKE1("VPNSentinelLog", set_log, NULL, RSRC_CONF,
                  "file or \"|program\" for the module's own log, or none"),
    AP_INIT_TAKE1("VPNSentinelMaxClients", set_quantity, &max_clients, RSRC_CONF,
                  "how many clients the registry takes"),
    AP_INIT_TAKE1("VPNSentinelOfflineThreshold", set_quantity, &offline_threshold, RSRC_CONF,
                  "silence after which a client is offline"),
    AP_INIT_TAKE1("VPNSentinelRateLimit", set_quantity, &rate_limit, RSRC_CONF,
                  "requests a minute that an address may make of the API, 0 for no limit"),
    AP_INIT_ITERATE("VPNSentinelServerPublicIP", set_server_public_ip, NULL, RSRC_CONF,
                    "this server's own public addresses, or none"),
    {NULL, {NULL}, NULL, 0, 0, NULL}};
