#include "look.h"

#include <string.h>
#include <time.h>

#include "clock.h"
#include "dns_verdict.h"
#include "log.h"
#include "version.h"

/*
 * DNS goes first: it asks several servers at once, so that a tunnel that is silent, or one that is only
 * slow, shows soonest. In haste the exit does, which is the news then.
 */
static bool look_abroad(look_t *look, const options_t *options, transfer_t *transfer,
                        vps_record_t *record, exit_seen_t *seen, dns_view_t *view)
{
    const bool is_hasty = transfer_is_hasty(transfer);

    if (!is_hasty && !dns_look(&look->dns, view, options, transfer)) {
        return false;
    }
    if (!exit_look(&look->exit, &look->places, options, transfer, seen)) {
        return false;
    }
    exit_fill(record, seen);
    if (!ipv6_look(&look->ipv6, options, transfer, record) ||
        (is_hasty && !dns_look(&look->dns, view, options, transfer))) {
        return false;
    }
    dns_compare(&look->dns, view, &record->public_ip);
    dns_verdict(&look->dns, view, &look->places, options, transfer, record);
    return true;
}

/* --- the VPN --- */

/*
 * What was found at first may be of a network that has changed since: who reports it tells a VPN that
 * is up by now to be down. A health script is not run twice.
 */
static bool look_at_vpn_again(look_t *look, const options_t *options, wait_t *wait,
                              vps_record_t *record)
{
    if (options->health_script[0] != '\0' || wait->changes == NULL ||
        wait->changes->change.kinds == 0) {
        return true;
    }
    return vpn_look(&look->vpn, options, wait, record);
}

/* --- silence --- */

static bool has_resolver(const dns_view_t *view)
{
    for (size_t i = 0; i < view->count; i++) {
        if (view->servers[i].exit.version != 0) {
            return true;
        }
    }
    return false;
}

/* Did anybody answer, other than past the tunnel? Who knows the exit was answered, if not just now. */
static bool has_answer(const exit_seen_t *seen, const dns_view_t *view)
{
    if (seen->trace.ip.version != 0 || seen->place.public_ip.version != 0 ||
        (view->direct.version != 0 && view->direct_path != VPS_DNS_PATH_OUTSIDE)) {
        return true;
    }
    for (size_t i = 0; i < view->count; i++) {
        if (view->servers[i].exit.version != 0 && view->servers[i].path != VPS_DNS_PATH_OUTSIDE) {
            return true;
        }
    }
    return false;
}

static void tell_silence(outage_t *silent, bool is_silent)
{
    char length[OUTAGE_LENGTH_SIZE];

    if (!is_silent && outage_end(silent, clock_elapsed(), length)) {
        log_write(VPS_INFO, "vpn", "✅ Something comes through the tunnel again after %s", length);
    } else if (is_silent) {
        log_write(outage_fail(silent, 0, clock_elapsed()) ? VPS_WARN : VPS_DEBUG, "vpn",
                  "⚠️ VPN is down: nothing comes through the tunnel any more");
    }
}

/* A health script knows better. */
static void judge_silence(look_t *look, const options_t *options, vps_answer_t heard,
                          vps_record_t *record)
{
    const vps_answer_t found = (vps_answer_t)record->vpn_connected;
    vps_answer_t answer;

    if (options->health_script[0] != '\0') {
        return;
    }
    answer = silence_judge(&look->silence, found, heard);
    tell_silence(&look->silent, answer != found);
    record->vpn_connected = (uint8_t)answer;
}

/* --- what others call --- */

bool look_around(look_t *look, const options_t *options, transfer_t *transfer, vps_record_t *record)
{
    exit_seen_t seen;
    dns_view_t view;
    bool is_done;

    memset(record, 0, sizeof(*record));
    memcpy(record->client_id, options->client_id, sizeof(record->client_id));
    memcpy(record->client_version, VERSION_PRODUCT, sizeof(VERSION_PRODUCT));
    if (!vpn_look(&look->vpn, options, transfer->wait, record)) {
        return false;
    }
    transfer_look_begins(transfer);
    is_done = look_abroad(look, options, transfer, record, &seen, &view);
    look->is_mute = is_done && transfer_is_silent(transfer) && !has_resolver(&view);
    transfer_look_ends(transfer);
    if (!is_done || !look_at_vpn_again(look, options, transfer->wait, record)) {
        return false;
    }
    judge_silence(look, options,
                  has_answer(&seen, &view)      ? VPS_YES
                  : transfer_is_hasty(transfer) ? VPS_UNKNOWN
                                                : VPS_NO,
                  record);
    record->timestamp = (uint32_t)time(NULL);
    return !transfer->wait->signals.stop;
}

bool look_is_doubtful(const look_t *look)
{
    return look->is_mute && silence_is_doubtful(&look->silence);
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
