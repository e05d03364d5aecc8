#include "whoami.h"

#include <string.h>

/* What may stand before the address. */
static const char *const labels[] = {"Resolver IP: ", "resolver: "};

static void skip_label(const char **text, size_t *len)
{
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const size_t size = strlen(labels[i]);

        if (*len > size && memcmp(*text, labels[i], size) == 0) {
            *text += size;
            *len -= size;
            return;
        }
    }
}

static void take_address(vps_whoami_t *whoami, const char *text, size_t len)
{
    vps_addr_t addr;

    if (whoami->addr.version == 0 && vps_addr_parse(&addr, text, len) &&
        vps_addr_is_public(&addr)) {
        whoami->addr = addr;
    }
}

void vps_whoami_read(vps_whoami_t *whoami, bool first, const char *text, size_t len)
{
    if (first) {
        whoami->is_address_next = len == 2 && memcmp(text, "ns", 2) == 0;
        skip_label(&text, &len);
        take_address(whoami, text, len);
    } else if (whoami->is_address_next) {
        whoami->is_address_next = false;
        take_address(whoami, text, len);
    }
}

bool vps_whoami_colo(char out[VPS_WHOAMI_COLO_SIZE], const char *text, size_t len)
{
    if (len != VPS_WHOAMI_COLO_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 'A' || text[i] > 'Z') {
            return false;
        }
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}
