/* How the program names itself: to people and to servers. */
#ifndef VERSION_H
#define VERSION_H

#define VERSION_NAME "vpn-sentinel-ctl"
#define VERSION_PRODUCT VERSION_NAME "/" VPS_VERSION

#endif
