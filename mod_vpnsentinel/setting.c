#include "setting.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "apr_network_io.h"
#include "apr_strings.h"

#define SEPARATORS ", \t"
#define URL_MAX 511  /* bytes */
#define WORD_MAX 256 /* bytes */

const char *setting_env(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): before there are threads */

    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *setting_fault(apr_pool_t *p, const char *name, const char *value, const char *allowed)
{
    return value != NULL ? apr_psprintf(p, "%s: '%s' is not allowed: %s", name, value, allowed)
                         : apr_psprintf(p, "%s: the value is not allowed: %s", name, allowed);
}

/* Digits at the start of text; *end behind them. */
static bool read_digits(apr_int64_t *out, const char **end, const char *text)
{
    char *tail;

    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    *out = apr_strtoi64(text, &tail, 10);
    *end = tail;
    return errno == 0;
}

const char *setting_number(apr_pool_t *p, apr_int64_t *out, const char *text, int min, int max)
{
    apr_int64_t value;
    const char *end;

    if (!read_digits(&value, &end, text) || *end != '\0' || value < min || value > max) {
        return apr_psprintf(p, "must be a whole number from %d to %d", min, max);
    }
    *out = value;
    return NULL;
}

/* httpd's own parser (ap_timeout_parameter_parse) overlooks what follows the unit. */
static apr_time_t unit_of(const char *suffix)
{
    static const struct {
        const char *name;
        apr_time_t usec;
    } units[] = {{"", APR_USEC_PER_SEC},
                 {"s", APR_USEC_PER_SEC},
                 {"ms", 1000},
                 {"mi", 60 * APR_USEC_PER_SEC},
                 {"min", 60 * APR_USEC_PER_SEC},
                 {"h", 3600 * APR_USEC_PER_SEC},
                 {"d", 86400 * APR_USEC_PER_SEC}};
    size_t i;

    for (i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcasecmp(suffix, units[i].name) == 0) {
            return units[i].usec;
        }
    }
    return 0;
}

const char *setting_duration(apr_pool_t *p, apr_time_t *out, const char *text, int min, int max)
{
    apr_int64_t value;
    apr_time_t unit;
    const char *suffix;

    if (read_digits(&value, &suffix, text) && (unit = unit_of(suffix)) != 0 &&
        value <= INT64_MAX / unit && value * unit >= apr_time_from_sec(min) &&
        value * unit <= apr_time_from_sec(max)) {
        *out = value * unit;
        return NULL;
    }
    return apr_psprintf(p, "must be %d to %d seconds, or a number with ms, s, min, h or d", min,
                        max);
}

const char *setting_boolean(bool *out, const char *text)
{
    static const char *const names[] = {"false", "true", "off", "on", "no", "yes", "0", "1"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *out = i % 2 == 1;
            return NULL;
        }
    }
    return "must be true, false, on, off, yes, no, 1 or 0";
}

static bool push_subnet(apr_array_header_t *networks, const char *addr, const char *bits)
{
    apr_ipsubnet_t *network;

    if (apr_ipsubnet_create(&network, addr, bits, networks->pool) != APR_SUCCESS) {
        return false;
    }
    APR_ARRAY_PUSH(networks, apr_ipsubnet_t *) = network;
    return true;
}

/* APR takes no /0: the two halves of all addresses, then. */
static bool push_everything(apr_array_header_t *networks, int version)
{
    return version == 4
               ? push_subnet(networks, "0.0.0.0", "1") && push_subnet(networks, "128.0.0.0", "1")
               : push_subnet(networks, "::", "1") && push_subnet(networks, "8000::", "1");
}

/* "10.0.0.0/8": split at the slash, both parts checked here, because APR takes "10.1" as a network
 * too. */
static bool push_network(apr_array_header_t *networks, const char *word)
{
    apr_pool_t *p = networks->pool;
    const char *slash = strchr(word, '/');
    size_t len = slash != NULL ? (size_t)(slash - word) : strlen(word);
    char text[VPS_ADDR_TEXT_SIZE];
    vps_addr_t addr;
    apr_int64_t bits = 128;

    if (!vps_addr_parse(&addr, word, len) ||
        (slash != NULL &&
         setting_number(p, &bits, slash + 1, 0, addr.version == 4 ? 32 : 128) != NULL)) {
        return false;
    }
    if (bits == 0) {
        return push_everything(networks, addr.version);
    }
    return push_subnet(networks, vps_addr_format(text, &addr), slash != NULL ? slash + 1 : NULL);
}

const char *setting_networks(apr_array_header_t *networks, const char *text)
{
    static const char allowed[] =
        "must be IPv4 or IPv6 addresses or ranges like 192.0.2.0/24 or 2001:db8::/32";
    char *words = apr_pstrdup(networks->pool, text);
    char *state, *word = apr_strtok(words, SEPARATORS, &state);

    if (word == NULL) {
        return allowed;
    }
    for (; word != NULL; word = apr_strtok(NULL, SEPARATORS, &state)) {
        if (!push_network(networks, word)) {
            return allowed;
        }
    }
    return NULL;
}

bool setting_addresses(apr_pool_t *p, vps_addr_t out[2], const char *text)
{
    char *words = apr_pstrdup(p, text);
    char *state, *word = apr_strtok(words, SEPARATORS, &state);
    vps_addr_t addr, *slot;

    if (word == NULL) {
        return false;
    }
    for (; word != NULL; word = apr_strtok(NULL, SEPARATORS, &state)) {
        if (!vps_addr_parse(&addr, word, strlen(word))) {
            return false;
        }
        slot = &out[addr.version == 4 ? 0 : 1];
        if (slot->version != 0) {
            return false;
        }
        *slot = addr;
    }
    return true;
}

static bool is_visible_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static bool has_scheme(const char *text, const char *const schemes[])
{
    const char *end = strstr(text, "://");
    size_t i, len = end != NULL ? (size_t)(end - text) : 0;

    for (i = 0; schemes[i] != NULL; i++) {
        if (strlen(schemes[i]) == len && strncasecmp(text, schemes[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static bool url_has(CURLU *url, CURLUPart part)
{
    char *value = NULL;
    bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK;

    curl_free(value);
    return has;
}

/*
 * libcurl is who uses it, so libcurl judges. schemes ends with NULL; forbidden: characters that it must
 * not have.
 */
static bool is_url(const char *text, const char *const schemes[], const char *forbidden,
                   bool may_have_login)
{
    CURLU *url = curl_url();
    bool is =
        strlen(text) <= URL_MAX && is_visible_ascii(text) && strpbrk(text, forbidden) == NULL &&
        has_scheme(text, schemes) &&
        curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        url_has(url, CURLUPART_HOST) &&
        (may_have_login || (!url_has(url, CURLUPART_USER) && !url_has(url, CURLUPART_PASSWORD)));

    curl_url_cleanup(url);
    return is;
}

const char *setting_base_url(apr_pool_t *p, const char **out, const char *text)
{
    static const char *const schemes[] = {"http", "https", NULL};
    size_t len = strlen(text);

    if (!is_url(text, schemes, "?#", false)) {
        return "must be an http or https URL of at most 511 bytes, without user name, password, ? "
               "and #";
    }
    while (text[len - 1] == '/') {
        len--;
    }
    *out = apr_pstrmemdup(p, text, len);
    return NULL;
}

const char *setting_target_url(apr_pool_t *p, const char **out, const char **host, const char *text)
{
    static const char *const schemes[] = {"http", "https", NULL};
    CURLU *url;
    char *name = NULL;

    if (!is_url(text, schemes, "#", false)) {
        return "must be an http or https URL of at most 511 bytes, without user name, password and "
               "#";
    }
    url = curl_url();
    if (curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &name, 0) == CURLUE_OK && is_visible_ascii(name)) {
        *host = apr_pstrdup(p, name);
    }
    curl_free(name);
    curl_url_cleanup(url);
    *out = apr_pstrdup(p, text);
    return *host != NULL ? NULL : "must have a host in visible ASCII characters";
}

const char *setting_proxy_url(apr_pool_t *p, const char **out, const char *text)
{
    static const char *const schemes[] = {"http",   "https",   "socks4", "socks4a",
                                          "socks5", "socks5h", NULL};

    if (!is_url(text, schemes, "?#", true)) {
        return "must be a URL of at most 511 bytes that begins with http://, https://, socks4://, "
               "socks4a://, socks5:// or socks5h://";
    }
    *out = apr_pstrdup(p, text);
    return NULL;
}

const char *setting_word(apr_pool_t *p, const char **out, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > WORD_MAX || !is_visible_ascii(text)) {
        return "must be 1 to 256 visible ASCII characters without space";
    }
    *out = apr_pstrdup(p, text);
    return NULL;
}
