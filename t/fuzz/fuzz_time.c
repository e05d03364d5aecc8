/* Fuzz entry point: times in ISO 8601. What is taken comes back the same from its own text. */
#include "fuzz.h"

#include "valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t when = -1, same = -1;
    char text[VPS_TIME_TEXT_SIZE];

    if (vps_time_parse(&when, (const char *)data, size)) {
        check(when >= 0 && when <= INT64_C(253402300799) && size >= 19);
        vps_time_format(text, when);
        check(vps_time_parse(&same, text, strlen(text)) && same == when);
        check(memcmp(text + 14, data + 14, 2) == 0 ||
              size > 19); /* minutes, unless there is an offset */
    } else {
        check(when == -1);
    }
    return 0;
}
