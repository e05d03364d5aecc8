/*
 * What every file of the module that talks to httpd needs.
 */
#ifndef MOD_VPNSENTINEL_H
#define MOD_VPNSENTINEL_H

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA vpnsentinel_module;
APLOG_USE_MODULE(vpnsentinel);

#endif
