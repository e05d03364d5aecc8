#include "uplinks.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define LINK_FLAGS (IFF_UP | IFF_RUNNING)
#define UNUSABLE (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)
#define NOTICE_LINKS 8 /* of a route with several ways; those beyond are not watched */
#define ATTRIBUTES 64  /* the numbers of those that are looked at are below */
#define WIDE 1         /* bits of a prefix that covers a half of all addresses */
#define HASH_START UINT64_C(0xcbf29ce484222325) /* FNV-1a */
#define HASH_FACTOR UINT64_C(0x100000001b3)

/* A message that is read. */
typedef struct notice_t {
    unsigned kind;  /* of change_kind_t */
    bool gone;      /* it tells that this is no longer, or of no use any more */
    uint64_t id;    /* digest of a route or an address */
    unsigned flags; /* of a link */
    size_t link_count;
    int links[NOTICE_LINKS]; /* the link, that of an address, those of a route */
} notice_t;

/* Attributes by their numbers; NULL = there is none. */
typedef const struct nlattr *attributes_t[ATTRIBUTES];

/* --- reading --- */

static void mix(uint64_t *hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *hash = (*hash ^ ((const uint8_t *)bytes)[i]) * HASH_FACTOR;
    }
}

/* The header of size bytes that a message begins with, and its attributes; NULL when it is short. */
static const void *read_message(attributes_t attributes, const struct nlmsghdr *message,
                                size_t size)
{
    const size_t len = mnl_nlmsg_get_payload_len(message);
    const char *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attr; /* libmnl's loop knows it by this name */
    const void *first;

    memset(attributes, 0, sizeof(attributes_t));
    if (len < size) {
        return NULL;
    }
    size = MNL_ALIGN(size) < len ? MNL_ALIGN(size) : len;
    first = header + size;
    mnl_attr_for_each_payload(first, len - size)
    {
        if (mnl_attr_get_type(attr) < ATTRIBUTES) {
            attributes[mnl_attr_get_type(attr)] = attr;
        }
    }
    return header;
}

static uint32_t read_u32(const struct nlattr *attribute, uint32_t otherwise)
{
    if (attribute == NULL || mnl_attr_get_payload_len(attribute) != sizeof(uint32_t)) {
        return otherwise;
    }
    return mnl_attr_get_u32(attribute);
}

/* Returns false, *out unknown, when it is no address of this family. */
static bool read_address(vps_addr_t *out, unsigned family, const struct nlattr *attribute)
{
    const size_t size = family == AF_INET ? 4 : 16;

    memset(out, 0, sizeof(*out));
    if (attribute == NULL || mnl_attr_get_payload_len(attribute) != size) {
        return false;
    }
    out->version = family == AF_INET ? 4 : 6;
    memcpy(out->bytes, mnl_attr_get_payload(attribute), size);
    return true;
}

static void mix_attribute(uint64_t *hash, const attributes_t attributes, uint16_t type)
{
    if (attributes[type] != NULL) {
        mix(hash, &type, sizeof(type));
        mix(hash, mnl_attr_get_payload(attributes[type]),
            mnl_attr_get_payload_len(attributes[type]));
    }
}

static void add_link(notice_t *notice, int index)
{
    if (notice->link_count < NOTICE_LINKS) {
        notice->links[notice->link_count++] = index;
    }
}

/* Is a destination of interest, and as what? */
static unsigned width_of(const resolvers_t *resolvers, unsigned family, unsigned bits,
                         const struct nlattr *destination)
{
    vps_addr_t prefix;

    if (family != AF_INET && family != AF_INET6) {
        return 0;
    }
    if (bits <= WIDE) {
        return CHANGE_ROUTE;
    }
    return read_address(&prefix, family, destination) && resolvers_covered(resolvers, &prefix, bits)
               ? CHANGE_RESOLVER_ROUTE
               : 0;
}

/* The ways of a route that has several. Neither their state nor their weight is looked at. */
static void read_hops(notice_t *notice, const struct nlattr *attribute)
{
    const uint8_t *at = mnl_attr_get_payload(attribute);
    size_t left = mnl_attr_get_payload_len(attribute);
    struct rtnexthop hop;

    while (left >= sizeof(hop)) {
        size_t step;

        memcpy(&hop, at, sizeof(hop));
        if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left) {
            return;
        }
        mix(&notice->id, &hop.rtnh_ifindex, sizeof(hop.rtnh_ifindex));
        mix(&notice->id, at + sizeof(hop), hop.rtnh_len - sizeof(hop));
        add_link(notice, hop.rtnh_ifindex);
        step = RTNH_ALIGN(hop.rtnh_len);
        step = step < left ? step : left;
        at += step;
        left -= step;
    }
}

static bool is_way(const struct rtmsg *route, uint32_t table)
{
    return (route->rtm_flags & RTM_F_CLONED) == 0 && table != RT_TABLE_LOCAL &&
           (route->rtm_type == RTN_UNICAST || route->rtm_type == RTN_BLACKHOLE ||
            route->rtm_type == RTN_UNREACHABLE || route->rtm_type == RTN_PROHIBIT ||
            route->rtm_type == RTN_THROW);
}

/* What a route's age, its metrics and a router's preference are is no part of which one it is. */
static void read_route(notice_t *out, const resolvers_t *resolvers, const struct nlmsghdr *message)
{
    static const uint16_t parts[] = {RTA_DST,     RTA_SRC, RTA_PRIORITY, RTA_PREFSRC,
                                     RTA_GATEWAY, RTA_VIA, RTA_OIF};
    attributes_t attributes;
    const struct rtmsg *route = read_message(attributes, message, sizeof(*route));
    uint32_t table, link;

    if (route == NULL) {
        return;
    }
    table = read_u32(attributes[RTA_TABLE], route->rtm_table);
    if (!is_way(route, table)) {
        return;
    }
    out->kind = width_of(resolvers, route->rtm_family, route->rtm_dst_len, attributes[RTA_DST]);
    mix(&out->id,
        &(uint8_t[]){route->rtm_family, route->rtm_dst_len, route->rtm_src_len, route->rtm_tos,
                     route->rtm_type},
        5);
    mix(&out->id, &table, sizeof(table));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        mix_attribute(&out->id, attributes, parts[i]);
    }
    if (attributes[RTA_MULTIPATH] != NULL) {
        read_hops(out, attributes[RTA_MULTIPATH]);
    }
    link = read_u32(attributes[RTA_OIF], 0);
    if (link != 0 && route->rtm_type == RTN_UNICAST) {
        add_link(out, (int)link);
    }
}

/* Our own packets come in by the loopback, as a rule sees it. */
static void read_rule(notice_t *out, const resolvers_t *resolvers, const struct nlmsghdr *message)
{
    attributes_t attributes;
    const struct fib_rule_hdr *rule = read_message(attributes, message, sizeof(*rule));
    const struct nlattr *from;

    if (rule == NULL) {
        return;
    }
    from = attributes[FRA_IIFNAME];
    if (from != NULL && (mnl_attr_get_payload_len(from) != sizeof("lo") ||
                         memcmp(mnl_attr_get_payload(from), "lo", sizeof("lo")) != 0)) {
        return;
    }
    if (width_of(resolvers, rule->family, rule->dst_len, attributes[FRA_DST]) != 0) {
        out->kind = CHANGE_RULE;
    }
}

/* A bridge tells of its ports by messages of its own family: those are no links that come or go. */
static void read_link(notice_t *out, const struct nlmsghdr *message)
{
    attributes_t attributes;
    const struct ifinfomsg *link = read_message(attributes, message, sizeof(*link));

    if (link != NULL && link->ifi_family == AF_UNSPEC) {
        out->kind = CHANGE_LINK;
        out->flags = link->ifi_flags & LINK_FLAGS;
        add_link(out, link->ifi_index);
    }
}

static void read_own_address(notice_t *out, const struct nlmsghdr *message)
{
    attributes_t attributes;
    const struct ifaddrmsg *own = read_message(attributes, message, sizeof(*own));

    if (own == NULL || (own->ifa_family != AF_INET && own->ifa_family != AF_INET6) ||
        own->ifa_scope != RT_SCOPE_UNIVERSE) {
        return;
    }
    out->kind = CHANGE_ADDRESS;
    out->gone = out->gone || (read_u32(attributes[IFA_FLAGS], own->ifa_flags) & UNUSABLE) != 0;
    add_link(out, (int)own->ifa_index);
    mix(&out->id, &own->ifa_family, sizeof(own->ifa_family));
    mix(&out->id, &own->ifa_index, sizeof(own->ifa_index));
    mix_attribute(&out->id, attributes, IFA_ADDRESS);
    mix_attribute(&out->id, attributes, IFA_LOCAL);
}

/* Returns false when it is of no interest. */
static bool read_notice(notice_t *out, const resolvers_t *resolvers, const struct nlmsghdr *message)
{
    const uint16_t type = message->nlmsg_type;

    *out = (notice_t){.id = HASH_START};
    out->gone = type == RTM_DELROUTE || type == RTM_DELLINK || type == RTM_DELADDR;
    switch (type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        read_route(out, resolvers, message);
        break;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        read_rule(out, resolvers, message);
        break;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        read_link(out, message);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        read_own_address(out, message);
        break;
    default:
        break;
    }
    return out->kind != 0;
}

/* --- what is known --- */

static bool is_known(const uplinks_t *uplinks, uint64_t id)
{
    for (size_t i = 0; i < uplinks->known_count; i++) {
        if (uplinks->known[i] == id) {
            return true;
        }
    }
    return false;
}

static void know(uplinks_t *uplinks, uint64_t id)
{
    if (uplinks->known_count < UPLINKS_KNOWN_MAX && !is_known(uplinks, id)) {
        uplinks->known[uplinks->known_count++] = id;
    }
}

/* Returns its number, or -1. */
static int find_link(const uplinks_t *uplinks, int index)
{
    for (size_t i = 0; i < uplinks->link_count; i++) {
        if (uplinks->links[i].index == index) {
            return (int)i;
        }
    }
    return -1;
}

static void know_links(uplinks_t *uplinks, const notice_t *notice)
{
    for (size_t i = 0; i < notice->link_count; i++) {
        if (find_link(uplinks, notice->links[i]) < 0 && uplinks->link_count < UPLINKS_LINKS_MAX) {
            uplinks->links[uplinks->link_count++] = (uplinks_link_t){.index = notice->links[i]};
        }
    }
}

void uplinks_learn(uplinks_t *uplinks, const resolvers_t *resolvers, const struct nlmsghdr *message)
{
    notice_t notice;
    int link;

    if (!read_notice(&notice, resolvers, message) || notice.gone) {
        return;
    }
    switch (notice.kind) {
    case CHANGE_RULE:
        return; /* each message of one is a change */
    case CHANGE_LINK:
        link = find_link(uplinks, notice.links[0]);
        if (link >= 0) {
            uplinks->links[link].flags = notice.flags;
        }
        return;
    case CHANGE_ADDRESS:
        if (find_link(uplinks, notice.links[0]) >= 0) {
            know(uplinks, notice.id);
        }
        return;
    default:
        know(uplinks, notice.id);
        know_links(uplinks, &notice);
        return;
    }
}

/* A route that goes is a change even when it is told of in other words than when it came. */
unsigned uplinks_judge(const uplinks_t *uplinks, const resolvers_t *resolvers,
                       const struct nlmsghdr *message)
{
    notice_t notice;
    bool is_change;
    int link;

    if (!read_notice(&notice, resolvers, message)) {
        return 0;
    }
    link = notice.link_count > 0 ? find_link(uplinks, notice.links[0]) : -1;
    switch (notice.kind) {
    case CHANGE_RULE:
        is_change = true;
        break;
    case CHANGE_LINK:
        is_change = link >= 0 && (notice.gone || notice.flags != uplinks->links[link].flags);
        break;
    case CHANGE_ADDRESS:
        is_change = link >= 0 && notice.gone == is_known(uplinks, notice.id);
        break;
    default:
        is_change = notice.gone || !is_known(uplinks, notice.id);
        break;
    }
    return is_change ? notice.kind : 0;
}
