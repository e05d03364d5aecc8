/*
 * For the tests of the store: a folder of its own for each test (folder_start and folder_stop are
 * cmocka's fixtures of a test), things to store, what became of a transaction.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "pool.h"
#include "store.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define FILE_NAME "vpnsentinel.db"

static char folder[256];

static inline const char *path_of(const char *name)
{
    static char path[600];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static inline int folder_start(void **state)
{
    const char *parent = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/vpnsentinel.XXXXXX", parent != NULL ? parent : P_tmpdir);
    return pool_start(state) == 0 && mkdtemp(folder) != NULL ? 0 : -1;
}

static inline void empty_folder(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)remove(path_of(entry->d_name));
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static inline int folder_stop(void **state)
{
    empty_folder();
    (void)rmdir(folder);
    return pool_stop(state);
}

/* The name of the file in the folder that begins so and is no write-ahead log; "" = none. */
static inline const char *find_file(const char *start)
{
    static char name[256];
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    name[0] = '\0';
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const size_t len = strlen(entry->d_name);

        if (strncmp(entry->d_name, start, strlen(start)) == 0 &&
            strcmp(entry->d_name + len - 4, "-wal") != 0) {
            snprintf(name, sizeof(name), "%s", entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return name;
}

static inline store_t *open_store(void)
{
    store_t *store = store_open(folder, pool);

    assert_non_null(store);
    return store;
}

/* --- transactions --- */

static inline void note_result(void *ctx, store_result_t result)
{
    *(int *)ctx = (int)result;
}

static inline int commit(store_t *store)
{
    int result = -1;

    store_commit(store, note_result, &result);
    return result;
}

#define assert_durable(store) assert_int_equal(commit(store), STORE_DURABLE)

/* --- things to store --- */

static inline vps_addr_t addr(const char *text)
{
    vps_addr_t out;

    assert_true(vps_addr_parse(&out, text, strlen(text)));
    return out;
}

/* Every member is set, to other values for other uids. */
static inline client_t full_client(uint64_t uid)
{
    client_t client;
    vps_record_t *report = &client.report;

    memset(&client, 0, sizeof(client));
    snprintf(report->client_id, sizeof(report->client_id), "client-%llu", (unsigned long long)uid);
    strcpy(report->location, "DE");
    strcpy(report->city, "S\xC3\xA3o \"Paulo\" \\ </b>");
    strcpy(report->region, "\xE6\x9D\xB1\xE4\xBA\xAC");
    strcpy(report->country, "Germany");
    strcpy(report->dns_loc, "FR");
    strcpy(report->dns_colo, "CDG");
    strcpy(report->provider, "AS9009 M247 AT&T (x)");
    strcpy(report->timezone, "Europe/Berlin");
    strcpy(report->client_version, "1.2.3");
    report->public_ip = addr("203.0.113.42");
    report->dns_resolver_ip = addr("2001:db8::53");
    report->public_ip6 = addr("2001:db8::42");
    report->dns_source = VPS_DNS_RESOLVER;
    report->dns_path = VPS_DNS_PATH_OUTSIDE;
    report->dns_verdict = VPS_DNS_VERDICT_LEAK;
    report->ipv6_verdict = VPS_IPV6_VERDICT_BLOCKED;
    report->vpn_connected = VPS_NO;
    client.uid = uid;
    client.first_seen = 1700000000u + (uint32_t)(uid & 0xFFFF);
    client.last_seen = UINT32_MAX;
    client.last_change = 1700000002u;
    client.keepalives = 77;
    client.seq = 5;
    client.observed_ip = addr("2001:db8::1");
    client.announced = (announced_t){.seq = 5, .number = 9, .down_since = 1700000001u, .state = 63};
    client.announced.facts.public_ip = addr("203.0.113.42");
    strcpy(client.announced.facts.place, "DE");
    strcpy(client.announced.facts.dns, "FR");
    client.announced.facts.vpn_connected = VPS_NO;
    client.announced.facts.dns_verdict = VPS_DNS_VERDICT_INTERCEPTED;
    client.announced.facts.ipv6_verdict = VPS_IPV6_VERDICT_LEAK;
    client.announced.facts.is_servers_ipv6 = VPS_YES;
    client.announced.leak_since = 1700000003u;
    client.announced.ipv6_leak_since = 1700000004u;
    client.announced.bypass_since = UINT32_MAX;
    client.judged = client.announced.facts;
    history_set(&client.history, 1700000000, LIGHT_YELLOW);
    history_set(&client.history, 1700040000 + (int64_t)(uid & 0xFFFF), LIGHT_RED);
    return client;
}

static inline event_t full_event(uint64_t uid, uint64_t number)
{
    event_t event;

    memset(&event, 0, sizeof(event));
    event.uid = uid;
    event.number = number;
    event.when = 1700000000 + (int64_t)(number & 0xFFFF);
    event.seconds = UINT32_MAX;
    event.merged = 3;
    event.kind = EVENT_ADDRESS;
    event.from = addr("203.0.113.1");
    event.to = addr("2001:db8::2");
    strcpy(event.place, "DE");
    strcpy(event.dns, "FR");
    snprintf(event.client_id, sizeof(event.client_id), "client-%llu", (unsigned long long)uid);
    strcpy(event.city, "S\xC3\xA3o \"Paulo\"");
    strcpy(event.provider, "AS9009 M247");
    strcpy(event.dns_colo, "CDG");
    strcpy(event.note, "a note");
    return event;
}

/* Put events of a client, numbered first to last, with messages. */
static inline void put_events(store_t *store, uint64_t uid, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        event_t event = full_event(uid, number);

        store_put_event(store, &event, true);
    }
}

/* --- what is stored --- */

/* What a read visited: so many, the first ones copied. */
typedef struct visited_t {
    size_t count;
    client_t client[8];
    event_t event[8];
} visited_t;

static inline void visit_client(void *ctx, const client_t *client)
{
    visited_t *visited = ctx;

    if (visited->count < COUNT(visited->client)) {
        visited->client[visited->count] = *client;
    }
    visited->count++;
}

static inline void visit_event(void *ctx, const event_t *event)
{
    visited_t *visited = ctx;

    if (visited->count < COUNT(visited->event)) {
        visited->event[visited->count] = *event;
    }
    visited->count++;
}

static inline visited_t read_clients(store_t *store)
{
    visited_t visited = {.count = 0};
    uint64_t last = 0;

    while (store_read_clients(store, last, 1000, &last, visit_client, &visited) > 0) {
    }
    return visited;
}

static inline visited_t read_events(store_t *store)
{
    visited_t visited = {.count = 0};

    store_read_events(store, 0, 1000, visit_event, &visited);
    return visited;
}

/* --- tending --- */

#define MINUTE INT64_C(60000000) /* usec */

static int64_t now; /* of store_tend() */

static inline bool tend(store_t *store)
{
    now += MINUTE;
    return store_tend(store, now);
}

static inline void make_store(uint64_t clients)
{
    store_t *store = open_store();

    for (uint64_t uid = 1; uid <= clients; uid++) {
        client_t client = full_client(uid);

        store_put_client(store, &client);
        put_events(store, uid, 1, 1);
    }
    assert_durable(store);
    store_close(store);
}

static inline void run_sql(const char *name, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path_of(name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline void write_file(const char *name, off_t at, const void *bytes, size_t size)
{
    const int fd = open(path_of(name), O_WRONLY | O_CREAT, 0644);

    assert_true(fd >= 0 && pwrite(fd, bytes, size, at) == (ssize_t)size && close(fd) == 0);
}

static inline off_t size_of(const char *name)
{
    struct stat found;

    return stat(path_of(name), &found) == 0 ? found.st_size : -1;
}

/* Run in another process, which must come to its end. */
static inline void in_child(void (*run)(void))
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Put events of a client, numbered first to last, with messages to Telegram and this destination. */
static inline void put_events_to(store_t *store, uint64_t destination, uint64_t uid, uint64_t first,
                                 uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        event_t event = full_event(uid, number);

        store_put_event(store, &event, true);
        if (event.id != 0) {
            store_put_message(store, event.id, destination);
        }
    }
}

/* What waits for a destination: the numbers of the events, in order, as digits. */
static inline uint64_t waiting_for(store_t *store, uint64_t destination)
{
    uint64_t message = 0, digits = 0;
    event_t event;

    while (store_next_message_to(store, destination, message, &message, &event)) {
        digits = digits * 10 + event.number;
    }
    return digits;
}

/* The oldest message to a destination is delivered. */
static inline void deliver_to(store_t *store, uint64_t destination)
{
    uint64_t message;
    event_t event;

    assert_true(store_next_message_to(store, destination, 0, &message, &event));
    store_remove_message(store, message);
}

/* These messages wait, all of uid 1, in this order, and each event is recorded once. */
static inline void assert_waiting(store_t *store, uint64_t first, uint64_t last)
{
    uint64_t message;
    int64_t oldest;
    event_t event;

    assert_int_equal(store_queue(store, &oldest), last - first + 1);
    assert_true(store_next_message(store, 0, &message, &event));
    assert_int_equal(event.number, first);
    for (uint64_t number = first; number <= last; number++) {
        event = full_event(1, number);
        store_put_event(store, &event, true);
        assert_int_equal(event.id, 0);
    }
    store_rollback(store);
}

static inline void deliver(store_t *store, uint64_t number, store_result_t expected)
{
    uint64_t message;
    event_t event;

    assert_true(store_next_message(store, 0, &message, &event));
    assert_int_equal(event.number, number);
    store_remove_message(store, message);
    assert_int_equal(commit(store), expected);
}

#endif
