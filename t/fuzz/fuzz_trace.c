/* Cloudflare's trace: whatever comes, what is believed are an address and codes. */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Either unknown or exactly length capital letters, and nothing behind its NUL. */
static void check_code(const char *text, size_t size, size_t length)
{
    const size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (len != 0 && len != length) {
        abort();
    }
    for (size_t i = len; i < size; i++) {
        if (text[i] != '\0') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const vps_trace_t unknown;
    vps_trace_t trace;

    memset(&trace, 0xff, sizeof(trace));
    if (!vps_trace_parse(&trace, (const char *)data, size)) {
        if (memcmp(&trace, &unknown, sizeof(trace)) != 0) {
            abort();
        }
        return 0;
    }
    if (trace.ip.version == 0 && trace.dns_loc[0] == '\0') {
        abort();
    }
    check_code(trace.dns_loc, sizeof(trace.dns_loc), 2);
    check_code(trace.dns_colo, sizeof(trace.dns_colo), 3);
    return 0;
}
