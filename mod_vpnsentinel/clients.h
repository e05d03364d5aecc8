/*
 * GET API/clients, GET and DELETE API/clients/ID.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "mod_vpnsentinel.h"

int clients_handle_list(request_rec *r, const char *unused);
int clients_handle_one(request_rec *r, const char *client_id);

#endif
