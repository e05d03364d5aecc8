/*
 * Claiming requests for the mounts, in the way of Alias and ProxyPass.
 *
 * A path is claimed in translate_name before mod_rewrite, mod_proxy and the file system see it;
 * map_to_storage is answered so that no directory is walked; <Location> sections apply as to any
 * URL.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include "mod_vpnsentinel.h"

#include <stdbool.h>

#include "addr.h"
#include "mount.h"

/* What the module knows of a request that is its own; lives as long as it. */
typedef struct request_state_t {
    mount_kind_t kind;
    const char *rest;       /* of the path, behind the mount: "" or "/…" */
    vps_addr_t observed_ip; /* the client's address as Apache tells it (mod_remoteip aware) */
    bool address_is_known;  /* guard.c: an accepted keepalive came from this address before */
    bool body_is_read;      /* body.c: nothing of the body is left on the connection */
} request_state_t;

/* The state of the request, NULL when it is none of ours. */
request_state_t *claim_state(const request_rec *r);

/* The hooks. */
int claim_translate_name(request_rec *r);
int claim_map_to_storage(request_rec *r);
int claim_fixups(request_rec *r);

#endif
