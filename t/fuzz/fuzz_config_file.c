/*
 * Fuzz entry point: the text of a configuration file. Whatever is read is within the file's limits,
 * and a fault is a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdint.h>

#include "config_file.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_settings(const config_file_t *file)
{
    check(file->count <= CONFIG_FILE_SETTINGS);
    for (size_t i = 0; i < file->count; i++) {
        const config_setting_t *setting = &file->settings[i];

        check(setting->name[0] != '\0');
        check(setting->name[strspn(setting->name, NAME_CHARACTERS)] == '\0');
        check(strlen(setting->value) <= CONFIG_FILE_MAX);
        check(setting->line > 0 && (i == 0 || setting->line > setting[-1].line));
        check((config_file_get(file, setting->name) == NULL) ||
              config_file_get(file, setting->name)[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static config_file_t file;
    char path[32], fault[256] = "";
    const int fd = memfd_create("client.conf", MFD_CLOEXEC);

    check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (config_file_read(&file, path, true, fault, sizeof(fault))) {
        check_settings(&file);
    } else {
        check(strncmp(fault, path, strlen(path)) == 0);
    }
    close(fd);
    return 0;
}
