#include "route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "iface.h"

#define REQUEST_SIZE 256 /* bytes; all attributes together are less than half of it */
#define ANSWER_SIZE 8192 /* bytes of one message; a route's is a few hundred */

/* Of the kernel since 5.1, but not of every C library's header. */
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

/* What the answer says. */
typedef struct answer_t {
    unsigned char type; /* RTN_… */
    unsigned index;     /* of the interface; 0 = it says none */
} answer_t;

/* --- the question --- */

/* An option of a socket that is a number; 0 = it has none. */
static uint32_t number_of(int fd, int option)
{
    uint32_t number = 0;
    socklen_t size = sizeof(number);

    return getsockopt(fd, SOL_SOCKET, option, &number, &size) == 0 ? number : 0;
}

/* A mark and a device that sockets of this process get without their doing (ip-vrf(8)). */
static void put_socket(struct nlmsghdr *request)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t mark, device;

    if (fd < 0) {
        return;
    }
    mark = number_of(fd, SO_MARK);
    device = number_of(fd, SO_BINDTOIFINDEX);
    close(fd);
    if (mark != 0) {
        mnl_attr_put_u32(request, RTA_MARK, mark);
    }
    if (device != 0) {
        mnl_attr_put_u32(request, RTA_OIF, device);
    }
}

static void put_question(struct nlmsghdr *request, const vps_addr_t *to, route_flow_t flow)
{
    const size_t size = to->version == 6 ? 16 : 4;
    struct rtmsg *route;

    request->nlmsg_type = RTM_GETROUTE;
    request->nlmsg_flags = NLM_F_REQUEST;
    request->nlmsg_seq = (uint32_t)time(NULL);
    route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
    route->rtm_family = to->version == 6 ? AF_INET6 : AF_INET;
    route->rtm_dst_len = (unsigned char)(size * 8);
    mnl_attr_put(request, RTA_DST, size, to->bytes);
    mnl_attr_put_u8(request, RTA_IP_PROTO, flow.protocol);
    mnl_attr_put_u16(request, RTA_DPORT, htons(flow.port));
    put_socket(request);
}

/* --- the answer --- */

static int read_attribute(const struct nlattr *attribute, void *data)
{
    answer_t *answer = data;

    if (mnl_attr_get_type(attribute) == RTA_OIF &&
        mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0) {
        answer->index = mnl_attr_get_u32(attribute);
    }
    return MNL_CB_OK;
}

static int read_message(const struct nlmsghdr *message, void *data)
{
    answer_t *answer = data;
    const struct rtmsg *route = mnl_nlmsg_get_payload(message);

    if (message->nlmsg_type == RTM_NEWROUTE &&
        mnl_nlmsg_get_payload_len(message) >= sizeof(*route)) {
        answer->type = route->rtm_type;
        mnl_attr_parse(message, sizeof(*route), read_attribute, answer);
    }
    return MNL_CB_STOP;
}

/*
 * Read the one message of an answer. Returns 0, or the kernel's errno. Its length is checked here: libmnl
 * takes one beyond 2 GiB for one that fits.
 */
static int read_answer(answer_t *out, const void *bytes, size_t size, uint32_t seq, unsigned portid)
{
    const struct nlmsghdr *message = bytes;

    if (size < sizeof(*message) || message->nlmsg_len > size) {
        return EPERM;
    }
    return mnl_cb_run(bytes, message->nlmsg_len, seq, portid, read_message, out) < 0 ? errno : 0;
}

/* Ask. Returns 0, or the kernel's errno. The answer is there when the question is sent. */
static int ask(struct mnl_socket *socket, const vps_addr_t *to, route_flow_t flow, answer_t *out)
{
    char bytes[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
    char request_bytes[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *request = mnl_nlmsg_put_header(request_bytes);
    ssize_t size;

    put_question(request, to, flow);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
        return EPERM;
    }
    size = mnl_socket_recvfrom(socket, bytes, sizeof(bytes));
    return size < 0 ? EPERM
                    : read_answer(out, bytes, (size_t)size, request->nlmsg_seq,
                                  mnl_socket_get_portid(socket));
}

/* --- what it comes to --- */

/*
 * Routes that lead nowhere are errors: none at all, "unreachable", "prohibit", "blackhole"; and a
 * kernel without the protocol sends none of it. Any other is about asking.
 */
static vpn_link_t link_of_error(int error)
{
    switch (error) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EACCES:
    case EINVAL:
    case EAFNOSUPPORT:
    case EOPNOTSUPP:
        return VPN_LINK_NONE;
    default:
        return VPN_LINK_UNSEEN;
    }
}

static void read_way(vpn_way_t *out, const answer_t *answer)
{
    if (answer->index == 0 || if_indextoname(answer->index, out->name) == NULL) {
        out->name[0] = '\0';
        return;
    }
    out->link = answer->type == RTN_LOCAL ? VPN_LINK_LOCAL : iface_link(out->name);
}

/* Of fe80::/10: each link has its own. */
static bool is_link_local(const vps_addr_t *addr)
{
    return addr->version == 6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

void route_find(vpn_way_t *out, const vps_addr_t *to, route_flow_t flow)
{
    struct mnl_socket *socket;
    answer_t answer = {0};
    int error;

    *out = (vpn_way_t){.link = VPN_LINK_UNSEEN};
    if (to->version == 0 || is_link_local(to)) {
        return;
    }
    socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket == NULL) {
        return;
    }
    error = ask(socket, to, flow, &answer);
    if (error != 0) {
        out->link = link_of_error(error);
    } else {
        read_way(out, &answer);
    }
    mnl_socket_close(socket);
}
