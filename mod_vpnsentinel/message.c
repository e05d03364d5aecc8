#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ESCAPED_MAX 6 /* bytes that one byte becomes: &quot; */

/* Titles, labels, markup, addresses, durations and the time together are far below half of it. */
_Static_assert((VPS_CLIENT_ID_MAX + VPS_CITY_MAX + VPS_PROVIDER_MAX + VPS_DNS_COLO_MAX +
                EVENT_NOTE_SIZE) *
                       ESCAPED_MAX <
                   MESSAGE_SIZE - 1024,
               "the longest message must fit");

/* A message being written; what does not fit is left out. */
typedef struct text_t {
    char *out; /* MESSAGE_SIZE bytes, ends in NUL */
    size_t used;
    message_form_t form;
} text_t;

static text_t begin(char *out, message_form_t form)
{
    text_t text = {out, 0, form};

    out[0] = '\0';
    return text;
}

static void put_bytes(text_t *text, const char *bytes, size_t len)
{
    if (len < MESSAGE_SIZE - text->used) {
        memcpy(text->out + text->used, bytes, len);
        text->used += len;
        text->out[text->used] = '\0';
    }
}

/* Words of ours, which need no escaping. */
static void put(text_t *text, const char *words)
{
    put_bytes(text, words, strlen(words));
}

static void put_number(text_t *text, uint32_t number)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%" PRIu32, number);
    put(text, digits);
}

/* Words of others. */
static void put_escaped(text_t *text, const char *words)
{
    for (; *words != '\0'; words++) {
        const char *entity = *words == '&'   ? "&amp;"
                             : *words == '<' ? "&lt;"
                             : *words == '>' ? "&gt;"
                             : *words == '"' ? "&quot;"
                                             : NULL;

        if (entity != NULL && text->form == MESSAGE_HTML) {
            put(text, entity);
        } else {
            put_bytes(text, words, 1);
        }
    }
}

/* Markup, where there is some. */
static void put_tag(text_t *text, const char *tag)
{
    if (text->form == MESSAGE_HTML) {
        put(text, tag);
    }
}

/* What people copy: in HTML a tap does it. */
static void put_code(text_t *text, const char *words)
{
    put_tag(text, "<code>");
    put_escaped(text, words);
    put_tag(text, "</code>");
}

static void put_address(text_t *text, const vps_addr_t *addr)
{
    char words[VPS_ADDR_TEXT_SIZE];

    if (addr->version == 0) {
        put(text, "unknown");
    } else {
        put_code(text, vps_addr_format(words, addr));
    }
}

static void put_address_change(text_t *text, const event_t *event)
{
    put_address(text, &event->from);
    put(text, " → ");
    put_address(text, &event->to);
}

static void put_country(text_t *text, const char *code)
{
    put_escaped(text, code[0] != '\0' ? code : "unknown");
}

/* "5 min 3 s": the greatest unit and the next one, unless that is 0. */
static void put_duration(text_t *text, uint32_t seconds)
{
    static const struct {
        uint32_t length; /* sec */
        const char *name;
    } units[] = {{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};
    size_t unit = 0;

    while (units[unit].length > 1 && seconds < units[unit].length) {
        unit++;
    }
    put_number(text, seconds / units[unit].length);
    put(text, units[unit].name);
    seconds %= units[unit].length;
    if (units[unit].length > 1 && seconds >= units[unit + 1].length) {
        put(text, " ");
        put_number(text, seconds / units[unit + 1].length);
        put(text, units[unit + 1].name);
    }
}

/* --- a fact a line --- */

static void put_label(text_t *text, const char *label)
{
    put(text, "\n");
    put(text, label);
    put(text, ": ");
}

static void client_line(text_t *text, const event_t *event)
{
    put_label(text, "Client");
    put_code(text, event->client_id);
}

static void address_line(text_t *text, const event_t *event)
{
    put_label(text, "Public IP");
    put_address(text, &event->to);
}

static void address_change_line(text_t *text, const event_t *event)
{
    put_label(text, "Public IP");
    put_address_change(text, event);
}

static void server_address_line(text_t *text, const event_t *event)
{
    put_label(text, "Server IP");
    put_address(text, &event->to); /* the same, that is what a bypass is */
}

static void server_change_line(text_t *text, const event_t *event)
{
    put_label(text, "Server IP");
    put_address_change(text, event);
}

static void location_line(text_t *text, const event_t *event)
{
    put_label(text, "Location");
    put_escaped(text, event->city);
    if (event->city[0] == '\0') {
        put_country(text, event->place);
    } else if (event->place[0] != '\0') {
        put(text, ", ");
        put_escaped(text, event->place);
    }
}

static void provider_line(text_t *text, const event_t *event)
{
    if (event->provider[0] != '\0') {
        put_label(text, "Provider");
        put_escaped(text, event->provider);
    }
}

static void dns_line(text_t *text, const event_t *event)
{
    put_label(text, "DNS");
    put_country(text, event->dns);
    if (event->dns_colo[0] != '\0') {
        put(text, " (");
        put_escaped(text, event->dns_colo);
        put(text, ")");
    }
}

static void silence_line(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        put_label(text, "Silent for");
        put_duration(text, event->seconds);
    }
}

static void outage_line(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        put_label(text, "Outage");
        put_duration(text, event->seconds);
    }
}

static void note_line(text_t *text, const event_t *event)
{
    if (event->note[0] != '\0') {
        put(text, "\n");
        put_escaped(text, event->note);
    }
}

static void put_merged(text_t *text, uint32_t merged)
{
    put(text, "and ");
    put_number(text, merged);
    put(text, merged == 1 ? " more change in between" : " more changes in between");
}

static void merged_line(text_t *text, const event_t *event)
{
    if (event->merged != 0) {
        put(text, "\n");
        put_merged(text, event->merged);
    }
}

static void time_line(text_t *text, const event_t *event)
{
    const time_t when = (time_t)event->when;
    char words[64];
    struct tm tm;

    put_label(text, "Time");
    if (localtime_r(&when, &tm) == NULL ||
        strftime(words, sizeof words, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0) {
        snprintf(words, sizeof words, "unknown");
    }
    put_escaped(text, words);
}

/* --- the end of the log's line, behind the client --- */

static void connected_tail(text_t *text, const event_t *event)
{
    put(text, ": public IP ");
    put_address(text, &event->to);
    put(text, ", VPN in ");
    put_country(text, event->place);
    if (event->seconds != 0) {
        put(text, ", silent for ");
        put_number(text, event->seconds);
        put(text, " s");
    }
}

static void address_change_tail(text_t *text, const event_t *event)
{
    put(text, ": ");
    put_address_change(text, event);
}

static void address_tail(text_t *text, const event_t *event)
{
    put(text, ": public IP ");
    put_address(text, &event->to);
}

static void countries_tail(text_t *text, const event_t *event)
{
    put(text, ": VPN in ");
    put_country(text, event->place);
    put(text, ", DNS in ");
    put_country(text, event->dns);
}

static void bypass_tail(text_t *text, const event_t *event)
{
    (void)event;
    put(text, " has same IP as server");
}

static void outage_tail(text_t *text, const event_t *event)
{
    if (event->seconds != 0) {
        put(text, ": after ");
        put_number(text, event->seconds);
        put(text, " s");
    }
}

static void silence_tail(text_t *text, const event_t *event)
{
    put(text, ": no keepalive");
    if (event->seconds != 0) {
        put(text, " for ");
        put_number(text, event->seconds);
        put(text, " s");
    }
}

static void note_tail(text_t *text, const event_t *event)
{
    if (event->note[0] != '\0') {
        put(text, ": ");
        put_escaped(text, event->note);
    }
}

static void server_change_tail(text_t *text, const event_t *event)
{
    address_change_tail(text, event);
    note_tail(text, event);
}

/* --- the kinds --- */

typedef void part_t(text_t *text, const event_t *event);

#define LINES_MAX 6
#define LINES_OF_EXIT location_line, provider_line, dns_line

typedef struct form_t {
    const char *title;
    bool is_security;         /* else it is the monitor's */
    bool is_loud;             /* a warning */
    const char *before_id;    /* in the log's line; NULL = no client in it */
    part_t *tail;             /* of the log's line */
    part_t *lines[LINES_MAX]; /* of the message, between title and time, NULL behind */
} form_t;

static const form_t forms[EVENT_KINDS] = {
    [EVENT_CONNECTED] =
        {
            .title = "✅ VPN Connected!",
            .before_id = " Client ",
            .tail = connected_tail,
            .lines = {client_line, address_line, LINES_OF_EXIT, silence_line},
        },
    [EVENT_ADDRESS] =
        {
            .title = "🔄 IP Address Changed",
            .before_id = ": Client ",
            .tail = address_change_tail,
            .lines = {client_line, address_change_line, LINES_OF_EXIT},
        },
    [EVENT_LEAK] =
        {
            .title = "⚠️ DNS LEAK DETECTED",
            .is_security = true,
            .is_loud = true,
            .before_id = ": Client ",
            .tail = countries_tail,
            .lines = {client_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_LEAK_OVER] =
        {
            .title = "✅ DNS Leak Over",
            .is_security = true,
            .before_id = ": Client ",
            .tail = countries_tail,
            .lines = {client_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_BYPASS] =
        {
            .title = "⚠️ VPN BYPASS WARNING",
            .is_security = true,
            .is_loud = true,
            .before_id = ": Client ",
            .tail = bypass_tail,
            .lines = {client_line, address_line, server_address_line, LINES_OF_EXIT},
        },
    [EVENT_BYPASS_OVER] =
        {
            .title = "✅ VPN Bypass Over",
            .is_security = true,
            .before_id = ": Client ",
            .tail = address_tail,
            .lines = {client_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_DISCONNECTED] =
        {
            .title = "🔴 VPN Disconnected",
            .is_loud = true,
            .before_id = ": Client ",
            .tail = address_tail,
            .lines = {client_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_RECONNECTED] =
        {
            .title = "✅ VPN Reconnected",
            .before_id = ": Client ",
            .tail = outage_tail,
            .lines = {client_line, outage_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_OFFLINE] =
        {
            .title = "❌ Client Offline",
            .is_loud = true,
            .before_id = ": ",
            .tail = silence_tail,
            .lines = {client_line, silence_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_FORGOTTEN] =
        {
            .title = "🗑️ Client Forgotten",
            .before_id = ": ",
            .tail = silence_tail,
            .lines = {client_line, silence_line, address_line, LINES_OF_EXIT},
        },
    [EVENT_STARTED] =
        {
            .title = "🚀 VPN Sentinel Started",
            .tail = note_tail,
            .lines = {note_line},
        },
    [EVENT_SERVER_ADDRESS] =
        {
            .title = "🔄 Server IP Changed",
            .tail = server_change_tail,
            .lines = {server_change_line, note_line},
        },
};

const char *message_title(event_kind_t kind)
{
    return forms[kind].title;
}

char *message_text(char out[MESSAGE_SIZE], const event_t *event, message_form_t form)
{
    part_t *const *lines = forms[event->kind].lines;
    text_t text = begin(out, form);

    put_tag(&text, "<b>");
    put(&text, message_title(event->kind));
    put_tag(&text, "</b>");
    for (size_t i = 0; i < LINES_MAX && lines[i] != NULL; i++) {
        lines[i](&text, event);
    }
    merged_line(&text, event);
    time_line(&text, event);
    return out;
}

char *message_line(char out[MESSAGE_SIZE], const event_t *event)
{
    const form_t *form = &forms[event->kind];
    text_t text = begin(out, MESSAGE_PLAIN);

    put(&text, form->title);
    if (form->before_id != NULL) {
        put(&text, form->before_id);
        put(&text, event->client_id);
    }
    form->tail(&text, event);
    if (event->merged != 0) {
        put(&text, ", ");
        put_merged(&text, event->merged);
    }
    return out;
}

vps_level_t message_level(event_kind_t kind)
{
    return forms[kind].is_loud ? VPS_WARN : VPS_INFO;
}

const char *message_component(event_kind_t kind)
{
    return forms[kind].is_security ? "security" : "monitor";
}
