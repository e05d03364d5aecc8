/* What each setting may be; and where it comes from when no directive says it. */
#include "config.h"

#include <limits.h>
#include <stddef.h>

#include "apr_strings.h"

#include "keyring.h"
#include "mount.h"
#include "ratelimit.h"
#include "setting.h"
#include "telegram.h"

#define DAY 86400 /* sec */

/* What a quantity may be, and is when nobody says. */
typedef struct quantity_t {
    const char *variable; /* of the environment, NULL = none */
    const char *minutes;  /* older variable that says it in minutes, NULL = none */
    bool is_duration;     /* in usec, the numbers here in sec */
    int min, max, initial;
} quantity_t;

static const quantity_t quantities[CONFIG_QUANTITIES] = {
    [CONFIG_RATE_LIMIT] = {"VPN_SENTINEL_SERVER_RATE_LIMIT", NULL, false, 0, RATELIMIT_MAX, 30},
    [CONFIG_OFFLINE_THRESHOLD] = {"VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD",
                                  "VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES", true, 2, 7 * DAY, 300},
    [CONFIG_MAX_CLIENTS] = {NULL, NULL, false, 1, 1000000, 10000},
    [CONFIG_METRICS_MAX_CLIENTS] = {NULL, NULL, false, 0, 1000000, 1000},
    [CONFIG_CHECK_INTERVAL] = {"VPN_SENTINEL_SERVER_CHECK_INTERVAL", NULL, true, 1, 3600, 60},
    [CONFIG_FORGET_AFTER] = {NULL, NULL, true, 0, 3650 * DAY, 30 * DAY},
    [CONFIG_EVENT_RETENTION] = {NULL, NULL, true, 0, 3650 * DAY, 90 * DAY},
    [CONFIG_FLAP_THRESHOLD] = {NULL, NULL, false, 0, 50, 3},
    [CONFIG_TELEGRAM_THREAD] = {"VPN_SENTINEL_TELEGRAM_THREAD_ID", NULL, false, 0, INT_MAX, 0},
};

/* The same of a text. */
typedef struct text_t {
    size_t member;                                                          /* offset in config_t */
    const char *(*read)(apr_pool_t *p, const char **out, const char *text); /* as in setting.h */
    const char *variable; /* of the environment, NULL = none */
    const char *alias;    /* its name in the released Python server, NULL = none */
    const char *initial;  /* NULL = not set */
} text_t;

static const char *read_token(apr_pool_t *p, const char **out, const char *text)
{
    return telegram_is_token(text)
               ? setting_word(p, out, text)
               : "must be a bot's token as BotFather gives it: digits, a colon, letters and digits";
}

static const char *read_chat(apr_pool_t *p, const char **out, const char *text)
{
    return telegram_is_chat(text)
               ? setting_word(p, out, text)
               : "must be the number of a chat, or @ and the name of a public one";
}

#define STATE_DIR_NONE "none" /* no absolute path */

static const char *read_state_dir(apr_pool_t *p, const char **out, const char *text)
{
    *out = strcasecmp(text, "none") == 0 ? STATE_DIR_NONE : ap_server_root_relative(p, text);
    return *out == NULL ? "must be the path of a folder, or none" : NULL;
}

static const text_t texts[CONFIG_TEXTS] = {
    [CONFIG_TELEGRAM_TOKEN] = {offsetof(config_t, telegram_token), read_token,
                               "VPN_SENTINEL_TELEGRAM_TOKEN", "TELEGRAM_BOT_TOKEN", NULL},
    [CONFIG_TELEGRAM_CHAT] = {offsetof(config_t, telegram_chat), read_chat,
                              "VPN_SENTINEL_TELEGRAM_CHAT_ID", "TELEGRAM_CHAT_ID", NULL},
    [CONFIG_TELEGRAM_BASE] = {offsetof(config_t, telegram_base), setting_base_url,
                              "VPN_SENTINEL_TELEGRAM_API_BASE", NULL, TELEGRAM_BASE},
    [CONFIG_IPINFO_URL] = {offsetof(config_t, ipinfo_url), setting_base_url,
                           "VPN_SENTINEL_IPINFO_URL", NULL, "https://ipinfo.io"},
    [CONFIG_IPAPI_URL] = {offsetof(config_t, ipapi_url), setting_base_url, "VPN_SENTINEL_IPAPI_URL",
                          NULL, "http://ip-api.com"},
    [CONFIG_IPINFO_TOKEN] = {offsetof(config_t, ipinfo_token), setting_word, "IPINFO_API_TOKEN",
                             NULL, NULL},
    [CONFIG_PROXY] = {offsetof(config_t, proxy), setting_proxy_url, NULL, NULL, NULL},
    [CONFIG_STATE_DIR] = {offsetof(config_t, state_dir), read_state_dir, "VPN_SENTINEL_STATE_DIR",
                          NULL, VPS_STATE_DIR},
};

static const char **member_of(config_t *config, config_text_t text)
{
    return (const char **)((char *)config + texts[text].member);
}

/* --- reading --- */

const char *config_read(config_t *config, config_quantity_t quantity, const char *value,
                        apr_pool_t *p)
{
    const quantity_t *rule = &quantities[quantity];
    apr_int64_t *out = &config->quantities[quantity];

    return rule->is_duration ? setting_duration(p, out, value, rule->min, rule->max)
                             : setting_number(p, out, value, rule->min, rule->max);
}

const char *config_read_text(config_t *config, config_text_t text, const char *value, apr_pool_t *p)
{
    return texts[text].read(p, member_of(config, text), value);
}

const char *config_read_telegram(config_t *config, const char *value)
{
    bool on;

    if (strcasecmp(value, "auto") == 0) {
        config->telegram = CONFIG_TELEGRAM_AUTO;
    } else if (setting_boolean(&on, value) == NULL) {
        config->telegram = on ? CONFIG_TELEGRAM_ON : CONFIG_TELEGRAM_OFF;
    } else {
        return "must be on, off, auto, true, false, yes, no, 1 or 0";
    }
    return NULL;
}

static config_server_ip_t server_ip_mode(const char *text)
{
    if (strcasecmp(text, "auto") == 0) {
        return CONFIG_SERVER_IP_AUTO;
    }
    return strcasecmp(text, "none") == 0 ? CONFIG_SERVER_IP_NONE : CONFIG_SERVER_IP_GIVEN;
}

const char *config_read_server_ip(config_t *config, const char *value, apr_pool_t *p)
{
    config_server_ip_t mode = server_ip_mode(value);
    bool is_given = mode == CONFIG_SERVER_IP_GIVEN;
    bool adds_up = is_given && config->server_ip_mode == CONFIG_SERVER_IP_GIVEN;

    if ((config->server_ip_mode != CONFIG_UNSET && !adds_up) ||
        (is_given && !setting_addresses(p, config->server_ip, value))) {
        return "must be one IPv4 address, one IPv6 address, both, or auto or none alone";
    }
    config->server_ip_mode = (int)mode;
    return NULL;
}

/* --- completion: environment, defaults, checks --- */

/* The variable that counts, of two that may be NULL: its value, NULL = neither is set; *name is
 * it. */
static const char *read_env(const char **name, const char *variable, const char *alias)
{
    const char *value = variable != NULL ? setting_env(variable) : NULL;

    *name = variable;
    if (value == NULL && alias != NULL) {
        *name = alias;
        value = setting_env(alias);
    }
    return value;
}

static const char *read_minutes(config_t *config, config_quantity_t quantity, const char *text,
                                apr_pool_t *p)
{
    const quantity_t *rule = &quantities[quantity];
    apr_int64_t minutes = 0;
    const char *wrong = setting_number(p, &minutes, text, (rule->min + 59) / 60, rule->max / 60);

    config->quantities[quantity] = apr_time_from_sec(minutes * 60);
    return wrong;
}

static const char *complete_quantity(apr_pool_t *p, config_t *config, config_quantity_t quantity)
{
    const quantity_t *rule = &quantities[quantity];
    const char *name, *value = read_env(&name, rule->variable, rule->minutes), *wrong;

    if (config->quantities[quantity] != CONFIG_UNSET) {
        return NULL;
    }
    if (value == NULL) {
        config->quantities[quantity] =
            rule->is_duration ? apr_time_from_sec(rule->initial) : rule->initial;
        return NULL;
    }
    wrong = name == rule->minutes ? read_minutes(config, quantity, value, p)
                                  : config_read(config, quantity, value, p);
    return wrong != NULL ? setting_fault(p, name, value, wrong) : NULL;
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

static const char *complete_text(apr_pool_t *p, config_t *config, config_text_t text)
{
    const char **member = member_of(config, text), *name, *wrong;
    const char *value = read_env(&name, texts[text].variable, texts[text].alias);

    if (*member != NULL) {
        return NULL;
    }
    if (value == NULL) {
        *member = texts[text].initial;
        return NULL;
    }
    wrong = config_read_text(config, text, value, p);
    return wrong != NULL ? setting_fault(p, name, NULL, wrong) : NULL;
}

static const char *complete_texts(apr_pool_t *p, config_t *config)
{
    const char *wrong = NULL;
    int i;

    for (i = 0; i < CONFIG_TEXTS && wrong == NULL; i++) {
        wrong = complete_text(p, config, (config_text_t)i);
    }
    if (wrong == NULL && strcmp(config->state_dir, STATE_DIR_NONE) == 0) {
        config->state_dir = NULL;
    }
    return wrong;
}

/* Will the text come from its name in the released server? Before complete_texts(). */
static bool is_by_alias(config_t *config, config_text_t text)
{
    return *member_of(config, text) == NULL && setting_env(texts[text].variable) == NULL &&
           setting_env(texts[text].alias) != NULL;
}

/* The released server has no switch: there, token and chat switch Telegram on. */
static const char *complete_telegram_switch(apr_pool_t *p, config_t *config)
{
    static const char name[] = "VPN_SENTINEL_TELEGRAM_ENABLED";
    const char *value = setting_env(name), *wrong = NULL;

    if (config->telegram != CONFIG_UNSET) {
        return NULL;
    }
    if (value != NULL) {
        wrong = config_read_telegram(config, value);
    } else if (is_by_alias(config, CONFIG_TELEGRAM_TOKEN) ||
               is_by_alias(config, CONFIG_TELEGRAM_CHAT)) {
        config->telegram = CONFIG_TELEGRAM_AUTO;
    }
    return wrong != NULL ? setting_fault(p, name, value, wrong) : NULL;
}

/* After complete_texts(). */
static const char *decide_telegram(apr_pool_t *p, config_t *config)
{
    bool has_token = config->telegram_token != NULL, has_chat = config->telegram_chat != NULL;
    bool is_on = config->telegram == CONFIG_TELEGRAM_ON ||
                 (config->telegram == CONFIG_TELEGRAM_AUTO && has_token && has_chat);

    (void)p;
    if (is_on && !has_token) {
        return "VPNSentinelTelegram (or VPN_SENTINEL_TELEGRAM_ENABLED) is on, but no token is set: "
               "VPNSentinelTelegramTokenFile, VPNSentinelTelegramToken or "
               "VPN_SENTINEL_TELEGRAM_TOKEN";
    }
    if (is_on && !has_chat) {
        return "VPNSentinelTelegram (or VPN_SENTINEL_TELEGRAM_ENABLED) is on, but no chat is set: "
               "VPNSentinelTelegramChatID or VPN_SENTINEL_TELEGRAM_CHAT_ID";
    }
    config->telegram_unused =
        !is_on && config->telegram != CONFIG_TELEGRAM_OFF && (has_token || has_chat);
    config->telegram = is_on ? CONFIG_TELEGRAM_ON : CONFIG_TELEGRAM_OFF;
    return NULL;
}

static const char *complete_server_ip(apr_pool_t *p, config_t *config)
{
    static const char name[] = "VPN_SENTINEL_SERVER_PUBLIC_IP";
    const char *value = setting_env(name), *wrong;

    if (config->server_ip_mode != CONFIG_UNSET) {
        return NULL;
    }
    wrong = config_read_server_ip(config, value != NULL ? value : "auto", p);
    return wrong != NULL ? setting_fault(p, name, value, wrong) : NULL;
}

static const char *complete_dashboard(apr_pool_t *p, config_t *config)
{
    const char *name, *value = read_env(&name, "VPN_SENTINEL_WEB_DASHBOARD_ENABLED",
                                        "VPN_SENTINEL_SERVER_WEB_DASHBOARD_ENABLED");
    const char *wrong;
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
    static const char switch_name[] = "VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED";
    static const char documented[] = "VPN_SENTINEL_ALLOWED_IPS";
    const char *name, *value = read_env(&name, documented, "VPN_SENTINEL_SERVER_ALLOWED_IPS");
    const char *on = setting_env(switch_name), *wrong;
    bool enabled = value != NULL && name != documented; /* the alias alone is in force, as there */

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
        return apr_psprintf(p, "%s: it must not be empty while %s is true", documented,
                            switch_name);
    }
    return NULL;
}

static const char *complete_mounts(apr_pool_t *p, config_t *config)
{
    const char *twice = mount_sort(config->mounts);

    return twice == NULL
               ? NULL
               : apr_psprintf(p,
                              "VPNSentinelAPI, VPNSentinelDashboard, VPNSentinelHealth and "
                              "VPNSentinelMetrics must not claim the same path: '%s'",
                              twice[0] != '\0' ? twice : "/");
}

static const char *complete_server(apr_pool_t *p, config_t *config)
{
    static const char *(*const parts[])(apr_pool_t *, config_t *) = {
        complete_quantities, complete_telegram_switch, complete_texts,
        decide_telegram,     complete_server_ip,       complete_dashboard,
        complete_keys,       complete_allowed,         complete_mounts};
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
