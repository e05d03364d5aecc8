#include "pulse.h"

#include <string.h>

#include "iface.h"
#include "vpn_sight.h"

void pulse_begin(pulse_t *out)
{
    vpn_sight_t sight = {.was_tunnel = false};
    vpn_verdict_t verdict;

    memset(out, 0, sizeof(*out));
    vpn_sight_take(&sight);
    verdict = vpn_judge(&sight);
    if (verdict.reason == VPN_BY_TUNNEL && iface_received(verdict.way->name, &out->packets)) {
        memcpy(out->tunnel, verdict.way->name, sizeof(out->tunnel));
    }
}

bool pulse_beats(pulse_t *pulse)
{
    uint32_t packets;

    if (pulse->tunnel[0] != '\0' &&
        (!iface_received(pulse->tunnel, &packets) || packets != pulse->packets)) {
        pulse->tunnel[0] = '\0';
    }
    return pulse->tunnel[0] == '\0';
}
