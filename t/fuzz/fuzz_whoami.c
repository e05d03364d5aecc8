/*
 * Fuzz entry point: the strings of a TXT answer. Each is a byte of length, whose top bit begins a
 * record, and so many bytes. Whatever comes, what is believed is a public address or a code.
 */
#include <stdlib.h>
#include <string.h>

#include "whoami.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const vps_addr_t *addr)
{
    static const vps_addr_t unknown;

    if (!vps_addr_is_public(addr) && memcmp(addr, &unknown, sizeof(unknown)) != 0) {
        abort();
    }
}

static void check_colo(const char *text, size_t len)
{
    char code[VPS_WHOAMI_COLO_SIZE];

    if (vps_whoami_colo(code, text, len) &&
        (strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 || memcmp(code, text, 3) != 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vps_whoami_t whoami = {0};

    while (size > 0) {
        const bool first = (data[0] & 0x80) != 0;
        size_t len = data[0] & 0x7f;
        vps_addr_t before = whoami.addr;
        char *copy;

        data++;
        size--;
        len = len < size ? len : size;
        copy = malloc(len + (len == 0)); /* so that a sanitizer sees what is read behind it */
        if (copy == NULL) {
            return 0;
        }
        memcpy(copy, data, len);
        vps_whoami_read(&whoami, first, copy, len);
        check_colo(copy, len);
        free(copy);
        check_address(&whoami.addr);
        if (before.version != 0 && !vps_addr_equal(&before, &whoami.addr)) {
            abort(); /* the first one counts */
        }
        data += len;
        size -= len;
    }
    return 0;
}
