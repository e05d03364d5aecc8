/*
 * The dashboard: one HTML page, complete without JavaScript, worst clients first, and its style
 * sheet.
 *
 * Public by default; access rules are <Location>'s business. Every text from outside goes through
 * escape().
 */
#ifndef DASHBOARD_H
#define DASHBOARD_H

#include "mod_vpnsentinel.h"

/* Handle a request below a dashboard mount; rest is the path behind it. */
int dashboard_handle(request_rec *r, const char *rest);

#endif
