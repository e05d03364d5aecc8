/*
 * What the monitor does: looks at the clients when something changed or a deadline has come,
 * announces, stores, delivers, finds out the server's own address; and sleeps until the next of
 * these is due.
 */
#ifndef WATCH_H
#define WATCH_H

#include "mod_vpnsentinel.h"

#include <stdbool.h>

/* How the outside speaks to it. */
typedef struct watch_calls_t {
    int wake_fd;             /* readable = look */
    bool (*is_to_end)(void); /* the process was told to end */
} watch_calls_t;

/* Runs until it is to end; returns when everything is stored. */
void watch_run(server_rec *s, const watch_calls_t *calls, apr_pool_t *pool);

#endif
