#include "dns_ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

/* Of one channel: for UDP, for TCP, and more than c-ares has use for. */
#define SOCKETS_MAX 8
#define FDS_MAX (DNS_ASK_SERVERS * SOCKETS_MAX)

_Static_assert(FDS_MAX <= WAIT_OWN_MAX, "one wait is for all of them");

/* A socket and whose it is. */
typedef struct watch_t {
    size_t count;
    struct pollfd fds[FDS_MAX];
    ares_channel channel[FDS_MAX];
} watch_t;

bool dns_ask_open(dns_ask_t *out)
{
    memset(out, 0, sizeof(*out));
    return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

void dns_ask_close(dns_ask_t *ask)
{
    for (size_t i = 0; i < ask->servers; i++) {
        ares_cancel(ask->channels[i]);
        ares_destroy(ask->channels[i]);
    }
    ares_library_cleanup();
}

/* --- servers --- */

bool dns_ask_address(const char *server, vps_addr_t *addr, uint16_t *port)
{
    const bool has_brackets = server[0] == '[';
    const char *address = server + (has_brackets ? 1 : 0);
    const size_t len = strcspn(address, has_brackets ? "]" : ":");
    const char *rest = address + len + (has_brackets && address[len] == ']' ? 1 : 0);

    /* NOLINTNEXTLINE(cert-err34-c): the options checked that it is a port. */
    return vps_addr_parse(addr, address, len) && sscanf(rest, ":%5hu", port) == 1;
}

int dns_ask_server(dns_ask_t *ask, const char *server)
{
    struct ares_options options = {.timeout = DNS_ASK_TIMEOUT, .tries = 2};
    ares_channel *channel = &ask->channels[ask->servers];

    if (ask->servers == DNS_ASK_SERVERS ||
        ares_init_options(channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
        return -1;
    }
    if (ares_set_servers_ports_csv(*channel, server) != ARES_SUCCESS) {
        ares_destroy(*channel);
        return -1;
    }
    return (int)ask->servers++;
}

/* --- questions --- */

static void answer(void *arg, int status, int timeouts, unsigned char *bytes, int size)
{
    dns_question_t *question = arg;

    (void)timeouts;
    question->ask->open--;
    if (status == ARES_SUCCESS && size > DNS_ASK_ANSWER_MAX) {
        status = ARES_EBADRESP;
    }
    question->answered(question->arg, status, status == ARES_SUCCESS ? bytes : NULL, size);
}

void dns_ask(dns_ask_t *ask, int server, const char *name, int dns_class, int type,
             dns_answered_t *answered, void *arg)
{
    dns_question_t *question = &ask->questions[ask->asked];

    if (ask->asked == DNS_ASK_QUESTIONS) {
        answered(arg, ARES_ENOMEM, NULL, 0);
        return;
    }
    *question = (dns_question_t){ask, answered, arg};
    ask->asked++;
    ask->open++;
    ares_query(ask->channels[server], name, dns_class, type, answer, question);
}

/* --- waiting --- */

static void watch_sockets(watch_t *watch, ares_channel channel)
{
    ares_socket_t sockets[SOCKETS_MAX];
    const unsigned wanted = (unsigned)ares_getsock(channel, sockets, SOCKETS_MAX);

    for (unsigned i = 0; i < SOCKETS_MAX; i++) {
        const short events = (short)((ARES_GETSOCK_READABLE(wanted, i) ? POLLIN : 0) |
                                     (ARES_GETSOCK_WRITABLE(wanted, i) ? POLLOUT : 0));

        if (events != 0) {
            watch->channel[watch->count] = channel;
            watch->fds[watch->count++] = (struct pollfd){.fd = sockets[i], .events = events};
        }
    }
}

/* ms until c-ares has to look at its clock, at most ms. */
static int64_t heed_timeouts(int64_t ms, ares_channel channel)
{
    struct timeval most = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    struct timeval space;
    const struct timeval *least = ares_timeout(channel, &most, &space);

    return least->tv_sec * 1000 + (least->tv_usec + 999) / 1000;
}

/* Let c-ares do what there is to do on the sockets, and what its clock says. */
static void process(const dns_ask_t *ask, const watch_t *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        const short events = watch->fds[i].revents;

        if (events != 0) {
            ares_process_fd(watch->channel[i],
                            (events & ~POLLOUT) != 0 ? watch->fds[i].fd : ARES_SOCKET_BAD,
                            (events & POLLOUT) != 0 ? watch->fds[i].fd : ARES_SOCKET_BAD);
        }
    }
    for (size_t i = 0; i < ask->servers; i++) {
        ares_process_fd(ask->channels[i], ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
}

bool dns_ask_wait(dns_ask_t *ask, wait_t *wait, int64_t ms)
{
    const int64_t end = clock_elapsed() + ms;
    int64_t left;

    while ((left = end - clock_elapsed()) > 0 && ask->open > 0) {
        watch_t watch = {.count = 0};

        for (size_t i = 0; i < ask->servers; i++) {
            watch_sockets(&watch, ask->channels[i]);
            left = heed_timeouts(left, ask->channels[i]);
        }
        if (!wait_poll(wait, watch.fds, watch.count, clock_elapsed() + left)) {
            break;
        }
        process(ask, &watch);
    }
    return !wait->signals.stop;
}
