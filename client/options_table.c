#include "options_table.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "addr.h"

/* --- readers: text to member; false when the text is not what is allowed --- */

static bool read_copy(const option_t *option, void *member, const char *text)
{
    size_t len = strlen(text);

    if (len >= option->size) {
        return false;
    }
    memcpy(member, text, len + 1);
    return true;
}

static bool read_client_id(const option_t *option, void *member, const char *text)
{
    return vps_valid_client_id(text, strlen(text)) && read_copy(option, member, text);
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

/* Visible only, because it becomes part of a header line. */
static bool read_secret(const option_t *option, void *member, const char *text)
{
    return is_visible_ascii(text) && read_copy(option, member, text);
}

static bool url_has(CURLU *url, CURLUPart part)
{
    char *value = NULL;
    bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK;

    curl_free(value);
    return has;
}

static bool is_base_url(const char *text)
{
    CURLU *url = curl_url();
    bool is = (strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0) &&
              is_visible_ascii(text) && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
              !url_has(url, CURLUPART_USER) && !url_has(url, CURLUPART_PASSWORD) &&
              strpbrk(text, "?#") == NULL;

    curl_url_cleanup(url);
    return is;
}

static void drop_trailing_slashes(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '/') {
        text[--len] = '\0';
    }
}

static bool read_url(const option_t *option, void *member, const char *text)
{
    if (!is_base_url(text) || !read_copy(option, member, text)) {
        return false;
    }
    drop_trailing_slashes(member);
    return true;
}

static bool is_ipv6_host(const char *url)
{
    CURLU *parsed = curl_url();
    char *host = NULL;
    vps_addr_t addr;
    bool is = curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] == '[' &&
              vps_addr_parse(&addr, host + 1, strcspn(host + 1, "]")) && addr.version == 6;

    curl_free(host);
    curl_url_cleanup(parsed);
    return is;
}

/* The address itself, because a name that is not found would pass for IPv6 that goes nowhere. */
static bool read_ipv6_url(const option_t *option, void *member, const char *text)
{
    if (strcasecmp(text, "off") == 0 || strcasecmp(text, "none") == 0) {
        return read_copy(option, member, "");
    }
    return is_ipv6_host(text) && read_url(option, member, text);
}

/* With or without slashes around it, it is kept with one in front. */
static bool read_url_path(const option_t *option, void *member, const char *text)
{
    int len = snprintf(member, option->size, "/%s", text + strspn(text, "/"));

    drop_trailing_slashes(member);
    return len < (int)option->size && is_visible_ascii(text) && strpbrk(text, "?#") == NULL;
}

static bool read_number(const option_t *option, void *member, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long number;

    if (digits == 0 || digits > 9 || text[digits] != '\0') {
        return false;
    }
    number = strtol(text, NULL, 10);
    *(long *)member = number;
    return number >= option->min && number <= option->max;
}

static bool read_service(const option_t *option, void *member, const char *text)
{
    static const struct {
        const char *name;
        options_service_t service;
    } names[] = {
        {"auto", OPTIONS_SERVICE_AUTO},       {"ipinfo.io", OPTIONS_SERVICE_IPINFO},
        {"ipinfo", OPTIONS_SERVICE_IPINFO},   {"ip-api.com", OPTIONS_SERVICE_IPAPI},
        {"ip-api", OPTIONS_SERVICE_IPAPI},    {"ipwhois.app", OPTIONS_SERVICE_IPWHOIS},
        {"ipwhois", OPTIONS_SERVICE_IPWHOIS}, {"ipwho.is", OPTIONS_SERVICE_IPWHOIS},
        {"gluetun", OPTIONS_SERVICE_GLUETUN},
    };

    (void)option;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(text, names[i].name) == 0) {
            *(options_service_t *)member = names[i].service;
            return true;
        }
    }
    return false;
}

/* "1.1.1.1:53", "[2606:4700:4700::1111]:53"; the port may be missing. Kept with it. */
static bool read_dns_server(const option_t *option, void *member, const char *text)
{
    const bool has_brackets = text[0] == '[';
    const char *address = text + (has_brackets ? 1 : 0);
    const size_t len = strcspn(address, has_brackets ? "]" : ":");
    const char *rest = address + len + (has_brackets && address[len] == ']' ? 1 : 0);
    const option_t port = {.min = 1, .max = 65535};
    vps_addr_t addr;
    char shown[VPS_ADDR_TEXT_SIZE];
    long number = 53;

    if (!vps_addr_parse(&addr, address, len) || has_brackets != (addr.version == 6) ||
        (rest[0] != '\0' && (rest[0] != ':' || !read_number(&port, &number, rest + 1)))) {
        return false;
    }
    vps_addr_format(shown, &addr);
    snprintf(member, option->size, has_brackets ? "[%s]:%ld" : "%s:%ld", shown, number);
    return true;
}

static bool read_dns_allowed(const option_t *option, void *member, const char *text)
{
    dns_allowed_t *allowed = member;

    allowed->is_default = text == option->fallback; /* the very text: nobody has given one */
    return network_list_read(&allowed->list, text);
}

/* A host's name (RFC 1123, section 2.1), "" for none. */
static bool read_host_name(const option_t *option, void *member, const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

    if (strcasecmp(text, "none") == 0) {
        text = "";
    }
    return text[strspn(text, allowed)] == '\0' && text[0] != '.' && strstr(text, "..") == NULL &&
           read_copy(option, member, text);
}

static bool read_switch(const option_t *option, void *member, const char *text)
{
    static const char *const on[] = {"true", "on", "yes", "1"};
    static const char *const off[] = {"false", "off", "no", "0"};

    (void)option;
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        if (strcasecmp(text, on[i]) == 0 || strcasecmp(text, off[i]) == 0) {
            *(bool *)member = strcasecmp(text, on[i]) == 0;
            return true;
        }
    }
    return false;
}

/* --- the table --- */

#define MEMBER(x) .member = offsetof(options_t, x), .size = sizeof(((options_t *)NULL)->x)
#define A_URL "an http or https URL of at most 511 bytes, without user name, password, ? and #"

const option_t options_table[] = {
    {.name = "VPN_SENTINEL_CLIENT_ID",
     .fallback = "default-client",
     .read = read_client_id,
     MEMBER(client_id),
     .allowed = "1 to 100 ASCII letters, digits and hyphens",
     .help = "name of this client at the server"},
    {.name = "VPN_SENTINEL_SERVER_URL",
     .alias = "VPN_SENTINEL_URL",
     .fallback = "http://localhost:5000",
     .read = read_url,
     MEMBER(server_url),
     .allowed = A_URL,
     .help = "the server"},
    {.name = "VPN_SENTINEL_API_PATH",
     .fallback = "/api/v1",
     .read = read_url_path,
     MEMBER(api_path),
     .allowed = "a URL path of at most 510 bytes, without space, ? and #",
     .help = "path of the API at the server"},
    {.name = "VPN_SENTINEL_API_KEY",
     .fallback = "",
     .read = read_secret,
     MEMBER(api_key),
     .secret = true,
     .allowed = OPTIONS_A_SECRET,
     .help = "key of the server's API"},
    {.name = "VPN_SENTINEL_API_KEY_FILE",
     .fallback = "",
     .read = read_copy,
     MEMBER(api_key_file),
     .allowed = "a path of at most 511 bytes",
     .help = "file that holds the key instead"},
    {.name = "VPN_SENTINEL_CHECK_INTERVAL",
     .alias = "VPN_SENTINEL_INTERVAL",
     .fallback = "60",
     .read = read_number,
     MEMBER(interval),
     .min = 1,
     .max = 86400,
     .allowed = "a whole number of seconds from 1 to 86400",
     .help = "seconds between two reports"},
    {.name = "VPN_SENTINEL_TIMEOUT",
     .fallback = "10",
     .read = read_number,
     MEMBER(timeout),
     .min = 1,
     .max = 300,
     .allowed = "a whole number of seconds from 1 to 300",
     .help = "seconds for one request"},
    {.name = "IPINFO_API_TOKEN",
     .fallback = "",
     .read = read_secret,
     MEMBER(ipinfo_token),
     .secret = true,
     .allowed = OPTIONS_A_SECRET,
     .help = "token for ipinfo.io"},
    {.name = "VPN_SENTINEL_IPINFO_URL",
     .fallback = "https://ipinfo.io",
     .read = read_url,
     MEMBER(ipinfo_url),
     .allowed = A_URL,
     .help = "ipinfo.io or a mirror"},
    {.name = "VPN_SENTINEL_IPAPI_URL",
     .fallback = "http://ip-api.com",
     .read = read_url,
     MEMBER(ipapi_url),
     .allowed = A_URL,
     .help = "ip-api.com or a mirror"},
    {.name = "VPN_SENTINEL_IPWHOIS_URL",
     .fallback = "https://ipwho.is",
     .read = read_url,
     MEMBER(ipwhois_url),
     .allowed = A_URL,
     .help = "ipwho.is or a mirror"},
    {.name = "VPN_SENTINEL_GLUETUN_URL",
     .fallback = "",
     .read = read_url,
     MEMBER(gluetun_url),
     .allowed = A_URL,
     .help = "control server of gluetun, which knows the exit, too"},
    {.name = "VPN_SENTINEL_GLUETUN_API_KEY",
     .fallback = "",
     .read = read_secret,
     MEMBER(gluetun_api_key),
     .secret = true,
     .allowed = OPTIONS_A_SECRET,
     .help = "key of gluetun's control server"},
    {.name = "VPN_SENTINEL_GEOLOCATION_SERVICE",
     .fallback = "auto",
     .read = read_service,
     MEMBER(service),
     .allowed = "auto, ipinfo.io, ip-api.com, ipwhois.app or gluetun",
     .help = "the only one to ask for places"},
    {.name = "VPN_SENTINEL_TRACE_URL",
     .fallback = "https://1.1.1.1",
     .read = read_url,
     MEMBER(trace_url),
     .allowed = A_URL,
     .help = "Cloudflare or a mirror"},
    {.name = "VPN_SENTINEL_TRACE6_URL",
     .fallback = "https://[2606:4700:4700::1111]",
     .read = read_ipv6_url,
     MEMBER(trace6_url),
     .allowed = "an http or https URL of at most 511 bytes with an IPv6 address, or off",
     .help = "the same by IPv6; off = do not look where that comes out"},
    {.name = "VPN_SENTINEL_CLOUDFLARE_DNS",
     .fallback = "1.1.1.1:53",
     .read = read_dns_server,
     MEMBER(cloudflare_dns),
     .allowed = "an address and a port, like 1.1.1.1:53 or [2606:4700:4700::1111]:53",
     .help = "Cloudflare's resolver"},
    {.name = "VPN_SENTINEL_DNS_WHOAMI",
     .fallback = "o-o.myaddr.l.google.com",
     .read = read_host_name,
     MEMBER(dns_whoami),
     .allowed = "a host name of at most 255 characters, or none",
     .help = "name that tells which resolver asks for it; none = no DNS queries"},
    {.name = "VPN_SENTINEL_DNS_ALLOWED",
     .fallback = "AS13335, AS15169, AS19281, AS36692",
     .read = read_dns_allowed,
     MEMBER(dns_allowed),
     .allowed = "at most 32 addresses, ranges like 192.0.2.0/24 and networks like AS13335",
     .help = "where DNS may come out though it is not the exit"},
    {.name = "VPN_SENTINEL_HEALTH_SCRIPT",
     .fallback = "",
     .read = read_copy,
     MEMBER(health_script),
     .allowed = "a path of at most 511 bytes",
     .help = "program whose exit status 0 says that the VPN is up"},
    {.name = "VPN_SENTINEL_TLS_CERT_PATH",
     .fallback = "",
     .read = read_copy,
     MEMBER(tls_ca),
     .allowed = "a path of at most 511 bytes",
     .help = "file with the CAs that the server's certificate may be of"},
    {.name = "VPN_SENTINEL_TLS_CLIENT_CERT",
     .fallback = "",
     .read = read_copy,
     MEMBER(tls_cert),
     .allowed = "a path of at most 511 bytes",
     .help = "certificate that is shown to the server"},
    {.name = "VPN_SENTINEL_TLS_CLIENT_KEY",
     .fallback = "",
     .read = read_copy,
     MEMBER(tls_key),
     .allowed = "a path of at most 511 bytes",
     .help = "its key, unless it is in the same file"},
    {.name = "VPN_SENTINEL_ALLOW_INSECURE",
     .fallback = "false",
     .read = read_switch,
     MEMBER(allow_insecure),
     .allowed = "true, false, on, off, yes, no, 1 or 0",
     .help = "do not check the server's certificate"},
    {.name = "VPN_SENTINEL_RUN_DIR",
     .fallback = "",
     .read = read_copy,
     MEMBER(run_dir),
     .allowed = "a path of at most 511 bytes",
     .help = "folder for the state that --healthcheck reads"},
    {.name = "VPN_SENTINEL_HEALTH_PORT",
     .fallback = "0",
     .read = read_number,
     MEMBER(health_port),
     .min = 0,
     .max = 65535,
     .allowed = "a port from 1 to 65535, or 0 for none",
     .help = "port on which the daemon tells how it is"},
    {.name = "VPN_SENTINEL_DEBUG",
     .fallback = "false",
     .read = read_switch,
     MEMBER(debug),
     .allowed = "true, false, on, off, yes, no, 1 or 0",
     .help = "log details"},
};
const size_t options_table_size = sizeof(options_table) / sizeof(options_table[0]);

static bool is_name(const char *known, const char *name, size_t len)
{
    return known != NULL && strlen(known) == len && memcmp(known, name, len) == 0;
}

const option_t *options_find_part(const char *name, size_t len)
{
    for (size_t i = 0; i < options_table_size; i++) {
        if (is_name(options_table[i].name, name, len) ||
            is_name(options_table[i].alias, name, len)) {
            return &options_table[i];
        }
    }
    return NULL;
}

const option_t *options_find(const char *name)
{
    return options_find_part(name, strlen(name));
}
