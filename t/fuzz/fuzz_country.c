/* Fuzz entry point: names of countries. A code is two capitals, and the code of itself. */
#include "fuzz.h"

#include "country.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_of(data, size);
    char code[3] = "xx", same[3] = "yy";

    if (vps_country_code(code, text)) {
        check(strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2 && code[2] == '\0');
        check(vps_country_code(same, code) && strcmp(same, code) == 0);
    } else {
        check(code[0] == '\0');
    }
    free(text);
    return 0;
}
