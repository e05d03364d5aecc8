#include "past.h"

#include <string.h>

#define MEMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(vps_record_t, name), sizeof(((vps_record_t *)0)->name)                     \
    }

static const struct {
    const char *name;
    size_t offset, size;
} facts[VPS_FACTS] = {
    [VPS_FACT_PUBLIC_IP] = MEMBER(public_ip),
    [VPS_FACT_LOCATION] = MEMBER(location),
    [VPS_FACT_DNS_LOC] = MEMBER(dns_loc),
    [VPS_FACT_DNS_VERDICT] = MEMBER(dns_verdict),
    [VPS_FACT_IPV6_VERDICT] = MEMBER(ipv6_verdict),
    [VPS_FACT_VPN_CONNECTED] = MEMBER(vpn_connected),
};

_Static_assert(sizeof(((vps_record_t *)0)->location) <= VPS_FACT_SIZE &&
                   sizeof(((vps_record_t *)0)->dns_loc) <= VPS_FACT_SIZE &&
                   sizeof(vps_addr_t) <= VPS_FACT_SIZE,
               "each fact fits");

const char *vps_fact_name(vps_fact_t fact)
{
    return facts[fact].name;
}

bool vps_fact_find(vps_fact_t *out, const char *name)
{
    for (int i = 0; i < VPS_FACTS; i++) {
        if (strcmp(facts[i].name, name) == 0) {
            *out = (vps_fact_t)i;
            return true;
        }
    }
    return false;
}

bool vps_fact_is_same(vps_fact_t fact, const vps_record_t *a, const vps_record_t *b)
{
    return memcmp((const char *)a + facts[fact].offset, (const char *)b + facts[fact].offset,
                  facts[fact].size) == 0;
}

void vps_change_take(vps_change_t *out, vps_fact_t fact, const vps_record_t *record, int64_t at)
{
    memset(out, 0, sizeof(*out));
    out->at = at;
    out->fact = (uint8_t)fact;
    memcpy(out->value, (const char *)record + facts[fact].offset, facts[fact].size);
}

void vps_change_apply(vps_record_t *record, const vps_change_t *change)
{
    memcpy((char *)record + facts[change->fact].offset, change->value, facts[change->fact].size);
}
