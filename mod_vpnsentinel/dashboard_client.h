/*
 * The dashboard's page of one client.
 */
#ifndef DASHBOARD_CLIENT_H
#define DASHBOARD_CLIENT_H

#include "mod_vpnsentinel.h"

/* base: from the page's address to the dashboard. 404 when there is no such client. */
int client_answer(request_rec *r, const char *client_id, const char *base);

#endif
