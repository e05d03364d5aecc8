#include "config_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SPACE " \t\r\n\f\v"

/* Returns false with errno, or with 0 there when the text is unusable. */
static bool read_text(config_file_t *out, const char *path)
{
    FILE *stream = fopen(path, "re");
    size_t len;
    bool failed;

    if (stream == NULL) {
        return false;
    }
    errno = 0;
    len = fread(out->text, 1, CONFIG_FILE_MAX, stream);
    failed = ferror(stream) != 0 || getc(stream) != EOF || memchr(out->text, '\0', len) != NULL;
    fclose(stream);
    out->text[len] = '\0';
    return !failed;
}

char *config_file_trim(char *text)
{
    size_t len;

    text += strspn(text, SPACE);
    len = strlen(text);
    while (len > 0 && strchr(SPACE, text[len - 1]) != NULL) {
        len--;
    }
    text[len] = '\0';
    return text;
}

/* Drop a pair of quotes, in place. Returns NULL when only one is there. */
static char *unquote(char *value)
{
    size_t len = strlen(value);

    if (value[0] != '"' && value[0] != '\'') {
        return value;
    }
    if (len < 2 || value[len - 1] != value[0]) {
        return NULL;
    }
    value[len - 1] = '\0';
    return value + 1;
}

static bool is_name(const char *name)
{
    return name[0] != '\0' && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

/* Returns NULL or what is wrong with the line, which must not be shown: it may hold a key. */
static const char *read_line(config_file_t *out, char *text, unsigned line)
{
    config_setting_t *setting = &out->settings[out->count];
    char *equals;

    text = config_file_trim(text);
    if (text[0] == '\0' || text[0] == '#') {
        return NULL;
    }
    if (out->count == CONFIG_FILE_SETTINGS) {
        return "too many settings";
    }
    equals = strchr(text, '=');
    if (equals == NULL) {
        return "not NAME=value";
    }
    *equals = '\0';
    setting->line = line;
    setting->name = config_file_trim(text);
    setting->value = unquote(config_file_trim(equals + 1));
    if (!is_name(setting->name)) {
        return "not NAME=value with a name of capital letters, digits and _";
    }
    if (setting->value == NULL) {
        return "the value's closing quote is missing";
    }
    out->count++;
    return NULL;
}

static bool read_lines(config_file_t *out, const char *path, char *fault, size_t size)
{
    char *rest = out->text;

    for (unsigned line = 1; rest != NULL; line++) {
        char *text = strsep(&rest, "\n");
        const char *wrong = read_line(out, text, line);

        if (wrong != NULL) {
            snprintf(fault, size, "%s, line %u: %s", path, line, wrong);
            return false;
        }
    }
    return true;
}

bool config_file_read(config_file_t *out, const char *path, bool needed, char *fault, size_t size)
{
    out->count = 0;
    out->text[0] = '\0';
    if (read_text(out, path)) {
        return read_lines(out, path, fault, size);
    }
    if (errno == ENOENT && !needed) {
        return true;
    }
    snprintf(fault, size, "%s cannot be read: %s", path,
             errno != 0 ? strerror(errno) : "it is longer than 16 KiB, or no text");
    return false;
}

const char *config_file_get(const config_file_t *file, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->settings[i].name, name) == 0) {
            value = file->settings[i].value;
        }
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}
