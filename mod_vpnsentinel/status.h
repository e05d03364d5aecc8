/*
 * GET API/status: the server and its fleet in numbers.
 */
#ifndef STATUS_H
#define STATUS_H

#include "mod_vpnsentinel.h"

int status_handle(request_rec *r, const char *unused);

#endif
