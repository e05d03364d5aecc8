/*
 * Health: PATH/health and PATH/healthz, and PATH/health/live, /ready, /startup for orchestrators.
 *
 * Public, without guard. Only /ready and /startup take a lock, the registry's: a server that cannot
 * give it is not ready.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include "mod_vpnsentinel.h"

/* rest is the path behind …/health or …/healthz. */
int health_handle(request_rec *r, const char *rest);

#endif
