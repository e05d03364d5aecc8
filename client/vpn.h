/*
 * Is the VPN up? The health script says so when there is one, else the way of a packet to the
 * Internet (vpn_judge.h). A change is told once; what cannot be told is unknown.
 */
#ifndef VPN_H
#define VPN_H

#include <stdbool.h>

#include "options.h"
#include "outage.h"
#include "record.h"
#include "script.h"
#include "wait.h"

/* A zeroed one has not looked yet. */
typedef struct vpn_t {
    script_t script;
    bool was_tunnel; /* see vpn_sight_t */
    bool was_up;     /* a look said yes */
    outage_t outage; /* of looks that say yes */
} vpn_t;

/* Look, and set record->vpn_connected. Returns false when a signal asked to stop. */
bool vpn_look(vpn_t *vpn, const options_t *options, wait_t *wait, vps_record_t *record);

/* Tell again why the answer is not yes, if so, because another script may be set. */
void vpn_refresh(vpn_t *vpn);

/* Can the health script be run? Returns false with a sentence in fault; true without a script. */
bool vpn_check(const options_t *options, char fault[OPTIONS_FAULT_SIZE]);

#endif
