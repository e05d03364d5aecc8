#include "iface.h"

#include <ifaddrs.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH_SIZE (IF_NAMESIZE + 40)
#define LINE_SIZE 128   /* bytes of a line that the kernel tells of an interface */
#define DEVTYPE_SIZE 32 /* bytes */

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

vpn_link_t iface_link(const char *name)
{
    char devtype[DEVTYPE_SIZE];
    int type = type_of(name);

    if (type < 0) {
        return VPN_LINK_UNSEEN;
    }
    read_devtype(devtype, name);
    return vpn_judge_link((unsigned)type, is_tun(name), devtype);
}

bool iface_received(const char *name, uint32_t *packets)
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) != 0) {
        return false;
    }
    for (const struct ifaddrs *entry = all; entry != NULL && !found; entry = entry->ifa_next) {
        /* Only the entry of the link itself has data; a tunnel's is without an address. */
        if (entry->ifa_data != NULL && strcmp(entry->ifa_name, name) == 0) {
            *packets = ((const struct rtnl_link_stats *)entry->ifa_data)->rx_packets;
            found = true;
        }
    }
    freeifaddrs(all);
    return found;
}

void iface_find_tunnel(char out[IF_NAMESIZE])
{
    struct if_nameindex *all = if_nameindex();

    out[0] = '\0';
    for (const struct if_nameindex *entry = all; entry != NULL && entry->if_index != 0; entry++) {
        if (iface_link(entry->if_name) == VPN_LINK_TUNNEL) {
            snprintf(out, IF_NAMESIZE, "%s", entry->if_name);
            break;
        }
    }
    if (all != NULL) {
        if_freenameindex(all);
    }
}
