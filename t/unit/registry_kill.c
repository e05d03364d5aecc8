/*
 * The registry and processes that die: killed at every point of every operation while they hold the
 * lock, and many processes at once of which some are killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "killpoint.h"
#include "registry_head.h"
#include "registry_memory.h"

#define CLIENTS 130 /* beyond two rounds of bucket splits */

static void fill(memory_t *memory, unsigned int clients)
{
    char id[32];
    unsigned int i;

    for (i = 0; i < clients; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        assert_int_equal(keepalive(memory, id, "Before"), REGISTRY_CREATED);
    }
}

/* --- the operations --- */

static void update(memory_t *memory)
{
    vps_record_t report = report_of("client-7", "After");

    (void)vps_addr_parse(&report.public_ip, "203.0.113.2", 11);
    memset(report.provider, 'p', VPS_PROVIDER_MAX);
    report.vpn_connected = VPS_NO;
    (void)report_at(memory, &report, 1500); /* a return, too */
}

static void create(memory_t *memory)
{
    (void)keepalive(memory, "fresh", "After");
}

static void announce(memory_t *memory)
{
    vps_record_t report = report_of("fresh", "After");
    sighting_t sighting = sighting_of(&report, 1500);

    (void)registry_register(&memory->registry, &sighting);
}

static void take_away(memory_t *memory)
{
    (void)registry_remove(&memory->registry, "client-7");
}

static void mark(memory_t *memory)
{
    client_view_t view;
    announced_t announced;

    memset(&announced, 0, sizeof announced);
    announced.seq = 1;
    announced.number = 1;
    announced.state = ANNOUNCED_FIRST;
    if (registry_get(&memory->registry, "client-7", &view) == REGISTRY_OK) {
        (void)registry_announced(&memory->registry, view.slot, view.client.uid, &announced);
    }
}

static void restore(memory_t *memory, const char *client_id)
{
    client_t stored;
    uint32_t slot;

    memset(&stored, 0, sizeof stored);
    stored.report = report_of(client_id, "Stored");
    memset(stored.report.provider, 's', VPS_PROVIDER_MAX);
    (void)vps_addr_parse(&stored.report.public_ip, "203.0.113.3", 11);
    stored.uid = 42;
    stored.first_seen = 1600000000;
    stored.last_seen = 1699990000;
    stored.keepalives = 1000;
    stored.seq = 9;
    stored.announced.seq = 9;
    stored.announced.number = 20;
    stored.announced.state = ANNOUNCED_FIRST | ANNOUNCED_OFFLINE;
    assess_judged(&stored.judged, &stored.report);
    stored.announced.facts = stored.judged;
    (void)registry_restore(&memory->registry, &stored, &slot);
}

static void bring_back(memory_t *memory)
{
    restore(memory, "fresh");
}

static void adopt(memory_t *memory)
{
    restore(memory, "client-7");
}

static void forget(memory_t *memory)
{
    client_view_t view;

    if (registry_get(&memory->registry, "client-7", &view) == REGISTRY_OK) {
        (void)registry_remove_stale(&memory->registry, view.slot, view.client.uid, view.seen);
    }
}

static void learn_server_ip(memory_t *memory)
{
    server_ip_t ip;

    memset(&ip, 0, sizeof ip);
    (void)vps_addr_parse(&ip.addr[0], "198.51.100.7", 12);
    ip.source = SERVER_IP_IPINFO;
    (void)registry_set_server_ip(&memory->registry, &ip);
}

static void note_lights(memory_t *memory)
{
    client_view_t view;

    if (registry_get(&memory->registry, "client-7", &view) == REGISTRY_OK) {
        history_set(&view.client.history, 1700000000 + view.client.last_seen % 7, LIGHT_RED);
        history_note(&view.client.history, 1699990000, 1699999000, LIGHT_RED);
        (void)registry_set_history(&memory->registry, view.slot, view.client.uid,
                                   &view.client.history, &view.revision);
    }
}

static void live(memory_t *memory)
{
    (void)registry_live(&memory->registry, 1700000000);
}

static void learn_gaps(memory_t *memory)
{
    history_gaps_t stored = {0};

    history_live(&stored, 1690000000);
    (void)registry_join_gaps(&memory->registry, &stored);
}

/* Killed between another's change and its undoing, as often as it takes. */
static void repair(memory_t *memory)
{
    client_view_t view;

    (void)registry_get(&memory->registry, "client-7", &view);
}

typedef struct operation_t {
    void (*run)(memory_t *memory);
    unsigned int clients; /* there before */
    bool with_freed_slot;
    unsigned int undone; /* points at which a kill must leave something to undo, at least */
} operation_t;

/*
 * Run the operation in a child that dies at the given point. Returns false when it came to its end.
 */
static bool dies_at(memory_t *memory, void (*run)(memory_t *), unsigned int point)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        killpoint_countdown = point;
        run(memory);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* --- what there is, slot by slot --- */

typedef struct content_t {
    client_view_t views[CLIENTS + 2]; /* zeroed where there is no client, but for the revision */
    registry_counts_t counts;
    server_ip_t server_ip;
    history_gaps_t gaps;
} content_t;

/* Looks at the revisions before it takes the lock, which undoes a half-made change: as the monitor
 * does. */
static void read_content(memory_t *memory, content_t *content)
{
    uint32_t slot;

    memset(content, 0, sizeof *content);
    for (slot = 0; slot < CLIENTS + 2; slot++) {
        content->views[slot].revision = registry_revision(&memory->registry, slot);
    }
    for (slot = 0; slot < CLIENTS + 2; slot++) {
        client_view_t *view = &content->views[slot];
        uint32_t revision = view->revision;

        if (registry_get_slot(&memory->registry, slot, view) == REGISTRY_OK) {
            assert_int_equal(view->revision, revision);
        }
    }
    content->counts = memory->registry.head->counts;
    assert_int_equal(registry_get_server_ip(&memory->registry, &content->server_ip), REGISTRY_OK);
    assert_int_equal(registry_gaps(&memory->registry, &content->gaps), REGISTRY_OK);
}

static void assert_same_content(const content_t *a, const content_t *b)
{
    uint32_t slot;

    for (slot = 0; slot < CLIENTS + 2; slot++) {
        assert_memory_equal(&a->views[slot].client, &b->views[slot].client, sizeof(client_t));
        assert_int_equal(a->views[slot].seen, b->views[slot].seen);
    }
    assert_memory_equal(&a->counts, &b->counts, offsetof(registry_counts_t, free_slot));
    assert_int_equal(a->counts.free_slot, b->counts.free_slot);
    assert_memory_equal(&a->server_ip, &b->server_ip, sizeof a->server_ip);
    assert_memory_equal(&a->gaps, &b->gaps, sizeof a->gaps);
}

/* The record without what changes no revision: counters, and what the monitor itself wrote. */
static client_t essence_of(const client_view_t *view)
{
    client_t client = view->client;

    client.report.timestamp = 0;
    client.last_seen = 0;
    client.keepalives = 0;
    memset(&client.announced, 0, sizeof client.announced);
    return client;
}

/* Whoever looked at a slot and remembers its revision is told of every change since. */
static void assert_revision_tells(const client_view_t *known, const client_view_t *now)
{
    client_t a = essence_of(known), b = essence_of(now);

    if (memcmp(&a, &b, sizeof a) != 0) {
        assert_true(now->revision > known->revision);
    }
}

static void assert_revisions_tell(const content_t *known, const content_t *now)
{
    uint32_t slot;

    for (slot = 0; slot < CLIENTS + 2; slot++) {
        assert_revision_tells(&known->views[slot], &now->views[slot]);
    }
}

/* --- killed at every point --- */

static void prepare(memory_t *memory, const operation_t *operation, content_t *before)
{
    memory_open(memory, 1024);
    fill(memory, operation->clients);
    if (operation->with_freed_slot) {
        assert_int_equal(registry_remove(&memory->registry, "client-3"), REGISTRY_OK);
        assert_int_equal(registry_remove(&memory->registry, "client-5"), REGISTRY_OK);
    }
    read_content(memory, before);
}

/* A killed change is undone whole or, once it is complete, there whole; the lock is free either
 * way, and the revisions tell the monitor what came of it, then and when it is tried again. */
static void kill_everywhere(const operation_t *operation)
{
    static content_t before, after, in_the_end;
    unsigned int point, undone = 0;
    bool died = true;

    for (point = 1; died; point++) {
        memory_t memory;

        uint64_t keepalives;

        prepare(&memory, operation, &before);
        keepalives = registry_keepalives(&memory.registry);
        died = dies_at(&memory, operation->run, point);
        read_content(&memory, &after);
        assert_valid(&memory);
        if (memory.repaired > 0) {
            undone++;
            assert_same_content(&after, &before);
            assert_int_equal(registry_keepalives(&memory.registry), keepalives);
        }
        assert_revisions_tell(&before, &after);
        operation->run(&memory); /* goes on as if nothing had been */
        read_content(&memory, &in_the_end);
        assert_valid(&memory);
        assert_revisions_tell(&after, &in_the_end);
        memory_close(&memory);
    }
    print_message("# %u points, %u undone\n", point - 2, undone);
    assert_true(undone >= operation->undone);
    assert_true(undone < point - 1);
}

static void test_killed_while_it_updates(void **state)
{
    const operation_t operation = {update, 40, false, 10};

    (void)state;
    kill_everywhere(&operation);
}

static void test_killed_while_it_creates(void **state)
{
    const operation_t operations[] = {
        {create, 40, false, 10}, {create, CLIENTS, false, 10}, {create, CLIENTS, true, 10}};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        kill_everywhere(&operations[i]);
    }
}

static void test_killed_while_it_registers(void **state)
{
    const operation_t operation = {announce, CLIENTS, true, 10};

    (void)state;
    kill_everywhere(&operation);
}

static void test_killed_while_it_removes(void **state)
{
    const operation_t operations[] = {{take_away, 40, false, 10},
                                      {take_away, CLIENTS, true, 10},
                                      {forget, 40, false, 10},
                                      {forget, CLIENTS, true, 10}};
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        kill_everywhere(&operations[i]);
    }
}

static void test_killed_while_it_marks(void **state)
{
    const operation_t operations[] = {{mark, 40, false, 2},
                                      {learn_server_ip, 1, false, 2},
                                      {note_lights, 40, false, 4},
                                      {live, 1, false, 2},
                                      {learn_gaps, 1, false, 2}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        kill_everywhere(&operations[i]);
    }
}

static void test_killed_while_it_restores(void **state)
{
    const operation_t operations[] = {{bring_back, 40, false, 10},
                                      {bring_back, CLIENTS, true, 10},
                                      {adopt, 40, false, 10},
                                      {adopt, CLIENTS, true, 10}};
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        kill_everywhere(&operations[i]);
    }
}

static void test_killed_while_it_repairs(void **state)
{
    static const operation_t operation = {update, 40, false, 0};
    static content_t before, after;
    memory_t memory;
    unsigned int point;

    (void)state;
    prepare(&memory, &operation, &before);
    assert_true(dies_at(&memory, update, 14));
    for (point = 1; dies_at(&memory, repair, point); point++) {
    }
    assert_true(point > 3);
    assert_valid(&memory);
    read_content(&memory, &after);
    assert_same_content(&after, &before);
    memory_close(&memory);
}

/* --- many at once --- */

/* Reports and removals of few clients by random, with texts that show a torn record; dies at some
 * point. */
static void churn(memory_t *memory, unsigned int seed)
{
    char id[32], text[VPS_CITY_MAX + 1];
    client_view_t view;
    vps_record_t report;
    int round;

    killpoint_countdown = seed % 3 == 0 ? 20000 + seed % 977 : 0;
    for (round = 0; round < 4000; round++) {
        unsigned int letter = (unsigned int)rand_r(&seed) % 26;

        (void)snprintf(id, sizeof id, "churn-%u", (unsigned int)rand_r(&seed) % 200);
        if (rand_r(&seed) % 4 == 0) {
            (void)registry_remove(&memory->registry, id);
            continue;
        }
        memset(text, (int)('a' + letter), VPS_CITY_MAX);
        text[VPS_CITY_MAX] = '\0';
        report = report_of(id, text);
        memcpy(report.client_version, text, VPS_CLIENT_VERSION_MAX);
        (void)report_at(memory, &report, 1001 + round);
        if (registry_get(&memory->registry, id, &view) == REGISTRY_OK &&
            memcmp(view.client.report.city, view.client.report.client_version,
                   VPS_CLIENT_VERSION_MAX) != 0) {
            _exit(3);
        }
    }
}

/*
 * A look around as the monitor takes it: copies what the revisions tell of, and marks it announced.
 * Returns true when it found anything.
 */
static bool sweep(memory_t *memory, client_view_t *known)
{
    uint32_t slot, slots = registry_slots(&memory->registry);
    bool found = false;

    for (slot = 0; slot < slots; slot++) {
        uint32_t revision = registry_revision(&memory->registry, slot);
        client_view_t *view = &known[slot];

        if (revision == view->revision) {
            continue;
        }
        found = true;
        memset(view, 0, sizeof *view);
        if (registry_get_slot(&memory->registry, slot, view) == REGISTRY_OK) {
            announced_t announced = {.seq = view->client.seq,
                                     .number = view->client.announced.number + 1};

            (void)registry_announced(&memory->registry, slot, view->client.uid, &announced);
        } else {
            view->revision = revision;
        }
    }
    return found;
}

/* Nothing has changed of which the revisions did not tell. */
static void assert_known(memory_t *memory, const client_view_t *known)
{
    uint32_t slot;

    for (slot = 0; slot < registry_slots(&memory->registry); slot++) {
        client_view_t view;

        memset(&view, 0, sizeof view);
        (void)registry_get_slot(&memory->registry, slot, &view);
        view.revision = registry_revision(&memory->registry, slot);
        assert_int_equal(view.revision, known[slot].revision);
        assert_revision_tells(&known[slot], &view);
    }
}

static void test_many_processes(void **state)
{
    enum { PROCESSES = 9 };
    static client_view_t known[1024];
    memory_t memory;
    unsigned int n, killed = 0;
    int status;

    (void)state;
    memory_open(&memory, 1024);
    for (n = 0; n < PROCESSES; n++) {
        if (fork() == 0) {
            churn(&memory, n);
            _exit(0);
        }
    }
    for (n = 0; n < PROCESSES;) {
        pid_t pid = waitpid(-1, &status, WNOHANG);

        assert_true(pid >= 0);
        if (pid == 0) {
            (void)sweep(&memory, known);
            continue;
        }
        n++;
        if (WIFSIGNALED(status)) {
            killed++;
        } else {
            assert_int_equal(WEXITSTATUS(status), 0);
        }
    }
    assert_int_equal(killed, PROCESSES / 3);
    while (sweep(&memory, known)) {
    }
    assert_known(&memory, known);
    assert_valid(&memory);
    memory_close(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_while_it_updates),
        cmocka_unit_test(test_killed_while_it_creates),
        cmocka_unit_test(test_killed_while_it_registers),
        cmocka_unit_test(test_killed_while_it_removes),
        cmocka_unit_test(test_killed_while_it_marks),
        cmocka_unit_test(test_killed_while_it_restores),
        cmocka_unit_test(test_killed_while_it_repairs),
        cmocka_unit_test(test_many_processes),
    };

    return cmocka_run_group_tests_name("registry_kill", tests, NULL, NULL);
}
