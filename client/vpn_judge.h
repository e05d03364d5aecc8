/*
 * Is the VPN up, judged by the way that a packet to the Internet would take from here? Pure.
 *
 * What it proves: that traffic leaves by a tunnel, or that it does not although there is one. What it
 * does not prove: that the tunnel's other end is alive, that it is the one that was meant, or that
 * it leads to the Internet; a dead WireGuard peer looks like a living one. The address of the exit
 * tells that, and a health script may know more.
 *
 * Without any tunnel interface nothing is known: the VPN may be in the router. Nor is it with one
 * that may be a VPN as well as a plain line (ppp0 may be DSL, tap0 a container's network).
 */
#ifndef VPN_JUDGE_H
#define VPN_JUDGE_H

#include <net/if.h>
#include <stdbool.h>

#include "record.h"

/* What an interface is. */
typedef enum vpn_link_t {
    VPN_LINK_NONE, /* there is none */
    VPN_LINK_PLAIN,
    VPN_LINK_UNSURE, /* a tunnel, or a line to the provider */
    VPN_LINK_TUNNEL,
    VPN_LINK_LOCAL, /* none leaves: the loopback interface, or an address of this host */
    VPN_LINK_UNSEEN /* there is one, but which could not be found out */
} vpn_link_t;

/* The way that a packet takes. */
typedef struct vpn_way_t {
    vpn_link_t link;
    char name[IF_NAMESIZE]; /* of the interface; "" = not known */
} vpn_way_t;

/* What is seen of the network. */
typedef struct vpn_sight_t {
    vpn_way_t way4;           /* of IPv4 */
    vpn_way_t way6;           /* of IPv6 */
    char tunnel[IF_NAMESIZE]; /* a tunnel interface, whether it is the way or not; "" = none */
    bool was_tunnel;          /* a tunnel was the way at some time */
} vpn_sight_t;

/* Why the verdict is what it is. */
typedef enum vpn_reason_t {
    VPN_BY_TUNNEL, /* yes: traffic leaves by a tunnel */
    VPN_BY_OTHER,  /* no: there is a tunnel, but traffic leaves by another interface */
    VPN_LOST,      /* no: the tunnel by which traffic left is gone */
    VPN_NO_WAY,    /* no: there is or was a tunnel, but no way to the Internet */
    VPN_NO_TUNNEL, /* unknown: no tunnel, none was seen */
    VPN_MAYBE,     /* unknown: it may be a tunnel */
    VPN_UNSEEN     /* unknown: the interface cannot be told */
} vpn_reason_t;

typedef struct vpn_verdict_t {
    vps_answer_t answer;
    vpn_reason_t reason;
    const vpn_way_t *way; /* that it was judged by; points into the sight */
} vpn_verdict_t;

/*
 * IPv4 decides where it has a way, for that is where most traffic goes; whether IPv6 leaks beside it
 * is another question.
 */
vpn_verdict_t vpn_judge(const vpn_sight_t *sight);

/* Is IPv6 all there is: a way to the Internet for it, and none for IPv4? */
bool vpn_judge_is_ipv6_alone(const vpn_sight_t *sight);

/*
 * What is an interface of this type (ARPHRD_…)? is_tun: the TUN/TAP driver made it; devtype: the
 * kernel's word for its kind, "" = it has none.
 */
vpn_link_t vpn_judge_link(unsigned type, bool is_tun, const char *devtype);

#endif
