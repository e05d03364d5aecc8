#include "watch.h"

#include <unistd.h>

#include "apr_strings.h"

#include "announce.h"
#include "clock.h"
#include "config.h"
#include "log.h"
#include "message.h"
#include "messenger.h"
#include "recall.h"
#include "segment.h"
#include "server_ip_lookup.h"
#include "store.h"
#include "transfer.h"
#include "webhooks.h"

#define LOOK_PAUSE (CLOCK_SECOND / 20)     /* usec between two looks at all slots, at least */
#define REPEAT_PAUSE CLOCK_SECOND          /* usec before what could not be recorded is repeated */
#define STORE_PAUSE (5 * CLOCK_SECOND)     /* usec between two looks at the store's own state */
#define QUEUE_PAUSE (CLOCK_SECOND / 2)     /* usec between two counts of what waits, while awake */
#define ROUND_PAUSE (60 * CLOCK_SECOND)    /* usec between two rounds, which store last_seen */
#define EXPIRE_PAUSE (3600 * CLOCK_SECOND) /* usec between two looks for old events */
#define DELIVERY_PATIENCE CLOCK_SECOND     /* usec that the end waits for an answer of theirs */
#define LOG_LINES_MAX 100u                 /* events that are logged singly in one look */

typedef struct watch_t {
    server_rec *server;
    const watch_calls_t *calls;
    apr_pool_t *pool;
    registry_t *registry;
    store_t *store;
    transfers_t *transfers;
    messenger_t *messenger;
    webhooks_t *webhooks;
    server_ip_lookup_t *lookup; /* NULL = the address is configured, or none */
    announcer_t *announcer;
    tracking_t tracking;
    server_ip_t announced_ip; /* the server's address that the fleet has been judged by */
    bool start_told;          /* the server's start is recorded, by this process */
    uint32_t lines;           /* logged in this look */
    uint32_t lines_left_out;
    char store_error[VITALS_ERROR_SIZE]; /* told last */
    store_state_t store_state;           /* the same */
    int64_t look_due;                    /* monotonic usec: each when it is to be done next */
    int64_t store_due;
    int64_t round_due;
    int64_t expire_due;
    int64_t queue_due;
    uint64_t queued;     /* messages that wait, as counted last */
    int64_t oldest;      /* sec since epoch: since when */
    uint32_t round_slot; /* where the running round goes on, 0 = none runs */
    int64_t last_look;   /* monotonic usec */
    int64_t last_run;    /* sec since epoch: the same */
    bool is_ending;      /* what is left is done without a look at the end */
} watch_t;

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- signs of life --- */

/* A long queue takes milliseconds to count. */
static void count_queue(watch_t *watch)
{
    watch->queued = store_queue(watch->store, &watch->oldest);
    webhooks_count(watch->webhooks);
}

/* What waits is known before the clients and events that it is about: those the store fills in next. */
static void tell_queue(watch_t *watch)
{
    count_queue(watch);
    if (registry_acquire(watch->registry)) {
        segment_vitals()->queued = watch->queued;
        segment_vitals()->oldest = watch->oldest;
        webhooks_tell(watch->webhooks, segment_vitals());
        registry_release(watch->registry);
    }
}

/* To the registry, which takes a long silence for a pause of the machine, and to who asks. */
static void tell_vitals(watch_t *watch, int64_t now, int64_t due)
{
    vitals_t *vitals = segment_vitals();

    registry_breathe(watch->registry, now, due);
    if (!registry_acquire(watch->registry)) {
        return;
    }
    vitals->pid = (int32_t)getpid();
    vitals->due = due;
    vitals->last_run = watch->last_run;
    vitals->queued = watch->queued;
    vitals->oldest = watch->oldest;
    vitals->store_state = (uint8_t)store_state(watch->store);
    apr_cpystrn(vitals->store_error, store_error(watch->store), sizeof vitals->store_error);
    messenger_tell(watch->messenger, vitals);
    webhooks_tell(watch->webhooks, vitals);
    registry_release(watch->registry);
}

/* Between the steps of long work. */
static bool go_on(void *ctx)
{
    watch_t *watch = ctx;
    int64_t now = clock_monotonic();

    registry_breathe(watch->registry, now, now + CLOCK_SECOND);
    (void)registry_live(watch->registry, clock_wall() / CLOCK_SECOND);
    return watch->is_ending || !watch->calls->is_to_end();
}

/* --- what happened, in the logs --- */

static void tell_event(void *ctx, const event_t *event)
{
    watch_t *watch = ctx;
    char line[MESSAGE_SIZE];

    if (watch->lines++ >= LOG_LINES_MAX) {
        watch->lines_left_out++;
        return;
    }
    log_server(message_level(event->kind), message_component(event->kind), "%s",
               message_line(line, event));
}

static void tell_left_out(watch_t *watch)
{
    if (watch->lines_left_out > 0) {
        log_server(VPS_WARN, "monitor", "🔇 %u more events were recorded that are not logged",
                   watch->lines_left_out);
    }
    watch->lines = 0;
    watch->lines_left_out = 0;
}

/* The store's troubles and their end, once each. */
static void tell_store(watch_t *watch)
{
    const char *error = store_error(watch->store);
    store_state_t before = watch->store_state;

    if (error[0] != '\0' && strcmp(error, watch->store_error) != 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, watch->server, "VPNS0042: the store: %s (%s)", error,
                     config_of(watch->server)->state_dir);
        log_server(VPS_ERROR, "store", "❌ %s", error);
    }
    apr_cpystrn(watch->store_error, error, sizeof watch->store_error);
    watch->store_state = store_state(watch->store);
    if (before == STORE_DEGRADED && watch->store_state == STORE_OK) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, watch->server, "VPNS0043: the store works again");
        log_server(VPS_INFO, "store", "✅ The store works again");
    }
}

/* --- looking --- */

static bool take_moment(const watch_t *watch, announce_moment_t *moment)
{
    int64_t now = clock_monotonic();

    moment->wall = clock_wall(); /* of the same instant */
    return registry_facts(watch->registry, &moment->facts, now,
                          config_quantity(CONFIG_OFFLINE_THRESHOLD)) == REGISTRY_OK;
}

static bool is_same_ip(const server_ip_t *a, const server_ip_t *b)
{
    return memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

/* The server's address may be another than the fleet has been judged by. */
static bool judge_by_address(watch_t *watch, const announce_moment_t *moment)
{
    server_ip_t now;

    if (registry_get_server_ip(watch->registry, &now) != REGISTRY_OK) {
        return false;
    }
    if (now.source != SERVER_IP_UNKNOWN && !is_same_ip(&now, &watch->announced_ip) &&
        !announce_server_ip(watch->announcer, moment, &watch->announced_ip, &now)) {
        return false;
    }
    if (now.source == SERVER_IP_UNKNOWN && watch->announced_ip.source != SERVER_IP_UNKNOWN) {
        tracking_begin_anew(&watch->tracking); /* nothing to tell, but lights may be others */
    }
    watch->announced_ip = now;
    return true;
}

static void mark_start_told(const watch_t *watch)
{
    if (registry_acquire(watch->registry)) {
        segment_vitals()->start_told = true;
        registry_release(watch->registry);
    }
}

/* Is there anybody that events are delivered to? */
static bool delivers(const watch_t *watch)
{
    const uint64_t *unused;

    return messenger_is_on(watch->messenger) || webhooks_destinations(watch->webhooks, &unused) > 0;
}

/* With the store in memory it counts as told when it is delivered. */
static bool tell_start(watch_t *watch, const announce_moment_t *moment)
{
    if (watch->start_told || segment_vitals()->start_told) {
        return true;
    }
    watch->start_told = announce_start(watch->announcer, moment);
    if (watch->start_told && (store_keeps_clients(watch->store) || !delivers(watch))) {
        mark_start_told(watch);
    }
    return watch->start_told;
}

/* Returns false when it has to be repeated soon. */
static bool look_at_clients(watch_t *watch, int64_t *deadline)
{
    announce_moment_t moment;
    bool done;

    segment_look(); /* before looking: what changes from here on calls again */
    if (!take_moment(watch, &moment)) {
        return false;
    }
    done = tell_start(watch, &moment) && judge_by_address(watch, &moment) &&
           announce_changes(watch->announcer, &moment, deadline);
    watch->last_run = moment.wall / CLOCK_SECOND;
    tell_left_out(watch);
    return done;
}

static void look(watch_t *watch)
{
    int64_t deadline = INT64_MAX;
    bool done = look_at_clients(watch, &deadline);

    if (done && store_state(watch->store) != STORE_DEGRADED) { /* else it ends with this process */
        segment_recorded();
    }
    watch->last_look = clock_monotonic();
    watch->look_due =
        watch->last_look + (done ? config_quantity(CONFIG_CHECK_INTERVAL) : REPEAT_PAUSE);
    if (done && deadline < watch->look_due) {
        watch->look_due = deadline;
    }
    tell_store(watch);
}

/* --- the minute's round --- */

/*
 * Before which a last sign is stale; 0 = none is. By the wall clock as it was when the service started,
 * so that a step of it forgets nobody.
 */
static int64_t stale_before(const watch_t *watch, int64_t now)
{
    int64_t after = config_quantity(CONFIG_FORGET_AFTER);

    if (after == 0) {
        return 0;
    }
    return registry_started_at(watch->registry) +
           (registry_uptime(watch->registry, now) - after) / CLOCK_SECOND;
}

/* A part of it. Returns when the next is due. */
static int64_t go_round(watch_t *watch)
{
    announce_moment_t moment;
    int64_t before;

    if (!take_moment(watch, &moment)) {
        return clock_monotonic() + REPEAT_PAUSE;
    }
    before = stale_before(watch, moment.facts.now);
    if (!announce_round(watch->announcer, &moment, before > 0 ? before : 0, &watch->round_slot)) {
        return moment.facts.now + REPEAT_PAUSE;
    }
    return watch->round_slot > 0 ? moment.facts.now : moment.facts.now + ROUND_PAUSE;
}

static void ignore_result(void *unused, store_result_t result)
{
    (void)unused;
    (void)result; /* what did not go goes the next time */
}

static void expire(watch_t *watch)
{
    int64_t retention = config_quantity(CONFIG_EVENT_RETENTION);

    if (retention > 0) {
        store_expire_events(watch->store, (clock_wall() - retention) / CLOCK_SECOND);
        store_commit(watch->store, ignore_result, NULL);
    }
}

/* --- the store --- */

static void set_loaded(watch_t *watch)
{
    if (registry_acquire(watch->registry)) {
        segment_vitals()->loaded = true;
        registry_release(watch->registry);
    }
}

/* What the fleet was judged by last; it stays in force until it is found out anew. */
static void recall_address(watch_t *watch)
{
    char text[SERVER_IP_TEXT_SIZE];
    server_ip_t now;

    if (!store_get_setting(watch->store, "server_ip", text, sizeof text) ||
        !server_ip_parse(&watch->announced_ip, text)) {
        return;
    }
    if (config_global()->server_ip_mode == CONFIG_SERVER_IP_AUTO &&
        watch->announced_ip.source != SERVER_IP_CONFIGURED &&
        registry_get_server_ip(watch->registry, &now) == REGISTRY_OK &&
        now.source == SERVER_IP_UNKNOWN) {
        (void)registry_set_server_ip(watch->registry, &watch->announced_ip);
    }
}

static void recall_store(watch_t *watch)
{
    const recall_t recall = {
        .registry = watch->registry,
        .ring = segment_events(),
        .store = watch->store,
        .tracking = &watch->tracking,
        .is_filled = segment_vitals()->loaded,
        .go_on = go_on,
        .ctx = watch,
    };

    if (store_state(watch->store) == STORE_OFF || recall_all(&recall)) {
        set_loaded(watch);
    }
}

static int64_t tend_store(watch_t *watch, int64_t now)
{
    if (store_tend(watch->store, now)) {
        messenger_recall(watch->messenger);
        webhooks_recall(watch->webhooks);
        recall_store(watch);
        watch->look_due = 0;
    }
    tell_store(watch);
    return now + STORE_PAUSE;
}

/* --- beginning, living, ending --- */

static void address_found(void *ctx, const server_ip_t *ip)
{
    watch_t *watch = ctx;

    (void)registry_set_server_ip(watch->registry, ip);
    watch->look_due = 0;
}

static void delivered(void *ctx)
{
    watch_t *watch = ctx;

    announce_delivered(watch->announcer);
    if (watch->start_told && !segment_vitals()->start_told && store_is_settled(watch->store, 0)) {
        mark_start_told(watch);
    }
}

static bool open_lookup(watch_t *watch, const config_t *config)
{
    server_ip_lookup_settings_t *settings;
    server_ip_t known;

    if (config->server_ip_mode != CONFIG_SERVER_IP_AUTO) {
        return true;
    }
    settings = apr_palloc(watch->pool, sizeof *settings);
    settings->ipinfo_url = config->ipinfo_url;
    settings->ipapi_url = config->ipapi_url;
    settings->ipinfo_token = config->ipinfo_token;
    if (registry_get_server_ip(watch->registry, &known) != REGISTRY_OK) {
        return false;
    }
    watch->lookup = server_ip_lookup_create(settings, &known, watch->transfers, address_found,
                                            watch, watch->pool);
    return watch->lookup != NULL;
}

static void open_messenger(watch_t *watch, const config_t *config)
{
    const messenger_setup_t setup = {
        .config = config,
        .store = watch->store,
        .transfers = watch->transfers,
        .counters = segment_counters(),
        .delivered = delivered,
        .ctx = watch,
    };
    vitals_t before = {0};

    segment_copy_vitals(&before);
    watch->messenger = messenger_create(&setup, &before, watch->pool);
}

static void open_webhooks(watch_t *watch, const config_t *config)
{
    const char *name = watch->server->server_hostname;
    const webhook_setup_t setup = {
        .store = watch->store,
        .transfers = watch->transfers,
        .counters = segment_counters(),
        .server = {.name = name != NULL ? name : "",
                   .incarnation = registry_incarnation(watch->registry)},
        .delivered = delivered,
        .ctx = watch,
    };

    watch->webhooks = webhooks_create(config, &setup, watch->pool);
}

static void open_announcer(watch_t *watch)
{
    announce_setup_t setup = {
        .registry = watch->registry,
        .ring = segment_events(),
        .store = watch->store,
        .tracking = &watch->tracking,
        .delivers = messenger_is_on(watch->messenger),
        .tell = tell_event,
        .go_on = go_on,
        .ctx = watch,
    };

    setup.destination_count = webhooks_destinations(watch->webhooks, &setup.destinations);
    watch->announcer = announcer_create(&setup, watch->pool);
}

static bool open_all(watch_t *watch)
{
    const config_t *config = config_of(watch->server);

    watch->transfers = transfers_open(config->proxy, watch->pool);
    watch->store = store_open(config->state_dir, watch->pool);
    if (watch->transfers == NULL || watch->store == NULL) {
        return false;
    }
    open_messenger(watch, config);
    open_webhooks(watch, config);
    open_announcer(watch);
    recall_address(watch);
    if (!open_lookup(watch, config)) {
        return false;
    }
    tell_store(watch);
    tell_queue(watch);
    recall_store(watch);
    return true;
}

static void drain(int fd)
{
    char bytes[64];

    while (read(fd, bytes, sizeof bytes) > 0) {
    }
}

/* Do what is due. Returns when something is due again. */
static int64_t tend_all(watch_t *watch)
{
    int64_t now = clock_monotonic(), due;

    registry_breathe(watch->registry, now, now + CLOCK_SECOND); /* before anybody is judged */
    if (registry_live(watch->registry, clock_wall() / CLOCK_SECOND)) {
        watch->round_due = now; /* which stores it */
    }
    if (now >= watch->store_due) {
        watch->store_due = tend_store(watch, now);
    }
    if (now >= watch->look_due) {
        look(watch);
    }
    if (now >= watch->round_due) {
        watch->round_due = go_round(watch);
    }
    if (now >= watch->expire_due) {
        expire(watch);
        watch->expire_due = now + EXPIRE_PAUSE;
    }
    due = earlier(earlier(watch->look_due, watch->round_due),
                  earlier(watch->store_due, watch->expire_due));
    due = earlier(due, messenger_tend(watch->messenger, now));
    due = earlier(due, webhooks_tend(watch->webhooks, now));
    if (watch->lookup != NULL) {
        due = earlier(due, server_ip_lookup_tend(watch->lookup, now));
    }
    if (now >= watch->queue_due) {
        count_queue(watch);
        watch->queue_due = now + QUEUE_PAUSE;
        return due;
    }
    return earlier(due, watch->queue_due); /* to count what has just been done */
}

static void live(watch_t *watch)
{
    while (!watch->calls->is_to_end()) {
        int64_t due = tend_all(watch), now = clock_monotonic();

        counters_add(segment_counters(), COUNT_MONITOR_LOOPS, 1);
        due = due > now ? due : now;
        tell_vitals(watch, now, due);
        if (transfers_wait(watch->transfers, watch->calls->wake_fd, due - now)) {
            drain(watch->calls->wake_fd);
            watch->look_due = earlier(watch->look_due, watch->last_look + LOOK_PAUSE);
        }
    }
}

static bool is_sending(const watch_t *watch)
{
    return messenger_is_sending(watch->messenger) || webhooks_are_sending(watch->webhooks);
}

/* A message that is being sent may have been accepted by now: not to ask would send it twice. */
static void finish_delivery(const watch_t *watch)
{
    int64_t now = clock_monotonic(), until = now + DELIVERY_PATIENCE;

    for (; is_sending(watch) && now < until; now = clock_monotonic()) {
        (void)transfers_wait(watch->transfers, watch->calls->wake_fd, until - now);
        drain(watch->calls->wake_fd);
    }
}

/* What the registry knows by now would be lost if the whole server ended. */
static void end(watch_t *watch)
{
    int64_t unused = INT64_MAX;
    announce_moment_t moment;
    bool goes = true;

    watch->is_ending = true;
    goes = look_at_clients(watch, &unused) && take_moment(watch, &moment);
    watch->round_slot = 0;
    while (goes) {
        goes = announce_round(watch->announcer, &moment, 0, &watch->round_slot) &&
               watch->round_slot > 0;
    }
    finish_delivery(watch);
    transfers_close(watch->transfers);
    store_close(watch->store);
    tracking_free(&watch->tracking);
}

void watch_run(server_rec *s, const watch_calls_t *calls, apr_pool_t *pool)
{
    watch_t *watch = apr_pcalloc(pool, sizeof *watch);

    watch->server = s;
    watch->calls = calls;
    watch->pool = pool;
    watch->registry = segment_registry();
    watch->tracking.registry = watch->registry;
    if (watch->registry == NULL || !open_all(watch)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "VPNS0032: the monitor cannot begin: no memory, or no registry");
        return;
    }
    counters_add(segment_counters(), COUNT_MONITOR_STARTS, 1);
    live(watch);
    end(watch);
}
