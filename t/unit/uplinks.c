/*
 * client/uplinks.h, resolvers.h and change.h: which of the kernel's messages tell of a change of the
 * way out, in a network that is known; and messages that no kernel would send.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uplinks.h"
#include "random.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define MESSAGE_SIZE 512
#define ETH 2
#define TUN 5
#define VETH 77

static union {
    struct nlmsghdr head;
    uint8_t bytes[MESSAGE_SIZE];
} message;

static const resolvers_t resolvers = {
    .count = 3,
    .addr = {{4, {192, 168, 1, 1}}, {4, {127, 0, 0, 53}}, {6, {0xfe, 0x80, [15] = 1}}},
};

/* --- messages --- */

static void *begin(uint16_t type, size_t size)
{
    memset(&message, 0, sizeof(message));
    mnl_nlmsg_put_header(&message)->nlmsg_type = type;
    return mnl_nlmsg_put_extra_header(&message.head, size);
}

static void put_address(uint16_t type, const char *text)
{
    const int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    uint8_t bytes[16];

    assert_int_equal(inet_pton(family, text, bytes), 1);
    mnl_attr_put(&message.head, type, family == AF_INET ? 4 : 16, bytes);
}

typedef struct route_case_t {
    const char *dst; /* "ADDRESS/BITS" */
    const char *via; /* NULL = none */
    uint32_t link, table, metric;
    uint8_t type;
} route_case_t;

/* age: what is no part of which route it is */
static void put_route(uint16_t type, const route_case_t *route, uint32_t age)
{
    struct rtmsg *head = begin(type, sizeof(*head));
    const struct rta_cacheinfo cache = {.rta_expires = age};
    char dst[64];
    char *slash;

    snprintf(dst, sizeof(dst), "%s", route->dst);
    slash = strchr(dst, '/');
    if (slash == NULL) {
        fail_msg("%s has no length", route->dst);
        return;
    }
    *slash = '\0';
    head->rtm_dst_len = (uint8_t)atoi(slash + 1);
    head->rtm_family = strchr(dst, ':') != NULL ? AF_INET6 : AF_INET;
    head->rtm_type = route->type != 0 ? route->type : RTN_UNICAST;
    mnl_attr_put_u32(&message.head, RTA_TABLE, route->table != 0 ? route->table : RT_TABLE_MAIN);
    if (head->rtm_dst_len > 0) {
        put_address(RTA_DST, dst);
    }
    if (route->via != NULL) {
        put_address(RTA_GATEWAY, route->via);
    }
    mnl_attr_put_u32(&message.head, RTA_PRIORITY, route->metric);
    if (route->link != 0) {
        mnl_attr_put_u32(&message.head, RTA_OIF, route->link);
    }
    mnl_attr_put(&message.head, RTA_CACHEINFO, sizeof(cache), &cache);
    mnl_attr_put_u8(&message.head, RTA_PREF, (uint8_t)age);
}

static void put_hops(uint16_t type, uint32_t one, uint32_t other, uint8_t weight)
{
    struct rtmsg *head = begin(type, sizeof(*head));
    struct rtnexthop hops[2] = {
        {.rtnh_len = sizeof(hops[0]), .rtnh_hops = weight, .rtnh_ifindex = (int)one},
        {.rtnh_len = sizeof(hops[0]), .rtnh_flags = weight, .rtnh_ifindex = (int)other},
    };

    head->rtm_family = AF_INET;
    head->rtm_type = RTN_UNICAST;
    head->rtm_table = RT_TABLE_MAIN;
    mnl_attr_put(&message.head, RTA_MULTIPATH, sizeof(hops), hops);
}

static void put_link(uint16_t type, uint8_t family, int index, unsigned flags)
{
    struct ifinfomsg *head = begin(type, sizeof(*head));

    head->ifi_family = family;
    head->ifi_index = index;
    head->ifi_flags = flags;
    mnl_attr_put_u32(&message.head, IFLA_MTU, 1500);
}

static void put_own(uint16_t type, const char *text, uint32_t index, uint8_t scope, uint32_t flags,
                    uint32_t age)
{
    struct ifaddrmsg *head = begin(type, sizeof(*head));
    const struct ifa_cacheinfo cache = {.ifa_prefered = age, .ifa_valid = age};

    head->ifa_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    head->ifa_index = index;
    head->ifa_scope = scope;
    put_address(IFA_ADDRESS, text);
    mnl_attr_put(&message.head, IFA_CACHEINFO, sizeof(cache), &cache);
    mnl_attr_put_u32(&message.head, IFA_FLAGS, flags);
}

static void put_rule(uint16_t type, const char *dst, uint8_t bits, const char *from)
{
    struct fib_rule_hdr *head = begin(type, sizeof(*head));

    head->family = AF_INET;
    head->dst_len = bits;
    if (dst != NULL) {
        put_address(FRA_DST, dst);
    }
    if (from != NULL) {
        mnl_attr_put_strz(&message.head, FRA_IIFNAME, from);
    }
}

/* --- a network --- */

#define DEFAULT4                                                                                   \
    {                                                                                              \
        "0.0.0.0/0", "10.0.0.1", ETH, 0, 100, 0                                                    \
    }
#define DEFAULT6                                                                                   \
    {                                                                                              \
        "::/0", "fe80::1", ETH, 0, 1024, 0                                                         \
    }
#define HALF                                                                                       \
    {                                                                                              \
        "0.0.0.0/1", NULL, TUN, 0, 0, 0                                                            \
    }
#define LAN                                                                                        \
    {                                                                                              \
        "192.168.1.0/24", NULL, ETH, 0, 100, 0                                                     \
    }
#define UP (IFF_UP | IFF_RUNNING)

static uplinks_t known;

static void learn(void)
{
    uplinks_learn(&known, &resolvers, &message.head);
}

static unsigned judge(void)
{
    return uplinks_judge(&known, &resolvers, &message.head);
}

static int set_up(void **state)
{
    static const route_case_t routes[] = {DEFAULT4, DEFAULT6, HALF, LAN};

    (void)state;
    memset(&known, 0, sizeof(known));
    for (size_t i = 0; i < COUNT(routes); i++) {
        put_route(RTM_NEWROUTE, &routes[i], 0);
        learn();
    }
    put_link(RTM_NEWLINK, AF_UNSPEC, ETH, UP | IFF_MULTICAST);
    learn();
    put_link(RTM_NEWLINK, AF_UNSPEC, TUN, UP);
    learn();
    put_link(RTM_NEWLINK, AF_UNSPEC, VETH, UP);
    learn();
    put_own(RTM_NEWADDR, "10.0.0.5", ETH, RT_SCOPE_UNIVERSE, IFA_F_PERMANENT, 0);
    learn();
    put_own(RTM_NEWADDR, "2001:db8::5", ETH, RT_SCOPE_UNIVERSE, 0, 1000);
    learn();
    put_own(RTM_NEWADDR, "172.17.0.1", VETH, RT_SCOPE_UNIVERSE, 0, 1000);
    learn();
    return 0;
}

static void test_what_is_known(void **state)
{
    (void)state;
    assert_int_equal(known.known_count, 6);
    assert_int_equal(known.link_count, 2);
}

static void test_routes(void **state)
{
    static const struct {
        const char *what;
        route_case_t route;
        unsigned comes, goes; /* the kind of change that it is */
    } cases[] = {
        {"the default, again", DEFAULT4, 0, CHANGE_ROUTE},
        {"that of IPv6, by an advertisement", DEFAULT6, 0, CHANGE_ROUTE},
        {"a half, again", HALF, 0, CHANGE_ROUTE},
        {"the way to a resolver, again", LAN, 0, CHANGE_RESOLVER_ROUTE},
        {"another default", {"0.0.0.0/0", "10.0.0.2", ETH, 0, 100, 0}, CHANGE_ROUTE, CHANGE_ROUTE},
        {"another metric", {"0.0.0.0/0", "10.0.0.1", ETH, 0, 50, 0}, CHANGE_ROUTE, CHANGE_ROUTE},
        {"in a table", {"0.0.0.0/0", NULL, TUN, 51820, 0, 0}, CHANGE_ROUTE, CHANGE_ROUTE},
        {"the other half", {"128.0.0.0/1", NULL, TUN, 0, 0, 0}, CHANGE_ROUTE, CHANGE_ROUTE},
        {"halves of IPv6", {"8000::/1", NULL, TUN, 0, 0, 0}, CHANGE_ROUTE, CHANGE_ROUTE},
        {"a closed way", {"0.0.0.0/0", NULL, 0, 0, 0, RTN_BLACKHOLE}, CHANGE_ROUTE, CHANGE_ROUTE},
        {"to a resolver",
         {"192.168.1.1/32", NULL, TUN, 0, 0, 0},
         CHANGE_RESOLVER_ROUTE,
         CHANGE_RESOLVER_ROUTE},
        {"wider, to a resolver",
         {"192.0.0.0/3", NULL, TUN, 0, 0, 0},
         CHANGE_RESOLVER_ROUTE,
         CHANGE_RESOLVER_ROUTE},
        {"to a resolver, at no whole byte",
         {"192.128.0.0/9", NULL, TUN, 0, 0, 0},
         CHANGE_RESOLVER_ROUTE,
         CHANGE_RESOLVER_ROUTE},
        {"the other half of that", {"192.0.0.0/9", NULL, TUN, 0, 0, 0}, 0, 0},
        {"a container's network", {"172.18.0.0/16", NULL, VETH, 0, 0, 0}, 0, 0},
        {"a neighbour of the resolver", {"192.168.1.2/32", NULL, VETH, 0, 0, 0}, 0, 0},
        {"to the loopback", {"127.0.0.0/8", NULL, 1, 0, 0, 0}, 0, 0},
        {"a link's own", {"fe80::/64", NULL, VETH, 0, 0, 0}, 0, 0},
        {"the kernel's own", {"192.168.1.1/32", NULL, ETH, RT_TABLE_LOCAL, 0, 0}, 0, 0},
        {"broadcast", {"0.0.0.0/0", NULL, ETH, 0, 0, RTN_BROADCAST}, 0, 0},
        {"multicast", {"::/0", NULL, ETH, 0, 0, RTN_MULTICAST}, 0, 0},
        {"a quarter", {"64.0.0.0/2", NULL, TUN, 0, 0, 0}, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_route(RTM_NEWROUTE, &cases[i].route, 1800);
        if (judge() != cases[i].comes) {
            fail_msg("%s comes", cases[i].what);
        }
        put_route(RTM_DELROUTE, &cases[i].route, 0);
        if (judge() != cases[i].goes) {
            fail_msg("%s goes", cases[i].what);
        }
    }
}

static void test_no_route_but_the_kernels_cache(void **state)
{
    const route_case_t route = {"::/0", "fe80::2", ETH, 0, 0, 0};

    (void)state;
    put_route(RTM_NEWROUTE, &route, 0);
    ((struct rtmsg *)mnl_nlmsg_get_payload(&message.head))->rtm_flags = RTM_F_CLONED;
    assert_int_equal(judge(), 0);
    ((struct rtmsg *)mnl_nlmsg_get_payload(&message.head))->rtm_family = AF_BRIDGE;
    assert_int_equal(judge(), 0);
}

static void test_several_ways(void **state)
{
    (void)state;
    put_hops(RTM_NEWROUTE, ETH, VETH, 0);
    assert_int_equal(judge(), CHANGE_ROUTE);
    learn();
    assert_int_equal(known.link_count, 3);
    put_hops(RTM_NEWROUTE, ETH, VETH, RTNH_F_LINKDOWN);
    assert_int_equal(judge(), 0);
    put_hops(RTM_NEWROUTE, ETH, TUN, 0);
    assert_int_equal(judge(), CHANGE_ROUTE);
}

static void test_rules(void **state)
{
    static const struct {
        const char *what, *dst, *from;
        uint8_t bits;
        unsigned kind;
    } cases[] = {
        {"any", NULL, NULL, 0, CHANGE_RULE},
        {"for our own packets", NULL, "lo", 0, CHANGE_RULE},
        {"for a container's packets", NULL, "veth0", 0, 0},
        {"for those of a lookalike", NULL, "lo0", 0, 0},
        {"to a resolver", "192.168.1.1", NULL, 32, CHANGE_RULE},
        {"to somewhere", "10.1.0.0", NULL, 16, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_rule(RTM_NEWRULE, cases[i].dst, cases[i].bits, cases[i].from);
        if (judge() != cases[i].kind) {
            fail_msg("%s comes", cases[i].what);
        }
        message.head.nlmsg_type = RTM_DELRULE;
        if (judge() != cases[i].kind) {
            fail_msg("%s goes", cases[i].what);
        }
    }
}

static void test_links(void **state)
{
    static const struct {
        const char *what;
        uint16_t type;
        uint8_t family;
        int index;
        unsigned flags, kind;
    } cases[] = {
        {"as it was", RTM_NEWLINK, AF_UNSPEC, ETH, UP | IFF_MULTICAST, 0},
        {"sniffed at", RTM_NEWLINK, AF_UNSPEC, ETH, UP | IFF_PROMISC, 0},
        {"down", RTM_NEWLINK, AF_UNSPEC, ETH, 0, CHANGE_LINK},
        {"without a carrier", RTM_NEWLINK, AF_UNSPEC, TUN, IFF_UP, CHANGE_LINK},
        {"gone", RTM_DELLINK, AF_UNSPEC, TUN, UP, CHANGE_LINK},
        {"no more in a bridge", RTM_DELLINK, AF_BRIDGE, ETH, UP, 0},
        {"a container's comes", RTM_NEWLINK, AF_UNSPEC, 78, UP, 0},
        {"a container's, down", RTM_NEWLINK, AF_UNSPEC, VETH, 0, 0},
        {"a container's, gone", RTM_DELLINK, AF_UNSPEC, VETH, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_link(cases[i].type, cases[i].family, cases[i].index, cases[i].flags);
        if (judge() != cases[i].kind) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *what;
        uint16_t type;
        const char *text;
        uint32_t link;
        uint8_t scope;
        uint32_t flags;
        unsigned kind;
    } cases[] = {
        {"renewed", RTM_NEWADDR, "10.0.0.5", ETH, 0, 0, 0},
        {"renewed, IPv6", RTM_NEWADDR, "2001:db8::5", ETH, 0, 0, 0},
        {"gone", RTM_DELADDR, "10.0.0.5", ETH, 0, 0, CHANGE_ADDRESS},
        {"new", RTM_NEWADDR, "10.0.0.6", ETH, 0, 0, CHANGE_ADDRESS},
        {"not yet sure", RTM_NEWADDR, "2001:db8::6", ETH, 0, IFA_F_TENTATIVE, 0},
        {"sure", RTM_NEWADDR, "2001:db8::6", ETH, 0, IFA_F_TEMPORARY, CHANGE_ADDRESS},
        {"no longer to be used", RTM_NEWADDR, "2001:db8::5", ETH, 0, IFA_F_DEPRECATED,
         CHANGE_ADDRESS},
        {"gone, was not known", RTM_DELADDR, "2001:db8::7", ETH, 0, 0, 0},
        {"of the link", RTM_NEWADDR, "fe80::5", ETH, RT_SCOPE_LINK, 0, 0},
        {"a container's", RTM_NEWADDR, "172.18.0.1", VETH, 0, 0, 0},
        {"a container's, gone", RTM_DELADDR, "172.17.0.1", VETH, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_own(cases[i].type, cases[i].text, cases[i].link, cases[i].scope, cases[i].flags, 7200);
        if (judge() != cases[i].kind) {
            fail_msg("%s", cases[i].what);
        }
    }
}

/* What does not fit is a change each time. */
static void test_more_than_can_be_known(void **state)
{
    route_case_t route = DEFAULT4;

    (void)state;
    for (uint32_t i = 0; i < 2 * UPLINKS_KNOWN_MAX; i++) {
        route.table = 1000 + i;
        route.link = 100 + i;
        put_route(RTM_NEWROUTE, &route, 0);
        learn();
    }
    assert_int_equal(known.known_count, UPLINKS_KNOWN_MAX);
    assert_int_equal(known.link_count, UPLINKS_LINKS_MAX);
    assert_int_equal(judge(), CHANGE_ROUTE);
    route.table = 1000;
    route.link = 100;
    put_route(RTM_NEWROUTE, &route, 0);
    assert_int_equal(judge(), 0);
}

/* Cut and garbled messages: nothing is read beyond their end, which a sanitizer would see. */
static void test_no_message_does_harm(void **state)
{
    static const route_case_t route = LAN;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct nlmsghdr *copy;
        size_t size;

        switch (i % 4) {
        case 0:
            put_route(RTM_NEWROUTE, &route, i);
            break;
        case 1:
            put_hops(RTM_NEWROUTE, ETH, TUN, 0);
            break;
        case 2:
            put_own(RTM_NEWADDR, "10.0.0.5", ETH, 0, 0, i);
            break;
        default:
            put_rule(RTM_NEWRULE, "192.168.1.1", 32, "lo");
            break;
        }
        size =
            sizeof(message.head) + random_below(message.head.nlmsg_len - sizeof(message.head) + 1);
        message.head.nlmsg_len = (uint32_t)size;
        for (unsigned n = random_below(4); n > 0 && size > sizeof(message.head); n--) {
            message.bytes[sizeof(message.head) +
                          random_below((uint32_t)(size - sizeof(message.head)))] =
                (uint8_t)random_below(256);
        }
        copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, &message, size);
        uplinks_judge(&known, &resolvers, copy);
        uplinks_learn(&known, &resolvers, copy);
        free(copy);
    }
}

/* --- resolvers --- */

static void test_resolv_conf(void **state)
{
    static const struct {
        const char *text;
        const char *addresses; /* each followed by a blank, with its link */
    } cases[] = {
        {"", ""},
        {"nameserver 192.0.2.1\n", "192.0.2.1 "},
        {"# made by hand\nsearch example.com\nnameserver\t192.0.2.1\r\nnameserver  2001:db8::1",
         "192.0.2.1 2001:db8::1 "},
        {"nameserver fe80::1%eth0\nnameserver 192.0.2.2 # the other\n", "fe80::1%eth0 192.0.2.2 "},
        {"nameserver fe80::1%2 \r\nnameserver fe80::2%\nnameserver fe80::3\n",
         "fe80::1%2 fe80::2 fe80::3 "},
        {"nameserver fe80::1%fifteen-letters\nnameserver fe80::1%sixteen-letters-",
         "fe80::1%fifteen-letters fe80::1 "},
        {"nameserver 2001:db8::1%eth0\nnameserver 192.0.2.1%eth0", "2001:db8::1 192.0.2.1 "},
        {"#nameserver 192.0.2.1\n;nameserver 192.0.2.1\n nameserver 192.0.2.1\n", ""},
        {"nameserver\nnameserver \nnameservers 192.0.2.1\nnameserver example.com\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char seen[RESOLVERS_MAX * (VPS_ADDR_TEXT_SIZE + 1 + RESOLVERS_LINK_SIZE + 1) + 1] = "";
        resolvers_t out;

        resolvers_parse(&out, cases[i].text, strlen(cases[i].text));
        for (size_t k = 0; k < out.count; k++) {
            char text[VPS_ADDR_TEXT_SIZE];

            strcat(seen, vps_addr_format(text, &out.addr[k]));
            strcat(strcat(seen, out.link[k][0] != '\0' ? "%" : ""), out.link[k]);
            strcat(seen, " ");
        }
        assert_string_equal(seen, cases[i].addresses);
        assert_true(resolvers_equal(&out, &out));
        assert_false(resolvers_equal(&out, &resolvers));
    }
}

static void test_many_resolvers(void **state)
{
    char text[20 * 24] = "";
    resolvers_t out;

    (void)state;
    for (int i = 0; i < 20; i++) {
        strcat(text, "nameserver 192.0.2.1\n");
    }
    resolvers_parse(&out, text, strlen(text));
    assert_int_equal(out.count, RESOLVERS_MAX);
}

/* --- changes --- */

static void test_changes(void **state)
{
    change_t change = {0};
    char text[CHANGE_TEXT_SIZE];

    (void)state;
    change_note(&change, 0, 1);
    assert_int_equal(change.kinds, 0);
    change_note(&change, CHANGE_RESOLVERS, 2);
    change_note(&change, CHANGE_ROUTE, 3);
    change_note(&change, 0, 4);
    assert_int_equal(change.first, 2);
    assert_int_equal(change.last, 3);
    assert_string_equal(change_format(text, change.kinds), "default route, resolvers");
    assert_string_equal(change_format(text, ~0U),
                        "default route, route to a resolver, routing rules, link, address, "
                        "resolvers, too many at once");
    assert_string_equal(change_format(text, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_is_known, set_up),
        cmocka_unit_test_setup(test_routes, set_up),
        cmocka_unit_test_setup(test_no_route_but_the_kernels_cache, set_up),
        cmocka_unit_test_setup(test_several_ways, set_up),
        cmocka_unit_test_setup(test_rules, set_up),
        cmocka_unit_test_setup(test_links, set_up),
        cmocka_unit_test_setup(test_addresses, set_up),
        cmocka_unit_test_setup(test_more_than_can_be_known, set_up),
        cmocka_unit_test_setup(test_no_message_does_harm, set_up),
        cmocka_unit_test(test_resolv_conf),
        cmocka_unit_test(test_many_resolvers),
        cmocka_unit_test(test_changes),
    };

    return cmocka_run_group_tests_name("uplinks", tests, NULL, NULL);
}
