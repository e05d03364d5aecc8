#include "resolvers.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

_Static_assert(RESOLVERS_LINK_SIZE == IF_NAMESIZE, "the names of all links fit");

#define KEYWORD "nameserver"
#define FILE_MAX 16384 /* bytes that are read of it */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Of fe80::/10: each link has its own. */
static bool is_link_local(const vps_addr_t *addr)
{
    return addr->version == 6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

/* The length of the word that begins here: up to a blank, the end, or this character. */
static size_t word_length(const char *text, size_t len, char end)
{
    size_t size = 0;

    while (size < len && !is_blank(text[size]) && text[size] != end && text[size] != '\r') {
        size++;
    }
    return size;
}

/* Take an address, and the link that it is of. */
static void parse_address(resolvers_t *out, const char *text, size_t len)
{
    const size_t size = word_length(text, len, '%');
    const char *link = text + size + 1;
    vps_addr_t addr;

    if (!vps_addr_parse(&addr, text, size)) {
        return;
    }
    if (size < len && text[size] == '%' && is_link_local(&addr)) {
        const size_t link_size = word_length(link, len - size - 1, '\r');

        if (link_size < sizeof(out->link[0])) {
            memcpy(out->link[out->count], link, link_size);
        }
    }
    out->addr[out->count++] = addr;
}

static void parse_line(resolvers_t *out, const char *line, size_t len)
{
    const size_t word = sizeof(KEYWORD) - 1;
    size_t at = word;

    if (out->count == RESOLVERS_MAX || len <= word || memcmp(line, KEYWORD, word) != 0 ||
        !is_blank(line[word])) {
        return;
    }
    while (at < len && is_blank(line[at])) {
        at++;
    }
    parse_address(out, line + at, len - at);
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

void resolvers_read(resolvers_t *out, const char *path)
{
    char text[FILE_MAX];
    size_t len = 0;
    ssize_t got = 0;
    /* Without waiting for whoever should write to it, were it a pipe. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        while (len < sizeof(text) && (got = read(fd, text + len, sizeof(text) - len)) > 0) {
            len += (size_t)got;
        }
        close(fd);
    }
    resolvers_parse(out, text, len);
}

bool resolvers_equal(const resolvers_t *a, const resolvers_t *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!vps_addr_equal(&a->addr[i], &b->addr[i]) || strcmp(a->link[i], b->link[i]) != 0) {
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
    return memcmp(addr->bytes, loopback6, sizeof(loopback6)) == 0 || is_link_local(addr);
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
