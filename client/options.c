#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "config_file.h"

#define KEY_LINE_SIZE 1024 /* bytes of a line of the key file */

/* Weakest first. */
typedef enum source_t { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT } source_t;

static const char *const source_names[] = {"default", "file", "environment"};

typedef struct option_t option_t;
struct option_t {
    const char *name;
    const char *alias;    /* name in the released client, or NULL */
    const char *fallback; /* the default, "" = none */
    bool (*read)(const option_t *option, void *member, const char *text);
    size_t member; /* offset in options_t */
    size_t size;   /* bytes of a text member */
    long min, max; /* of a number */
    bool secret;
    const char *allowed; /* completes "… must be" */
    const char *help;
};

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
#define A_SECRET "at most 256 visible ASCII characters"

static const option_t table[] = {
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
     .allowed = A_SECRET,
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
     .allowed = A_SECRET,
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
    {.name = "VPN_SENTINEL_TRACE_URL",
     .fallback = "https://1.1.1.1",
     .read = read_url,
     MEMBER(trace_url),
     .allowed = A_URL,
     .help = "Cloudflare or a mirror"},
    {.name = "VPN_SENTINEL_DEBUG",
     .fallback = "false",
     .read = read_switch,
     MEMBER(debug),
     .allowed = "true, false, on, off, yes, no, 1 or 0",
     .help = "log details"},
};
#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

static const option_t *find(const char *name)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strcmp(table[i].name, name) == 0 ||
            (table[i].alias != NULL && strcmp(table[i].alias, name) == 0)) {
            return &table[i];
        }
    }
    return NULL;
}

/* --- where a value comes from --- */

typedef struct value_t {
    const char *name; /* the one that was used */
    const char *text; /* "" = unset */
    source_t source;
} value_t;

static const char *environment_get(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *look_up(source_t source, const config_file_t *file, const char *name)
{
    return source == SOURCE_ENVIRONMENT ? environment_get(name) : config_file_get(file, name);
}

static value_t resolve(const option_t *option, const config_file_t *file)
{
    const char *names[] = {option->name, option->alias};

    for (source_t source = SOURCE_ENVIRONMENT; source > SOURCE_DEFAULT; source--) {
        for (size_t i = 0; i < 2 && names[i] != NULL; i++) {
            const char *text = look_up(source, file, names[i]);

            if (text != NULL) {
                return (value_t){names[i], text, source};
            }
        }
    }
    return (value_t){option->name, option->fallback, SOURCE_DEFAULT};
}

/* --- loading --- */

static bool names_are_known(const config_file_t *file, const char *path, char *fault)
{
    for (size_t i = 0; i < file->count; i++) {
        if (find(file->settings[i].name) == NULL) {
            snprintf(fault, OPTIONS_FAULT_SIZE, "%s, line %u: %s is not a setting of this program",
                     path, file->settings[i].line, file->settings[i].name);
            return false;
        }
    }
    return true;
}

/* A URL that is refused may be so because of the password in it. */
static bool may_be_shown(const option_t *option, const char *text)
{
    return !option->secret && strchr(text, '@') == NULL;
}

static bool read_option(options_t *out, const option_t *option, const config_file_t *file,
                        char *fault)
{
    value_t value = resolve(option, file);

    if (value.text[0] == '\0' || option->read(option, (char *)out + option->member, value.text)) {
        return true;
    }
    if (may_be_shown(option, value.text)) {
        snprintf(fault, OPTIONS_FAULT_SIZE, "%s is \"%.200s\" but must be %s", value.name,
                 value.text, option->allowed);
    } else {
        snprintf(fault, OPTIONS_FAULT_SIZE, "%s (value not shown) must be %s", value.name,
                 option->allowed);
    }
    return false;
}

/* The stronger source wins; in the same one nobody can tell which was meant. */
static bool choose_key(options_t *out, const config_file_t *file, bool *from_file, char *fault)
{
    value_t key = resolve(find("VPN_SENTINEL_API_KEY"), file);
    value_t key_file = resolve(find("VPN_SENTINEL_API_KEY_FILE"), file);

    if (key.text[0] != '\0' && key_file.text[0] != '\0' && key.source == key_file.source) {
        snprintf(fault, OPTIONS_FAULT_SIZE,
                 "VPN_SENTINEL_API_KEY and VPN_SENTINEL_API_KEY_FILE "
                 "are both set but only one of them may be");
        return false;
    }
    *from_file = out->api_key_file[0] != '\0' && key_file.source > key.source;
    return true;
}

/* The first line that is neither empty nor a comment, as in the server's key files. */
static bool find_key(options_t *out, FILE *stream)
{
    char line[KEY_LINE_SIZE];

    while (fgets(line, sizeof(line), stream) != NULL) {
        bool cut = strlen(line) == sizeof(line) - 1;
        char *key = config_file_trim(line);

        if (cut) {
            return false; /* its rest would pass for another line */
        }
        if (key[0] != '\0' && key[0] != '#') {
            return read_secret(find("VPN_SENTINEL_API_KEY"), out->api_key, key);
        }
    }
    return false;
}

static bool read_key_file(options_t *out, char *fault)
{
    FILE *stream = fopen(out->api_key_file, "re");
    bool found;

    if (stream == NULL) {
        snprintf(fault, OPTIONS_FAULT_SIZE,
                 "VPN_SENTINEL_API_KEY_FILE is \"%s\" but must be a readable file: %s",
                 out->api_key_file, strerror(errno));
        return false;
    }
    found = find_key(out, stream);
    fclose(stream);
    if (!found) {
        snprintf(fault, OPTIONS_FAULT_SIZE,
                 "VPN_SENTINEL_API_KEY_FILE is \"%s\" but must be a file with a key of " A_SECRET
                 " in a line of its own",
                 out->api_key_file);
    }
    return found;
}

static bool read_file(config_file_t *out, const char *path, char *fault)
{
    const char *name = path != NULL ? path : OPTIONS_FILE_DEFAULT;

    return config_file_read(out, name, path != NULL, fault, OPTIONS_FAULT_SIZE) &&
           names_are_known(out, name, fault);
}

bool options_load(options_t *out, const char *path, char fault[OPTIONS_FAULT_SIZE])
{
    config_file_t file;
    bool key_from_file;

    memset(out, 0, sizeof(*out));
    if (!read_file(&file, path, fault)) {
        return false;
    }
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (!read_option(out, &table[i], &file, fault)) {
            return false;
        }
    }
    return choose_key(out, &file, &key_from_file, fault) &&
           (!key_from_file || read_key_file(out, fault));
}

bool options_list(FILE *out, const char *path, char fault[OPTIONS_FAULT_SIZE])
{
    config_file_t file;

    if (!read_file(&file, path, fault)) {
        return false;
    }
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        value_t value = resolve(&table[i], &file);
        bool hide = table[i].secret && value.text[0] != '\0';

        fprintf(out, "%s=%s (%s)\n", table[i].name, hide ? "***" : value.text,
                source_names[value.source]);
    }
    return true;
}

void options_help(FILE *out)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        fprintf(out, "  %-28s %s", table[i].name, table[i].help);
        if (table[i].fallback[0] != '\0') {
            fprintf(out, " (%s)", table[i].fallback);
        }
        if (table[i].alias != NULL) {
            fprintf(out, "; also %s", table[i].alias);
        }
        fputc('\n', out);
    }
}
