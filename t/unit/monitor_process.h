/*
 * The monitor as watch.c has it, which can be forked and killed at any point: with a registry and a
 * ring of events in shared memory, a store in a folder and a clock that a test sets.
 *
 * Every write and sync of the store's file is a point to be killed at, too, and can be made to fail.
 */
#ifndef MONITOR_PROCESS_H
#define MONITOR_PROCESS_H

#include <errno.h>
#include <signal.h>

#include "announce.h"
#include "killpoint.h"
#include "recall.h"
#include "registry_memory.h"
#include "store_folder.h"

#define WALL_AT_0 1700000000 /* sec since epoch at second 0, as in registry_memory.h */
#define EVENTS_MAX 256       /* of a test */
#define BEGIN 1000           /* the second that a world begins at */
#define RING_USED (sizeof(uint64_t) + EVENTS_MAX * sizeof(event_t)) /* bytes of a ring */

#ifdef __SANITIZE_ADDRESS__
/* Freed memory is used again soon: a fork copies the tables of all pages that ever were in use. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=16";
}
#endif

/* --- the disk --- */

typedef struct disk_t {
    unsigned int countdown; /* the n-th write or sync from now fails; 0 = none */
    bool stays;             /* and all that follow */
    bool fails;             /* now */
    void (*on_sync)(void);  /* called before each sync; or NULL */
    /* The true ones. */
    ssize_t (*pwrite)(int fd, const void *bytes, size_t size, off_t at);
    ssize_t (*pread)(int fd, void *bytes, size_t size, off_t at);
} disk_t;

static disk_t disk;

static inline bool disk_fails(void)
{
    bool fails = disk.fails;

    killpoint();
    if (disk.countdown > 0 && --disk.countdown == 0) {
        fails = true;
        disk.fails = disk.stays;
    }
    errno = fails ? ENOSPC : 0;
    return fails;
}

static ssize_t disk_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return disk_fails() ? -1 : disk.pwrite(fd, bytes, size, at);
}

/* What fails for long cannot be read, either. */
static ssize_t disk_pread(int fd, void *bytes, size_t size, off_t at)
{
    errno = ESTALE; /* EIO makes SQLite take the file for damaged */
    return disk.fails ? -1 : disk.pread(fd, bytes, size, at);
}

/* In place of the C library's, for SQLite, too. No machine dies here: nothing has to be synced. */
int fdatasync(int fd)
{
    (void)fd;
    if (disk.on_sync != NULL) {
        disk.on_sync();
    }
    return disk_fails() ? -1 : 0;
}

/* By either name, as SQLite was built. Returns the true one. */
static inline sqlite3_syscall_ptr disk_replace(const char *name, const char *other,
                                               sqlite3_syscall_ptr by)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_syscall_ptr found = vfs->xGetSystemCall(vfs, name);

    if (found == NULL) {
        name = other;
        found = vfs->xGetSystemCall(vfs, name);
    }
    (void)vfs->xSetSystemCall(vfs, name, by);
    return found;
}

/* Once for all tests, before any store is opened. */
static inline int disk_start(void **state)
{
    (void)state;
    (void)sqlite3_initialize();
    disk.pwrite = (ssize_t(*)(int, const void *, size_t, off_t))disk_replace(
        "pwrite64", "pwrite", (sqlite3_syscall_ptr)disk_pwrite);
    disk.pread = (ssize_t(*)(int, void *, size_t, off_t))disk_replace(
        "pread64", "pread", (sqlite3_syscall_ptr)disk_pread);
    return 0;
}

/* --- what outlives a monitor --- */

/* Events by their identity and kind. */
typedef struct told_t {
    size_t count;
    struct {
        uint64_t uid, number;
        uint8_t kind;
    } event[EVENTS_MAX];
} told_t;

/* In shared memory, besides the registry and the ring. */
typedef struct shared_t {
    bool loaded;       /* as in vitals_t */
    bool start_told;   /* as in vitals_t */
    bool is_accepting; /* a message has been delivered, which is not noted yet */
    told_t logged;     /* by the monitors' tell() */
    told_t delivered;
} shared_t;

typedef struct world_t {
    memory_t memory;
    event_ring_t *ring;
    shared_t *shared;
    int64_t second;       /* now */
    int64_t forget_after; /* sec; 0 = never */
    bool is_in_memory;    /* there is no folder */
    bool has_no_channel;  /* events make no messages to Telegram */
    uint64_t webhook;     /* a destination of each event, 0 = none */
    bool is_deaf;         /* messages are not delivered */
    bool is_summed_up;    /* bypasses are told together, by an event of the server */
} world_t;

static inline vps_addr_t ip_of(char letter)
{
    char text[VPS_ADDR_TEXT_SIZE];

    snprintf(text, sizeof text, "203.0.113.%d", letter);
    return addr(text);
}

/* '-' = unknown. */
static inline vps_addr_t ip6_of(char letter)
{
    const vps_addr_t unknown = {0};
    char text[VPS_ADDR_TEXT_SIZE];

    snprintf(text, sizeof text, "2001:db8::%d", letter);
    return letter != '-' ? addr(text) : unknown;
}

/* Its address of IPv6 is S. */
static inline void set_server(world_t *world, char letter)
{
    server_ip_t ip = {.addr = {ip_of(letter), ip6_of('S')}, .source = SERVER_IP_IPINFO};

    assert_int_equal(registry_set_server_ip(&world->memory.registry, &ip), REGISTRY_OK);
}

/* With room for so many clients; the server's address is S. */
static inline void world_open_for(world_t *world, uint32_t capacity)
{
    memset(world, 0, sizeof *world);
    memory_open(&world->memory, capacity);
    world->ring = event_ring_create(memory_map(event_ring_size()));
    world->shared = memory_map(sizeof *world->shared);
    world->second = BEGIN;
    world->is_deaf = true;
    set_server(world, 'S');
}

static inline void world_open(world_t *world)
{
    world_open_for(world, 1024);
}

static inline void world_close(world_t *world)
{
    memory_close(&world->memory);
    munmap(world->ring, event_ring_size());
    munmap(world->shared, sizeof *world->shared);
    empty_folder();
}

/* All processes have died: the registry is another one, with uids of its own. */
static inline void world_lose(world_t *world)
{
    registry_seed_t seed = {"another key 1234", 78, MEMORY_FIRST_UID + 1000000};

    memset(world->memory.base, 0, world->memory.size);
    memset(world->ring, 0, RING_USED);
    memset(world->shared, 0, sizeof *world->shared);
    registry_create(world->memory.base, 1024, &seed, WALL_AT_0 + world->second,
                    world->second * SECOND);
}

/* A copy of a world that no monitor lives in. */
typedef struct saved_t {
    world_t world;
    void *registry, *ring, *shared, *file; /* malloc'ed */
    size_t file_size;
} saved_t;

static inline void *copy_of(const void *from, size_t size)
{
    void *copy = malloc(size);

    assert_non_null(copy);
    return memcpy(copy, from, size);
}

static inline void world_save(const world_t *world, saved_t *saved)
{
    const off_t size = size_of(FILE_NAME);
    int fd;

    saved->world = *world;
    saved->registry = copy_of(world->memory.base, world->memory.size);
    saved->ring = copy_of(world->ring, RING_USED);
    saved->shared = copy_of(world->shared, sizeof *world->shared);
    saved->file_size = size > 0 ? (size_t)size : 0;
    saved->file = malloc(saved->file_size + 1);
    fd = open(path_of(FILE_NAME), O_RDONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && saved->file != NULL);
    assert_int_equal(read(fd, saved->file, saved->file_size), saved->file_size);
    (void)close(fd);
}

static inline void world_restore(world_t *world, const saved_t *saved)
{
    *world = saved->world;
    memcpy(world->memory.base, saved->registry, world->memory.size);
    memcpy(world->ring, saved->ring, RING_USED);
    memcpy(world->shared, saved->shared, sizeof *world->shared);
    empty_folder();
    if (saved->file_size > 0) {
        write_file(FILE_NAME, 0, saved->file, saved->file_size);
    }
}

static inline void saved_free(saved_t *saved)
{
    free(saved->registry);
    free(saved->ring);
    free(saved->shared);
    free(saved->file);
}

/* --- clients --- */

/* A keepalive: address, country of the exit and of DNS, 'y' or 'n' of the VPN. */
static inline void says(world_t *world, const char *client_id, char address, const char *place,
                        const char *dns, char vpn)
{
    vps_record_t report = report_of(client_id, "City");

    report.public_ip = ip_of(address);
    snprintf(report.location, sizeof report.location, "%s", place);
    snprintf(report.dns_loc, sizeof report.dns_loc, "%s", dns);
    report.vpn_connected = vpn == 'y' ? VPS_YES : VPS_NO;
    assert_in_range(report_at(&world->memory, &report, world->second), REGISTRY_OK,
                    REGISTRY_CREATED);
}

/* The same of a client that looks into its DNS and IPv6; address6 '-' = unknown. */
static inline void says_verdicts(world_t *world, const char *client_id, vps_dns_verdict_t dns,
                                 vps_ipv6_verdict_t ipv6, char address6)
{
    vps_record_t report = report_of(client_id, "City");

    report.public_ip = ip_of('G');
    report.public_ip6 = ip6_of(address6);
    report.dns_verdict = (uint8_t)dns;
    report.ipv6_verdict = (uint8_t)ipv6;
    assert_in_range(report_at(&world->memory, &report, world->second), REGISTRY_OK,
                    REGISTRY_CREATED);
}

/* All is well. */
static inline void is_fine(world_t *world, const char *client_id, char address)
{
    says(world, client_id, address, "DE", "DE", 'y');
}

static inline void leaves(world_t *world, const char *client_id)
{
    assert_int_equal(registry_remove(&world->memory.registry, client_id), REGISTRY_OK);
}

/* --- the monitor --- */

typedef struct monitor_t {
    world_t *world;
    apr_pool_t *pool;
    store_t *store;
    tracking_t tracking;
    announcer_t *announcer;
    server_ip_t announced_ip;
    int64_t deadline;        /* of the last look */
    size_t delivered_before; /* by others */
} monitor_t;

static inline announce_moment_t moment_of(world_t *world)
{
    announce_moment_t moment = {.wall = (WALL_AT_0 + world->second) * SECOND};

    (void)registry_facts(&world->memory.registry, &moment.facts, world->second * SECOND,
                         300 * SECOND);
    return moment;
}

static inline void note_told(told_t *told, const event_t *event)
{
    if (told->count < EVENTS_MAX) {
        told->event[told->count].uid = event->uid;
        told->event[told->count].number = event->number;
        told->event[told->count].kind = event->kind;
    }
    told->count++;
}

static inline void monitor_tell(void *ctx, const event_t *event)
{
    note_told(&((monitor_t *)ctx)->world->shared->logged, event);
}

static inline bool monitor_goes_on(void *ctx)
{
    (void)ctx;
    return true;
}

static inline void monitor_recall(monitor_t *monitor)
{
    world_t *world = monitor->world;
    const recall_t recall = {.registry = &world->memory.registry,
                             .ring = world->ring,
                             .store = monitor->store,
                             .tracking = &monitor->tracking,
                             .is_filled = world->shared->loaded,
                             .go_on = monitor_goes_on};

    if (store_state(monitor->store) == STORE_OFF || recall_all(&recall)) {
        world->shared->loaded = true;
    }
}

static inline bool monitor_open(monitor_t *monitor, world_t *world)
{
    char text[SERVER_IP_TEXT_SIZE];
    announce_setup_t setup = {.registry = &world->memory.registry,
                              .ring = world->ring,
                              .tracking = &monitor->tracking,
                              .delivers = !world->has_no_channel,
                              .destinations = &world->webhook,
                              .destination_count = world->webhook != 0,
                              .tell = monitor_tell,
                              .go_on = monitor_goes_on,
                              .ctx = monitor};

    memset(monitor, 0, sizeof *monitor);
    monitor->world = world;
    monitor->delivered_before = world->shared->delivered.count;
    monitor->tracking.registry = &world->memory.registry;
    (void)apr_pool_create(&monitor->pool, pool);
    monitor->store = store_open(world->is_in_memory ? NULL : folder, monitor->pool);
    setup.store = monitor->store;
    if (monitor->store == NULL) {
        return false;
    }
    monitor->announcer = announcer_create(&setup, monitor->pool);
    if (store_get_setting(monitor->store, "server_ip", text, sizeof text)) {
        (void)server_ip_parse(&monitor->announced_ip, text);
    }
    monitor_recall(monitor);
    return true;
}

static inline void monitor_close(monitor_t *monitor)
{
    store_close(monitor->store);
    tracking_free(&monitor->tracking);
    apr_pool_destroy(monitor->pool);
}

static inline bool monitor_judge_address(monitor_t *monitor, const announce_moment_t *moment)
{
    server_ip_t now;

    if (registry_get_server_ip(&monitor->world->memory.registry, &now) != REGISTRY_OK) {
        return false;
    }
    if (now.source != SERVER_IP_UNKNOWN &&
        memcmp(now.addr, monitor->announced_ip.addr, sizeof now.addr) != 0 &&
        !announce_server_ip(monitor->announcer, moment, &monitor->announced_ip, &now)) {
        return false;
    }
    monitor->announced_ip = now;
    return true;
}

static inline bool monitor_look(monitor_t *monitor)
{
    shared_t *shared = monitor->world->shared;
    announce_moment_t moment = moment_of(monitor->world);

    (void)registry_live(&monitor->world->memory.registry, moment.wall / SECOND);
    if (!shared->start_told && announce_start(monitor->announcer, &moment)) {
        shared->start_told = true;
    }
    return shared->start_told && monitor_judge_address(monitor, &moment) &&
           announce_changes(monitor->announcer, &moment, &monitor->deadline);
}

static inline bool monitor_go_round(monitor_t *monitor)
{
    const world_t *world = monitor->world;
    announce_moment_t moment = moment_of(monitor->world);
    int64_t before = world->forget_after > 0 ? moment.wall / SECOND - world->forget_after : 0;
    uint32_t slot = 0;
    bool done;

    do {
        done = announce_round(monitor->announcer, &moment, before, &slot);
    } while (done && slot > 0);
    return done;
}

/* Has this monitor delivered it, but could not note that? */
static inline bool monitor_is_delivered(const monitor_t *monitor, const event_t *event)
{
    const told_t *delivered = &monitor->world->shared->delivered;

    for (size_t i = monitor->delivered_before; i < delivered->count; i++) {
        if (delivered->event[i].uid == event->uid && delivered->event[i].number == event->number) {
            return true;
        }
    }
    return false;
}

/* Deliver all messages, as delivery.c does. */
static inline bool monitor_deliver(monitor_t *monitor)
{
    shared_t *shared = monitor->world->shared;
    uint64_t message;
    event_t event;

    while (store_next_message(monitor->store, 0, &message, &event)) {
        shared->is_accepting = true;
        if (!monitor_is_delivered(monitor, &event)) {
            note_told(&shared->delivered, &event);
        }
        store_remove_message(monitor->store, message);
        if (commit(monitor->store) == (int)STORE_FAILED) {
            return false;
        }
        announce_delivered(monitor->announcer);
        shared->is_accepting = false;
        killpoint();
    }
    return true;
}

/* Everything that is due. Returns false when anything could not be recorded. */
static inline bool monitor_work(monitor_t *monitor)
{
    return monitor_look(monitor) && monitor_go_round(monitor) &&
           (monitor->world->is_deaf || monitor_deliver(monitor));
}

/* The disk is looked at again. */
static inline void monitor_tend(monitor_t *monitor)
{
    if (tend(monitor->store)) {
        monitor_recall(monitor);
    }
}

/* In a process of its own, killed at a point. Returns false when it came to its end before. */
static inline bool monitor_dies_at(world_t *world, unsigned int point)
{
    const pid_t child = fork();
    monitor_t monitor;
    int status;

    if (child == 0) {
        killpoint_countdown = point;
        _exit(monitor_open(&monitor, world) && monitor_work(&monitor) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    return status != 0;
}

/* One that comes to its end. */
static inline void monitor_lives(world_t *world)
{
    monitor_t monitor;

    assert_true(monitor_open(&monitor, world));
    assert_true(monitor_work(&monitor));
    monitor_close(&monitor);
}

#endif
