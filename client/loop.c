#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "journal_file.h"
#include "log.h"
#include "report.h"
#include "version.h"

/* --- what it holds --- */

static void use_options(loop_t *loop, const options_t *options)
{
    loop->options = *options;
    log_set_level(loop->options.debug ? VPS_DEBUG : VPS_INFO);
    log_hide(loop->options.api_key, loop->options.ipinfo_token, loop->options.gluetun_api_key);
    if (loop->options.allow_insecure) {
        log_write(
            VPS_WARN, "client",
            "⚠️ VPN_SENTINEL_ALLOW_INSECURE is set: the server's certificate is NOT checked, "
            "whoever is on the way can read the API key and answer in its place");
    }
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
    if (!wait_open(&loop->wait)) {
        return false;
    }
    loop->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer >= 0) {
        if (transfer_open(&loop->transfer, &loop->wait)) {
            return true;
        }
        close(loop->timer);
    }
    wait_close(&loop->wait);
    return false;
}

void loop_close(loop_t *loop)
{
    transfer_close(&loop->transfer);
    close(loop->timer);
    wait_close(&loop->wait);
}

/* --- a round --- */

static report_result_t look_and_report(loop_t *loop)
{
    report_setup_t setup = {.course = &loop->course,
                            .found = &loop->found,
                            .options = &loop->options,
                            .transfer = &loop->transfer};
    vps_record_t record;
    vps_past_t past;
    report_result_t result;
    int64_t seen;

    if (!look_around(&loop->look, &loop->options, &loop->transfer, &record)) {
        return (report_result_t){.kind = TRANSFER_STOPPED};
    }
    /*
     * Through a tunnel that is silent, or is gone by now, the server's name would be asked for in vain,
     * for long.
     */
    setup.is_hasty = transfer_is_hasty(&loop->transfer) || loop->look.is_mute;
    loop->transfer.patience.until = 0;
    seen = clock_elapsed();
    journal_note(&loop->journal, &record, seen);
    journal_fill(&past, &loop->journal, &record, seen);
    result = report_send(&setup, &record, &past);
    if (result.kind == TRANSFER_OK) {
        journal_told(&loop->journal);
    }
    look_observed(&loop->look, &result.observed_ip);
    return result;
}

bool loop_once(loop_t *loop)
{
    return look_and_report(loop).kind == TRANSFER_OK;
}

bool loop_print(loop_t *loop)
{
    static const vps_past_t nothing;
    vps_record_t record;
    json_object *body;
    const char *text;
    bool written;

    if (!look_around(&loop->look, &loop->options, &loop->transfer, &record)) {
        return false;
    }
    text = report_body(&body, &record, &nothing);
    written = text != NULL && puts(text) >= 0 && fflush(stdout) == 0;
    json_object_put(body);
    return written;
}

/* --- rounds --- */

static uint32_t chance(void)
{
    uint32_t number;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number)) {
        number = (uint32_t)clock_elapsed(); /* spread a little less evenly */
    }
    return number;
}

/* Have the copy of the journal be what it is by now, so that a restart of the daemon loses nothing. */
static void keep_journal(loop_t *loop)
{
    if (loop->journal.changes != loop->kept) {
        if (!journal_file_keep(&loop->journal, &loop->vitals.state, loop->options.client_id)) {
            log_write(VPS_DEBUG, "client", "The journal is only in memory: %s", strerror(errno));
        }
        loop->kept = loop->journal.changes;
    }
}

static void play_round(loop_t *loop)
{
    course_end_t end = {.interval = loop->options.interval * CLOCK_SECOND, .random = chance()};
    report_result_t result;
    int64_t now;

    vitals_round_begins(&loop->vitals, &loop->options);
    result = look_and_report(loop);
    keep_journal(loop);
    now = clock_elapsed();
    if (result.kind == TRANSFER_STOPPED) {
        return;
    }
    end.kind = result.kind;
    end.retry_after = result.retry_after;
    end.is_doubtful = look_is_doubtful(&loop->look);
    course_plan(&loop->course, &end, now);
    log_write(VPS_DEBUG, "client", "Next round in %lld ms", (long long)(loop->course.due - now));
    vitals_round_ends(&loop->vitals, result.kind == TRANSFER_OK, report_outcome(result.kind),
                      loop->course.due - now);
}

/*
 * A round in a network that has changed, now or a moment ago. The address that the server saw before
 * this change was another network's, maybe. What answers only by a way that is gone must not keep the
 * news from being told; the second look takes its time.
 */
static void play_round_anew(loop_t *loop)
{
    static const vps_addr_t nobody;
    const unsigned kinds = change_watch_take(&loop->changes);
    char text[CHANGE_TEXT_SIZE];

    if (kinds != 0) {
        log_write(VPS_INFO, "client", "Network changed: %s, reporting at once",
                  change_format(text, kinds));
        look_observed(&loop->look, &nobody);
        loop->transfer.patience.until = clock_elapsed() + PATIENCE_HASTE;
    } else {
        log_write(VPS_DEBUG, "client", "Looking once more after the change of the network");
    }
    look_again(&loop->look);
    play_round(loop);
}

/*
 * Wait until the next round is due, or something else has happened. A timeout of poll() would not
 * count a suspend: the timer does, and wakes us at once after it.
 */
static void wait_until_due(loop_t *loop)
{
    const int64_t due = course_wakes(&loop->course, &loop->changes.change);
    struct itimerspec at = {
        .it_value = {.tv_sec = due / CLOCK_SECOND, .tv_nsec = due % CLOCK_SECOND * 1000000},
    };
    struct pollfd timer = {.fd = loop->timer, .events = POLLIN};

    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &at, NULL);
    wait_poll(&loop->wait, &timer, 1, due + CLOCK_HOUR);
}

/* A bad configuration changes nothing. */
static void reload(loop_t *loop)
{
    char fault[OPTIONS_FAULT_SIZE];
    options_t options;

    vitals_reloading(&loop->vitals);
    if (!options_load(&options, loop->config_path, fault)) {
        log_write(VPS_ERROR, "client", "❌ Not reloaded, going on as before: %s", fault);
        vitals_reloaded(&loop->vitals, &loop->options);
        return;
    }
    use_options(loop, &options);
    vitals_reloaded(&loop->vitals, &loop->options);
    look_refresh(&loop->look);
    log_write(VPS_INFO, "client", "Configuration reloaded: %s | Server: %s",
              loop->options.client_id, loop->options.server_url);
}

/* Returns false when it is time to stop. */
static bool take_step(loop_t *loop)
{
    signals_read(&loop->wait.signals);
    switch (
        course_next(&loop->course, &loop->wait.signals, &loop->changes.change, clock_elapsed())) {
    case COURSE_WAIT:
        wait_until_due(loop);
        return true;
    case COURSE_ROUND:
        change_watch_take(&loop->changes);
        play_round(loop);
        return true;
    case COURSE_ROUND_ANEW:
        play_round_anew(loop);
        return true;
    case COURSE_RELOAD:
        reload(loop);
        return true;
    default:
        return false;
    }
}

void loop_run(loop_t *loop)
{
    log_write(VPS_INFO, "client",
              "🚀 " VERSION_PRODUCT " started: %s | Server: %s | Interval: %ld s",
              loop->options.client_id, loop->options.server_url, loop->options.interval);
    vitals_open(&loop->vitals, &loop->options);
    journal_file_recall(&loop->journal, &loop->vitals.state, loop->options.client_id,
                        clock_elapsed());
    change_watch_open(&loop->changes, RESOLVERS_FILE);
    loop->wait.vitals = &loop->vitals;
    loop->wait.changes = &loop->changes;
    while (take_step(loop)) {
    }
    loop->wait.vitals = NULL;
    loop->wait.changes = NULL;
    change_watch_close(&loop->changes);
    vitals_close(&loop->vitals);
    log_write(VPS_INFO, "client", "Stopped by a signal");
}
