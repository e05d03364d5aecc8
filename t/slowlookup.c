/*
 * Preloaded into a test's program: no look-up of a name ever ends, as where no resolver answers. That
 * one has begun is told on standard error.
 */
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    (void)service;
    (void)hints;
    (void)out;
    dprintf(STDERR_FILENO, "look-up of %s\n", node);
    for (;;) {
        pause();
    }
}
