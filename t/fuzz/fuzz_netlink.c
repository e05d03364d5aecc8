/*
 * Fuzz entry point: datagrams of rtnetlink(7), of which any process may send some. What is known stays
 * within its bounds; what was just learned is no change. And an answer about a route.
 */
#include "fuzz.h"

#include "change_watch.c"
#include "route.c"

#define KINDS                                                                                      \
    (CHANGE_ROUTE | CHANGE_RESOLVER_ROUTE | CHANGE_RULE | CHANGE_LINK | CHANGE_ADDRESS |           \
     CHANGE_UNSEEN)

static change_watch_t fresh_watch(void)
{
    static const char text[] = "nameserver 192.0.2.53\nnameserver 2001:db8::53\n";
    change_watch_t watch = {.netlink = NULL};

    resolvers_parse(&watch.resolv.resolvers, text, sizeof(text) - 1);
    return watch;
}

static bool is_room_left(const uplinks_t *uplinks)
{
    return uplinks->known_count < UPLINKS_KNOWN_MAX && uplinks->link_count < UPLINKS_LINKS_MAX;
}

/* Each message once more tells nothing new, unless it tells of an end or of a rule. */
static void check_learned(const change_watch_t *watch, const received_t *received)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)received->bytes;
    int left = received->size;

    for (; is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
        const unsigned kinds = uplinks_judge(&watch->uplinks, &watch->resolv.resolvers, message);

        check((kinds & ~(unsigned)KINDS) == 0);
        if (message->nlmsg_type == RTM_NEWROUTE && is_room_left(&watch->uplinks)) {
            check(kinds == 0);
        }
    }
}

static void check_watch(const received_t *received)
{
    change_watch_t watch = fresh_watch();

    check((judge_received(&watch, received) & ~(unsigned)KINDS) == 0);
    if (learn_received(&watch, received)) {
        check_learned(&watch, received);
    }
    check(watch.uplinks.known_count <= UPLINKS_KNOWN_MAX);
    check(watch.uplinks.link_count <= UPLINKS_LINKS_MAX);
}

static void check_route(const received_t *received)
{
    const struct nlmsghdr *first = (const struct nlmsghdr *)(const void *)received->bytes;
    answer_t answer = {0};
    const int error = read_answer(&answer, received->bytes, (size_t)received->size,
                                  first->nlmsg_seq, first->nlmsg_pid);

    check(error != 0 || answer.type == 0 || received->size >= (int)sizeof(struct rtmsg));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static received_t buffer;
    received_t *received = &buffer;

    received->is_cut = size > sizeof(received->bytes);
    received->size = (int)(received->is_cut ? sizeof(received->bytes) : size);
    memcpy(received->bytes, data, (size_t)received->size);
    hide(received->bytes + received->size, sizeof(received->bytes) - (size_t)received->size);
    check_watch(received);
    check_route(received);
    show(received->bytes, sizeof(received->bytes));
    return 0;
}
