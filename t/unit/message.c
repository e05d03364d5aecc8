#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "message.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PLAIN (&(const message_options_t){.form = TEXT_PLAIN})
#define HTML (&(const message_options_t){.form = TEXT_HTML})
#define TIME "\nTime: 2026-01-15 13:34:56 CET" /* of WHEN */
#define WHEN 1768480496

static int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "CET-1", 1);
    tzset();
    return 0;
}

static vps_addr_t address_of(const char *text)
{
    vps_addr_t addr = {0};

    assert_true(text[0] == '\0' || vps_addr_parse(&addr, text, strlen(text)));
    return addr;
}

/* An event of a client of which all is known. */
static event_t event_of(event_kind_t kind)
{
    event_t event = {.when = WHEN,
                     .kind = (uint8_t)kind,
                     .place = "RO",
                     .dns = "DE",
                     .client_id = "office-vpn",
                     .city = "Cluj & <Co>",
                     .provider = "AS9009 \"M247\"",
                     .dns_colo = "FRA"};

    event.from = address_of("203.0.113.1");
    event.to = address_of("2001:db8::2");
    event.seconds = 303;
    return event;
}

/* The titles to the letter. */
static void test_titles(void **state)
{
    static const char *const titles[EVENT_KINDS] = {
        [EVENT_CONNECTED] = "✅ VPN Connected!",
        [EVENT_ADDRESS] = "🔄 IP Address Changed",
        [EVENT_LEAK] = "⚠️ DNS LEAK DETECTED",
        [EVENT_LEAK_OVER] = "✅ DNS Leak Over",
        [EVENT_IPV6_LEAK] = "⚠️ IPV6 LEAK DETECTED",
        [EVENT_IPV6_LEAK_OVER] = "✅ IPv6 Leak Over",
        [EVENT_BYPASS] = "⚠️ VPN BYPASS WARNING",
        [EVENT_BYPASS_OVER] = "✅ VPN Bypass Over",
        [EVENT_DISCONNECTED] = "🔴 VPN Disconnected",
        [EVENT_RECONNECTED] = "✅ VPN Reconnected",
        [EVENT_OFFLINE] = "❌ Client Offline",
        [EVENT_FORGOTTEN] = "🗑️ Client Forgotten",
        [EVENT_STARTED] = "🚀 VPN Sentinel Started",
        [EVENT_SERVER_ADDRESS] = "🔄 Server IP Changed",
    };

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const char *joint = kind == EVENT_CONNECTED ? " " : ": ";
        event_t event = event_of((event_kind_t)kind);
        char text[TEXT_SIZE], line[MESSAGE_SIZE], expected[128];

        assert_string_equal(message_title((event_kind_t)kind), titles[kind]);
        snprintf(expected, sizeof expected, "%s%soffice-vpn\n", titles[kind], joint);
        message_text(text, &event, PLAIN);
        assert_memory_equal(text, expected, strlen(expected));
        snprintf(expected, sizeof expected, "<b>%s</b>%s<code>office-vpn</code>\n", titles[kind],
                 joint);
        message_text(text, &event, HTML);
        assert_memory_equal(text, expected, strlen(expected));
        event.client_id[0] = '\0'; /* the server's */
        snprintf(expected, sizeof expected, "<b>%s</b>\n", titles[kind]);
        message_text(text, &event, HTML);
        assert_memory_equal(text, expected, strlen(expected));
        message_line(line, &event);
        assert_memory_equal(line, titles[kind], strlen(titles[kind]));
        assert_null(strchr(line, '\n'));
    }
}

#define LASTED "\nLasted: 5 min 3 s, from 13:29:53"
#define ADDRESS "\nPublic IP: 2001:db8::2"
#define EXIT "\nLocation: Cluj & <Co>, RO\nProvider: AS9009 \"M247\"\nDNS: DE (FRA)"

static void test_plain(void **state)
{
    static const char *const bodies[EVENT_KINDS] = {
        [EVENT_CONNECTED] = ADDRESS EXIT "\nSilent for: 5 min 3 s",
        [EVENT_ADDRESS] = "\nPublic IP: 203.0.113.1 → 2001:db8::2" EXIT,
        [EVENT_LEAK] = "\nDNS comes out in another country than the VPN" ADDRESS EXIT,
        [EVENT_LEAK_OVER] = LASTED "\nDNS comes out in another country than the VPN" ADDRESS EXIT,
        [EVENT_IPV6_LEAK] = ADDRESS EXIT,
        [EVENT_IPV6_LEAK_OVER] = LASTED ADDRESS EXIT,
        [EVENT_BYPASS] = ADDRESS "\nServer IP: 2001:db8::2" EXIT,
        [EVENT_BYPASS_OVER] = LASTED ADDRESS EXIT,
        [EVENT_DISCONNECTED] = ADDRESS EXIT,
        [EVENT_RECONNECTED] = "\nOutage: 5 min 3 s" ADDRESS EXIT,
        [EVENT_OFFLINE] = "\nSilent for: 5 min 3 s" ADDRESS EXIT,
        [EVENT_FORGOTTEN] = "\nSilent for: 5 min 3 s" ADDRESS EXIT,
        [EVENT_STARTED] = "",
        [EVENT_SERVER_ADDRESS] = "\nServer IP: 203.0.113.1 → 2001:db8::2",
    };

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const event_t event = event_of((event_kind_t)kind);
        char text[TEXT_SIZE], expected[TEXT_SIZE];

        snprintf(expected, sizeof expected, "%s%soffice-vpn%s" TIME,
                 message_title((event_kind_t)kind), kind == EVENT_CONNECTED ? " " : ": ",
                 bodies[kind]);
        assert_ptr_equal(message_text(text, &event, PLAIN), text);
        assert_string_equal(text, expected);
    }
}

static void test_html(void **state)
{
    event_t event = event_of(EVENT_ADDRESS);
    char text[TEXT_SIZE];

    (void)state;
    event.merged = 3;
    event.light = LIGHT_RED + 1;
    strcpy(event.note, "not shown");
    assert_string_equal(message_text(text, &event, HTML),
                        "<b>🔄 IP Address Changed</b>: <code>office-vpn</code>\n"
                        "Light: 🔴 red (bypass, IPv6 leak or VPN down)\n"
                        "Public IP: <code>203.0.113.1</code> → <code>2001:db8::2</code>\n"
                        "Location: Cluj &amp; &lt;Co&gt;, RO\n"
                        "Provider: AS9009 &quot;M247&quot;\n"
                        "DNS: DE (FRA)\n"
                        "and 3 more changes in between" TIME);
}

static void assert_fact(const event_t *event, text_form_t form, const char *expected)
{
    char out[TEXT_SIZE];
    text_t text = text_begin(out, sizeof out, form);

    message_fact(&text, event);
    assert_string_equal(out, expected);
}

/* What an alert of DNS or IPv6 was judged by, in the message, in a list and in the log. */
static void test_causes(void **state)
{
    static const struct {
        event_kind_t kind;
        uint8_t path, dns, ipv6;
        const char *resolver, *public_ip6;
        const char *line, *fact; /* line: up to the public IP */
    } cases[] = {
        {EVENT_LEAK, 0, 0, 0, "", "", "DNS comes out in another country than the VPN",
         "VPN in RO, DNS in DE"},
        {EVENT_LEAK, VPS_DNS_PATH_OUTSIDE, 0, 0, "198.51.100.53", "",
         "DNS comes out in another country than the VPN, resolver 198.51.100.53",
         "VPN in RO, DNS in DE, resolver 198.51.100.53"},
        {EVENT_LEAK, 0, VPS_DNS_VERDICT_LEAK, 0, "", "", "DNS goes past the tunnel",
         "DNS goes past the tunnel"},
        {EVENT_LEAK, VPS_DNS_PATH_OUTSIDE, VPS_DNS_VERDICT_LEAK, 0, "198.51.100.53", "",
         "DNS goes past the tunnel, resolver 198.51.100.53",
         "DNS goes past the tunnel, resolver 198.51.100.53"},
        {EVENT_LEAK, VPS_DNS_PATH_TUNNEL, VPS_DNS_VERDICT_LEAK, 0, "2001:db8::53", "",
         "DNS comes out past the tunnel, resolver 2001:db8::53",
         "DNS comes out past the tunnel, resolver 2001:db8::53"},
        {EVENT_LEAK, VPS_DNS_PATH_TUNNEL, VPS_DNS_VERDICT_INTERCEPTED, 0, "198.51.100.53", "",
         "DNS is answered by somebody on the way, resolver 198.51.100.53",
         "DNS is answered by somebody on the way, resolver 198.51.100.53"},
        {EVENT_LEAK_OVER, VPS_DNS_PATH_TUNNEL, VPS_DNS_VERDICT_TUNNEL, 0, "", "",
         "DNS goes by the tunnel", "DNS goes by the tunnel"},
        {EVENT_LEAK_OVER, 0, VPS_DNS_VERDICT_ALLOWED, 0, "1.1.1.1", "",
         "DNS comes out where it may, resolver 1.1.1.1",
         "DNS comes out where it may, resolver 1.1.1.1"},
        {EVENT_IPV6_LEAK, 0, 0, VPS_IPV6_VERDICT_LEAK, "", "", "IPv6 goes past the tunnel",
         "IPv6 goes past the tunnel"},
        {EVENT_IPV6_LEAK, 0, 0, VPS_IPV6_VERDICT_LEAK, "", "2001:db8::6",
         "IPv6 goes past the tunnel", "IPv6 goes past the tunnel, public IPv6 2001:db8::6"},
        {EVENT_IPV6_LEAK_OVER, 0, 0, VPS_IPV6_VERDICT_BLOCKED, "", "", "IPv6 is blocked",
         "IPv6 is blocked"},
        {EVENT_IPV6_LEAK_OVER, 0, 0, VPS_IPV6_VERDICT_TUNNEL, "", "2001:db8::6",
         "IPv6 goes by the tunnel", "IPv6 goes by the tunnel, public IPv6 2001:db8::6"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        event_t event = event_of(cases[i].kind);
        const char *title = message_title(cases[i].kind);
        char text[TEXT_SIZE], line[MESSAGE_SIZE], expected[512];

        event.seconds = 0; /* not known how long it was */
        event.dns_path = cases[i].path;
        event.dns_verdict = cases[i].dns;
        event.ipv6_verdict = cases[i].ipv6;
        event.dns_resolver_ip = address_of(cases[i].resolver);
        event.public_ip6 = address_of(cases[i].public_ip6);
        snprintf(expected, sizeof expected, "%s: office-vpn\n%s" ADDRESS "%s%s" EXIT TIME, title,
                 cases[i].line, cases[i].public_ip6[0] != '\0' ? "\nPublic IPv6: " : "",
                 cases[i].public_ip6);
        assert_string_equal(message_text(text, &event, PLAIN), expected);
        assert_fact(&event, TEXT_PLAIN, cases[i].fact);
        snprintf(expected, sizeof expected, "%s: Client office-vpn: %s", title, cases[i].fact);
        assert_string_equal(message_line(line, &event), expected);
    }
}

/* Without a verdict, two countries are told when they say something. */
static void test_countries_compared(void **state)
{
    event_t event = event_of(EVENT_LEAK_OVER);
    char text[TEXT_SIZE];

    (void)state;
    strcpy(event.dns, "RO");
    assert_non_null(strstr(message_text(text, &event, PLAIN),
                           "\nDNS comes out in the country of the VPN\nPublic IP"));
    event.kind = EVENT_LEAK; /* and over already */
    assert_null(strstr(message_text(text, &event, PLAIN), "DNS comes out"));
    strcpy(event.dns, "DE");
    assert_non_null(strstr(message_text(text, &event, PLAIN), "another country"));
    event.dns[0] = '\0';
    assert_null(strstr(message_text(text, &event, PLAIN), "DNS comes out"));
}

/* Of which address the bypass is. */
static void test_bypass_by_ipv6(void **state)
{
    event_t event = event_of(EVENT_BYPASS);
    char text[TEXT_SIZE], line[MESSAGE_SIZE];

    (void)state;
    event.to = address_of("203.0.113.1");
    event.public_ip6 = address_of("2001:db8::6");
    assert_string_equal(message_text(text, &event, PLAIN),
                        "⚠️ VPN BYPASS WARNING: office-vpn\nPublic IP: 203.0.113.1\n"
                        "Public IPv6: 2001:db8::6\nServer IP: 2001:db8::6" EXIT TIME);
    assert_fact(&event, TEXT_PLAIN, "public IPv6 2001:db8::6");
    assert_string_equal(
        message_line(line, &event),
        "⚠️ VPN BYPASS WARNING: Client office-vpn has same IP as server: public "
        "IPv6 2001:db8::6");
}

/* What a reader expects is said to be unknown, the rest is left out. */
static void test_unknown(void **state)
{
    event_t event = {.kind = EVENT_CONNECTED, .when = WHEN, .client_id = "c"};
    char text[TEXT_SIZE];

    (void)state;
    assert_string_equal(message_text(text, &event, HTML),
                        "<b>✅ VPN Connected!</b> <code>c</code>\nPublic IP: unknown\n"
                        "Location: unknown\nDNS: unknown" TIME);
    strcpy(event.city, "Cluj");
    strcpy(event.dns_colo, "FRA");
    assert_string_equal(message_text(text, &event, PLAIN),
                        "✅ VPN Connected! c\nPublic IP: unknown\nLocation: Cluj\n"
                        "DNS: unknown (FRA)" TIME);
    event.city[0] = '\0';
    strcpy(event.place, "RO");
    event.merged = 1;
    assert_string_equal(message_text(text, &event, PLAIN),
                        "✅ VPN Connected! c\nPublic IP: unknown\nLocation: RO\n"
                        "DNS: unknown (FRA)\nand 1 more change in between" TIME);
}

static void test_notes(void **state)
{
    event_t event = {.kind = EVENT_STARTED, .when = WHEN, .note = "version 1 <2>"};
    char text[TEXT_SIZE], line[MESSAGE_SIZE];

    (void)state;
    assert_string_equal(message_text(text, &event, HTML),
                        "<b>🚀 VPN Sentinel Started</b>\nversion 1 &lt;2&gt;" TIME);
    assert_string_equal(message_line(line, &event), "🚀 VPN Sentinel Started: version 1 <2>");
    event.kind = EVENT_SERVER_ADDRESS;
    event.to = address_of("203.0.113.9");
    assert_string_equal(message_text(text, &event, PLAIN),
                        "🔄 Server IP Changed\nServer IP: unknown → 203.0.113.9\n"
                        "version 1 <2>" TIME);
    assert_string_equal(message_line(line, &event),
                        "🔄 Server IP Changed: unknown → 203.0.113.9: version 1 <2>");
}

static void test_lines(void **state)
{
    static const char *const lines[EVENT_KINDS] = {
        [EVENT_CONNECTED] =
            ("✅ VPN Connected! Client office-vpn: public IP 2001:db8::2, VPN in RO, "
             "silent for 303 s"),
        [EVENT_ADDRESS] = "🔄 IP Address Changed: Client office-vpn: 203.0.113.1 → 2001:db8::2",
        [EVENT_LEAK] = "⚠️ DNS LEAK DETECTED: Client office-vpn: VPN in RO, DNS in DE",
        [EVENT_LEAK_OVER] = "✅ DNS Leak Over: Client office-vpn: VPN in RO, DNS in DE",
        [EVENT_IPV6_LEAK] =
            "⚠️ IPV6 LEAK DETECTED: Client office-vpn: nothing is known of IPv6",
        [EVENT_IPV6_LEAK_OVER] = "✅ IPv6 Leak Over: Client office-vpn: nothing is known of IPv6",
        [EVENT_BYPASS] = "⚠️ VPN BYPASS WARNING: Client office-vpn has same IP as server",
        [EVENT_BYPASS_OVER] = "✅ VPN Bypass Over: Client office-vpn: public IP 2001:db8::2",
        [EVENT_DISCONNECTED] = "🔴 VPN Disconnected: Client office-vpn: public IP 2001:db8::2",
        [EVENT_RECONNECTED] = "✅ VPN Reconnected: Client office-vpn: after 303 s",
        [EVENT_OFFLINE] = "❌ Client Offline: office-vpn: no keepalive for 303 s",
        [EVENT_FORGOTTEN] = "🗑️ Client Forgotten: office-vpn: no keepalive for 303 s",
        [EVENT_STARTED] = "🚀 VPN Sentinel Started",
        [EVENT_SERVER_ADDRESS] = "🔄 Server IP Changed: 203.0.113.1 → 2001:db8::2",
    };

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        event_t event = event_of((event_kind_t)kind);
        char line[MESSAGE_SIZE], expected[256];

        assert_ptr_equal(message_line(line, &event), line);
        assert_string_equal(line, lines[kind]);
        event.merged = 2;
        snprintf(expected, sizeof expected, "%s, and 2 more changes in between", lines[kind]);
        assert_string_equal(message_line(line, &event), expected);
    }
}

static void test_lines_of_the_unknown(void **state)
{
    static const char *const lines[EVENT_KINDS] = {
        [EVENT_CONNECTED] = "✅ VPN Connected! Client c: public IP unknown, VPN in unknown",
        [EVENT_ADDRESS] = "🔄 IP Address Changed: Client c: unknown → unknown",
        [EVENT_LEAK] = "⚠️ DNS LEAK DETECTED: Client c: VPN in unknown, DNS in unknown",
        [EVENT_LEAK_OVER] = "✅ DNS Leak Over: Client c: VPN in unknown, DNS in unknown",
        [EVENT_IPV6_LEAK] = "⚠️ IPV6 LEAK DETECTED: Client c: nothing is known of IPv6",
        [EVENT_IPV6_LEAK_OVER] = "✅ IPv6 Leak Over: Client c: nothing is known of IPv6",
        [EVENT_BYPASS] = "⚠️ VPN BYPASS WARNING: Client c has same IP as server",
        [EVENT_BYPASS_OVER] = "✅ VPN Bypass Over: Client c: public IP unknown",
        [EVENT_DISCONNECTED] = "🔴 VPN Disconnected: Client c: public IP unknown",
        [EVENT_RECONNECTED] = "✅ VPN Reconnected: Client c",
        [EVENT_OFFLINE] = "❌ Client Offline: c: no keepalive",
        [EVENT_FORGOTTEN] = "🗑️ Client Forgotten: c: no keepalive",
        [EVENT_STARTED] = "🚀 VPN Sentinel Started",
        [EVENT_SERVER_ADDRESS] = "🔄 Server IP Changed: unknown → unknown",
    };

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const event_t event = {.kind = (uint8_t)kind, .client_id = "c"};
        char line[MESSAGE_SIZE];

        assert_string_equal(message_line(line, &event), lines[kind]);
    }
}

static void test_levels_and_components(void **state)
{
    static const unsigned int loud = 1u << EVENT_LEAK | 1u << EVENT_IPV6_LEAK | 1u << EVENT_BYPASS |
                                     1u << EVENT_DISCONNECTED | 1u << EVENT_OFFLINE;
    static const unsigned int security = 1u << EVENT_LEAK | 1u << EVENT_LEAK_OVER |
                                         1u << EVENT_IPV6_LEAK | 1u << EVENT_IPV6_LEAK_OVER |
                                         1u << EVENT_BYPASS | 1u << EVENT_BYPASS_OVER;

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        assert_int_equal(message_level((event_kind_t)kind),
                         (loud >> kind & 1) != 0 ? VPS_WARN : VPS_INFO);
        assert_string_equal(message_component((event_kind_t)kind),
                            (security >> kind & 1) != 0 ? "security" : "monitor");
    }
}

/* Nothing known at all, and times that no calendar has. */
static void test_zero_and_strange_times(void **state)
{
    static const int64_t times[] = {
        0, -1, INT64_MIN, INT64_MAX, INT64_C(253402300800), INT64_C(67767976233532799)};
    char text[TEXT_SIZE], line[MESSAGE_SIZE];

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        for (size_t i = 0; i < COUNT(times); i++) {
            const event_t event = {.kind = (uint8_t)kind, .when = times[i]};

            assert_true(strlen(message_text(text, &event, HTML)) < 256);
            assert_true(strlen(message_text(text, &event, PLAIN)) < 256);
            assert_true(strlen(message_line(line, &event)) < 256);
        }
    }
    const event_t event = {.when = INT64_MAX};

    assert_non_null(strstr(message_text(text, &event, PLAIN), "\nTime: unknown"));
}

static void test_lights(void **state)
{
    static const struct {
        light_t light;
        const char *words, *meaning;
    } cases[] = {
        {LIGHT_GREEN, "🟢 green", "secure"},
        {LIGHT_YELLOW, "🟡 yellow", "DNS leak or unknown"},
        {LIGHT_GREY, "⚫ grey", "offline"},
        {LIGHT_RED, "🔴 red", "bypass, IPv6 leak or VPN down"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        event_t event = event_of(EVENT_ADDRESS);
        char text[TEXT_SIZE], expected[128], words[32];
        text_t light = text_begin(words, sizeof words, TEXT_PLAIN);

        event.light = (uint8_t)(cases[i].light + 1);
        snprintf(expected, sizeof expected,
                 "🔄 IP Address Changed: office-vpn\nLight: %s (%s)\nPublic IP: ", cases[i].words,
                 cases[i].meaning);
        message_text(text, &event, PLAIN);
        assert_memory_equal(text, expected, strlen(expected));
        message_put_light(&light, cases[i].light);
        assert_string_equal(words, cases[i].words);
        assert_string_equal(message_light_meaning(cases[i].light), cases[i].meaning);
        assert_memory_equal(message_light_sign(cases[i].light), cases[i].words,
                            strcspn(cases[i].words, " "));
    }
}

/* How long ago it was is said from a minute on, and when the time now is known. */
static void test_how_long_ago(void **state)
{
    static const struct {
        int64_t now;
        const char *end;
    } cases[] = {
        {0, TIME},
        {1, TIME},
        {WHEN - 3600, TIME},
        {WHEN, TIME},
        {WHEN + 59, TIME},
        {WHEN + 60, TIME " (1 min ago)"},
        {WHEN + 7300, TIME " (2 h ago)"},
    };
    event_t event = event_of(EVENT_OFFLINE);
    char text[TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const message_options_t options = {.form = TEXT_HTML, .now = cases[i].now};

        message_text(text, &event, &options);
        assert_string_equal(strstr(text, "\nTime"), cases[i].end);
    }
    event.when = -3600;
    assert_null(strstr(message_text(text, &event, PLAIN), " ago)"));
}

static void test_flapping(void **state)
{
    const message_options_t options = {.form = TEXT_PLAIN, .repeats = 2, .window = 600};
    event_t event = event_of(EVENT_OFFLINE);
    char text[TEXT_SIZE];

    (void)state;
    event.merged = 1;
    message_text(text, &event, &options);
    assert_string_equal(strstr(text, "\nand"),
                        "\nand 1 more change in between\n🔁 Flapping: 3 times in 10 min; more of "
                        "it is gathered and told together" TIME);
}

static void test_facts(void **state)
{
    static const char *const facts[EVENT_KINDS] = {
        [EVENT_CONNECTED] = "public IP <code>2001:db8::2</code>, VPN in RO, silent for 5 min 3 s",
        [EVENT_ADDRESS] = "<code>203.0.113.1</code> → <code>2001:db8::2</code>",
        [EVENT_LEAK] = "VPN in RO, DNS in DE",
        [EVENT_LEAK_OVER] = "VPN in RO, DNS in DE",
        [EVENT_IPV6_LEAK] = "nothing is known of IPv6",
        [EVENT_IPV6_LEAK_OVER] = "nothing is known of IPv6",
        [EVENT_BYPASS] = "public IP <code>2001:db8::2</code>",
        [EVENT_BYPASS_OVER] = "public IP <code>2001:db8::2</code>",
        [EVENT_DISCONNECTED] = "public IP <code>2001:db8::2</code>",
        [EVENT_RECONNECTED] = "after 5 min 3 s",
        [EVENT_OFFLINE] = "silent for 5 min 3 s",
        [EVENT_FORGOTTEN] = "silent for 5 min 3 s",
        [EVENT_STARTED] = "a &lt; b",
        [EVENT_SERVER_ADDRESS] = "<code>203.0.113.1</code> → <code>2001:db8::2</code>: a &lt; b",
    };

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        event_t event = event_of((event_kind_t)kind);

        strcpy(event.note, "a < b");
        assert_fact(&event, TEXT_HTML, facts[kind]);
    }
}

static void test_facts_of_the_unknown(void **state)
{
    static const char *const facts[EVENT_KINDS] = {
        [EVENT_CONNECTED] = "public IP unknown, VPN in unknown",
        [EVENT_ADDRESS] = "unknown → unknown",
        [EVENT_LEAK] = "VPN in unknown, DNS in unknown",
        [EVENT_LEAK_OVER] = "VPN in unknown, DNS in unknown",
        [EVENT_IPV6_LEAK] = "nothing is known of IPv6",
        [EVENT_IPV6_LEAK_OVER] = "nothing is known of IPv6",
        [EVENT_BYPASS] = "public IP unknown",
        [EVENT_BYPASS_OVER] = "public IP unknown",
        [EVENT_DISCONNECTED] = "public IP unknown",
        [EVENT_RECONNECTED] = "",
        [EVENT_OFFLINE] = "",
        [EVENT_FORGOTTEN] = "",
        [EVENT_STARTED] = "",
        [EVENT_SERVER_ADDRESS] = "unknown → unknown",
    };

    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const event_t event = {.kind = (uint8_t)kind};

        assert_fact(&event, TEXT_PLAIN, facts[kind]);
    }
}

static void test_ranks(void **state)
{
    static const event_kind_t worst_first[EVENT_KINDS] = {
        EVENT_BYPASS,      EVENT_DISCONNECTED,   EVENT_IPV6_LEAK,      EVENT_LEAK,
        EVENT_OFFLINE,     EVENT_SERVER_ADDRESS, EVENT_ADDRESS,        EVENT_FORGOTTEN,
        EVENT_RECONNECTED, EVENT_BYPASS_OVER,    EVENT_IPV6_LEAK_OVER, EVENT_LEAK_OVER,
        EVENT_CONNECTED,   EVENT_STARTED};

    (void)state;
    for (unsigned i = 0; i < EVENT_KINDS; i++) {
        assert_int_equal(message_rank(worst_first[i]), i);
        assert_int_equal(message_is_good(worst_first[i]), i >= 8);
    }
}

/* The longest texts, each byte of which becomes six, and the longest numbers and addresses. */
static void test_longest(void **state)
{
    (void)state;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        const message_options_t longest = {
            .form = TEXT_HTML, .repeats = UINT32_MAX, .window = INT64_MAX};
        event_t event = event_of((event_kind_t)kind);
        char text[TEXT_SIZE], line[MESSAGE_SIZE];
        size_t len;

        memset(event.client_id, '"', VPS_CLIENT_ID_MAX);
        memset(event.city, '"', VPS_CITY_MAX);
        memset(event.provider, '"', VPS_PROVIDER_MAX);
        memset(event.dns_colo, '"', VPS_DNS_COLO_MAX);
        memset(event.note, '"', EVENT_NOTE_SIZE - 1);
        event.from = address_of("2001:1111:2222:3333:4444:5555:6666:7777");
        event.to = event.public_ip6 = event.dns_resolver_ip = event.from;
        event.dns_verdict = VPS_DNS_VERDICT_INTERCEPTED;
        event.ipv6_verdict = VPS_IPV6_VERDICT_LEAK;
        event.seconds = event.merged = UINT32_MAX;
        event.light = LIGHT_RED + 1;
        message_text(text, &event, &longest);
        len = strlen(text);
        assert_true(len < MESSAGE_SIZE - 512); /* nothing had to be left out */
        assert_string_equal(text + len - strlen(TIME), TIME);
        assert_non_null(strstr(text, "\nand 4294967295 more changes in between"));
        assert_non_null(strstr(text, "\n🔁 Flapping: 4294967296 times in "));
        assert_true(strlen(message_line(line, &event)) < 1024);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_countries_compared),
        cmocka_unit_test(test_bypass_by_ipv6),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_of_the_unknown),
        cmocka_unit_test(test_levels_and_components),
        cmocka_unit_test(test_zero_and_strange_times),
        cmocka_unit_test(test_lights),
        cmocka_unit_test(test_how_long_ago),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_facts_of_the_unknown),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_longest),
    };

    return cmocka_run_group_tests_name("message", tests, set_zone, NULL);
}
