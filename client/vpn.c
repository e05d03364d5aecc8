#include "vpn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "vpn_judge.h"
#include "vpn_sight.h"

#define TEXT_SIZE 160 /* bytes of a reason */

/* What a look found. */
typedef struct finding_t {
    vps_answer_t answer;
    unsigned kind; /* of the reason, for the outage */
    char text[TEXT_SIZE];
} finding_t;

#define KIND_OF_SCRIPT(kind) ((unsigned)(kind))
#define KIND_OF_WAY(reason) (16U + (unsigned)(reason))

/* --- the script's word --- */

static const char *cannot_run_text(int error)
{
    return error == ENOEXEC ? "it is no program, and has no #! line" : strerror(error);
}

static finding_t ask_script(vpn_t *vpn, const char *path, wait_t *wait)
{
    script_end_t end = script_run(&vpn->script, path, wait);
    finding_t out = {.answer = VPS_UNKNOWN, .kind = KIND_OF_SCRIPT(end.kind)};

    switch (end.kind) {
    case SCRIPT_EXITED:
        out.answer = end.detail == 0 ? VPS_YES : VPS_NO;
        snprintf(out.text, TEXT_SIZE, "the health script ends with status %d", end.detail);
        break;
    case SCRIPT_KILLED:
        snprintf(out.text, TEXT_SIZE, "the health script was killed by signal %d", end.detail);
        break;
    case SCRIPT_UNRUNNABLE:
        snprintf(out.text, TEXT_SIZE, "the health script cannot be run: %s",
                 cannot_run_text(end.detail));
        break;
    case SCRIPT_LATE:
        snprintf(out.text, TEXT_SIZE, "the health script takes longer than %d s and was killed",
                 (int)(SCRIPT_LIMIT / CLOCK_SECOND));
        break;
    default:
        snprintf(out.text, TEXT_SIZE, "the last health script is stuck and cannot be killed");
        break;
    }
    return out;
}

/* --- our own look --- */

static finding_t describe(const vpn_verdict_t *verdict, const vpn_sight_t *sight)
{
    finding_t out = {.answer = verdict->answer, .kind = KIND_OF_WAY(verdict->reason)};
    const char *way = verdict->way->name;

    switch (verdict->reason) {
    case VPN_BY_TUNNEL:
        snprintf(out.text, TEXT_SIZE, "traffic leaves by the tunnel %s", way);
        break;
    case VPN_BY_OTHER:
        snprintf(out.text, TEXT_SIZE, "traffic leaves by %s, not by the tunnel %s", way,
                 sight->tunnel);
        break;
    case VPN_LOST:
        snprintf(out.text, TEXT_SIZE, "the tunnel is gone, traffic leaves by %s", way);
        break;
    case VPN_NO_WAY:
        snprintf(out.text, TEXT_SIZE, "there is no way to the Internet");
        break;
    case VPN_NO_TUNNEL:
        snprintf(out.text, TEXT_SIZE, "no tunnel is to be seen from here");
        break;
    case VPN_MAYBE:
        snprintf(out.text, TEXT_SIZE, "traffic leaves by %s, which may be a tunnel or not", way);
        break;
    default:
        snprintf(out.text, TEXT_SIZE, "the interface by which traffic leaves cannot be told");
        break;
    }
    return out;
}

static finding_t look_at_network(vpn_t *vpn)
{
    vpn_sight_t sight = {.was_tunnel = vpn->was_tunnel};
    vpn_verdict_t verdict;

    vpn_sight_take(&sight);
    verdict = vpn_judge(&sight);
    vpn->was_tunnel |= verdict.answer == VPS_YES;
    return describe(&verdict, &sight);
}

/* --- telling --- */

static void tell_up(vpn_t *vpn, const finding_t *finding)
{
    char length[OUTAGE_LENGTH_SIZE];
    bool recovery = outage_end(&vpn->outage, clock_elapsed(), length);

    if (recovery && vpn->was_up) {
        log_write(VPS_INFO, "vpn", "✅ VPN is up again after %s: %s", length, finding->text);
    } else {
        log_write(vpn->was_up ? VPS_DEBUG : VPS_INFO, "vpn", "✅ VPN is up: %s", finding->text);
    }
    vpn->was_up = true;
}

/* That nothing is to be seen from here is no fault, and may be so for ever. */
static vps_level_t level_of(const finding_t *finding)
{
    return finding->kind == KIND_OF_WAY(VPN_NO_TUNNEL) ? VPS_INFO : VPS_WARN;
}

static void tell_other(vpn_t *vpn, const finding_t *finding)
{
    bool news = outage_fail(&vpn->outage, finding->kind, clock_elapsed());

    log_write(news ? level_of(finding) : VPS_DEBUG, "vpn", "%s: %s",
              finding->answer == VPS_NO ? "⚠️ VPN is down" : "VPN state unknown",
              finding->text);
}

bool vpn_look(vpn_t *vpn, const options_t *options, wait_t *wait, vps_record_t *record)
{
    bool has_script = options->health_script[0] != '\0';
    finding_t finding =
        has_script ? ask_script(vpn, options->health_script, wait) : look_at_network(vpn);

    if (wait->signals.stop) {
        return false;
    }
    if (finding.answer == VPS_YES) {
        tell_up(vpn, &finding);
    } else {
        tell_other(vpn, &finding);
    }
    record->vpn_connected = (uint8_t)finding.answer;
    return true;
}

void vpn_refresh(vpn_t *vpn)
{
    outage_repeat(&vpn->outage);
}

bool vpn_check(const options_t *options, char fault[OPTIONS_FAULT_SIZE])
{
    const char *path = options->health_script;
    struct stat info;

    if (path[0] == '\0') {
        return true;
    }
    if (access(path, X_OK) == 0 && stat(path, &info) == 0) {
        if (S_ISREG(info.st_mode)) {
            return true;
        }
        errno = EISDIR;
    }
    snprintf(fault, OPTIONS_FAULT_SIZE,
             "VPN_SENTINEL_HEALTH_SCRIPT is \"%s\" but must be a program: %s", path,
             strerror(errno));
    return false;
}
