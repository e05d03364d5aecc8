/* An Accept header, whatever it is. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A text of exactly this size, so that a sanitizer sees what is read behind its NUL. */
    char *text = malloc(size + 1);
    int quality;

    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    quality = accept_quality(text, "text/plain", "0.0.4");
    check(quality >= 0 && quality <= 1000);
    check(quality == 0 || text[0] == '\0' || strpbrk(text, "/ \t") != NULL);
    free(text);
    return 0;
}
