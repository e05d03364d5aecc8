#include "vitals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

/* More than the requests, the script and the DNS queries of any round can take together. */
#define ROUND_REQUESTS 24
#define ROUND_REST CLOCK_MINUTE
/* How late a wait may end on a busy machine. */
#define WAIT_GRACE (30 * CLOCK_SECOND)

/* --- the state file --- */

static void tell_state_fault(vitals_t *vitals, const char *reason)
{
    bool news = outage_fail(&vitals->state_outage, 0, clock_elapsed());

    log_write(news ? VPS_WARN : VPS_DEBUG, "health",
              "⚠️ --healthcheck will fail, its state cannot be written: %s", reason);
}

static void write_state(vitals_t *vitals)
{
    char reason[STATE_DIR_REASON_SIZE];
    char length[OUTAGE_LENGTH_SIZE];

    if (vitals->state.fd < 0 && !state_dir_open(&vitals->state, vitals->run_dir, reason)) {
        tell_state_fault(vitals, reason);
    } else if (!state_dir_write(&vitals->state, &vitals->health)) {
        tell_state_fault(vitals, strerror(errno));
        state_dir_close(&vitals->state); /* the folder may be another one by now */
    } else if (outage_end(&vitals->state_outage, clock_elapsed(), length)) {
        log_write(VPS_INFO, "health", "✅ The state for --healthcheck is written again after %s",
                  length);
    }
}

/* --- the port --- */

static void open_port(vitals_t *vitals)
{
    char length[OUTAGE_LENGTH_SIZE];

    if (vitals->health_port == 0 || vitals->port.daemons[0] != NULL) {
        return;
    }
    if (health_port_open(&vitals->port, vitals->health_port, &vitals->health)) {
        outage_end(&vitals->port_outage, clock_elapsed(), length);
        log_write(VPS_INFO, "health", "Health port: 127.0.0.1:%ld", vitals->health_port);
    } else if (outage_fail(&vitals->port_outage, 0, clock_elapsed())) {
        log_write(VPS_ERROR, "health", "❌ Cannot listen on health port %ld: %s",
                  vitals->health_port, strerror(errno));
    }
}

/* --- life --- */

static void use_options(vitals_t *vitals, const options_t *options)
{
    vitals->health.interval = options->interval * CLOCK_SECOND;
    if (strcmp(vitals->run_dir, options->run_dir) != 0) {
        state_dir_close(&vitals->state);
        memcpy(vitals->run_dir, options->run_dir, sizeof(vitals->run_dir));
    }
    if (vitals->health_port != options->health_port) {
        health_port_close(&vitals->port);
        vitals->health_port = options->health_port;
        vitals->port_outage = (outage_t){0};
    }
    write_state(vitals);
    open_port(vitals);
}

void vitals_open(vitals_t *out, const options_t *options)
{
    memset(out, 0, sizeof(*out));
    out->state.fd = out->state.lock = -1;
    notify_open(&out->notify);
    use_options(out, options);
}

void vitals_close(vitals_t *vitals)
{
    notify_send(&vitals->notify, "STOPPING=1");
    health_port_close(&vitals->port);
    state_dir_close(&vitals->state);
    notify_close(&vitals->notify);
}

void vitals_reloading(const vitals_t *vitals)
{
    struct timespec now;

    if (!vitals->health.started) {
        return; /* it has not said yet that it is ready */
    }
    /* The very clock that systemd compares with. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify_send(&vitals->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
                (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void vitals_reloaded(vitals_t *vitals, const options_t *options)
{
    use_options(vitals, options);
    if (vitals->health.started) {
        notify_send(&vitals->notify, "READY=1");
    }
}

void vitals_round_begins(vitals_t *vitals, const options_t *options)
{
    vitals->health.promise =
        clock_awake() + ROUND_REST + ROUND_REQUESTS * options->timeout * CLOCK_SECOND;
}

void vitals_round_ends(vitals_t *vitals, bool accepted, const char *outcome, int64_t wait)
{
    vitals->health.promise = clock_awake() + wait + WAIT_GRACE;
    if (accepted) {
        vitals->health.accepted = clock_elapsed();
        write_state(vitals);
    }
    open_port(vitals);
    notify_send(&vitals->notify, "%sSTATUS=%s", vitals->health.started ? "" : "READY=1\n", outcome);
    vitals->health.started = true;
}

/* --- in every wait --- */

size_t vitals_fds(const vitals_t *vitals, struct pollfd out[VITALS_FDS])
{
    return health_port_fds(&vitals->port, out);
}

int64_t vitals_timeout(const vitals_t *vitals, int64_t limit)
{
    limit = health_port_timeout(&vitals->port, limit);
    if (vitals->notify.watchdog > 0) {
        int64_t left = vitals->next_sign - clock_awake();

        if (left < 0) {
            left = 0;
        }
        if (left < limit) {
            limit = left;
        }
    }
    return limit;
}

void vitals_attend(vitals_t *vitals)
{
    int64_t now = clock_awake();

    health_port_serve(&vitals->port);
    if (vitals->notify.watchdog > 0 && now >= vitals->next_sign) {
        vitals->next_sign = now + vitals->notify.watchdog;
        if (health_is_alive(&vitals->health, now)) {
            notify_send(&vitals->notify, "WATCHDOG=1");
        }
    }
}
