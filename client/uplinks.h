/*
 * What is known of the network, as far as it decides which way the traffic of this machine leaves,
 * and which of the kernel's messages tell of a change of that. Pure: messages are given, and may
 * hold anything.
 *
 * Of interest are, in any table but the kernel's own:
 *   - routes that are default or as wide as a half of all addresses (0.0.0.0/1 and the like), and
 *     those that lead to a resolver;
 *   - rules as wide, but not those for traffic that comes in by some link;
 *   - links by which such routes leave: up or down;
 *   - global addresses of those links, one of which our packets carry.
 *
 * A host full of containers, a router advertisement or a lease that is renewed changes none of
 * them: a message of what is known already tells of no change.
 */
#ifndef UPLINKS_H
#define UPLINKS_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change.h"
#include "resolvers.h"

/* One more than can be known is taken for a change each time that it is told of. */
#define UPLINKS_KNOWN_MAX 256
#define UPLINKS_LINKS_MAX 32 /* one more is not watched */

typedef struct uplinks_link_t {
    int index;      /* as the kernel counts */
    unsigned flags; /* IFF_…, as far as they say up or down */
} uplinks_link_t;

/* Zeroed: nothing is known. */
typedef struct uplinks_t {
    size_t known_count;
    uint64_t known[UPLINKS_KNOWN_MAX]; /* digests of routes and addresses */
    size_t link_count;
    uplinks_link_t links[UPLINKS_LINKS_MAX];
} uplinks_t;

/*
 * Both take a whole message of rtnetlink(7), whose length was checked (mnl_nlmsg_ok()).
 *
 * Learn from one that tells what there is: routes before links and addresses.
 */
void uplinks_learn(uplinks_t *uplinks, const resolvers_t *resolvers,
                   const struct nlmsghdr *message);

/* Which kind of change (of change_kind_t) does it tell of? 0 = none. */
unsigned uplinks_judge(const uplinks_t *uplinks, const resolvers_t *resolvers,
                       const struct nlmsghdr *message);

#endif
