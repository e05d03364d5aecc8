/*
 * What the daemon lets the machine it runs on know of its health: systemd (notify.h), the file that
 * "--healthcheck" reads (state_dir.h) and the health port (health_port.h).
 *
 * The loop tells of its rounds here; every wait calls vitals_attend() through wait.h. A part that
 * does not work is told once in the log and tried again after a round: no report suffers from it.
 */
#ifndef VITALS_H
#define VITALS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "health.h"
#include "health_port.h"
#include "notify.h"
#include "options.h"
#include "outage.h"
#include "state_dir.h"

#define VITALS_FDS HEALTH_PORT_FDS

/* Its address must not change between vitals_open() and vitals_close(). */
typedef struct vitals_t {
    health_t health;
    notify_t notify;
    int64_t next_sign; /* ms, of clock_awake(): the next sign of life for systemd's watchdog */
    state_dir_t state;
    outage_t state_outage;
    char run_dir[OPTIONS_PATH_SIZE]; /* as configured */
    health_port_t port;
    outage_t port_outage;
    long health_port; /* as configured; 0 = none */
} vitals_t;

/* Begin with these options. Nothing in it may keep the daemon from its work. */
void vitals_open(vitals_t *out, const options_t *options);

/* The daemon ends: say so, and leave no state. */
void vitals_close(vitals_t *vitals);

/* Tell that the configuration is being read again, and use what came of it; the same may. */
void vitals_reloading(const vitals_t *vitals);
void vitals_reloaded(vitals_t *vitals, const options_t *options);

/* A round begins, with requests that each take up to options->timeout. */
void vitals_round_begins(vitals_t *vitals, const options_t *options);

/*
 * It is over; was its report accepted? outcome is a phrase for people, and the next one begins in
 * wait ms.
 */
void vitals_round_ends(vitals_t *vitals, bool accepted, const char *outcome, int64_t wait);

/* --- for wait.h --- */

/* Fill what is to be polled for; returns how many. */
size_t vitals_fds(const vitals_t *vitals, struct pollfd out[VITALS_FDS]);

/* ms until vitals_attend() is due even if nothing happens, at most limit. */
int64_t vitals_timeout(const vitals_t *vitals, int64_t limit);

/* Answer who asks, and give systemd a sign of life unless the loop hangs. Never blocks. */
void vitals_attend(vitals_t *vitals);

#endif
