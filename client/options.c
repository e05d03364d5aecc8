#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "options_table.h"
#include "tls_files.h"

#define KEY_LINE_SIZE 1024 /* bytes of a line of the key file */

/* Weakest first. */
typedef enum source_t { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT } source_t;

static const char *const source_names[] = {"default", "file", "environment"};

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
        if (options_find(file->settings[i].name) == NULL) {
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
    value_t key = resolve(options_find("VPN_SENTINEL_API_KEY"), file);
    value_t key_file = resolve(options_find("VPN_SENTINEL_API_KEY_FILE"), file);

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
    const option_t *option = options_find("VPN_SENTINEL_API_KEY");
    char line[KEY_LINE_SIZE];

    while (fgets(line, sizeof(line), stream) != NULL) {
        bool cut = strlen(line) == sizeof(line) - 1;
        char *key = config_file_trim(line);

        if (cut) {
            return false; /* its rest would pass for another line */
        }
        if (key[0] != '\0' && key[0] != '#') {
            return option->read(option, out->api_key, key);
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
        snprintf(
            fault, OPTIONS_FAULT_SIZE,
            "VPN_SENTINEL_API_KEY_FILE is \"%s\" but must be a file with a key of " OPTIONS_A_SECRET
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

/* Who is named alone must be there. */
static bool check_service(const options_t *options, char *fault)
{
    if (options->service == OPTIONS_SERVICE_GLUETUN && options->gluetun_url[0] == '\0') {
        snprintf(fault, OPTIONS_FAULT_SIZE,
                 "VPN_SENTINEL_GEOLOCATION_SERVICE is \"gluetun\" but VPN_SENTINEL_GLUETUN_URL is "
                 "not set");
        return false;
    }
    return true;
}

bool options_load(options_t *out, const char *path, char fault[OPTIONS_FAULT_SIZE])
{
    config_file_t file;
    bool key_from_file;

    memset(out, 0, sizeof(*out));
    if (!read_file(&file, path, fault)) {
        return false;
    }
    for (size_t i = 0; i < options_table_size; i++) {
        if (!read_option(out, &options_table[i], &file, fault)) {
            return false;
        }
    }
    return choose_key(out, &file, &key_from_file, fault) &&
           (!key_from_file || read_key_file(out, fault)) && check_service(out, fault) &&
           tls_files_check(out, fault);
}

bool options_load_run_dir(char out[OPTIONS_PATH_SIZE], const char *path,
                          char fault[OPTIONS_FAULT_SIZE])
{
    config_file_t file;
    options_t options = {0};

    if (!read_file(&file, path, fault) ||
        !read_option(&options, options_find("VPN_SENTINEL_RUN_DIR"), &file, fault)) {
        return false;
    }
    memcpy(out, options.run_dir, OPTIONS_PATH_SIZE);
    return true;
}

bool options_list(FILE *out, const char *path, char fault[OPTIONS_FAULT_SIZE])
{
    config_file_t file;

    if (!read_file(&file, path, fault)) {
        return false;
    }
    for (size_t i = 0; i < options_table_size; i++) {
        value_t value = resolve(&options_table[i], &file);
        bool hide = options_table[i].secret && value.text[0] != '\0';

        fprintf(out, "%s=%s (%s)\n", options_table[i].name, hide ? "***" : value.text,
                source_names[value.source]);
    }
    return true;
}

bool options_is_secret(const char *name, size_t len)
{
    const option_t *option = options_find_part(name, len);

    return option != NULL && option->secret;
}

void options_help(FILE *out)
{
    for (size_t i = 0; i < options_table_size; i++) {
        fprintf(out, "  %-32s %s", options_table[i].name, options_table[i].help);
        if (options_table[i].fallback[0] != '\0') {
            fprintf(out, " (%s)", options_table[i].fallback);
        }
        if (options_table[i].alias != NULL) {
            fprintf(out, "; also %s", options_table[i].alias);
        }
        fputc('\n', out);
    }
}
