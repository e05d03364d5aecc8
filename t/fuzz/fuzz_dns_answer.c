/*
 * Fuzz entry point: an answer of a DNS server, as to each question that is asked. Whatever comes, what is
 * believed is a public address or a code.
 */
#include "fuzz.h"

#include "dns.c"

static void check_addr(const vps_addr_t *addr)
{
    static const vps_addr_t unknown;

    check(vps_addr_is_public(addr) || memcmp(addr, &unknown, sizeof(unknown)) == 0);
}

static void check_colo(const char *colo)
{
    check(strlen(colo) == strspn(colo, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    check(colo[0] == '\0' || strlen(colo) == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cloudflare_t cloudflare = {.status = NOT_ASKED};
    dns_ask_t ask = {.asked = DNS_ASK_QUESTIONS}; /* nothing can be asked any more */
    server_t server = {.ask = &ask, .whoami = "whoami.example", .status = NOT_ASKED};
    const int len = (int)size;

    if (size > DNS_ASK_ANSWER_MAX) {
        return 0;
    }
    answered_txt(&server, ARES_SUCCESS, data, len);
    answered_a(&server, ARES_SUCCESS, data, len);
    answered_aaaa(&server, ARES_SUCCESS, data, len);
    answered_direct(&cloudflare, ARES_SUCCESS, data, len);
    answered_colo(&cloudflare, ARES_SUCCESS, data, len);
    check_addr(&server.by_txt);
    check_addr(&server.by_a);
    check_addr(&server.by_aaaa);
    check_addr(&cloudflare.direct);
    check_addr(exit_of(&server));
    check_colo(cloudflare.colo);
    check(server.by_a.version != 6 &&
          vps_addr_equal(&server.by_txt, &cloudflare.direct) == (server.by_txt.version != 0));
    return 0;
}
