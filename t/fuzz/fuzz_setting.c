/*
 * Fuzz entry point: the value of a directive or of an environment variable, as each kind of value that
 * there is. What is taken keeps the promises of setting.h; else a sentence says what is allowed.
 */
#include "fuzz_httpd.h"

#include "keyring.h"
#include "setting.h"
#include "telegram.h"
#include "webhook_target.h"

/* Returns whether the value is taken. */
static bool is_taken(const char *allowed)
{
    if (allowed != NULL) {
        check_sentence(allowed);
    }
    return allowed == NULL;
}

static void check_word(const char *text)
{
    check(strlen(text) > 0 && strlen(text) <= 511);
    check_sentence(text);
    check(strchr(text, ' ') == NULL);
}

static void check_numbers(apr_pool_t *pool, const char *text)
{
    apr_int64_t number = -1;
    apr_time_t duration = -1;
    bool truth;

    if (is_taken(setting_number(pool, &number, text, 2, 1000))) {
        check(number >= 2 && number <= 1000 && atoi(text) == number);
    }
    if (is_taken(setting_duration(pool, &duration, text, 1, 604800))) {
        check(duration >= APR_USEC_PER_SEC && duration <= 604800 * APR_USEC_PER_SEC);
    }
    if (is_taken(setting_boolean(&truth, text))) {
        check(strlen(text) <= 5);
    }
}

static void check_addresses(apr_pool_t *pool, const char *text)
{
    apr_array_header_t *networks = apr_array_make(pool, 4, sizeof(apr_ipsubnet_t *));
    vps_addr_t addr[2] = {{0}};

    if (is_taken(setting_networks(networks, text))) {
        check(networks->nelts > 0);
    }
    if (setting_addresses(pool, addr, text)) {
        check(addr[0].version == 4 || addr[1].version == 6);
        check(addr[0].version != 6 && addr[1].version != 4);
    }
}

static void check_urls(apr_pool_t *pool, const char *text)
{
    const char *url = NULL, *host = NULL;

    if (is_taken(setting_base_url(pool, &url, text))) {
        check_word(url);
        check(url[strlen(url) - 1] != '/' && strpbrk(url, "?#") == NULL);
    }
    if (is_taken(setting_target_url(pool, &url, &host, text))) {
        check_word(url);
        check_word(host);
        check(strchr(url, '#') == NULL);
    }
    if (is_taken(setting_proxy_url(pool, &url, text))) {
        check_word(url);
    }
}

static void check_secrets(apr_pool_t *pool, const char *text)
{
    webhook_target_t target = {.secret = NULL};
    const char *word = NULL;

    if (is_taken(setting_word(pool, &word, text))) {
        check_word(word);
    }
    if (is_taken(keyring_check(text))) {
        check_word(text);
    }
    if (telegram_is_token(text) || telegram_is_chat(text)) {
        check_sentence(text);
        check(strpbrk(text, " /?#%") == NULL);
    }
    if (is_taken(webhook_target_read_secret(&target, text, pool))) {
        check(target.secret_size >= 16 && target.secret_size <= 256);
    }
    if (is_taken(webhook_target_read(&target, text, pool))) {
        check(target.destination > 0 && target.destination <= INT64_MAX);
        check(target.path == NULL || strlen(target.path) >= 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fresh_pool();
    char *text = text_of(data, size);

    check_numbers(pool, text);
    check_addresses(pool, text);
    check_urls(pool, text);
    check_secrets(pool, text);
    free(text);
    return 0;
}
