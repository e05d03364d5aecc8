/*
 * GET API/events: what was announced, newest first.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "mod_vpnsentinel.h"

int events_handle(request_rec *r, const char *unused);

#endif
