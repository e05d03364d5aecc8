/*
 * Metrics for Prometheus: PATH, and nothing below it. docs/metrics.md lists them.
 *
 * Public, without guard. All is taken from shared memory before the first byte is written; while it
 * is written, the lock is taken for one client at a time.
 */
#ifndef METRICS_H
#define METRICS_H

#include "mod_vpnsentinel.h"

/* rest is the path behind the mount. */
int metrics_handle(request_rec *r, const char *rest);

#endif
