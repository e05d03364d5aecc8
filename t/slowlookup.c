/* Preloaded into a test's program: no look-up of a name ever ends, as where no resolver answers. */
#include <netdb.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    (void)node;
    (void)service;
    (void)hints;
    (void)out;
    for (;;) {
        pause();
    }
}
