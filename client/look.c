#include "look.h"

#include <string.h>
#include <time.h>

#include "country.h"
#include "version.h"

/* Is this place in another country than the exit, as far as both are known? */
static bool is_elsewhere(const vps_place_t *place, const vps_record_t *record)
{
    char here[3], there[3];

    return vps_country_code(here, record->location) && vps_country_code(there, place->location) &&
           strcmp(here, there) != 0;
}

/*
 * Which of the system's servers the report tells of: the first one in another country than the
 * exit, which is a leak whatever the others do, else the first that comes out; NULL = none does.
 * *place becomes its place, of no address when unknown.
 */
static const dns_server_t *choose_server(look_t *look, const options_t *options,
                                         transfer_t *transfer, const dns_view_t *view,
                                         const vps_record_t *record, vps_place_t *place)
{
    const dns_server_t *chosen = NULL;
    vps_place_t other;

    memset(place, 0, sizeof(*place));
    for (const dns_server_t *server = view->servers; server < view->servers + view->count;
         server++) {
        const bool is_known = places_find(&look->places, options, transfer, &server->exit, &other);

        if (is_known && is_elsewhere(&other, record)) {
            *place = other;
            return server;
        }
        if (chosen == NULL && server->exit.version != 0) {
            chosen = server;
            *place = other;
        }
    }
    return chosen;
}

static bool look_at_dns(look_t *look, const options_t *options, transfer_t *transfer,
                        vps_record_t *record)
{
    dns_view_t view;
    vps_place_t place;
    const dns_server_t *chosen;

    if (!dns_look(&look->dns, &view, options, transfer->wait)) {
        return false;
    }
    dns_compare(&look->dns, &view, &record->public_ip);
    chosen = choose_server(look, options, transfer, &view, record, &place);
    dns_fill(record, &view, chosen, &place);
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
    if (!look_at_dns(look, options, transfer, record)) {
        return false;
    }
    record->timestamp = time(NULL);
    return !transfer->wait->signals.stop;
}

void look_observed(look_t *look, const vps_addr_t *observed)
{
    exit_observe(&look->exit, &look->places, observed);
}

void look_refresh(look_t *look)
{
    vpn_refresh(&look->vpn);
    places_refresh(&look->places);
    exit_refresh(&look->exit);
}
