#include "iface.h"

#include <stdio.h>
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
