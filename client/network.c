#include "network.h"

#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t"

/* A number of nothing but len digits; false when it is none, or greater than max. */
static bool read_number(uint32_t *out, const char *text, size_t len, uint32_t max)
{
    uint64_t number = 0;

    if (len == 0 || len > 10) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (uint32_t)number;
    return number <= max;
}

/* "AS9009" in len bytes. AS 0 is nobody's (RFC 7607). */
static bool read_as(uint32_t *out, const char *text, size_t len)
{
    return len > 2 && strncasecmp(text, "AS", 2) == 0 &&
           read_number(out, text + 2, len - 2, UINT32_MAX) && *out != 0;
}

uint32_t network_as(const char *provider)
{
    uint32_t as;

    return read_as(&as, provider, strcspn(provider, " ")) ? as : 0;
}

/* --- addresses --- */

static bool has_bits(const vps_addr_t *a, const vps_addr_t *b, unsigned bits)
{
    const unsigned bytes = bits / 8;
    const unsigned rest = 0xffU & (0xff00U >> bits % 8);

    return a->version != 0 && a->version == b->version && memcmp(a->bytes, b->bytes, bytes) == 0 &&
           (rest == 0 || ((a->bytes[bytes] ^ b->bytes[bytes]) & rest) == 0);
}

bool network_is_near(const vps_addr_t *a, const vps_addr_t *b)
{
    return has_bits(a, b, a->version == 6 ? 48 : 24);
}

static bool read_range(network_t *out, const char *text, size_t len)
{
    const char *slash = memchr(text, '/', len);
    const size_t address = slash != NULL ? (size_t)(slash - text) : len;
    uint32_t bits, max;

    if (!vps_addr_parse(&out->addr, text, address)) {
        return false;
    }
    max = out->addr.version == 6 ? 128 : 32;
    bits = max;
    if (slash != NULL && !read_number(&bits, slash + 1, len - address - 1, max)) {
        return false;
    }
    out->as = 0;
    out->bits = bits;
    return true;
}

/* --- lists --- */

bool network_list_read(network_list_t *out, const char *text)
{
    memset(out, 0, sizeof(*out));
    for (text += strspn(text, SEPARATORS); text[0] != '\0'; text += strspn(text, SEPARATORS)) {
        const size_t len = strcspn(text, SEPARATORS);

        if (out->count == NETWORK_LIST_MAX || (!read_as(&out->network[out->count].as, text, len) &&
                                               !read_range(&out->network[out->count], text, len))) {
            return false;
        }
        out->count++;
        text += len;
    }
    return out->count > 0;
}

bool network_list_has_addr(const network_list_t *list, const vps_addr_t *addr)
{
    for (size_t i = 0; i < list->count; i++) {
        const network_t *network = &list->network[i];

        if (network->as == 0 && has_bits(addr, &network->addr, network->bits)) {
            return true;
        }
    }
    return false;
}

bool network_list_has_as(const network_list_t *list, uint32_t as)
{
    for (size_t i = 0; i < list->count; i++) {
        if (as != 0 && list->network[i].as == as) {
            return true;
        }
    }
    return false;
}
