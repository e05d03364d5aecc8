/*
 * mod_vpnsentinel/announce.h: another address of the server, and what is said of the clients that
 * become or cease to be a bypass by it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "announce_world.h"

static event_t newest_event(void)
{
    uint64_t cursor = event_ring_end(world.ring);
    event_t event;

    assert_true(event_ring_before(world.ring, &cursor, &event));
    return event;
}

static char *long_name(char first)
{
    static char name[VPS_CLIENT_ID_MAX + 1];

    memset(name, 'x', VPS_CLIENT_ID_MAX);
    name[0] = first;
    return name;
}

static void assert_note(const char *expected)
{
    const event_t event = newest_event();

    assert_int_equal(event.kind, EVENT_SERVER_ADDRESS);
    assert_int_equal(event.uid, 0);
    assert_string_equal(event.note, expected);
}

#define WARNING "\xe2\x9a\xa0\xef\xb8\x8f VPN BYPASS WARNING: "

static void test_clients_that_are_told_together(void **state)
{
    (void)state;
    begin(1024);
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'A');
    is_fine(&world, "c", 'C');
    assert_true(look_at(1000));
    set_server(&world, 'A');
    assert_true(look_at(1001));
    assert_note(WARNING "2 clients have the same IP as server: a, b");
    set_server(&world, 'C');
    assert_true(look_at(1002));
    assert_note(WARNING "1 client has the same IP as server: c; 2 no longer");
    is_fine(&world, "a", 'C');
    assert_true(look_at(1003));
    assert_int_equal(newest_event().kind, EVENT_BYPASS); /* its own doing */
    set_server(&world, 'T');
    assert_true(look_at(1004));
    assert_note("2 clients no longer have the same IP as server");
    set_server(&world, 'U');
    assert_true(look_at(1005));
    assert_note(""); /* nobody */
    end();
}

static void test_a_few_of_many_are_named(void **state)
{
    char expected[EVENT_NOTE_SIZE];

    (void)state;
    begin(1024);
    for (unsigned int i = 0; i < 7; i++) {
        is_fine(&world, name_of(i), 'A');
    }
    is_fine(&world, long_name('1'), 'B');
    is_fine(&world, long_name('2'), 'B');
    assert_true(look_at(1000));
    set_server(&world, 'A');
    assert_true(look_at(1001));
    assert_note(WARNING "7 clients have the same IP as server: "
                        "client-0, client-1, client-2, client-3, client-4, ...");
    set_server(&world, 'B');
    assert_true(look_at(1002));
    snprintf(expected, sizeof expected,
             WARNING "2 clients have the same IP as server: %s, ...; 7 no longer", long_name('1'));
    assert_note(expected);
    end();
}

/* One client is told by itself; the server's own event only when another address was known. */
static void test_one_client(void **state)
{
    const server_ip_t unknown = {.source = SERVER_IP_UNKNOWN};
    const server_ip_t now = {.addr = {ip_of('A')}, .source = SERVER_IP_IPINFO};
    announce_moment_t moment;
    visited_t told;

    (void)state;
    begin(1024);
    is_fine(&world, "a", 'A');
    assert_true(look_at(1000));
    assert_int_equal(registry_set_server_ip(&world.memory.registry, &now), REGISTRY_OK);
    moment = moment_of(&world);
    assert_true(announce_server_ip(monitor.announcer, &moment, &unknown, &now));
    told = read_events(monitor.store);
    assert_int_equal(told.count, 3);
    assert_int_equal(told.event[2].kind, EVENT_BYPASS);
    set_server(&world, 'T');
    monitor.announced_ip = now;
    assert_true(look_at(1001));
    told = read_events(monitor.store);
    assert_int_equal(told.count, 5);
    assert_int_equal(told.event[3].kind, EVENT_BYPASS_OVER);
    assert_int_equal(told.event[4].kind, EVENT_SERVER_ADDRESS);
    assert_true(vps_addr_equal(&told.event[4].from, &now.addr[0]));
    end();
}

static void set_both(char ip4, char ip6)
{
    server_ip_t ip = {.addr = {ip_of(ip4), ip6_of(ip6)}, .source = SERVER_IP_IPINFO};

    assert_int_equal(registry_set_server_ip(&world.memory.registry, &ip), REGISTRY_OK);
}

/* To learn of another kind of address is no change. */
static void test_two_kinds_of_address(void **state)
{
    event_t event;

    (void)state;
    begin(1024);
    assert_true(look_at(1000));
    set_both('S', 'S');
    assert_true(look_at(1001));
    assert_int_equal(newest_event().kind, EVENT_STARTED);
    set_both('S', 'T');
    assert_true(look_at(1002));
    event = newest_event();
    assert_int_equal(event.kind, EVENT_SERVER_ADDRESS);
    assert_memory_equal(&event.from, &(server_ip_t){.addr = {ip6_of('S')}}, sizeof event.from);
    assert_memory_equal(&event.to, &(server_ip_t){.addr = {ip6_of('T')}}, sizeof event.to);
    end();
}

/* What has not been announced of a client yet comes with its own events. */
static void test_a_client_with_changes_of_its_own(void **state)
{
    visited_t told;

    (void)state;
    begin(1024);
    is_fine(&world, "a", 'A');
    is_fine(&world, "b", 'B');
    assert_true(look_at(1000));
    world.second = 1001;
    is_fine(&world, "a", 'C');
    is_fine(&world, "b", 'C');
    set_server(&world, 'C');
    assert_true(look_at(1001));
    told = read_events(monitor.store);
    assert_int_equal(told.count, 8);
    assert_int_equal(told.event[3].kind, EVENT_SERVER_ADDRESS);
    assert_string_equal(told.event[3].note, "");
    assert_int_equal(told.event[4].kind, EVENT_ADDRESS);
    assert_int_equal(told.event[5].kind, EVENT_BYPASS);
    end();
}

/* Its light is what it was, but not what is said of it: who shows it has to know. */
static void test_a_client_whose_light_stays(void **state)
{
    const registry_t *registry = &world.memory.registry;
    uint32_t before;

    (void)state;
    begin(1024);
    says(&world, "a", 'A', "DE", "DE", 'n');
    says(&world, "b", 'B', "DE", "DE", 'n');
    assert_true(look_at(1000));
    before = registry_newest_revision(registry);
    set_server(&world, 'A');
    assert_true(look_at(1001));
    assert_true(registry_changed_since(registry, 0, before));
    assert_false(registry_changed_since(registry, 1, before));
    before = registry_newest_revision(registry);
    assert_true(look_at(1002));
    assert_int_equal(registry_newest_revision(registry), before);
    end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_start, folder_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_clients_that_are_told_together),
        TEST(test_a_few_of_many_are_named),
        TEST(test_one_client),
        TEST(test_two_kinds_of_address),
        TEST(test_a_client_with_changes_of_its_own),
        TEST(test_a_client_whose_light_stays),
    };

    return cmocka_run_group_tests_name("announce_server", tests, disk_start, NULL);
}
