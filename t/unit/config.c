/* mod_vpnsentinel/config.h: what the configuration comes to when environment and defaults have
 * completed it. What is refused, and how that is said, is t/config.t's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "config.h"
#include "pool.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TOKEN "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
#define MINUTE (60 * APR_USEC_PER_SEC)
#define DAY (1440 * MINUTE)

/* --- what httpd would give --- */

module AP_MODULE_DECLARE_DATA vpnsentinel_module = {STANDARD20_MODULE_STUFF, 0, 0, 0, 0, 0, 0, 0};
server_rec *ap_server_conf;

char *ap_server_root_relative(apr_pool_t *p, const char *file)
{
    return file[0] == '/' ? apr_pstrdup(p, file) : apr_pstrcat(p, "/server/", file, NULL);
}

void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *format, ...)
{
    (void)file;
    (void)line;
    (void)module_index;
    (void)level;
    (void)status;
    (void)s;
    (void)format;
}

/* --- one configuration --- */

static const char *cmocka_output; /* the variable that says how cmocka reports */

/* None but cmocka's own. */
static void clear_environment(void)
{
    clearenv();
    if (cmocka_output != NULL) {
        setenv("CMOCKA_MESSAGE_OUTPUT", cmocka_output, 1);
    }
}

static config_t *fresh_config(void)
{
    return config_create(pool, NULL);
}

/* Complete it as that of the only server. */
static const char *complete(config_t *config)
{
    void *configs[] = {config};
    server_rec server;

    memset(&server, 0, sizeof server);
    server.module_config = (ap_conf_vector_t *)configs;
    vpnsentinel_module.module_index = 0;
    return config_complete(pool, &server);
}

/* Complete it in the environment "NAME=value NAME=value". */
static const config_t *complete_in(config_t *config, const char *environment)
{
    char *state, *word, *words = apr_pstrdup(pool, environment);

    clear_environment();
    for (word = apr_strtok(words, " ", &state); word != NULL;
         word = apr_strtok(NULL, " ", &state)) {
        assert_int_equal(putenv(word), 0);
    }
    assert_null(complete(config));
    clear_environment();
    return config;
}

/* The configuration without any directive. */
static const config_t *completed_in(const char *environment)
{
    return complete_in(fresh_config(), environment);
}

/* NULL-safe. */
static void assert_text(const char *text, const char *expected)
{
    assert_int_equal(text == NULL, expected == NULL);
    if (text != NULL) {
        assert_string_equal(text, expected);
    }
}

static void test_defaults(void **state)
{
    const config_t *config = completed_in("");

    (void)state;
    assert_int_equal(config->quantities[CONFIG_RATE_LIMIT], 30);
    assert_int_equal(config->quantities[CONFIG_OFFLINE_THRESHOLD], 5 * MINUTE);
    assert_int_equal(config->quantities[CONFIG_MAX_CLIENTS], 10000);
    assert_int_equal(config->quantities[CONFIG_METRICS_MAX_CLIENTS], 1000);
    assert_false(config->badges);
    assert_int_equal(config->quantities[CONFIG_CHECK_INTERVAL], MINUTE);
    assert_int_equal(config->quantities[CONFIG_FORGET_AFTER], 30 * DAY);
    assert_int_equal(config->quantities[CONFIG_EVENT_RETENTION], 90 * DAY);
    assert_int_equal(config->server_ip_mode, CONFIG_SERVER_IP_AUTO);
    assert_int_equal(config->telegram, CONFIG_TELEGRAM_OFF);
    assert_false(config->telegram_unused);
    assert_null(config->telegram_token);
    assert_null(config->telegram_chat);
    assert_text(config->telegram_base, "https://api.telegram.org");
    assert_text(config->ipinfo_url, "https://ipinfo.io");
    assert_text(config->ipapi_url, "http://ip-api.com");
    assert_null(config->ipinfo_token);
    assert_null(config->proxy);
    assert_text(config->state_dir, VPS_STATE_DIR);
    assert_false(config->dashboard_disabled);
    assert_null(config->allowed);
}

static void test_quantities(void **state)
{
    static const struct {
        const char *environment;
        config_quantity_t quantity;
        apr_int64_t value;
    } cases[] = {
        {"VPN_SENTINEL_SERVER_RATE_LIMIT=7", CONFIG_RATE_LIMIT, 7},
        {"VPN_SENTINEL_SERVER_CHECK_INTERVAL=2min", CONFIG_CHECK_INTERVAL, 2 * MINUTE},
        {"VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD=120", CONFIG_OFFLINE_THRESHOLD, 2 * MINUTE},
        {"VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES=30", CONFIG_OFFLINE_THRESHOLD, 30 * MINUTE},
        {"VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES=10080", CONFIG_OFFLINE_THRESHOLD, 7 * DAY},
        {"VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES=", CONFIG_OFFLINE_THRESHOLD, 5 * MINUTE},
        {"VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES=30 VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD=120",
         CONFIG_OFFLINE_THRESHOLD, 2 * MINUTE},
    };
    config_t *config = fresh_config();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(completed_in(cases[i].environment)->quantities[cases[i].quantity],
                         cases[i].value);
    }
    assert_null(config_read(config, CONFIG_FORGET_AFTER, "0", pool));
    assert_null(config_read(config, CONFIG_OFFLINE_THRESHOLD, "10", pool));
    complete_in(config, "VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES=30");
    assert_int_equal(config->quantities[CONFIG_FORGET_AFTER], 0);
    assert_int_equal(config->quantities[CONFIG_OFFLINE_THRESHOLD], 10 * APR_USEC_PER_SEC);
}

static void test_texts(void **state)
{
    const config_t *config = completed_in(
        "VPN_SENTINEL_TELEGRAM_TOKEN=" TOKEN " TELEGRAM_BOT_TOKEN=1:other TELEGRAM_CHAT_ID=-5 "
        "VPN_SENTINEL_TELEGRAM_API_BASE=http://127.0.0.1:1/bots/ "
        "VPN_SENTINEL_IPINFO_URL=http://127.0.0.1:2// VPN_SENTINEL_IPAPI_URL=http://127.0.0.1:3 "
        "IPINFO_API_TOKEN=word VPN_SENTINEL_STATE_DIR=state");

    (void)state;
    assert_text(config->telegram_token, TOKEN);
    assert_text(config->telegram_chat, "-5");
    assert_text(config->telegram_base, "http://127.0.0.1:1/bots");
    assert_text(config->ipinfo_url, "http://127.0.0.1:2");
    assert_text(config->ipapi_url, "http://127.0.0.1:3");
    assert_text(config->ipinfo_token, "word");
    assert_text(config->state_dir, "/server/state");
    assert_text(completed_in("VPN_SENTINEL_STATE_DIR=None")->state_dir, NULL);
    assert_text(completed_in("VPN_SENTINEL_STATE_DIR=/a")->state_dir, "/a");
}

static void test_texts_of_directives(void **state)
{
    config_t *config = fresh_config();

    (void)state;
    assert_null(config_read_text(config, CONFIG_PROXY, "socks5h://proxy.example:1080", pool));
    assert_null(config_read_text(config, CONFIG_STATE_DIR, "none", pool));
    assert_null(config_read_text(config, CONFIG_TELEGRAM_CHAT, "@channel", pool));
    complete_in(config, "VPN_SENTINEL_STATE_DIR=/a VPN_SENTINEL_TELEGRAM_CHAT_ID=wrong");
    assert_text(config->proxy, "socks5h://proxy.example:1080");
    assert_text(config->state_dir, NULL);
    assert_text(config->telegram_chat, "@channel");

    config = fresh_config();
    assert_null(config_read_text(config, CONFIG_TELEGRAM_TOKEN, TOKEN, pool));
    complete_in(config, "TELEGRAM_BOT_TOKEN=1:other VPN_SENTINEL_TELEGRAM_CHAT_ID=1");
    assert_text(config->telegram_token, TOKEN);
    assert_int_equal(config->telegram, CONFIG_TELEGRAM_OFF); /* no alias was used */
}

static void test_telegram(void **state)
{
    static const struct {
        const char *directive, *environment;
        bool on, unused;
    } cases[] = {
        {NULL, "", false, false},
        {NULL, "VPN_SENTINEL_TELEGRAM_TOKEN=1:a VPN_SENTINEL_TELEGRAM_CHAT_ID=1", false, true},
        {NULL, "VPN_SENTINEL_TELEGRAM_CHAT_ID=1", false, true},
        {NULL, "TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=1", true, false},
        {NULL, "TELEGRAM_BOT_TOKEN=1:a VPN_SENTINEL_TELEGRAM_CHAT_ID=1", true, false},
        {NULL, "VPN_SENTINEL_TELEGRAM_TOKEN=1:a TELEGRAM_CHAT_ID=1", true, false},
        {NULL, "TELEGRAM_BOT_TOKEN=1:a", false, true},
        /* No alias counts here: both have their documented name. */
        {NULL,
         "TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=1 VPN_SENTINEL_TELEGRAM_TOKEN=1:a "
         "VPN_SENTINEL_TELEGRAM_CHAT_ID=1",
         false, true},
        {NULL, "TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=1 VPN_SENTINEL_TELEGRAM_ENABLED=false",
         false, false},
        {NULL, "TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=1 VPN_SENTINEL_TELEGRAM_ENABLED=Yes", true,
         false},
        {NULL,
         "VPN_SENTINEL_TELEGRAM_TOKEN=1:a VPN_SENTINEL_TELEGRAM_CHAT_ID=1 "
         "VPN_SENTINEL_TELEGRAM_ENABLED=auto",
         true, false},
        {NULL, "VPN_SENTINEL_TELEGRAM_TOKEN=1:a VPN_SENTINEL_TELEGRAM_ENABLED=auto", false, true},
        {NULL, "VPN_SENTINEL_TELEGRAM_ENABLED=auto", false, false},
        {"off", "TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=1 VPN_SENTINEL_TELEGRAM_ENABLED=on", false,
         false},
        {"on", "TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=1 VPN_SENTINEL_TELEGRAM_ENABLED=off", true,
         false},
        {"auto", "VPN_SENTINEL_TELEGRAM_TOKEN=1:a VPN_SENTINEL_TELEGRAM_CHAT_ID=1", true, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        config_t *config = fresh_config();

        if (cases[i].directive != NULL) {
            assert_null(config_read_telegram(config, cases[i].directive));
        }
        complete_in(config, cases[i].environment);
        assert_int_equal(config->telegram, cases[i].on ? CONFIG_TELEGRAM_ON : CONFIG_TELEGRAM_OFF);
        assert_int_equal(config->telegram_unused, cases[i].unused);
    }
}

static void test_server_ip(void **state)
{
    static const char name[] = "VPN_SENTINEL_SERVER_PUBLIC_IP=";
    static const struct {
        const char *value;
        config_server_ip_t mode;
        const char *ipv4;
    } cases[] = {
        {"auto", CONFIG_SERVER_IP_AUTO, ""},
        {"none", CONFIG_SERVER_IP_NONE, ""},
        {"2001:db8::1,192.0.2.1", CONFIG_SERVER_IP_GIVEN, "192.0.2.1"},
    };
    config_t *config = fresh_config();
    char text[VPS_ADDR_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const config_t *said = completed_in(apr_pstrcat(pool, name, cases[i].value, NULL));

        assert_int_equal(said->server_ip_mode, cases[i].mode);
        assert_string_equal(vps_addr_format(text, &said->server_ip[0]), cases[i].ipv4);
    }
    assert_null(config_read_server_ip(config, "192.0.2.1", pool));
    assert_null(config_read_server_ip(config, "2001:db8::1", pool));
    complete_in(config, "VPN_SENTINEL_SERVER_PUBLIC_IP=none");
    assert_int_equal(config->server_ip_mode, CONFIG_SERVER_IP_GIVEN);
    assert_string_equal(vps_addr_format(text, &config->server_ip[1]), "2001:db8::1");
}

static void test_other_aliases(void **state)
{
    static const char off[] = "VPN_SENTINEL_SERVER_WEB_DASHBOARD_ENABLED=false";
    static const char list[] = "VPN_SENTINEL_SERVER_ALLOWED_IPS=192.0.2.1,192.0.2.2";
    static const char enabled[] = " VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED=true";
    static const char disabled[] = " VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED=false";
    static const char documented[] = " VPN_SENTINEL_ALLOWED_IPS=192.0.2.1";

    (void)state;
    assert_true(completed_in(off)->dashboard_disabled);
    assert_false(
        completed_in(apr_pstrcat(pool, off, " VPN_SENTINEL_WEB_DASHBOARD_ENABLED=on", NULL))
            ->dashboard_disabled);
    assert_int_equal(completed_in(list)->allowed->nelts, 2); /* as the released server has it */
    assert_null(completed_in(apr_pstrcat(pool, list, disabled, NULL))->allowed);
    assert_null(completed_in(documented)->allowed);
    assert_int_equal(completed_in(apr_pstrcat(pool, list, enabled, NULL))->allowed->nelts, 2);
    assert_int_equal(
        completed_in(apr_pstrcat(pool, list, enabled, documented, NULL))->allowed->nelts, 1);
}

/* A virtual host has the server-wide settings of the main server. */
static void test_merge(void **state)
{
    config_t *base = fresh_config();
    const config_t *merged;

    (void)state;
    assert_null(config_read(base, CONFIG_CHECK_INTERVAL, "5", pool));
    assert_null(config_read_text(base, CONFIG_TELEGRAM_TOKEN, TOKEN, pool));
    assert_null(config_read_text(base, CONFIG_TELEGRAM_CHAT, "1", pool));
    assert_null(config_read_telegram(base, "on"));
    assert_null(config_read_server_ip(base, "192.0.2.1", pool));
    merged = complete_in(config_merge(pool, base, fresh_config()), "");
    assert_int_equal(merged->quantities[CONFIG_CHECK_INTERVAL], 5 * APR_USEC_PER_SEC);
    assert_text(merged->telegram_token, TOKEN);
    assert_int_equal(merged->telegram, CONFIG_TELEGRAM_ON);
    assert_int_equal(merged->server_ip_mode, CONFIG_SERVER_IP_GIVEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_quantities),
        cmocka_unit_test(test_texts),         cmocka_unit_test(test_texts_of_directives),
        cmocka_unit_test(test_telegram),      cmocka_unit_test(test_server_ip),
        cmocka_unit_test(test_other_aliases), cmocka_unit_test(test_merge),
    };

    cmocka_output = getenv("CMOCKA_MESSAGE_OUTPUT");
    return cmocka_run_group_tests_name("config", tests, pool_start, pool_stop);
}
