/*
 * What the tests of the bot's answers share: a fleet in a registry in memory, its events and vitals,
 * and questions. Include after cmocka.h.
 */
#ifndef BOT_ANSWER_WORLD_H
#define BOT_ANSWER_WORLD_H

#include <stdlib.h>
#include <time.h>

#include "bot_answer.h"
#include "config.h"
#include "message.h"
#include "pool.h"
#include "registry_memory.h"
#include "segment.h"
#include "telegram_html.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECONDS 100000           /* the monotonic clock stands still there */
#define NOON INT64_C(1768474800) /* 2026-01-15 12:00:00 CET, the wall clock */
#define CAPACITY 32768
#define SERVER_IP "198.51.100.7"

module vpnsentinel_module;

static memory_t memory;
static bool has_segment;
static bool is_locked_for_ever;
static event_ring_t *ring;
static vitals_t vitals;
static mute_t mute;
static bot_answer_t *bot;
static char text[TEXT_SIZE]; /* the last answer as people read it */

/* --- instead of the server --- */

/* Called instead of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
    (void)clock;
    *ts = (struct timespec){.tv_sec = SECONDS};
    return 0;
}

apr_int64_t config_quantity(config_quantity_t quantity)
{
    assert_int_equal(quantity, CONFIG_OFFLINE_THRESHOLD);
    return 300 * SECOND;
}

registry_t *segment_registry(void)
{
    return has_segment ? &memory.registry : NULL;
}

event_ring_t *segment_events(void)
{
    return ring;
}

void segment_copy_vitals(vitals_t *out)
{
    *out = vitals;
}

static bool acquire_or_not(void *ctx)
{
    return !is_locked_for_ever && memory_acquire(ctx);
}

/* --- the fleet --- */

static int start(void **state)
{
    server_ip_t own = {.source = SERVER_IP_CONFIGURED};

    (void)state;
    setenv("TZ", "CET-1", 1);
    tzset();
    memory_open(&memory, CAPACITY);
    memory.registry.lock.acquire = acquire_or_not;
    registry_set_max_clients(&memory.registry, CAPACITY);
    assert_true(vps_addr_parse(&own.addr[0], SERVER_IP, strlen(SERVER_IP)));
    assert_int_equal(registry_set_server_ip(&memory.registry, &own), REGISTRY_OK);
    ring = event_ring_create(calloc(1, event_ring_size()));
    assert_non_null(ring);
    has_segment = true;
    is_locked_for_ever = false;
    vitals = (vitals_t){.store_state = STORE_OK};
    mute = (mute_t){0};
    bot = bot_answer_create(&mute, pool);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(ring);
    memory_close(&memory);
    return 0;
}

/* How a client is. */
typedef enum how_t { WELL, LEAKING, UNSURE, BYPASSING, DOWN, DOWN_AND_LEAKING, AWAY, NEW } how_t;

static inline vps_record_t report_how(const char *client_id, how_t how)
{
    vps_record_t report = report_of(client_id, "");
    const char *address = how == BYPASSING ? SERVER_IP : "203.0.113.9";

    strcpy(report.location, "DE");
    strcpy(report.dns_loc, how == LEAKING || how == DOWN_AND_LEAKING ? "US" : "DE");
    if (how == UNSURE) {
        report.dns_loc[0] = '\0';
    }
    if (how == DOWN || how == DOWN_AND_LEAKING) {
        report.vpn_connected = VPS_NO;
    }
    if (how != NEW) {
        assert_true(vps_addr_parse(&report.public_ip, address, strlen(address)));
    }
    return report;
}

/* A second of the wall clock as a sighting has it. */
static inline sighting_t seen_ago(const vps_record_t *report, int64_t ago)
{
    sighting_t sighting = sighting_of(report, SECONDS - ago);

    sighting.when = NOON - ago;
    return sighting;
}

static inline void put_report(const vps_record_t *report, int64_t ago)
{
    const sighting_t sighting = seen_ago(report, ago);

    (void)changed_by(&memory, &sighting);
}

static inline void put_client(const char *client_id, how_t how)
{
    const vps_record_t report = report_how(client_id, how);
    const sighting_t sighting = seen_ago(&report, 0);

    if (how == NEW) {
        assert_int_equal(registry_register(&memory.registry, &sighting), REGISTRY_CREATED);
    } else {
        put_report(&report, how == AWAY ? 7200 : 0);
    }
}

/* --- questions --- */

/* What is asked in this form; false when there is no answer. */
static bool ask_in(text_form_t form, const char *words)
{
    static char out[TEXT_SIZE];
    question_t question = {.asked = NOON - 2};

    (void)snprintf(question.text, sizeof(question.text), "%s", words);
    if (bot_answer_write(bot, out, &question, "SentinelBot", form, NOON) == NULL) {
        return false;
    }
    if (form == TEXT_HTML) {
        assert_in_range(read_html(text, out), 1, TEXT_UNITS_MAX);
    } else {
        strcpy(text, out);
        assert_in_range(count_units(text), 1, TEXT_UNITS_MAX);
    }
    return true;
}

/* Into text; both forms say the same. */
static void ask(const char *words)
{
    static char html[TEXT_SIZE];

    assert_true(ask_in(TEXT_HTML, words));
    strcpy(html, text);
    assert_true(ask_in(TEXT_PLAIN, words));
    assert_string_equal(html, text);
}

static void assert_says(const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no '%s' in: %s", words, text);
    }
}

static inline void assert_does_not_say(const char *words)
{
    if (strstr(text, words) != NULL) {
        fail_msg("'%s' in: %s", words, text);
    }
}

#endif
