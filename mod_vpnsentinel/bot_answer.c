#include "bot_answer.h"

#include <string.h>

#include "clock.h"
#include "command.h"
#include "keepalive.h"
#include "message.h"
#include "segment.h"

#define ALL_MAX 10u       /* clients that are all named; of more only those in trouble are */
#define NAMED_MAX 40u     /* clients that are named at all */
#define NEWEST UINT64_MAX /* cursor of a walk that has not begun */
#define EVENTS_MAX 5u     /* events of a client that are told */
#define REST_UNITS 64u    /* of TEXT_UNITS_MAX, kept for the line that counts who is not named */

/* A client as the list of the status names it. */
typedef struct named_t {
    char client_id[VPS_CLIENT_ID_MAX + 1];
    vps_addr_t public_ip;
    char place[3];
    uint32_t last_seen; /* sec since epoch, 0 = never */
    assessment_t assessment;
} named_t;

struct bot_answer_t {
    const mute_t *mute;
    fleet_t fleet;
    named_t named[NAMED_MAX]; /* the worst ones, worst first */
    size_t named_count;
};

bot_answer_t *bot_answer_create(const mute_t *mute, apr_pool_t *pool)
{
    bot_answer_t *bot = apr_pcalloc(pool, sizeof(*bot));

    bot->mute = mute;
    return bot;
}

bool bot_answer_count(bot_answer_t *bot, census_t *out)
{
    return fleet_census(out, &bot->fleet);
}

/* --- /status --- */

/* Among the worst ones, behind those that are as bad. */
static void name_client(bot_answer_t *bot, const client_view_t *view,
                        const assessment_t *assessment)
{
    size_t at = bot->named_count;
    named_t *named;

    while (at > 0 && bot->named[at - 1].assessment.light < assessment->light) {
        at--;
    }
    if (at == NAMED_MAX) {
        return;
    }
    bot->named_count += bot->named_count < NAMED_MAX;
    named = &bot->named[at];
    memmove(named + 1, named, (bot->named_count - 1 - at) * sizeof(*named));
    memset(named, 0, sizeof(*named));
    memcpy(named->client_id, view->client.report.client_id, sizeof(named->client_id));
    memcpy(named->place, view->client.judged.place, sizeof(named->place));
    named->public_ip = view->client.report.public_ip;
    named->last_seen = view->client.last_seen;
    named->assessment = *assessment;
}

/* Returns false when the registry could not be read. */
static bool survey(bot_answer_t *bot, census_t *census)
{
    assessment_t assessment;
    const client_view_t *view;

    memset(census, 0, sizeof(*census));
    bot->named_count = 0;
    fleet_begin(&bot->fleet);
    while ((view = fleet_next(&bot->fleet, &assessment)) != NULL) {
        census_add(census, &assessment);
        name_client(bot, view, &assessment);
    }
    return !bot->fleet.failed;
}

static void put_summary(text_t *text, const census_t *census)
{
    const int64_t well = census->lights[LIGHT_GREEN];

    text_put_tag(text, "<b>");
    if (census->total == 0) {
        text_put(text, "No client has reported yet");
    } else if (well == census->total) {
        text_put(text, "🟢 All is well: ");
        text_put_number(text, (uint64_t)well);
        text_put(text, well == 1 ? " client" : " clients");
    } else {
        text_put(text, "⚠️ ");
        text_put_number(text, (uint64_t)(census->total - well));
        text_put(text, " of ");
        text_put_number(text, (uint64_t)census->total);
        text_put(text, " clients in trouble");
    }
    text_put_tag(text, "</b>");
}

static void put_lights(text_t *text, const census_t *census)
{
    static const light_t order[] = {LIGHT_RED, LIGHT_GREY, LIGHT_YELLOW, LIGHT_GREEN};

    for (size_t i = 0; census->total > 0 && i < LIGHTS; i++) {
        text_put(text, "\n");
        text_put(text, message_light_sign(order[i]));
        text_put(text, " ");
        text_put_number(text, (uint64_t)census->lights[order[i]]);
        text_put(text, " ");
        text_put(text, assess_light_name(order[i]));
        text_put(text, " (");
        text_put(text, message_light_meaning(order[i]));
        text_put(text, ")");
    }
}

static void put_conditions(text_t *text, unsigned int conditions)
{
    static const char *const words[CONDITIONS] = {"DNS leak", "DNS unknown", "VPN bypass",
                                                  "VPN down", "offline",     "IPv6 leak"};
    bool is_first = true;

    for (unsigned int n = 0; n < CONDITIONS; n++) {
        if (conditions & 1u << n) {
            text_put(text, is_first ? "" : ", ");
            text_put(text, words[n]);
            is_first = false;
        }
    }
    text_put(text, is_first ? "secure" : "");
}

static void put_seen(text_t *text, uint32_t last_seen, int64_t now)
{
    if (last_seen == 0) {
        text_put(text, "never seen");
    } else {
        text_put(text, "seen ");
        text_put_ago(text, last_seen, now);
    }
}

static void put_named(text_t *text, const named_t *named, int64_t now)
{
    text_put(text, "\n");
    text_put(text, message_light_sign(named->assessment.light));
    text_put(text, " ");
    text_put_code(text, named->client_id);
    text_put(text, ": ");
    put_conditions(text, named->assessment.conditions);
    if (named->public_ip.version != 0) {
        text_put(text, ", ");
        text_put_address(text, &named->public_ip);
    }
    if (named->place[0] != '\0') {
        text_put(text, ", ");
        text_put_country(text, named->place);
    }
    text_put(text, ", ");
    put_seen(text, named->last_seen, now);
}

/* A line each, as long as there is room. Returns how many. */
static size_t put_list(text_t *text, const bot_answer_t *bot, size_t count, int64_t now)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const text_mark_t mark = text_mark(text);

        put_named(text, &bot->named[i], now);
        if (!text_fits(text, REST_UNITS)) {
            text_rewind(text, mark);
            break;
        }
    }
    return i;
}

static void put_clients(text_t *text, const bot_answer_t *bot, const census_t *census, int64_t now)
{
    const uint64_t troubled = (uint64_t)(census->total - census->lights[LIGHT_GREEN]);
    const uint64_t wanted = census->total <= ALL_MAX ? (uint64_t)census->total : troubled;
    size_t named;

    if (wanted == 0) {
        return;
    }
    text_put(text, "\n");
    named = put_list(text, bot, wanted < bot->named_count ? (size_t)wanted : bot->named_count, now);
    if (named < wanted) {
        text_put(text, "\n… and ");
        text_put_number(text, wanted - named);
        text_put(text, " more in trouble");
    }
}

static void put_alerts(text_t *text, const mute_t *mute, int64_t now)
{
    vitals_t vitals;

    segment_copy_vitals(&vitals);
    if (mute_is_on(mute, now)) {
        text_put_label(text, "Alerts");
        text_put(text, "🔕 muted until ");
        text_put_clock(text, mute->until, now);
        text_put(text, ", ");
        text_put_number(text, vitals.queued);
        text_put(text, " waiting");
    }
}

static void put_server(text_t *text)
{
    const int64_t uptime = registry_uptime(segment_registry(), clock_monotonic()) / CLOCK_SECOND;
    vitals_t vitals;

    segment_copy_vitals(&vitals);
    text_put_label(text, "Server");
    text_put(text, "VPN Sentinel " VPS_VERSION ", up ");
    text_put_duration(text, (uint64_t)uptime);
    if (vitals.store_state == STORE_DEGRADED) {
        text_put(text, "\n⚠️ Its store cannot be used: ");
        text_put_escaped(text, vitals.store_error);
    }
}

static bool answer_status(bot_answer_t *bot, text_t *text, int64_t now)
{
    census_t census;

    if (!survey(bot, &census)) {
        return false;
    }
    put_summary(text, &census);
    put_lights(text, &census);
    put_alerts(text, bot->mute, now);
    put_server(text);
    put_clients(text, bot, &census, now);
    return true;
}

/* --- /client --- */

static void put_place(text_t *text, const client_t *client)
{
    const vps_record_t *report = &client->report;
    const char *const parts[] = {report->city, report->region,
                                 report->country[0] != '\0' ? report->country : report->location};
    bool is_first = true;

    text_put_label(text, "Location");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i][0] != '\0') {
            text_put(text, is_first ? "" : ", ");
            text_put_escaped(text, parts[i]);
            is_first = false;
        }
    }
    text_put(text, is_first ? "unknown" : "");
}

static void put_text_fact(text_t *text, const char *label, const char *words)
{
    text_put_label(text, label);
    text_put_escaped(text, words[0] != '\0' ? words : "unknown");
}

/* "DNS: leak, US (IAD), resolver 198.51.100.53": the verdict and the resolver only if known. */
static void put_dns(text_t *text, const vps_record_t *report)
{
    const char *verdict = vps_word(VPS_WORD_DNS_VERDICT, report->dns_verdict);

    text_put_label(text, "DNS");
    text_put(text, verdict);
    text_put(text, verdict[0] != '\0' ? ", " : "");
    text_put_escaped(text, report->dns_loc[0] != '\0' ? report->dns_loc : "unknown");
    if (report->dns_colo[0] != '\0') {
        text_put(text, " (");
        text_put_escaped(text, report->dns_colo);
        text_put(text, ")");
    }
    if (report->dns_resolver_ip.version != 0) {
        text_put(text, ", resolver ");
        text_put_address(text, &report->dns_resolver_ip);
    }
}

/* "IPv6: leak, 2001:db8::1"; nothing when nothing is known of it. */
static void put_ipv6(text_t *text, const vps_record_t *report)
{
    const char *verdict = vps_word(VPS_WORD_IPV6_VERDICT, report->ipv6_verdict);
    bool has_address = report->public_ip6.version != 0;

    if (verdict[0] == '\0' && !has_address) {
        return;
    }
    text_put_label(text, "IPv6");
    text_put(text, verdict);
    text_put(text, verdict[0] != '\0' && has_address ? ", " : "");
    if (has_address) {
        text_put_address(text, &report->public_ip6);
    }
}

static void put_when(text_t *text, const char *label, uint32_t when, int64_t now)
{
    text_put_label(text, label);
    if (when == 0) {
        text_put(text, "never");
        return;
    }
    text_put_time(text, when);
    text_put(text, " (");
    text_put_ago(text, when, now);
    text_put(text, ")");
}

static void put_client(text_t *text, const client_t *client, const assessment_t *assessment,
                       int64_t now)
{
    static const char *const vpn[] = {
        [VPS_UNKNOWN] = "unknown", [VPS_NO] = "not connected", [VPS_YES] = "connected"};
    const vps_record_t *report = &client->report;

    message_put_light(text, assessment->light);
    text_put(text, " ");
    text_put_code(text, report->client_id);
    text_put(text, ": ");
    put_conditions(text, assessment->conditions);
    text_put_label(text, "Public IP");
    text_put_address(text, &report->public_ip);
    put_ipv6(text, report);
    put_place(text, client);
    put_text_fact(text, "Provider", report->provider);
    put_dns(text, report);
    text_put_label(text, "VPN");
    text_put(text, vpn[report->vpn_connected]);
    put_when(text, "Last seen", client->last_seen, now);
    put_when(text, "First seen", client->first_seen, now);
    if (report->client_version[0] != '\0') {
        put_text_fact(text, "Version", report->client_version);
    }
}

/* The event before *cursor; false = none, or no lock. */
static bool step_back(uint64_t *cursor, event_t *out)
{
    registry_t *registry = segment_registry();
    bool found;

    if (!registry_acquire(registry)) {
        return false;
    }
    if (*cursor == NEWEST) {
        *cursor = event_ring_end(segment_events());
    }
    found = event_ring_before(segment_events(), cursor, out);
    registry_release(registry);
    return found;
}

static void put_events(text_t *text, const char *client_id, int64_t now)
{
    uint64_t cursor = NEWEST;
    unsigned int told = 0;
    event_t event;

    while (told < EVENTS_MAX && step_back(&cursor, &event)) {
        if (strcmp(event.client_id, client_id) == 0) {
            text_put(text, told++ == 0 ? "\n\n" : "\n");
            text_put_clock(text, event.when, now);
            text_put(text, " ");
            text_put(text, message_title((event_kind_t)event.kind));
        }
    }
}

static void put_absent(text_t *text, const char *client_id)
{
    text_put(text, "There is no client ");
    text_put_code(text, client_id);
    text_put(text, ". /status names those in trouble.");
}

static bool answer_client(bot_answer_t *bot, text_t *text, const command_t *command, int64_t now)
{
    client_view_t view;
    assessment_t assessment;

    if (command->argument[0] == '\0' || command->has_more) {
        text_put(text, "Which one? Write /client and its id, like /client office-vpn");
        return true;
    }
    switch (registry_get(segment_registry(), command->argument, &view)) {
    case REGISTRY_OK:
        break;
    case REGISTRY_ABSENT:
        put_absent(text, command->argument);
        return true;
    default:
        return false;
    }
    if (!fleet_facts(&bot->fleet.facts)) {
        return false;
    }
    assessment = assess(&view.client, view.seen, &bot->fleet.facts);
    put_client(text, &view.client, &assessment, now);
    put_events(text, command->argument, now);
    return true;
}

/* --- the others --- */

static void answer_help(text_t *text)
{
    size_t count;
    const command_help_t *table = command_table(&count);

    text_put_bold(text, "I watch your VPN clients and tell when one needs you.");
    text_put(text, "\n");
    for (size_t i = 0; i < count; i++) {
        text_put(text, "\n");
        text_put_escaped(text, table[i].usage);
        text_put(text, ": ");
        text_put_escaped(text, table[i].description);
    }
}

static void answer_ping(text_t *text)
{
    text_put(text, "🏓 Pong!");
    put_server(text);
}

/* asked: sec since epoch; from then on it counts, which is what somebody asked for. */
static void answer_mute(text_t *text, const command_t *command, const mute_t *mute, int64_t asked,
                        int64_t now)
{
    if (command_mute_length(command) == 0) {
        text_put(text, "For how long? Write /mute 30m, /mute 2h or /mute 1d, at most 365d; /mute "
                       "alone is for 1 h.");
    } else if (mute_is_on(mute, now)) {
        text_put(text, "🔕 Alerts are muted until ");
        text_put_clock(text, mute->until, now);
        text_put(text, " (");
        text_put_duration(text, (uint64_t)(mute->until - asked));
        text_put(text, "). What happens is recorded, and told then or on /unmute.");
    } else {
        text_put(text, "🔔 Alerts were muted, and are not any more.");
    }
}

static void answer_unmute(text_t *text, const mute_t *mute, int64_t now)
{
    text_put(text, mute_is_on(mute, now) ? "🔕 Alerts are muted again."
                                         : "🔔 Alerts are not muted. What waited is told now.");
}

static void answer_other(text_t *text)
{
    text_put(text, "I understand commands only: /status, /client, /mute and others. /help tells "
                   "them all.");
}

static bool answer(bot_answer_t *bot, text_t *text, const question_t *question,
                   const char *bot_name, int64_t now)
{
    command_t command;

    command_parse(&command, question->text, bot_name);
    switch (command.kind) {
    case COMMAND_STATUS:
        return answer_status(bot, text, now);
    case COMMAND_CLIENT:
        return answer_client(bot, text, &command, now);
    case COMMAND_START:
    case COMMAND_HELP:
        answer_help(text);
        return true;
    case COMMAND_PING:
        answer_ping(text);
        return true;
    case COMMAND_MUTE:
        answer_mute(text, &command, bot->mute, question->asked, now);
        return true;
    case COMMAND_UNMUTE:
        answer_unmute(text, bot->mute, now);
        return true;
    default:
        answer_other(text);
        return true;
    }
}

char *bot_answer_write(bot_answer_t *bot, char out[TEXT_SIZE], const question_t *question,
                       const char *bot_name, text_form_t form, int64_t now)
{
    text_t text = text_begin(out, TEXT_SIZE, form);

    return segment_registry() != NULL && answer(bot, &text, question, bot_name, now) ? out : NULL;
}
