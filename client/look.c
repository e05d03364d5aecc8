#include "look.h"

#include <string.h>
#include <time.h>

#include "dns_verdict.h"
#include "version.h"

static bool look_at_dns(look_t *look, const options_t *options, transfer_t *transfer,
                        vps_record_t *record)
{
    dns_view_t view;

    if (!dns_look(&look->dns, &view, options, transfer->wait,
                  transfer_left(transfer, DNS_LOOK_MAX))) {
        return false;
    }
    dns_compare(&look->dns, &view, &record->public_ip);
    dns_verdict(&look->dns, &view, &look->places, options, transfer, record);
    return true;
}

bool look_around(look_t *look, const options_t *options, transfer_t *transfer, vps_record_t *record)
{
    exit_seen_t seen;

    memset(record, 0, sizeof(*record));
    memcpy(record->client_id, options->client_id, sizeof(record->client_id));
    memcpy(record->client_version, VERSION_PRODUCT, sizeof(VERSION_PRODUCT));
    if (!vpn_look(&look->vpn, options, transfer->wait, record) ||
        !exit_look(&look->exit, &look->places, options, transfer, &seen)) {
        return false;
    }
    exit_fill(record, &seen);
    if (!ipv6_look(&look->ipv6, options, transfer, record) ||
        !look_at_dns(look, options, transfer, record)) {
        return false;
    }
    record->timestamp = time(NULL);
    return !transfer->wait->signals.stop;
}

void look_observed(look_t *look, const vps_addr_t *observed)
{
    exit_observe(&look->exit, &look->places, observed);
}

void look_again(look_t *look)
{
    exit_refresh(&look->exit);
    places_retry(&look->places);
}

void look_refresh(look_t *look)
{
    vpn_refresh(&look->vpn);
    places_refresh(&look->places);
    exit_refresh(&look->exit);
}
