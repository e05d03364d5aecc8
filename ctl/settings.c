#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_file.h"
#include "tell.h"

#define URL "VPN_SENTINEL_SERVER_URL"
#define KEY "VPN_SENTINEL_API_KEY"
#define KEY_FILE "VPN_SENTINEL_API_KEY_FILE"
#define NO_FILE "/dev/null" /* a file without settings */

/* A flag is what the environment would have said. */
static bool put_flags(const settings_flags_t *flags)
{
    if (flags->server != NULL && setenv(URL, flags->server, 1) != 0) {
        return false;
    }
    return flags->key_file == NULL ||
           (unsetenv(KEY) == 0 && setenv(KEY_FILE, flags->key_file, 1) == 0);
}

/* The daemon's file is often its own alone: then there is none for us. */
static const char *choose_file(const settings_flags_t *flags)
{
    if (flags->config != NULL) {
        return flags->config;
    }
    return access(OPTIONS_FILE_DEFAULT, R_OK) == 0 ? OPTIONS_FILE_DEFAULT : NO_FILE;
}

/* The user knows the flag, not the variable that it stands for. */
static void name_flag(char *fault, const char *variable, const char *flag)
{
    const size_t len = strlen(variable);

    if (strncmp(fault, variable, len) == 0 && fault[len] == ' ') {
        char rest[OPTIONS_FAULT_SIZE];

        snprintf(rest, sizeof(rest), "%s", fault + len);
        snprintf(fault, OPTIONS_FAULT_SIZE, "%s%.900s", flag, rest);
    }
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

/* The variable that the configuration file sets; it sets only one of them, or options_load() refuses. */
static const char *variable_in_file(const char *path)
{
    config_file_t file;
    char fault[OPTIONS_FAULT_SIZE];

    return config_file_read(&file, path, true, fault, sizeof(fault)) &&
                   config_file_get(&file, KEY) != NULL
               ? KEY
               : KEY_FILE;
}

/* Where the key comes from, as options_load() chooses. */
static void find_key_source(settings_t *out, const settings_flags_t *flags, const char *path)
{
    const bool in_environment = is_set(KEY) || is_set(KEY_FILE);
    const char *variable;

    if (out->options.api_key[0] == '\0') {
        return;
    }
    variable = !in_environment ? variable_in_file(path) : is_set(KEY) ? KEY : KEY_FILE;
    out->key_is_in_file = strcmp(variable, KEY_FILE) == 0;
    if (flags->key_file != NULL) {
        snprintf(out->key_source, sizeof(out->key_source), "--key-file");
    } else {
        snprintf(out->key_source, sizeof(out->key_source), "%s in %.511s", variable,
                 in_environment ? "the environment" : path);
    }
}

bool settings_load(settings_t *out, const settings_flags_t *flags, char fault[OPTIONS_FAULT_SIZE])
{
    const char *path = choose_file(flags);

    memset(out, 0, sizeof(*out));
    if (!put_flags(flags)) {
        snprintf(fault, OPTIONS_FAULT_SIZE, "out of memory");
        return false;
    }
    if (!options_load(&out->options, path, fault)) {
        if (flags->server != NULL) {
            name_flag(fault, URL, "--server");
        }
        if (flags->key_file != NULL) {
            name_flag(fault, KEY_FILE, "--key-file");
        }
        return false;
    }
    find_key_source(out, flags, path);
    return true;
}

/* May everybody read the file that the key is from? */
static bool is_open_to_all(const settings_t *settings)
{
    struct stat info;

    return settings->key_is_in_file && stat(settings->options.api_key_file, &info) == 0 &&
           S_ISREG(info.st_mode) && (info.st_mode & S_IROTH) != 0;
}

void settings_warn(const settings_t *settings)
{
    if (is_open_to_all(settings)) {
        tell("warning: everybody can read the key in %s: chmod o-r will do",
             settings->options.api_key_file);
    }
    if (settings->options.allow_insecure) {
        tell(
            "warning: VPN_SENTINEL_ALLOW_INSECURE is set: the server's certificate is NOT checked");
    }
}
