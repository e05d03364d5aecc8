#include "change_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"

#define COMPONENT "network"
#define RECEIVE_SIZE 32768 /* bytes; the kernel's datagrams are no longer */
#define RECEIVES_MAX 256   /* that one attend may take; more wait for the next */

#define GROUP(number) (1U << ((number)-1))
#define GROUPS                                                                                     \
    (GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_IPV4_IFADDR) | GROUP(RTNLGRP_IPV6_IFADDR) |               \
     GROUP(RTNLGRP_IPV4_ROUTE) | GROUP(RTNLGRP_IPV6_ROUTE) | GROUP(RTNLGRP_IPV4_RULE) |            \
     GROUP(RTNLGRP_IPV6_RULE))

/* What came in one datagram. */
typedef struct received_t {
    alignas(struct nlmsghdr) uint8_t bytes[RECEIVE_SIZE];
    int size;    /* bytes */
    bool is_cut; /* it was longer */
} received_t;

/* --- sockets --- */

static struct mnl_socket *open_socket(unsigned groups)
{
    struct mnl_socket *out = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (out != NULL && mnl_socket_bind(out, groups, MNL_SOCKET_AUTOPID) != 0) {
        mnl_socket_close(out);
        return NULL;
    }
    return out;
}

/*
 * Any process may send to us; only what the kernel (port 0) sends is taken, of others it is empty.
 * Returns false when there is nothing, or something else is wrong: errno says what.
 */
static bool receive(const struct mnl_socket *netlink, received_t *out)
{
    struct sockaddr_nl from = {0};
    socklen_t from_size = sizeof(from);
    const ssize_t size = recvfrom(mnl_socket_get_fd(netlink), out->bytes, sizeof(out->bytes),
                                  MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &from_size);

    if (size < 0) {
        return false;
    }
    out->is_cut = size > RECEIVE_SIZE;
    out->size = out->is_cut ? RECEIVE_SIZE : (int)size;
    if (from_size != sizeof(from) || from.nl_family != AF_NETLINK || from.nl_pid != 0) {
        out->size = 0;
        out->is_cut = false;
    }
    return true;
}

/* libmnl takes a length beyond 2 GiB for a negative one, and so for one that fits. */
static bool is_whole(const struct nlmsghdr *message, int left)
{
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

/* --- learning what there is --- */

static bool request(const struct mnl_socket *netlink, uint16_t type)
{
    alignas(struct nlmsghdr) uint8_t bytes[64] = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);

    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(message, sizeof(struct rtgenmsg)); /* of any family */
    return mnl_socket_sendto(netlink, message, message->nlmsg_len) >= 0;
}

/* Returns false at the end of the answer. */
static bool learn_received(change_watch_t *watch, const received_t *received)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)received->bytes;
    int left = received->size;

    for (; is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
            return false;
        }
        uplinks_learn(&watch->uplinks, &watch->resolv.resolvers, message);
    }
    return true;
}

/*
 * Of what changes meanwhile the kernel tells besides. The kernel makes each piece of its answer when
 * the one before is received, so there is nothing to wait for.
 */
static void learn_all(change_watch_t *watch)
{
    static const uint16_t types[] = {RTM_GETROUTE, RTM_GETLINK, RTM_GETADDR};
    struct mnl_socket *netlink = open_socket(0);
    received_t received;

    memset(&watch->uplinks, 0, sizeof(watch->uplinks));
    if (netlink == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!request(netlink, types[i])) {
            break;
        }
        while (receive(netlink, &received) && learn_received(watch, &received)) {
        }
    }
    mnl_socket_close(netlink);
}

/* --- hearing --- */

static unsigned judge_received(const change_watch_t *watch, const received_t *received)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)received->bytes;
    unsigned kinds = received->is_cut ? CHANGE_UNSEEN : 0;
    int left = received->size;

    for (; is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
        kinds |= uplinks_judge(&watch->uplinks, &watch->resolv.resolvers, message);
    }
    return kinds;
}

static void close_netlink(change_watch_t *watch)
{
    if (watch->netlink != NULL) {
        mnl_socket_close(watch->netlink);
        watch->netlink = NULL;
    }
}

/* Returns the kinds of changes. */
static unsigned hear_netlink(change_watch_t *watch)
{
    received_t received;
    unsigned kinds = 0;

    for (int i = 0; i < RECEIVES_MAX && watch->netlink != NULL; i++) {
        if (receive(watch->netlink, &received)) {
            kinds |= judge_received(watch, &received);
        } else if (errno == ENOBUFS) {
            kinds |= CHANGE_UNSEEN; /* the kernel had to drop some */
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            log_write(VPS_DEBUG, COMPONENT, "Changes are no longer heard of: %s", strerror(errno));
            close_netlink(watch); /* rather than be woken by it for ever */
        }
    }
    return kinds;
}

/* --- what others call --- */

void change_watch_open(change_watch_t *out, const char *resolv_conf)
{
    memset(out, 0, sizeof(*out));
    if (!resolv_watch_open(&out->resolv, resolv_conf)) {
        log_write(VPS_DEBUG, COMPONENT, "Changes of %s are not seen at once: %s", resolv_conf,
                  strerror(errno));
    }
    out->netlink = open_socket(GROUPS);
    if (out->netlink == NULL) {
        log_write(VPS_DEBUG, COMPONENT, "Changes of the network are not seen at once: %s",
                  strerror(errno));
        return;
    }
    learn_all(out);
}

void change_watch_close(change_watch_t *watch)
{
    close_netlink(watch);
    resolv_watch_close(&watch->resolv);
}

unsigned change_watch_take(change_watch_t *watch)
{
    const unsigned kinds = watch->change.kinds;
    /* Without an event it is too late to be early. */
    const bool has_moved = resolv_watch_refresh(&watch->resolv);

    memset(&watch->change, 0, sizeof(watch->change));
    if (watch->netlink != NULL && (kinds != 0 || has_moved)) {
        learn_all(watch);
    }
    return kinds;
}

size_t change_watch_fds(const change_watch_t *watch, struct pollfd out[CHANGE_WATCH_FDS])
{
    size_t count = 0;

    if (watch->netlink != NULL) {
        out[count++] = (struct pollfd){.fd = mnl_socket_get_fd(watch->netlink), .events = POLLIN};
    }
    if (watch->resolv.fd >= 0) {
        out[count++] = (struct pollfd){.fd = watch->resolv.fd, .events = POLLIN};
    }
    return count;
}

void change_watch_attend(change_watch_t *watch)
{
    unsigned kinds = hear_netlink(watch);

    if (resolv_watch_attend(&watch->resolv)) {
        kinds |= CHANGE_RESOLVERS;
    }
    change_note(&watch->change, kinds, clock_elapsed());
}
