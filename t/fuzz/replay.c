/*
 * Runs a fuzz entry point over its corpus without libFuzzer, every file and, of the short ones,
 * each beginning of it. Prints TAP; a property that does not hold aborts.
 *
 * usage: NAME.test [FOLDER]      default: $VPS_SRCDIR/t/fuzz/corpus/NAME
 *
 * With VPS_LIBFUZZER defined there is nothing here: libFuzzer brings a main() of its own.
 */
#ifndef VPS_LIBFUZZER
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIXES_MAX 4096 /* bytes of a file of which every beginning is tried */
#define FILE_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Run on a copy of exactly this size, so that a sanitizer sees what is read behind it. */
static bool run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return true;
}

static bool replay(const char *path)
{
    static uint8_t data[FILE_MAX];
    FILE *file = fopen(path, "rb");
    bool good;

    if (file == NULL) {
        return false;
    }
    const size_t size = fread(data, 1, sizeof(data), file);

    good = ferror(file) == 0 && run(data, size);
    fclose(file);
    for (size_t i = 0; good && size <= PREFIXES_MAX && i < size; i++) {
        good = run(data, i);
    }
    return good;
}

/* "lt-NAME.test" or "NAME.test", as libtool and automake call the program, to NAME. */
static void find_folder(char *out, size_t size, const char *program)
{
    const char *slash = strrchr(program, '/');
    const char *name = slash != NULL ? slash + 1 : program;
    const char *source = getenv("VPS_SRCDIR");

    if (strncmp(name, "lt-", 3) == 0) {
        name += 3;
    }
    snprintf(out, size, "%s/t/fuzz/corpus/%.*s", source != NULL ? source : ".",
             (int)strcspn(name, "."), name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    char folder[4096], path[8192];
    struct dirent **files = NULL;
    int failed = 0;

    if (argc > 1) {
        snprintf(folder, sizeof(folder), "%s", argv[1]);
    } else {
        find_folder(folder, sizeof(folder), argv[0]);
    }
    const int count = scandir(folder, &files, is_visible, alphasort);

    if (count <= 0) {
        printf("Bail out! no corpus in %s: %s\n", folder, count < 0 ? strerror(errno) : "empty");
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]->d_name);
        fflush(stdout); /* what was done is seen even if this one aborts */
        const bool good = replay(path);

        printf("%sok %d - %s\n", good ? "" : "not ", i + 1, files[i]->d_name);
        failed += !good;
        free(files[i]);
    }
    free(files);
    return failed > 0;
}

#else

typedef int replay_t; /* no file may be empty */

#endif
