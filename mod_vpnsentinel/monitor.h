/*
 * The monitor: one process a server, beside httpd's children, that alone has to do with the clock,
 * the disk and the network. This file keeps it alive; what it does is watch.h's business.
 *
 * Forked by the parent at each start and reload (the old one is ended first, so that there is never
 * more than one), forked again when it dies, ended with httpd.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "mod_vpnsentinel.h"

/*
 * post_config, with an open segment: fork it. What fails is logged; httpd serves without it, and
 * readiness tells.
 */
void monitor_start(apr_pool_t *pconf, server_rec *s);

/* In a child of httpd: something has changed that the monitor should look at. Never waits. */
void monitor_wake(void);

#endif
