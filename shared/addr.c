#include "addr.h"

#include <arpa/inet.h>
#include <string.h>

/* The first 12 bytes of ::ffff:a.b.c.d. */
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool parse_v4(vps_addr_t *out, const char *text)
{
    if (inet_pton(AF_INET, text, out->bytes) != 1) {
        return false;
    }
    out->version = 4;
    return true;
}

static bool parse_v6(vps_addr_t *out, const char *text)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET6, text, bytes) != 1) {
        return false;
    }
    if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        memcpy(out->bytes, bytes + sizeof(mapped_prefix), 4);
        out->version = 4;
        return true;
    }
    memcpy(out->bytes, bytes, sizeof(bytes));
    out->version = 6;
    return true;
}

bool vps_addr_parse(vps_addr_t *out, const char *text, size_t len)
{
    char copy[VPS_ADDR_TEXT_SIZE];

    memset(out, 0, sizeof(*out));
    /* inet_pton() would stop at a NUL and take what is before it. */
    if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return strchr(copy, ':') != NULL ? parse_v6(out, copy) : parse_v4(out, copy);
}

char *vps_addr_format(char out[VPS_ADDR_TEXT_SIZE], const vps_addr_t *addr)
{
    const int family = addr->version == 6 ? AF_INET6 : AF_INET;

    if (addr->version == 0 || inet_ntop(family, addr->bytes, out, VPS_ADDR_TEXT_SIZE) == NULL) {
        out[0] = '\0';
    }
    return out;
}

bool vps_addr_equal(const vps_addr_t *a, const vps_addr_t *b)
{
    return a->version != 0 && memcmp(a, b, sizeof(*a)) == 0;
}
