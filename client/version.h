/* How the daemon names itself: to servers, to services, and in its reports. */
#ifndef VERSION_H
#define VERSION_H

#include "record.h"

#define VERSION_NAME "vpn-sentinel-client"
#define VERSION_PRODUCT VERSION_NAME "/" VPS_VERSION

_Static_assert(sizeof(VERSION_PRODUCT) - 1 <= VPS_CLIENT_VERSION_MAX,
               "the version must fit into a report");

#endif
