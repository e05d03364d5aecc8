#include "message.h"

#include <string.h>

#define AGO_MIN 60    /* sec: how long ago it must be to be said */
#define FIRST_GOOD 8  /* rank from which it is good news */
#define ESCAPED_MAX 6 /* bytes that one byte becomes: &quot; */

/* Titles, labels, markup, addresses, durations and the time together are far below the rest. */
_Static_assert((VPS_CLIENT_ID_MAX + VPS_CITY_MAX + VPS_PROVIDER_MAX + VPS_DNS_COLO_MAX +
                EVENT_NOTE_SIZE) *
                           ESCAPED_MAX <
                       MESSAGE_SIZE - 1024 &&
                   MESSAGE_SIZE <= TEXT_UNITS_MAX && MESSAGE_SIZE <= TEXT_SIZE,
               "the longest message must fit");

static void put_address_change(text_t *text, const event_t *event)
{
    text_put_address(text, &event->from);
    text_put(text, " → ");
    text_put_address(text, &event->to);
}

/* --- a fact a line --- */

static void address_line(text_t *text, const event_t *event)
{
    text_put_label(text, "Public IP");
    text_put_address(text, &event->to);
}

static void address6_line(text_t *text, const event_t *event)
{
    if (event->public_ip6.version != 0) {
        text_put_label(text, "Public IPv6");
        text_put_address(text, &event->public_ip6);
    }
}

static void address_change_line(text_t *text, const event_t *event)
{
    text_put_label(text, "Public IP");
    put_address_change(text, event);
}

/* The same, that is what a bypass is. */
static const vps_addr_t *bypass_address(const event_t *event)
{
    return event->public_ip6.version != 0 ? &event->public_ip6 : &event->to;
}

static void server_address_line(text_t *text, const event_t *event)
{
    text_put_label(text, "Server IP");
    text_put_address(text, bypass_address(event));
}

static void server_change_line(text_t *text, const event_t *event)
{
    text_put_label(text, "Server IP");
    put_address_change(text, event);
}

static void location_line(text_t *text, const event_t *event)
{
    text_put_label(text, "Location");
    text_put_escaped(text, event->city);
    if (event->city[0] == '\0') {
        text_put_country(text, event->place);
    } else if (event->place[0] != '\0') {
        text_put(text, ", ");
        text_put_escaped(text, event->place);
    }
}

static void provider_line(text_t *text, const event_t *event)
{
    if (event->provider[0] != '\0') {
        text_put_label(text, "Provider");
        text_put_escaped(text, event->provider);
    }
}

static void dns_line(text_t *text, const event_t *event)
{
    text_put_label(text, "DNS");
    text_put_country(text, event->dns);
    if (event->dns_colo[0] != '\0') {
        text_put(text, " (");
        text_put_escaped(text, event->dns_colo);
        text_put(text, ")");
    }
}

/* What the client says of its DNS, else nothing. */
static void put_dns_verdict(text_t *text, const event_t *event)
{
    switch (event->dns_verdict) {
    case VPS_DNS_VERDICT_TUNNEL:
        text_put(text, "DNS goes by the tunnel");
        break;
    case VPS_DNS_VERDICT_ALLOWED:
        text_put(text, "DNS comes out where it may");
        break;
    case VPS_DNS_VERDICT_LEAK:
        text_put(text, event->dns_path == VPS_DNS_PATH_TUNNEL ? "DNS comes out past the tunnel"
                                                              : "DNS goes past the tunnel");
        break;
    case VPS_DNS_VERDICT_INTERCEPTED:
        text_put(text, "DNS is answered by somebody on the way");
        break;
    default:
        break;
    }
}

static void put_resolver(text_t *text, const event_t *event)
{
    if (event->dns_resolver_ip.version != 0) {
        text_put(text, ", resolver ");
        text_put_address(text, &event->dns_resolver_ip);
    }
}

/* What the countries say, where there are two; of a leak that is over already, nothing. */
static void put_comparison(text_t *text, const event_t *event)
{
    if (event->place[0] == '\0' || event->dns[0] == '\0') {
        return;
    }
    if (strcmp(event->place, event->dns) != 0) {
        text_put(text, "\nDNS comes out in another country than the VPN");
        put_resolver(text, event);
    } else if (event->kind == EVENT_LEAK_OVER) {
        text_put(text, "\nDNS comes out in the country of the VPN");
        put_resolver(text, event);
    }
}

/* What it was judged by. */
static void dns_cause_line(text_t *text, const event_t *event)
{
    if (event->dns_verdict == VPS_DNS_VERDICT_UNKNOWN) {
        put_comparison(text, event);
    } else {
        text_put(text, "\n");
        put_dns_verdict(text, event);
        put_resolver(text, event);
    }
}

static void put_ipv6_verdict(text_t *text, const event_t *event)
{
    static const char *const words[] = {
        [VPS_IPV6_VERDICT_UNKNOWN] = "nothing is known of IPv6",
        [VPS_IPV6_VERDICT_TUNNEL] = "IPv6 goes by the tunnel",
        [VPS_IPV6_VERDICT_BLOCKED] = "IPv6 is blocked",
        [VPS_IPV6_VERDICT_LEAK] = "IPv6 goes past the tunnel",
    };

    text_put(text, words[event->ipv6_verdict]);
}

static void ipv6_cause_line(text_t *text, const event_t *event)
{
    if (event->ipv6_verdict != VPS_IPV6_VERDICT_UNKNOWN) {
        text_put(text, "\n");
        put_ipv6_verdict(text, event);
    }
}

static void silence_line(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        text_put_label(text, "Silent for");
        text_put_duration(text, event->seconds);
    }
}

static void outage_line(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        text_put_label(text, "Outage");
        text_put_duration(text, event->seconds);
    }
}

/* The window of a leak or a bypass, which ends when the event says. */
static void window_line(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        text_put_label(text, "Lasted");
        text_put_duration(text, event->seconds);
        text_put(text, ", from ");
        text_put_clock(text, event->when - event->seconds, event->when);
    }
}

static void note_line(text_t *text, const event_t *event)
{
    if (event->note[0] != '\0') {
        text_put(text, "\n");
        text_put_escaped(text, event->note);
    }
}

static void put_merged(text_t *text, uint32_t merged)
{
    text_put(text, "and ");
    text_put_number(text, merged);
    text_put(text, merged == 1 ? " more change in between" : " more changes in between");
}

static void merged_line(text_t *text, const event_t *event)
{
    if (event->merged != 0) {
        text_put(text, "\n");
        put_merged(text, event->merged);
    }
}

static void light_line(text_t *text, const event_t *event)
{
    if (event->light != 0) {
        const light_t light = (light_t)(event->light - 1);

        text_put_label(text, "Light");
        message_put_light(text, light);
        text_put(text, " (");
        text_put(text, message_light_meaning(light));
        text_put(text, ")");
    }
}

static void flapping_line(text_t *text, const message_options_t *options)
{
    if (options->repeats > 0) {
        text_put(text, "\n🔁 Flapping: ");
        text_put_number(text, (uint64_t)options->repeats + 1);
        text_put(text, " times in ");
        text_put_duration(text, (uint64_t)options->window);
        text_put(text, "; more of it is gathered and told together");
    }
}

static void time_line(text_t *text, const event_t *event, int64_t now)
{
    text_put_label(text, "Time");
    text_put_time(text, event->when);
    if (now >= AGO_MIN && event->when <= now - AGO_MIN) {
        text_put(text, " (");
        text_put_ago(text, event->when, now);
        text_put(text, ")");
    }
}

/* --- the fact of a list --- */

static void exit_part(text_t *text, const event_t *event)
{
    text_put(text, "public IP ");
    text_put_address(text, &event->to);
    text_put(text, ", VPN in ");
    text_put_country(text, event->place);
}

static void connected_fact(text_t *text, const event_t *event)
{
    exit_part(text, event);
    if (event->seconds != 0) {
        text_put(text, ", silent for ");
        text_put_duration(text, event->seconds);
    }
}

static void address_fact(text_t *text, const event_t *event)
{
    text_put(text, "public IP ");
    text_put_address(text, &event->to);
}

static void bypass_fact(text_t *text, const event_t *event)
{
    text_put(text, event->public_ip6.version != 0 ? "public IPv6 " : "public IP ");
    text_put_address(text, bypass_address(event));
}

/* Without a verdict the countries, which were compared. */
static void dns_fact(text_t *text, const event_t *event)
{
    if (event->dns_verdict != VPS_DNS_VERDICT_UNKNOWN) {
        put_dns_verdict(text, event);
    } else {
        text_put(text, "VPN in ");
        text_put_country(text, event->place);
        text_put(text, ", DNS in ");
        text_put_country(text, event->dns);
    }
    put_resolver(text, event);
}

static void ipv6_fact(text_t *text, const event_t *event)
{
    put_ipv6_verdict(text, event);
    if (event->public_ip6.version != 0) {
        text_put(text, ", public IPv6 ");
        text_put_address(text, &event->public_ip6);
    }
}

static void outage_fact(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        text_put(text, "after ");
        text_put_duration(text, event->seconds);
    }
}

static void silence_fact(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        text_put(text, "silent for ");
        text_put_duration(text, event->seconds);
    }
}

static void note_fact(text_t *text, const event_t *event)
{
    text_put_escaped(text, event->note);
}

static void server_change_fact(text_t *text, const event_t *event)
{
    put_address_change(text, event);
    if (event->note[0] != '\0') {
        text_put(text, ": ");
        note_fact(text, event);
    }
}

/* --- the end of the log's line, where it is not that fact --- */

static void put_seconds(text_t *text, const char *words, uint32_t seconds)
{
    if (seconds != 0) {
        text_put(text, words);
        text_put_number(text, seconds);
        text_put(text, " s");
    }
}

static void connected_tail(text_t *text, const event_t *event)
{
    text_put(text, ": ");
    exit_part(text, event);
    put_seconds(text, ", silent for ", event->seconds);
}

static void bypass_tail(text_t *text, const event_t *event)
{
    text_put(text, " has same IP as server");
    if (event->public_ip6.version != 0) {
        text_put(text, ": ");
        bypass_fact(text, event);
    }
}

static void outage_tail(text_t *text, const event_t *event)
{
    put_seconds(text, ": after ", event->seconds);
}

static void silence_tail(text_t *text, const event_t *event)
{
    text_put(text, ": no keepalive");
    put_seconds(text, " for ", event->seconds);
}

static void started_tail(text_t *text, const event_t *event)
{
    if (event->note[0] != '\0') {
        text_put(text, ": ");
        note_fact(text, event);
    }
}

/* --- the kinds --- */

typedef void part_t(text_t *text, const event_t *event);

#define LINES_MAX 7
#define LINES_OF_EXIT location_line, provider_line, dns_line

typedef struct form_t {
    const char *title;
    bool is_security;         /* else it is the monitor's */
    bool is_loud;             /* a warning */
    const char *before_id;    /* in the log's line; NULL = no client in it */
    part_t *fact;             /* of a list */
    part_t *tail;             /* of the log's line; NULL = the fact */
    part_t *lines[LINES_MAX]; /* of the message, between light and time, NULL behind */
} form_t;

static const form_t forms[EVENT_KINDS] = {
    [EVENT_CONNECTED] =
        {
            .title = "✅ VPN Connected!",
            .before_id = " Client ",
            .fact = connected_fact,
            .tail = connected_tail,
            .lines = {address_line, LINES_OF_EXIT, silence_line},
        },
    [EVENT_ADDRESS] =
        {
            .title = "🔄 IP Address Changed",
            .before_id = ": Client ",
            .fact = put_address_change,
            .lines = {address_change_line, LINES_OF_EXIT},
        },
    [EVENT_LEAK] =
        {
            .title = "⚠️ DNS LEAK DETECTED",
            .is_security = true,
            .is_loud = true,
            .before_id = ": Client ",
            .fact = dns_fact,
            .lines = {dns_cause_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_LEAK_OVER] =
        {
            .title = "✅ DNS Leak Over",
            .is_security = true,
            .before_id = ": Client ",
            .fact = dns_fact,
            .lines = {window_line, dns_cause_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_IPV6_LEAK] =
        {
            .title = "⚠️ IPV6 LEAK DETECTED",
            .is_security = true,
            .is_loud = true,
            .before_id = ": Client ",
            .fact = ipv6_fact,
            .lines = {ipv6_cause_line, address_line, address6_line, LINES_OF_EXIT},
        },
    [EVENT_IPV6_LEAK_OVER] =
        {
            .title = "✅ IPv6 Leak Over",
            .is_security = true,
            .before_id = ": Client ",
            .fact = ipv6_fact,
            .lines = {window_line, ipv6_cause_line, address_line, address6_line, LINES_OF_EXIT},
        },
    [EVENT_BYPASS] =
        {
            .title = "⚠️ VPN BYPASS WARNING",
            .is_security = true,
            .is_loud = true,
            .before_id = ": Client ",
            .fact = bypass_fact,
            .tail = bypass_tail,
            .lines = {address_line, address6_line, server_address_line, LINES_OF_EXIT},
        },
    [EVENT_BYPASS_OVER] =
        {
            .title = "✅ VPN Bypass Over",
            .is_security = true,
            .before_id = ": Client ",
            .fact = address_fact,
            .lines = {window_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_DISCONNECTED] =
        {
            .title = "🔴 VPN Disconnected",
            .is_loud = true,
            .before_id = ": Client ",
            .fact = address_fact,
            .lines = {address_line, LINES_OF_EXIT},
        },
    [EVENT_RECONNECTED] =
        {
            .title = "✅ VPN Reconnected",
            .before_id = ": Client ",
            .fact = outage_fact,
            .tail = outage_tail,
            .lines = {outage_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_OFFLINE] =
        {
            .title = "❌ Client Offline",
            .is_loud = true,
            .before_id = ": ",
            .fact = silence_fact,
            .tail = silence_tail,
            .lines = {silence_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_FORGOTTEN] =
        {
            .title = "🗑️ Client Forgotten",
            .before_id = ": ",
            .fact = silence_fact,
            .tail = silence_tail,
            .lines = {silence_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_STARTED] =
        {
            .title = "🚀 VPN Sentinel Started",
            .fact = note_fact,
            .tail = started_tail,
            .lines = {note_line},
        },
    [EVENT_SERVER_ADDRESS] =
        {
            .title = "🔄 Server IP Changed",
            .fact = server_change_fact,
            .lines = {server_change_line, note_line},
        },
};

/* The worst first. */
static const uint8_t ranks[EVENT_KINDS] = {
    [EVENT_BYPASS] = 0,      [EVENT_DISCONNECTED] = 1,    [EVENT_IPV6_LEAK] = 2,
    [EVENT_LEAK] = 3,        [EVENT_OFFLINE] = 4,         [EVENT_SERVER_ADDRESS] = 5,
    [EVENT_ADDRESS] = 6,     [EVENT_FORGOTTEN] = 7,       [EVENT_RECONNECTED] = FIRST_GOOD,
    [EVENT_BYPASS_OVER] = 9, [EVENT_IPV6_LEAK_OVER] = 10, [EVENT_LEAK_OVER] = 11,
    [EVENT_CONNECTED] = 12,  [EVENT_STARTED] = 13,
};

const char *message_title(event_kind_t kind)
{
    return forms[kind].title;
}

/* "…: office-vpn"; a title that ends in "!" is a sentence of its own. */
static void put_heading(text_t *text, const event_t *event)
{
    const char *title = message_title(event->kind);

    text_put_bold(text, title);
    if (event->client_id[0] != '\0') {
        text_put(text, title[strlen(title) - 1] == '!' ? " " : ": ");
        text_put_code(text, event->client_id);
    }
}

char *message_text(char out[TEXT_SIZE], const event_t *event, const message_options_t *options)
{
    part_t *const *lines = forms[event->kind].lines;
    text_t text = text_begin(out, TEXT_SIZE, options->form);

    put_heading(&text, event);
    light_line(&text, event);
    for (size_t i = 0; i < LINES_MAX && lines[i] != NULL; i++) {
        lines[i](&text, event);
    }
    merged_line(&text, event);
    flapping_line(&text, options);
    time_line(&text, event, options->now);
    return out;
}

void message_fact(text_t *text, const event_t *event)
{
    forms[event->kind].fact(text, event);
}

char *message_line(char out[MESSAGE_SIZE], const event_t *event)
{
    const form_t *form = &forms[event->kind];
    text_t text = text_begin(out, MESSAGE_SIZE, TEXT_PLAIN);

    text_put(&text, form->title);
    if (form->before_id != NULL) {
        text_put(&text, form->before_id);
        text_put(&text, event->client_id);
    }
    if (form->tail != NULL) {
        form->tail(&text, event);
    } else {
        text_put(&text, ": ");
        form->fact(&text, event);
    }
    if (event->merged != 0) {
        text_put(&text, ", ");
        put_merged(&text, event->merged);
    }
    return out;
}

unsigned message_rank(event_kind_t kind)
{
    return ranks[kind];
}

bool message_is_good(event_kind_t kind)
{
    return ranks[kind] >= FIRST_GOOD;
}

vps_level_t message_level(event_kind_t kind)
{
    return forms[kind].is_loud ? VPS_WARN : VPS_INFO;
}

const char *message_component(event_kind_t kind)
{
    return forms[kind].is_security ? "security" : "monitor";
}

static const struct {
    const char *sign;
    const char *meaning;
} lights[LIGHTS] = {
    [LIGHT_GREEN] = {"🟢", "secure"},
    [LIGHT_YELLOW] = {"🟡", "DNS leak or unknown"},
    [LIGHT_GREY] = {"⚫", "offline"},
    [LIGHT_RED] = {"🔴", "bypass, IPv6 leak or VPN down"},
};

const char *message_light_sign(light_t light)
{
    return lights[light].sign;
}

const char *message_light_meaning(light_t light)
{
    return lights[light].meaning;
}

void message_put_light(text_t *text, light_t light)
{
    text_put(text, lights[light].sign);
    text_put(text, " ");
    text_put(text, assess_light_name(light));
}
