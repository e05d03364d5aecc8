/* What fuzz entry points have in common. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that does not hold is a finding. */
static inline void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Printable ASCII, as a sentence of ours is. */
static inline void check_sentence(const char *text)
{
    check(text[0] != '\0');
    for (; *text != '\0'; text++) {
        check(*text >= ' ' && *text <= '~');
    }
}

/* AddressSanitizer takes who reads these bytes for one who reads beyond the end; and no longer. */
static inline void hide(const void *bytes, size_t size)
{
    ASAN_POISON_MEMORY_REGION(bytes, size);
}

static inline void show(const void *bytes, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(bytes, size);
}

/*
 * A text of exactly this size, so that a sanitizer sees what is read behind its NUL; the caller's to
 * free. It ends where the bytes have a NUL.
 */
static inline char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (strlen(text) < size) {
        char *shorter = realloc(text, strlen(text) + 1);

        check(shorter != NULL);
        return shorter;
    }
    return text;
}

#endif
