/*
 * POST API/keepalive and POST API/register.
 */
#ifndef KEEPALIVE_ENDPOINT_H
#define KEEPALIVE_ENDPOINT_H

#include "mod_vpnsentinel.h"

/* A client reports: its whole report is replaced. */
int keepalive_handle(request_rec *r, const char *unused);

/* A client is announced before its first keepalive; a known one stays as it is. */
int register_handle(request_rec *r, const char *unused);

#endif
