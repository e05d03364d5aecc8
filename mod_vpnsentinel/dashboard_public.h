/*
 * The line in the error log that tells an administrator who may not know: all the world may see the
 * dashboard.
 */
#ifndef DASHBOARD_PUBLIC_H
#define DASHBOARD_PUBLIC_H

#include "mod_vpnsentinel.h"

/*
 * This request was answered with a page, or with what is new on one. When it came from an address of
 * the Internet and nobody had to log in for it, that is told, once in the life of the server.
 */
void public_note(request_rec *r);

#endif
