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
#define FDS_MAX (DNS_ASK_SERVERS * SOCKETS_MAX + 1)

/* A socket and whose it is. */
typedef struct watch_t {
    size_t count;
    struct pollfd fds[FDS_MAX]; /* the first one is the signals' */
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

static bool format_server(char out[DNS_ASK_SERVER_SIZE], const struct ares_addr_port_node *node)
{
    const int port = node->udp_port != 0 ? node->udp_port : 53;
    char address[INET6_ADDRSTRLEN];

    if (inet_ntop(node->family, &node->addr, address, sizeof(address)) == NULL) {
        return false;
    }
    snprintf(out, DNS_ASK_SERVER_SIZE, node->family == AF_INET6 ? "[%s]:%d" : "%s:%d", address,
             port);
    return true;
}

size_t dns_ask_system_servers(char out[][DNS_ASK_SERVER_SIZE], size_t max)
{
    struct ares_addr_port_node *servers = NULL;
    ares_channel channel;
    size_t count = 0;

    if (ares_init_options(&channel, NULL, 0) != ARES_SUCCESS) {
        return 0;
    }
    if (ares_get_servers_ports(channel, &servers) == ARES_SUCCESS) {
        for (const struct ares_addr_port_node *node = servers; node != NULL && count < max;
             node = node->next) {
            count += format_server(out[count], node);
        }
        ares_free_data(servers);
    }
    ares_destroy(channel);
    return count;
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

/* Shorten *wait to when c-ares has to look at its clock. */
static void heed_timeouts(struct timespec *wait, ares_channel channel)
{
    struct timeval most = {.tv_sec = wait->tv_sec, .tv_usec = wait->tv_nsec / 1000};
    struct timeval space;
    const struct timeval *least = ares_timeout(channel, &most, &space);

    wait->tv_sec = least->tv_sec;
    wait->tv_nsec = (long)least->tv_usec * 1000;
}

/* Let c-ares do what there is to do on the sockets, and what its clock says. */
static void process(const dns_ask_t *ask, const watch_t *watch)
{
    for (size_t i = 1; i < watch->count; i++) {
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

bool dns_ask_wait(dns_ask_t *ask, signals_t *signals, int64_t ms)
{
    const int64_t end = clock_monotonic() + ms;

    for (;;) {
        const int64_t left = end - clock_monotonic();
        struct timespec wait = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        watch_t watch = {.count = 1, .fds = {{.fd = signals->fd, .events = POLLIN}}};

        signals_read(signals);
        if (signals->stop || ask->open == 0 || left <= 0) {
            break;
        }
        for (size_t i = 0; i < ask->servers; i++) {
            watch_sockets(&watch, ask->channels[i]);
            heed_timeouts(&wait, ask->channels[i]);
        }
        if (ppoll(watch.fds, watch.count, &wait, NULL) < 0 && errno != EINTR) {
            break;
        }
        process(ask, &watch);
    }
    for (size_t i = 0; i < ask->servers; i++) {
        ares_cancel(ask->channels[i]);
    }
    return !signals->stop;
}
