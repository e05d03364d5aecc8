/*
 * A port of this machine on which the daemon tells how it is, in HTTP, at paths and in words of the
 * released client:
 *
 *   /client/health          200 {"status":"healthy",…}   503 unhealthy: the loop hangs
 *   /client/health/ready    200 {"status":"ready",…}     503 not_ready: no report accepted lately
 *   /client/health/startup  200 {"status":"started",…}   503 not_started: the first round goes on
 *
 * It listens on 127.0.0.1 and, where there is IPv6, ::1. It has no thread: whoever waits polls
 * health_port_fds() too, no longer than health_port_timeout(), and calls health_port_serve(), which
 * never blocks. Who connects is bounded in number, memory and time.
 */
#ifndef HEALTH_PORT_H
#define HEALTH_PORT_H

#include <poll.h>
#include <stddef.h>

#include "health.h"

#define HEALTH_PORT_FDS 2          /* one for each address */
#define HEALTH_PORT_CONNECTIONS 32 /* at most, on each of them */

struct MHD_Daemon;

typedef struct health_port_connection_t {
    int fd;        /* 0 = none */
    int64_t since; /* ms, of clock_awake() */
} health_port_connection_t;

/* A zeroed one is not open. Its address must not change while it is open. */
typedef struct health_port_t {
    struct MHD_Daemon *daemons[HEALTH_PORT_FDS]; /* NULL = none */
    health_port_connection_t connections[HEALTH_PORT_FDS * HEALTH_PORT_CONNECTIONS];
    const health_t *health;
} health_port_t;

/*
 * Listen, and tell of *health, which must outlive the port. Returns false with errno when that is
 * not possible on 127.0.0.1.
 */
bool health_port_open(health_port_t *out, long port, const health_t *health);

/* Close it and all connections; a no-op when it is not open. */
void health_port_close(health_port_t *port);

/* Fill what is to be polled for; returns how many, 0 when it is not open. */
size_t health_port_fds(const health_port_t *port, struct pollfd out[HEALTH_PORT_FDS]);

/* ms until it must be served even if nothing happens, at most limit. */
int64_t health_port_timeout(const health_port_t *port, int64_t limit);

/* Do what can be done at once. */
void health_port_serve(const health_port_t *port);

#endif
