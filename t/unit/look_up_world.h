/*
 * A world for the client's look-ups, in the place of its transfers, its clock and its log: services
 * that answer as told, a clock that moves when it is told to and a little with each request, and
 * the number of calls and warnings.
 */
#ifndef LOOK_UP_WORLD_H
#define LOOK_UP_WORLD_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "options.h"
#include "transfer.h"

#define WORLD_COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define WORLD_REQUEST_MS 100 /* ms that a request takes */
#define WORLD_SELF "203.0.113.42"

/* Services; the first three are numbered as in place.h. */
enum {
    WORLD_IPINFO,
    WORLD_IPAPI,
    WORLD_IPWHOIS,
    WORLD_GLUETUN,
    WORLD_TRACE,
    WORLD_TRACE6,
    WORLD_SERVICES
};

static const char *const world_names[WORLD_SERVICES] = {"ipinfo",  "ipapi", "ipwhois",
                                                        "gluetun", "trace", "[2001:db8::6]"};

/* How a service answers. */
typedef struct world_answer_t {
    transfer_kind_t kind;
    const char *body;    /* of TRANSFER_OK; NULL = the right one */
    int64_t retry_after; /* ms */
    const char *x_rl;    /* header, or NULL */
    const char *x_ttl;   /* header, or NULL */
    bool stops;          /* a signal to stop comes meanwhile */
} world_answer_t;

static struct {
    int64_t now; /* ms */
    world_answer_t answer[WORLD_SERVICES];
    int calls[WORLD_SERVICES];
    const char *self; /* the address that asks */
    int asked;        /* who was asked last */
    char url[1024];   /* what */
    bool is_silent;   /* nothing comes in through the tunnel */
    int warnings;     /* lines of the log */
    char warning[1024];
} world;

static wait_t world_wait;
static transfer_t world_transfer = {.wait = &world_wait};
static options_t world_options;

static void world_reset(void)
{
    memset(&world, 0, sizeof(world));
    memset(&world_wait, 0, sizeof(world_wait));
    memset(&world_options, 0, sizeof(world_options));
    world.self = WORLD_SELF;
    world.now = 1000 * CLOCK_HOUR;
    world_options.timeout = 10;
    strcpy(world_options.ipinfo_url, "http://ipinfo");
    strcpy(world_options.ipapi_url, "http://ipapi");
    strcpy(world_options.ipwhois_url, "http://ipwhois");
    strcpy(world_options.trace_url, "http://trace");
}

/* --- the clock --- */

int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) {
        return (int)syscall(SYS_clock_gettime, clock, out);
    }
    out->tv_sec = world.now / 1000;
    out->tv_nsec = world.now % 1000 * 1000000;
    return 0;
}

/* --- transfers --- */

int64_t transfer_left(const transfer_t *transfer, int64_t ms)
{
    (void)transfer;
    return ms;
}

bool transfer_is_silent(transfer_t *transfer)
{
    (void)transfer;
    return world.is_silent;
}

void transfer_header(struct curl_slist **list, const char *line)
{
    (void)list;
    (void)line;
}

/* Who is asked for what? The address in the URL, or our own. */
static const char *world_address(const char *url)
{
    static char address[64];
    const char *path = strchr(url + strlen("http://"), '/');

    if (sscanf(path, "/json/%63[0-9a-f.:]", address) == 1 ||
        sscanf(path, "/%63[0-9a-f.:]", address) == 1) {
        return address;
    }
    return world.self;
}

static char *world_body(int service, const char *url)
{
    static const char *const formats[WORLD_SERVICES] = {
        "{\"ip\":\"%s\",\"city\":\"ipinfo\",\"country\":\"RO\"}",
        "{\"status\":\"success\",\"query\":\"%s\",\"city\":\"ip-api\",\"countryCode\":\"RO\"}",
        "{\"success\":true,\"ip\":\"%s\",\"city\":\"ipwhois\",\"country_code\":\"RO\"}",
        "{\"public_ip\":\"%s\",\"city\":\"gluetun\",\"country\":\"Romania\"}",
        "ip=%s\ncolo=OTP\nloc=RO\n",
        "ip=%s\ncolo=OTP\nloc=RO\n",
    };
    char text[512];

    if (world.answer[service].body != NULL) {
        return strdup(world.answer[service].body);
    }
    snprintf(text, sizeof(text), formats[service],
             service < WORLD_GLUETUN ? world_address(url) : world.self);
    return strdup(text);
}

transfer_kind_t transfer_run(transfer_t *transfer, const vps_http_request_t *request,
                             vps_http_t *http)
{
    int service = 0;

    memset(http, 0, sizeof(*http));
    if (transfer->wait->signals.stop) {
        return TRANSFER_STOPPED;
    }
    while (strncmp(request->url + strlen("http://"), world_names[service],
                   strlen(world_names[service])) != 0) {
        service++;
        assert_int_not_equal(service, WORLD_SERVICES);
    }
    snprintf(world.url, sizeof(world.url), "%s", request->url);
    world.asked = service;
    world.calls[service]++;
    world.now += WORLD_REQUEST_MS;
    if (world.answer[service].stops) {
        transfer->wait->signals.stop = true;
        return TRANSFER_STOPPED;
    }
    if (world.answer[service].kind == TRANSFER_OK) {
        http->answer = world_body(service, request->url);
        assert_non_null(http->answer);
        http->answer_size = strlen(http->answer);
    }
    return world.answer[service].kind;
}

int64_t transfer_retry_after(const vps_http_t *http)
{
    (void)http;
    return world.answer[world.asked].retry_after;
}

char *transfer_reason(char out[TRANSFER_REASON_SIZE], transfer_kind_t kind, const vps_http_t *http)
{
    (void)http;
    snprintf(out, TRANSFER_REASON_SIZE, "kind %d", (int)kind);
    return out;
}

void vps_http_close(vps_http_t *http)
{
    free(http->answer);
    memset(http, 0, sizeof(*http));
}

CURLHcode curl_easy_header(CURL *easy, const char *name, size_t index, unsigned int origin,
                           int request, struct curl_header **out)
{
    static struct curl_header header;
    const world_answer_t *answer = &world.answer[world.asked];

    (void)easy;
    (void)index;
    (void)origin;
    (void)request;
    header.value = (char *)(strcmp(name, "X-Rl") == 0 ? answer->x_rl : answer->x_ttl);
    *out = &header;
    return header.value != NULL ? CURLHE_OK : CURLHE_MISSING;
}

/* --- the log --- */

void log_write(vps_level_t level, const char *component, const char *format, ...)
{
    va_list args;

    (void)component;
    if (level != VPS_WARN) {
        return;
    }
    world.warnings++;
    va_start(args, format);
    vsnprintf(world.warning, sizeof(world.warning), format, args);
    va_end(args);
}

#endif
