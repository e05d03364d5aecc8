/*
 * The API: guards, then the route, then the method.
 */
#ifndef API_H
#define API_H

#include "mod_vpnsentinel.h"

/* Handle a request below an API mount; rest is the path behind it. */
int api_handle(request_rec *r, const char *rest);

#endif
