#include "secret.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PART_MIN 8 /* bytes of a cut-off secret at the end of a text that count as one */
#define STARS "***"

static bool is_encoded(const char *text, char character)
{
    char code[4];

    snprintf(code, sizeof(code), "%%%02X", (unsigned char)character);
    return strncasecmp(text, code, 3) == 0;
}

/* How many bytes at the begin of text are the secret; 0 = another text. */
static size_t length_of_secret(const char *text, const char *secret)
{
    size_t len = 0;

    for (; *secret != '\0'; secret++) {
        if (is_encoded(text + len, *secret)) {
            len += 3;
        } else if (text[len] == *secret) {
            len++;
        } else {
            return text[len] == '\0' && len >= PART_MIN ? len : 0;
        }
    }
    return len;
}

char *secret_mask(char *text, const char *secret)
{
    char *out = text;
    const char *in = text;

    while (secret != NULL && *in != '\0') {
        const size_t len = length_of_secret(in, secret);
        /* Never longer than what they replace. */
        const size_t stars = len < strlen(STARS) ? len : strlen(STARS);

        if (len == 0) {
            *out++ = *in++;
            continue;
        }
        memcpy(out, STARS, stars);
        out += stars;
        in += len;
    }
    if (out != text) {
        *out = '\0';
    }
    return text;
}
