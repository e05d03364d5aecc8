#include "vpn_sight.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Any address of the Internet would do; nothing is sent there. */
#define FAR_ADDRESS4 "1.1.1.1"
#define FAR_ADDRESS6 "2606:4700:4700::1111"
#define FAR_PORT 53

#define PATH_SIZE (IF_NAMESIZE + 40)
#define LINE_SIZE 128   /* bytes of a line that the kernel tells of an interface */
#define DEVTYPE_SIZE 32 /* bytes */

typedef union address_t {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
} address_t;

/* --- the kernel's choice --- */

/*
 * Ask which address a packet to *far would carry. Returns VPN_LINK_NONE when none would go, else
 * VPN_LINK_UNSEEN: by which interface is still to be found out.
 */
static vpn_link_t find_source(address_t *source, const address_t *far, socklen_t size)
{
    int fd = socket(far->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    vpn_link_t link = VPN_LINK_UNSEEN;

    if (fd < 0) {
        /* A kernel without the protocol sends none of it. */
        return errno == EAFNOSUPPORT ? VPN_LINK_NONE : VPN_LINK_UNSEEN;
    }
    if (connect(fd, &far->any, size) != 0) {
        link = VPN_LINK_NONE;
    } else if (getsockname(fd, &source->any, &size) != 0) {
        memset(source, 0, sizeof(*source)); /* the address of no interface */
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

/* The kernel's word for the kind of an interface; "" = it has none. */
static void read_devtype(char out[DEVTYPE_SIZE], const char *name)
{
    char path[PATH_SIZE], line[LINE_SIZE];
    FILE *stream;

    out[0] = '\0';
    snprintf(path, sizeof(path), "/sys/class/net/%s/uevent", name);
    stream = fopen(path, "re");
    if (stream == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), stream) != NULL && sscanf(line, "DEVTYPE=%31s", out) != 1) {
    }
    fclose(stream);
}

static bool is_tun(const char *name)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
    return access(path, F_OK) == 0;
}

/* The type of an interface (ARPHRD_…); -1 = it cannot be asked for. */
static int type_of(const char *name)
{
    struct ifreq request = {0};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int failed;

    if (fd < 0) {
        return -1;
    }
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    failed = ioctl(fd, SIOCGIFHWADDR, &request);
    close(fd);
    return failed ? -1 : request.ifr_hwaddr.sa_family;
}

static vpn_link_t link_of(const char *name)
{
    char devtype[DEVTYPE_SIZE];
    int type = type_of(name);

    if (type < 0) {
        return VPN_LINK_UNSEEN;
    }
    read_devtype(devtype, name);
    return vpn_judge_link((unsigned)type, is_tun(name), devtype);
}

/* Does this entry stand for an interface itself? Those without a hardware address have none. */
static bool is_interface(const struct ifaddrs *entry)
{
    return entry->ifa_addr == NULL || entry->ifa_addr->sa_family == AF_PACKET;
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

/* link: what find_source() says. */
static void find_way(vpn_way_t *out, const struct ifaddrs *all, vpn_link_t link,
                     const address_t *source)
{
    *out = (vpn_way_t){.link = link};
    if (link != VPN_LINK_NONE && find_owner(out->name, all, source)) {
        out->link = link_of(out->name);
    }
}

static void find_tunnel(char out[IF_NAMESIZE], const struct ifaddrs *all)
{
    out[0] = '\0';
    for (const struct ifaddrs *entry = all; entry != NULL; entry = entry->ifa_next) {
        if (is_interface(entry) && link_of(entry->ifa_name) == VPN_LINK_TUNNEL) {
            copy_name(out, entry);
            return;
        }
    }
}

void vpn_sight_take(vpn_sight_t *out)
{
    struct ifaddrs *all = NULL;
    address_t source4 = {0}, source6 = {0};

    if (getifaddrs(&all) != 0) {
        all = NULL; /* all that has a way is unseen then */
    }
    find_way(&out->way4, all, find_source4(&source4), &source4);
    find_way(&out->way6, all, find_source6(&source6), &source6);
    find_tunnel(out->tunnel, all);
    freeifaddrs(all);
}
