/*
 * A look at the world, from which a report is made: is the VPN up, where does it come out, what
 * becomes of IPv6, and where does DNS come out.
 *
 * Each of these takes as long as its header says at most, and all but a health script together what
 * patience.h says; what cannot be seen is unknown.
 */
#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>

#include "dns.h"
#include "exit.h"
#include "ipv6.h"
#include "options.h"
#include "outage.h"
#include "places.h"
#include "record.h"
#include "silence.h"
#include "transfer.h"
#include "vpn.h"

/* What is known from one look to the next; a zeroed one has not looked yet. */
typedef struct look_t {
    vpn_t vpn;
    places_t places;
    exit_t exit;
    ipv6_t ipv6;
    dns_t dns;
    silence_t silence;
    outage_t silent; /* nothing comes through the tunnel */
    bool
        is_mute; /* in the last look not a packet came in through it, and no name server answered */
} look_t;

/* Look, and fill a record whole. Returns false when a signal asked to stop. */
bool look_around(look_t *look, const options_t *options, transfer_t *transfer,
                 vps_record_t *record);

/*
 * Should another look follow soon? When nothing at all came in through the tunnel any more: one more such
 * look, and the VPN counts as down.
 */
bool look_is_doubtful(const look_t *look);

/* The server told in its answer which address it saw; unknown when it did not. */
void look_observed(look_t *look, const vps_addr_t *observed);

/* The network has changed: ask anew at the next look who we are. Places are where they were. */
void look_again(look_t *look);

/* Find everything out anew at the next look, because other options are in force. */
void look_refresh(look_t *look);

#endif
