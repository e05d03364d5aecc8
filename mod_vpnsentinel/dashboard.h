/*
 * The dashboard: what is where below its mount, and what all of its answers say to browsers.
 *
 *   ""                the fleet (dashboard_page.h)
 *   client/ID         one client (dashboard_client.h)
 *   dashboard.css …   what these are made with (dashboard_assets.h)
 *
 * Read-only, public by default; access rules are <Location>'s business. Every text from outside goes
 * through html.h.
 */
#ifndef DASHBOARD_H
#define DASHBOARD_H

#include "mod_vpnsentinel.h"

/* Handle a request below a dashboard mount; rest is the path behind it. */
int dashboard_handle(request_rec *r, const char *rest);

#endif
