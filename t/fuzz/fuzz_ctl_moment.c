/* Fuzz entry point: moments that people type. One that is taken is within the calendar, and can be told. */
#include "fuzz.h"

#include "moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t now = INT64_C(1700000000);
    char *text = text_of(data, size);
    char told[MOMENT_SIZE];
    int64_t when = -1, same = -1;

    if (moment_parse(&when, text, now)) {
        check(when >= 0 && when <= INT64_C(253402300799));
        check(strlen(moment_text(told, when, now, false)) < MOMENT_SIZE);
        if (when > 0) {
            check(moment_parse(&same, moment_text(told, when, now, true), now) && same == when);
        }
    } else {
        check(when == -1);
    }
    free(text);
    return 0;
}
