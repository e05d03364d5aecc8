/*
 * What every file of the module that talks to httpd needs.
 */
#ifndef MOD_VPNSENTINEL_H
#define MOD_VPNSENTINEL_H

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"

/* All else is hidden (configure.ac). */
extern module AP_MODULE_DECLARE_DATA vpnsentinel_module __attribute__((visibility("default")));
APLOG_USE_MODULE(vpnsentinel);

#endif
