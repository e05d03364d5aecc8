/*
 * Fuzz entry point: a resolv.conf. What is taken of it are addresses, with the names of links only where
 * an address has one.
 */
#include "fuzz.h"

#include "resolvers.h"

static void check_link(const vps_addr_t *addr, const char *link, size_t size)
{
    const size_t len = strnlen(link, size);

    check(len < size && strcspn(link, " \t\r\n") == len);
    check(len == 0 || (addr->version == 6 && addr->bytes[0] == 0xfe));
}

/* A route to it alone covers it unless it is near, and one to everything does no less. */
static void check_covered(const resolvers_t *all, const vps_addr_t *addr)
{
    const unsigned bits = addr->version == 4 ? 32 : 128;

    check(resolvers_covered(all, addr, 0) >= resolvers_covered(all, addr, bits));
    check(!resolvers_covered(all, addr, bits + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const vps_addr_t none;
    resolvers_t resolvers;

    memset(&resolvers, 0xff, sizeof(resolvers));
    resolvers_parse(&resolvers, (const char *)data, size);
    check(resolvers.count <= RESOLVERS_MAX && resolvers_equal(&resolvers, &resolvers));
    for (size_t i = 0; i < RESOLVERS_MAX; i++) {
        const vps_addr_t *addr = &resolvers.addr[i];

        if (i < resolvers.count) {
            check(addr->version == 4 || addr->version == 6);
            check_covered(&resolvers, addr);
        } else {
            check(memcmp(addr, &none, sizeof(none)) == 0);
        }
        check_link(addr, resolvers.link[i], sizeof(resolvers.link[i]));
    }
    return 0;
}
