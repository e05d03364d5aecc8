/*
 * Badges: a small picture of a client's light for other pages, below the dashboard, if
 * VPNSentinelBadges is on. Told by shape and words, not by colour alone.
 */
#ifndef BADGE_H
#define BADGE_H

#include "mod_vpnsentinel.h"

/*
 * The client that a path below the dashboard asks a badge of, "/badge/ID.svg", in the pool; NULL =
 * it is no such path, or there are no badges.
 */
const char *badge_client_id(const char *rest, apr_pool_t *pool);

/* The badge; 304 when the asker has it; 404 without such a client. May be kept for BADGE_AGE. */
int badge_answer(request_rec *r, const char *client_id);

#define BADGE_AGE "30" /* sec */

#endif
