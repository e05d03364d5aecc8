#include "addr.h"

#include <arpa/inet.h>
#include <string.h>

/* The first 12 bytes of ::ffff:a.b.c.d. */
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Addresses with the first bits of one of these are nobody's on the Internet. */
typedef struct prefix_t {
    uint8_t version;  /* 4 or 6 */
    uint8_t bits;     /* length of the prefix */
    uint8_t bytes[2]; /* its begin; the rest is 0 */
} prefix_t;

static const prefix_t not_public[] = {
    {4, 8, {0}},           /* unspecified */
    {4, 8, {10}},          /* private */
    {4, 10, {100, 64}},    /* behind a provider's NAT */
    {4, 8, {127}},         /* loopback */
    {4, 16, {169, 254}},   /* link-local */
    {4, 12, {172, 16}},    /* private */
    {4, 16, {192, 168}},   /* private */
    {4, 15, {198, 18}},    /* benchmarks; proxies invent addresses here */
    {4, 3, {224}},         /* multicast, reserved, broadcast */
    {6, 127, {0}},         /* unspecified, loopback */
    {6, 7, {0xfc}},        /* private */
    {6, 10, {0xfe, 0x80}}, /* link-local */
    {6, 8, {0xff}},        /* multicast */
};

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
    vps_addr_from_bytes(out, 6, bytes);
    return true;
}

void vps_addr_from_bytes(vps_addr_t *out, uint8_t version, const void *bytes)
{
    memset(out, 0, sizeof(*out));
    if (version == 6 && memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        bytes = (const uint8_t *)bytes + sizeof(mapped_prefix);
        version = 4;
    }
    out->version = version;
    memcpy(out->bytes, bytes, version == 4 ? 4 : 16);
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

static bool has_prefix(const vps_addr_t *addr, const prefix_t *prefix)
{
    if (addr->version != prefix->version) {
        return false;
    }
    for (unsigned bit = 0; bit < prefix->bits; bit++) {
        const unsigned byte = bit / 8;
        const unsigned wanted = byte < sizeof(prefix->bytes) ? prefix->bytes[byte] : 0;

        if (((addr->bytes[byte] ^ wanted) & (0x80U >> bit % 8)) != 0) {
            return false;
        }
    }
    return true;
}

bool vps_addr_is_public(const vps_addr_t *addr)
{
    for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
        if (has_prefix(addr, &not_public[i])) {
            return false;
        }
    }
    return addr->version != 0;
}

bool vps_addr_equal(const vps_addr_t *a, const vps_addr_t *b)
{
    return a->version != 0 && memcmp(a, b, sizeof(*a)) == 0;
}
