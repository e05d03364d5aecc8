/*
 * Fuzz entry point: text from outside in a line of the log. The line is one, is valid text, is cut where
 * it must be, and no two texts give the same one.
 */
#include "fuzz.h"

#include <stdio.h>

#include "logline.h"
#include "valid.h"

static void check_line(const char *text, size_t size)
{
    char line[VPS_LOGLINE_SIZE];
    const size_t len = vps_logline(line, size, 0, "api", "%s", text);

    check(len < size && strlen(line) == len && line[len - 1] == '\n');
    check(vps_valid_text(line, len - 1));
}

/* Reads \xHH and \\ back. */
static void check_meaning(const char *text)
{
    char line[VPS_LOGLINE_SIZE], *at;
    size_t len = vps_logline(line, sizeof(line), 0, "api", "%s", text);

    if (len > sizeof(line) - 8) {
        return; /* cut, perhaps */
    }
    at = strstr(line, "[api] ");
    check(at != NULL);
    for (at += strlen("[api] "); *text != '\0'; text++) {
        unsigned byte = (unsigned char)*at;

        if (at[0] == '\\' && at[1] == 'x') {
            check(sscanf(at, "\\x%2X", &byte) == 1);
            at += 4;
        } else {
            at += at[0] == '\\' ? 2 : 1;
        }
        check((unsigned char)*text == byte);
    }
    check(strcmp(at, "\n") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_of(data, size);

    check_line(text, 64);
    check_line(text, VPS_LOGLINE_SIZE);
    check_meaning(text);
    free(text);
    return 0;
}
