#include "vpn_sight.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Any address of the Internet would do; nothing is sent there. */
#define FAR_ADDRESS4 "1.1.1.1"
#define FAR_ADDRESS6 "2606:4700:4700::1111"
#define FAR_PORT 53

#define PATH_SIZE (IF_NAMESIZE + 40)
#define LINE_SIZE 128 /* bytes of a line that the kernel tells of an interface */

typedef union address_t {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
} address_t;

/* --- the kernel's choice --- */

/* Ask which address a packet to *far would carry. Returns VPN_LINK_NONE when none would go. */
static vpn_link_t find_source(address_t *source, const address_t *far, socklen_t size)
{
    int fd = socket(far->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    vpn_link_t link = VPN_LINK_NONE;

    if (fd < 0) {
        /* A kernel without the protocol sends none of it. */
        return far->any.sa_family == AF_INET6 ? VPN_LINK_NONE : VPN_LINK_UNSEEN;
    }
    if (connect(fd, &far->any, size) == 0) {
        link = getsockname(fd, &source->any, &size) == 0 ? VPN_LINK_PLAIN : VPN_LINK_UNSEEN;
    }
    close(fd);
    return link;
}

static vpn_link_t find_source4(address_t *source)
{
    address_t far = {.in4 = {.sin_family = AF_INET, .sin_port = htons(FAR_PORT)}};

    inet_pton(AF_INET, FAR_ADDRESS4, &far.in4.sin_addr);
    return find_source(source, &far, sizeof(far.in4));
}

static vpn_link_t find_source6(address_t *source)
{
    address_t far = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(FAR_PORT)}};

    inet_pton(AF_INET6, FAR_ADDRESS6, &far.in6.sin6_addr);
    return find_source(source, &far, sizeof(far.in6));
}

/* --- interfaces --- */

/* The interface of an entry, without the label that an address may have ("eth0:1"). */
static void copy_name(char out[IF_NAMESIZE], const struct ifaddrs *entry)
{
    snprintf(out, IF_NAMESIZE, "%.*s", (int)strcspn(entry->ifa_name, ":"), entry->ifa_name);
}

/* What the kernel says of an interface in a line "KEY=value" of its uevent; "" = nothing. */
static void read_uevent(char out[LINE_SIZE], const char *name, const char *key)
{
    char path[PATH_SIZE];
    FILE *stream;

    snprintf(path, sizeof(path), "/sys/class/net/%s/uevent", name);
    stream = fopen(path, "re");
    while (stream != NULL && fgets(out, LINE_SIZE, stream) != NULL) {
        size_t len = strlen(key);

        if (strncmp(out, key, len) == 0 && out[len] == '=') {
            out[strcspn(out, "\n")] = '\0';
            memmove(out, out + len + 1, strlen(out + len + 1) + 1);
            fclose(stream);
            return;
        }
    }
    if (stream != NULL) {
        fclose(stream);
    }
    out[0] = '\0';
}

static bool is_tun(const char *name)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
    return access(path, F_OK) == 0;
}

static vpn_link_t link_of(const struct ifaddrs *entry)
{
    const struct sockaddr_ll *hardware = (const struct sockaddr_ll *)(const void *)entry->ifa_addr;
    char devtype[LINE_SIZE];

    read_uevent(devtype, entry->ifa_name, "DEVTYPE");
    return vpn_judge_link(hardware->sll_hatype, is_tun(entry->ifa_name), devtype);
}

/* The entry that stands for an interface itself; NULL = there is none. */
static const struct ifaddrs *find_interface(const struct ifaddrs *all, const char *name)
{
    for (const struct ifaddrs *entry = all; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_addr != NULL && entry->ifa_addr->sa_family == AF_PACKET &&
            strcmp(entry->ifa_name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* --- ways --- */

static bool is_address(const struct sockaddr *a, const address_t *b)
{
    const address_t *address = (const address_t *)(const void *)a;

    if (a == NULL || a->sa_family != b->any.sa_family) {
        return false;
    }
    return a->sa_family == AF_INET
               ? address->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr
               : memcmp(&address->in6.sin6_addr, &b->in6.sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* Find the interface with this address. Returns false when there is none, or more than one. */
static bool find_owner(char name[IF_NAMESIZE], const struct ifaddrs *all, const address_t *source)
{
    name[0] = '\0';
    for (const struct ifaddrs *entry = all; entry != NULL; entry = entry->ifa_next) {
        char owner[IF_NAMESIZE];

        if (!is_address(entry->ifa_addr, source)) {
            continue;
        }
        copy_name(owner, entry);
        if (name[0] != '\0' && strcmp(name, owner) != 0) {
            return false;
        }
        memcpy(name, owner, sizeof(owner));
    }
    return name[0] != '\0';
}

static void find_way(vpn_way_t *out, const struct ifaddrs *all, vpn_link_t link,
                     const address_t *source)
{
    const struct ifaddrs *entry;

    *out = (vpn_way_t){.link = link};
    if (link == VPN_LINK_NONE) {
        return;
    }
    out->link = VPN_LINK_UNSEEN;
    if (link == VPN_LINK_UNSEEN || !find_owner(out->name, all, source)) {
        out->name[0] = '\0';
        return;
    }
    entry = find_interface(all, out->name);
    /* An address of the loopback interface says nothing of the way. */
    if (entry != NULL && (entry->ifa_flags & IFF_LOOPBACK) == 0) {
        out->link = link_of(entry);
    }
}

static void find_tunnel(char out[IF_NAMESIZE], const struct ifaddrs *all)
{
    out[0] = '\0';
    for (const struct ifaddrs *entry = all; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_addr != NULL && entry->ifa_addr->sa_family == AF_PACKET &&
            link_of(entry) == VPN_LINK_TUNNEL) {
            copy_name(out, entry);
            return;
        }
    }
}

void vpn_sight_take(vpn_sight_t *out)
{
    struct ifaddrs *all = NULL;
    address_t source4 = {0}, source6 = {0};
    vpn_link_t link4 = find_source4(&source4);
    vpn_link_t link6 = find_source6(&source6);

    if (getifaddrs(&all) != 0) {
        all = NULL; /* all that has a way is unseen then */
    }
    find_way(&out->way4, all, link4, &source4);
    find_way(&out->way6, all, link6, &source6);
    find_tunnel(out->tunnel, all);
    freeifaddrs(all);
}
