/* Fuzz entry point: address texts. What is taken has a canonical text that means the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_taken(const vps_addr_t *addr)
{
    static const uint8_t zero[sizeof(addr->bytes)];
    char text[VPS_ADDR_TEXT_SIZE], again[VPS_ADDR_TEXT_SIZE];
    vps_addr_t same;

    vps_addr_format(text, addr);
    check(vps_addr_parse(&same, text, strlen(text)));
    check(vps_addr_equal(addr, &same));
    check(strcmp(vps_addr_format(again, &same), text) == 0);
    check(addr->version == 4 || addr->version == 6);
    check((strchr(text, ':') != NULL) == (addr->version == 6));
    if (addr->version == 4) {
        check(memcmp(addr->bytes + 4, zero, sizeof(zero) - 4) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const vps_addr_t unknown;
    vps_addr_t addr;

    memset(&addr, 0xff, sizeof(addr));
    if (vps_addr_parse(&addr, (const char *)data, size)) {
        check_taken(&addr);
    } else {
        check(memcmp(&addr, &unknown, sizeof(addr)) == 0);
    }
    return 0;
}
