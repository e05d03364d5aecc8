#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "digest_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const census_t census = {
    .total = 9749,
    .offline = 9744,
    .lights = {[LIGHT_GREEN] = 3, [LIGHT_YELLOW] = 0, [LIGHT_GREY] = 9744, [LIGHT_RED] = 2},
};

static int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "CET-1", 1);
    tzset();
    return 0;
}

/* No alerts yet; the ids are "1-vpn" and so on. */
static world_t *new_world(void)
{
    static world_t world;

    memset(&world, 0, sizeof world);
    strcpy(world.filler, "-vpn");
    return &world;
}

static void assert_text(const digest_t *digest, text_form_t form, const char *expected)
{
    char text[TEXT_SIZE], read[TEXT_SIZE], plain[TEXT_SIZE];

    assert_ptr_equal(digest_text(text, digest, form), text);
    assert_string_equal(text, expected);
    if (form == TEXT_HTML) { /* and it reads like the plain one */
        read_html(read, text);
        assert_non_null(digest_text(plain, digest, TEXT_PLAIN));
        assert_string_equal(read, plain);
    }
}

static void test_one(void **state)
{
    world_t *world = new_world();
    digest_t digest;

    (void)state;
    world_add(world, 7, EVENT_OFFLINE, NOON - 2);
    digest = world_digest(world);
    assert_text(&digest, TEXT_HTML,
                "<b>❌ Client Offline: 1</b>\n"
                "<code>7-vpn</code>: silent for 5 min 3 s · 11:59:58");
    digest.census = &census;
    digest.muted = 7200;
    assert_text(&digest, TEXT_PLAIN,
                "❌ Client Offline: 1\n"
                "🔕 While muted (2 h): 1 alert\n"
                "7-vpn: silent for 5 min 3 s · 11:59:58\n\n"
                "Now: 🟢 3 green · 🟡 0 yellow · 🔴 2 red · ⚫ 9744 grey, 9749 clients");
}

/* The worst first, the newest of each client, the day when it was another. */
static void test_sections(void **state)
{
    world_t *world = new_world();
    digest_t digest;

    (void)state;
    world_add(world, 1, EVENT_CONNECTED, NOON - 86400);
    world_add(world, 2, EVENT_OFFLINE, NOON - 60);
    world_add(world, 3, EVENT_OFFLINE, NOON - 50);
    world_add(world, 2, EVENT_OFFLINE, NOON - 40);
    world_add(world, 1, EVENT_ADDRESS, NOON - 30);
    world_add(world, 4, EVENT_LEAK, NOON - 20);
    world_add(world, 4, EVENT_LEAK_OVER, NOON - 19);
    world_add(world, 5, EVENT_BYPASS, NOON - 10);
    digest = world_digest(world);
    digest.muted = 86400;
    assert_text(
        &digest, TEXT_HTML,
        "<b>⚠️ VPN BYPASS WARNING: 1, ⚠️ DNS LEAK DETECTED: 1, ❌ Client Offline: 3, "
        "+ 3 more</b>\n"
        "🔕 While muted (1 d): 8 alerts\n\n"
        "<b>⚠️ VPN BYPASS WARNING: 1</b>\n"
        "<code>5-vpn</code>: public IP <code>203.0.113.2</code> · 11:59:50\n\n"
        "<b>⚠️ DNS LEAK DETECTED: 1</b>\n"
        "<code>4-vpn</code>: VPN in RO, DNS in DE · 11:59:40\n\n"
        "<b>❌ Client Offline: 3, of 2 clients</b>\n"
        "<code>3-vpn</code>: silent for 5 min 3 s · 11:59:10\n"
        "<code>2-vpn</code> ×2: silent for 5 min 3 s · 11:59:20\n\n"
        "<b>🔄 IP Address Changed: 1</b>\n"
        "<code>1-vpn</code>: <code>203.0.113.1</code> → <code>203.0.113.2</code> · "
        "11:59:30\n\n"
        "<b>✅ DNS Leak Over: 1</b>\n"
        "<code>4-vpn</code>: VPN in RO, DNS in DE · 11:59:41\n\n"
        "<b>✅ VPN Connected!: 1</b>\n"
        "<code>1-vpn</code>: public IP <code>203.0.113.2</code>, VPN in RO, silent for "
        "5 min 3 s · 2026-01-14 12:00:00");
}

/* Clients that flap come before what the worst of them had; the worst of them first. */
static void test_flapping(void **state)
{
    world_t *world = new_world();
    digest_t digest;

    (void)state;
    world_add(world, 9, EVENT_BYPASS, NOON - 900);
    for (int i = 0; i < 3; i++) {
        world_add(world, 1, EVENT_ADDRESS, NOON - 800 + i);
    }
    for (int i = 0; i < 4; i++) {
        world_add(world, 2, EVENT_OFFLINE, NOON - 600 + 90 * i);
        world_add(world, 2, EVENT_CONNECTED, NOON - 570 + 90 * i);
    }
    world_add(world, 2, EVENT_ADDRESS, NOON - 60);
    world_add(world, 3, EVENT_OFFLINE, NOON - 50); /* two of a kind are not enough */
    world_add(world, 3, EVENT_OFFLINE, NOON - 40);
    world_add(world, 4, EVENT_OFFLINE, NOON - 30); /* nor are three of different kinds */
    world_add(world, 4, EVENT_CONNECTED, NOON - 20);
    world_add(world, 4, EVENT_ADDRESS, NOON - 10);
    digest = world_digest(world);
    assert_text(&digest, TEXT_PLAIN,
                "⚠️ VPN BYPASS WARNING: 1, ❌ Client Offline: 7, 🔄 IP Address Changed: 5, "
                "+ 5 more\n\n"
                "⚠️ VPN BYPASS WARNING: 1\n"
                "9-vpn: public IP 203.0.113.2 · 11:45:00\n\n"
                "🔁 Flapping: 2 clients\n"
                "2-vpn: ❌ Client Offline ×4, 🔄 IP Address Changed, ✅ VPN Connected! ×4 in 9 min, "
                "now 🔄 IP Address Changed\n"
                "1-vpn: 🔄 IP Address Changed ×3 in 2 s, now 🔄 IP Address Changed\n\n"
                "❌ Client Offline: 3, of 2 clients\n"
                "3-vpn ×2: silent for 5 min 3 s · 11:59:20\n"
                "4-vpn: silent for 5 min 3 s · 11:59:30\n\n"
                "🔄 IP Address Changed: 1\n"
                "4-vpn: 203.0.113.1 → 203.0.113.2 · 11:59:50\n\n"
                "✅ VPN Connected!: 1\n"
                "4-vpn: public IP 203.0.113.2, VPN in RO, silent for 5 min 3 s · 11:59:40");
}

/* Nothing but flapping of one kind, all at once. */
static void test_only_flapping(void **state)
{
    world_t *world = new_world();
    digest_t digest;

    (void)state;
    for (int i = 0; i < 3; i++) {
        world_add(world, 1, EVENT_OFFLINE, NOON);
    }
    digest = world_digest(world);
    assert_text(&digest, TEXT_HTML,
                "<b>❌ Client Offline: 3</b>\n\n"
                "<b>🔁 Flapping: 1 client</b>\n"
                "<code>1-vpn</code>: ❌ Client Offline ×3, now ❌ Client Offline");
}

/* Each event of the server has its line, and it never flaps. */
static void test_server(void **state)
{
    world_t *world = new_world();
    digest_t digest;

    (void)state;
    world_add(world, 0, EVENT_STARTED, NOON - 9);
    world_add(world, 0, EVENT_SERVER_ADDRESS, NOON - 8);
    world_add(world, 0, EVENT_SERVER_ADDRESS, NOON - 7);
    world_add(world, 0, EVENT_SERVER_ADDRESS, NOON - 6);
    digest = world_digest(world);
    assert_text(&digest, TEXT_PLAIN,
                "🔄 Server IP Changed: 3, 🚀 VPN Sentinel Started: 1\n\n"
                "🔄 Server IP Changed: 3\n"
                "203.0.113.1 → 203.0.113.2 · 11:59:52\n"
                "203.0.113.1 → 203.0.113.2 · 11:59:53\n"
                "203.0.113.1 → 203.0.113.2 · 11:59:54\n\n"
                "🚀 VPN Sentinel Started: 1\n"
                "11:59:51");
    world->note = "a < b";
    digest.entries++; /* the addresses alone */
    digest.count = 1;
    assert_text(&digest, TEXT_HTML,
                "<b>🔄 Server IP Changed: 1</b>\n"
                "<code>203.0.113.1</code> → <code>203.0.113.2</code>: a &lt; b · 11:59:52");
}

static void test_unreadable(void **state)
{
    world_t *world = new_world();
    digest_t digest;

    (void)state;
    world_add(world, 1, EVENT_OFFLINE, NOON); /* message 1000 */
    world_add(world, 2, EVENT_OFFLINE, NOON);
    world_add(world, 3, EVENT_OFFLINE, NOON); /* message 1002 */
    world_add(world, 0, EVENT_STARTED, NOON);
    world_add(world, 0, EVENT_STARTED, NOON); /* message 1004 */
    world->unreadable = 2;
    digest = world_digest(world);
    assert_text(&digest, TEXT_PLAIN,
                "❌ Client Offline: 3, 🚀 VPN Sentinel Started: 2\n\n"
                "❌ Client Offline: 3\n2-vpn: silent for 5 min 3 s · 12:00:00\n"
                "… and 2 more clients\n\n"
                "🚀 VPN Sentinel Started: 2\n12:00:00\n… and 1 more");
    world->unreadable = 1;
    assert_text(&digest, TEXT_PLAIN,
                "❌ Client Offline: 3, 🚀 VPN Sentinel Started: 2\n\n"
                "❌ Client Offline: 3\n… and 3 more clients\n\n"
                "🚀 VPN Sentinel Started: 2\n… and 2 more");
}

/* At most 30 of a section are named and 80 in all; nobody asks the store for the others. */
static void test_named(void **state)
{
    static const event_kind_t kinds[] = {EVENT_BYPASS, EVENT_LEAK, EVENT_OFFLINE, EVENT_FORGOTTEN};
    static const size_t named[] = {30, 30, 20, 0};
    static const char id_length_1[] = "";
    world_t *world = new_world();
    char text[TEXT_SIZE];
    const char *at = text;
    digest_t digest;

    (void)state;
    strcpy(world->filler, id_length_1);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (uint64_t uid = 1; uid <= 31; uid++) {
            world_add(world, 100 * i + uid, kinds[i], NOON);
        }
    }
    digest = world_digest(world);
    assert_non_null(digest_text(text, &digest, TEXT_PLAIN));
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char more[64];
        size_t lines = 0;

        at = strstr(at, "\n\n") + 2;
        for (const char *c = at; *c != '\0' && strncmp(c, "\n\n", 2) != 0; c++) {
            lines += *c == '\n' ? 1 : 0;
        }
        assert_int_equal(lines, named[i] + 1);
        snprintf(more, sizeof more, "\n… and %zu more client%s", 31 - named[i],
                 named[i] == 30 ? "" : "s");
        assert_non_null(strstr(at, more));
    }
    assert_int_equal(world->asked, 80);
}

static void test_good_news(void **state)
{
    world_t *world = new_world();

    (void)state;
    world_add(world, 1, EVENT_CONNECTED, NOON);
    world_add(world, 2, EVENT_LEAK_OVER, NOON);
    world_add(world, 0, EVENT_STARTED, NOON);
    assert_true(digest_is_good(world->entries, 3));
    world_add(world, 3, EVENT_FORGOTTEN, NOON);
    assert_false(digest_is_good(world->entries, 4));
    assert_false(digest_is_good(&world->entries[3], 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),      cmocka_unit_test(test_sections),
        cmocka_unit_test(test_flapping), cmocka_unit_test(test_only_flapping),
        cmocka_unit_test(test_server),   cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_named),    cmocka_unit_test(test_good_news),
    };

    return cmocka_run_group_tests_name("digest", tests, set_zone, NULL);
}
