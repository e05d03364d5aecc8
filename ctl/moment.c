#include "moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 12                  /* of a number; far beyond the year 9999 */
#define WHEN_MAX INT64_C(253402300799) /* sec since epoch: the last of year 9999 */

char *moment_span(char out[MOMENT_SIZE], int64_t seconds)
{
    static const struct unit_t {
        int64_t up_to, size; /* sec */
        const char *name;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {INT64_MAX, 86400, "days"}};
    const struct unit_t *unit = units;

    while (seconds >= unit->up_to && unit->up_to != INT64_MAX) {
        unit++;
    }
    snprintf(out, MOMENT_SIZE, "%" PRId64 " %s", (seconds > 0 ? seconds : 0) / unit->size,
             unit->name);
    return out;
}

char *moment_text(char out[MOMENT_SIZE], int64_t when, int64_t now, bool is_utc)
{
    char span[MOMENT_SIZE];

    if (when == 0) {
        snprintf(out, MOMENT_SIZE, "never");
    } else if (is_utc) {
        vps_time_format(out, when);
    } else {
        snprintf(out, MOMENT_SIZE, "%.20s ago", moment_span(span, now - when));
    }
    return out;
}

/* Seconds of a unit's letter, 1 for none, 0 when it is not known. */
static int64_t unit_size(const char *letter)
{
    static const struct {
        char letter;
        int64_t size; /* sec */
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (letter[0] == units[i].letter && letter[1] == '\0') {
            return units[i].size;
        }
    }
    return 0;
}

bool moment_parse(int64_t *out, const char *text, int64_t now)
{
    const size_t digits = strspn(text, "0123456789");
    int64_t number, unit;

    if (digits == 0 || digits > DIGITS_MAX) {
        return false;
    }
    number = strtoll(text, NULL, 10);
    unit = unit_size(text + digits);
    if (unit > 0) {
        *out = number < now / unit ? now - number * unit : 0;
        return true;
    }
    if (text[digits] == '\0' && number <= WHEN_MAX) {
        *out = number;
        return true;
    }
    return vps_time_parse(out, text, strlen(text));
}
