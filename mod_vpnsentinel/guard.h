/*
 * Who may use the API: allow list, then rate limit, then key, for every path and method below an
 * API mount.
 */
#ifndef GUARD_H
#define GUARD_H

#include "mod_vpnsentinel.h"

/* OK when the request may go on; DONE when it was refused and answered (403, 429, 401, 503). */
int guard_admit(request_rec *r);

/*
 * A keepalive of this request was accepted: remember that clients report from its address, so that
 * the administrator is told when the rate limit meets it.
 */
void guard_mark_known(request_rec *r);

#endif
