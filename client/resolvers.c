#include "resolvers.h"

#include <string.h>

#define KEYWORD "nameserver"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The length of the address that begins here: up to a zone ("%eth0"), a blank or the end. */
static size_t address_length(const char *text, size_t len)
{
    size_t size = 0;

    while (size < len && !is_blank(text[size]) && text[size] != '%' && text[size] != '\r') {
        size++;
    }
    return size;
}

static void parse_line(resolvers_t *out, const char *line, size_t len)
{
    const size_t word = sizeof(KEYWORD) - 1;
    size_t at = word;
    vps_addr_t addr;

    if (out->count == RESOLVERS_MAX || len <= word || memcmp(line, KEYWORD, word) != 0 ||
        !is_blank(line[word])) {
        return;
    }
    while (at < len && is_blank(line[at])) {
        at++;
    }
    if (vps_addr_parse(&addr, line + at, address_length(line + at, len - at))) {
        out->addr[out->count++] = addr;
    }
}

void resolvers_parse(resolvers_t *out, const char *text, size_t len)
{
    memset(out, 0, sizeof(*out));
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        const size_t line = end != NULL ? (size_t)(end - text) : len;
        const size_t step = end != NULL ? line + 1 : line;

        parse_line(out, text, line);
        text += step;
        len -= step;
    }
}

bool resolvers_equal(const resolvers_t *a, const resolvers_t *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!vps_addr_equal(&a->addr[i], &b->addr[i])) {
            return false;
        }
    }
    return true;
}

static bool is_near(const vps_addr_t *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    if (addr->version == 4) {
        return addr->bytes[0] == 127 || (addr->bytes[0] == 169 && addr->bytes[1] == 254);
    }
    return memcmp(addr->bytes, loopback6, sizeof(loopback6)) == 0 ||
           (addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80);
}

static bool is_within(const vps_addr_t *addr, const vps_addr_t *prefix, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;

    if (addr->version != prefix->version || bits > (addr->version == 4 ? 32 : 128)) {
        return false;
    }
    return memcmp(addr->bytes, prefix->bytes, whole) == 0 &&
           (rest == 0 || ((addr->bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest)) == 0);
}

bool resolvers_covered(const resolvers_t *resolvers, const vps_addr_t *prefix, unsigned bits)
{
    for (size_t i = 0; i < resolvers->count; i++) {
        if (!is_near(&resolvers->addr[i]) && is_within(&resolvers->addr[i], prefix, bits)) {
            return true;
        }
    }
    return false;
}
