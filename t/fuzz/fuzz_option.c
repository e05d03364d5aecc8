/*
 * Fuzz entry point: the value of a setting of the client, as each that there is, and a file with a key.
 * What is taken is within its member; what becomes part of a request has nothing that could end a line.
 */
#include "fuzz.h"

#include <ctype.h>

#ifndef __clang__
/* gcc's analyzer does not follow a stream past a check(). */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif
#include "options.c"

/* All but paths of files. */
static bool is_for_requests(const option_t *option)
{
    return option->secret || strstr(option->allowed, "URL") != NULL;
}

static void check_text(const option_t *option, const char *text)
{
    const size_t len = strnlen(text, option->size);

    check(len < option->size);
    for (size_t i = 0; i < len && is_for_requests(option); i++) {
        check(text[i] > ' ' && text[i] <= '~');
    }
}

static void check_taken(const option_t *option, const char *member)
{
    if (option->max > 0) {
        check(*(const long *)(const void *)member >= option->min);
        check(*(const long *)(const void *)member <= option->max);
    } else if (option->size > sizeof(options_service_t) && option->size != sizeof(dns_allowed_t)) {
        check_text(option, member);
    }
}

/* A key beyond the file's own is read of no other line. */
static void check_key_file(options_t *options, const uint8_t *data, size_t size)
{
    FILE *stream = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    if (stream != NULL && find_key(options, stream)) {
        check_text(options_find("VPN_SENTINEL_API_KEY"), options->api_key);
        check(options->api_key[0] != '\0' && options->api_key[0] != '#');
    }
    if (stream != NULL) {
        fclose(stream);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    options_t *options = calloc(1, sizeof(*options));
    char *text = text_of(data, size);

    check(options != NULL);
    for (size_t i = 0; i < options_table_size && text[0] != '\0'; i++) {
        const option_t *option = &options_table[i];
        char *member = (char *)options + option->member;

        if (option->read(option, member, text)) {
            check_taken(option, member);
        }
    }
    check_key_file(options, data, size);
    free(text);
    free(options);
    return 0;
}
