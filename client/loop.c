#include "loop.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "delay.h"
#include "log.h"
#include "version.h"

/* --- what it holds --- */

static void use_options(loop_t *loop, const options_t *options)
{
    loop->options = *options;
    log_set_level(loop->options.debug ? VPS_DEBUG : VPS_INFO);
    log_hide(loop->options.api_key, loop->options.ipinfo_token);
}

bool loop_load(loop_t *out, const char *config_path, char fault[OPTIONS_FAULT_SIZE])
{
    options_t options;

    memset(out, 0, sizeof(*out));
    out->config_path = config_path;
    if (!options_load(&options, config_path, fault)) {
        return false;
    }
    use_options(out, &options);
    return true;
}

bool loop_open(loop_t *loop)
{
    if (!signals_open(&loop->signals)) {
        return false;
    }
    if (!transfer_open(&loop->transfer, &loop->signals)) {
        signals_close(&loop->signals);
        return false;
    }
    return true;
}

void loop_close(loop_t *loop)
{
    transfer_close(&loop->transfer);
    signals_close(&loop->signals);
}

/* --- a round --- */

/* Returns false when a signal asked to stop. */
static bool look(loop_t *loop, vps_record_t *record)
{
    exit_seen_t seen;
    dns_view_t view;

    memset(record, 0, sizeof(*record));
    memcpy(record->client_id, loop->options.client_id, sizeof(record->client_id));
    memcpy(record->client_version, VERSION_PRODUCT, sizeof(VERSION_PRODUCT));
    if (!exit_look(&loop->exit, &loop->places, &loop->options, &loop->transfer, &seen)) {
        return false;
    }
    exit_fill(record, &seen);
    if (!dns_look(&loop->dns, &view, &loop->options, &loop->signals)) {
        return false;
    }
    dns_compare(&loop->dns, &view, &record->public_ip);
    dns_fill(record, &view, NULL);
    record->timestamp = time(NULL);
    return true;
}

static report_result_t look_and_report(loop_t *loop)
{
    vps_record_t record;
    report_result_t result;

    if (!look(loop, &record)) {
        return (report_result_t){.kind = TRANSFER_STOPPED};
    }
    result = report_send(&loop->report, &loop->options, &loop->transfer, &record);
    exit_observe(&loop->exit, &loop->places, &result.observed_ip);
    return result;
}

bool loop_once(loop_t *loop)
{
    return look_and_report(loop).kind == TRANSFER_OK;
}

bool loop_print(loop_t *loop)
{
    vps_record_t record;
    json_object *body;
    const char *text;
    bool written;

    if (!look(loop, &record)) {
        return false;
    }
    text = report_body(&body, &record);
    written = text != NULL && puts(text) >= 0 && fflush(stdout) == 0;
    json_object_put(body);
    return written;
}

/* --- rounds --- */

/* One round; returns when the next is due (ms, monotonic). */
static int64_t play_round(loop_t *loop)
{
    int64_t start = clock_monotonic();
    report_result_t result = look_and_report(loop);
    int64_t end = clock_monotonic();
    delay_round_t round = {
        .kind = result.kind,
        .failures = loop->report.failures,
        .took = end - start,
        .retry_after = result.retry_after,
        .interval = loop->options.interval * CLOCK_SECOND,
    };
    int64_t delay;

    if (getrandom(&round.random, sizeof(round.random), GRND_NONBLOCK) < 0) {
        round.random = (uint32_t)end; /* spread a little less evenly */
    }
    delay = delay_next(&round);
    log_write(VPS_DEBUG, "client", "Next round in %lld ms", (long long)delay);
    return end + delay;
}

/* Is there a command that came in the middle of a round? */
static bool is_commanded(const signals_t *signals)
{
    return signals->stop || signals->reload || signals->report;
}

/* Wait until due or a signal. */
static void wait_until(loop_t *loop, int64_t due)
{
    struct pollfd wake = {.fd = loop->signals.fd, .events = POLLIN};
    int64_t left = due - clock_monotonic();
    struct timespec timeout;

    if (left > 0 && !is_commanded(&loop->signals)) {
        timeout.tv_sec = left / 1000;
        timeout.tv_nsec = left % 1000 * 1000000;
        ppoll(&wake, 1, &timeout, NULL);
    }
    signals_read(&loop->signals);
}

/* A bad configuration changes nothing. */
static void reload(loop_t *loop)
{
    char fault[OPTIONS_FAULT_SIZE];
    options_t options;

    if (!options_load(&options, loop->config_path, fault)) {
        log_write(VPS_ERROR, "client", "❌ Not reloaded, going on as before: %s", fault);
        return;
    }
    use_options(loop, &options);
    places_refresh(&loop->places);
    exit_refresh(&loop->exit);
    log_write(VPS_INFO, "client", "Configuration reloaded: %s | Server: %s",
              loop->options.client_id, loop->options.server_url);
}

/* Do what the signals said. Returns true when the next round is due now. */
static bool obey(loop_t *loop)
{
    signals_t *signals = &loop->signals;
    bool now = signals->reload || signals->report;

    if (signals->reload) {
        reload(loop);
    }
    signals->reload = false;
    signals->report = false;
    return now;
}

void loop_run(loop_t *loop)
{
    int64_t due = clock_monotonic();

    log_write(VPS_INFO, "client",
              "🚀 " VERSION_PRODUCT " started: %s | Server: %s | Interval: %ld s",
              loop->options.client_id, loop->options.server_url, loop->options.interval);
    for (;;) {
        wait_until(loop, due);
        if (loop->signals.stop) {
            break;
        }
        if (obey(loop) || clock_monotonic() >= due) {
            due = play_round(loop);
        }
    }
    log_write(VPS_INFO, "client", "Stopped by a signal");
}
