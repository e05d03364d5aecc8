/* Answers of look-up services: whatever comes, what is believed obeys the limits. */
#include <stdlib.h>
#include <string.h>

#include "place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A valid text within its limit, with nothing behind its NUL. */
static void check_text(const char *text, size_t size)
{
    const size_t len = strnlen(text, size);

    if (len == size || !vps_valid_text(text, len)) {
        abort();
    }
    for (size_t i = len; i < size; i++) {
        if (text[i] != '\0') {
            abort();
        }
    }
}

static void check_answer(vps_place_source_t source, const uint8_t *data, size_t size)
{
    static const vps_place_t unknown;
    vps_place_t place;

    memset(&place, 0xff, sizeof(place));
    if (!vps_place_parse(&place, source, (const char *)data, size)) {
        if (memcmp(&place, &unknown, sizeof(place)) != 0) {
            abort();
        }
        return;
    }
    if (place.public_ip.version != 4 && place.public_ip.version != 6) {
        abort();
    }
    check_text(place.location, sizeof(place.location));
    check_text(place.city, sizeof(place.city));
    check_text(place.region, sizeof(place.region));
    check_text(place.country, sizeof(place.country));
    check_text(place.provider, sizeof(place.provider));
    check_text(place.timezone, sizeof(place.timezone));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_answer(VPS_PLACE_IPINFO, data, size);
    check_answer(VPS_PLACE_IPAPI, data, size);
    check_answer(VPS_PLACE_IPWHOIS, data, size);
    check_answer(VPS_PLACE_GLUETUN, data, size);
    return 0;
}
