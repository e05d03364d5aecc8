/*
 * Mounts: which URL paths belong to the module, in the way of Alias and ProxyPass.
 *
 * A mount claims whole path segments and everything below; the longest wins. It is claimed in
 * translate_name before mod_rewrite, mod_proxy and the file system see the request, map_to_storage
 * is answered so that no directory is walked; <Location> sections apply as to any URL.
 */
#ifndef MOUNT_H
#define MOUNT_H

#include "mod_vpnsentinel.h"

#include <stdbool.h>

#include "addr.h"

typedef enum mount_kind_t { MOUNT_API, MOUNT_DASHBOARD, MOUNT_HEALTH } mount_kind_t;

/* One mount of a server. */
typedef struct mount_t {
    mount_kind_t kind;
    const char
        *path; /* what it claims: "" for everything, else "/a/b" without a slash at the end */
} mount_t;

/* What the module knows of a request that is its own; lives as long as it. */
typedef struct request_state_t {
    mount_kind_t kind;
    const char *rest;       /* of the path, behind the mount: "" or "/…", slashes merged */
    vps_addr_t observed_ip; /* the client's address as Apache tells it (mod_remoteip aware) */
    bool address_is_known;  /* guard.c: an accepted keepalive came from this address before */
    bool body_is_read;      /* body.c: nothing of the body is left on the connection */
} request_state_t;

/*
 * Read a directive's path: absolute, no ".", "..", "//", "?", "#", "%" or control characters. *out
 * is as mount_t.path. Returns NULL, or what is wrong: a half sentence that goes on behind the path.
 */
const char *mount_path(const char **out, const char *path, apr_pool_t *p);

/* Add one to an array of mount_t. The health mount at PATH claims PATH/health and PATH/healthz. */
void mount_add(apr_array_header_t *mounts, mount_kind_t kind, const char *path);

/*
 * Order an array of mount_t for look-up. Returns NULL, or a path that two kinds of mounts claim.
 */
const char *mount_sort(apr_array_header_t *mounts);

/* The state of the request, NULL when it is none of ours. */
request_state_t *mount_state(const request_rec *r);

/* The hooks. */
int mount_translate_name(request_rec *r);
int mount_map_to_storage(request_rec *r);
int mount_fixups(request_rec *r);

#endif
