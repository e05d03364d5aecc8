/*
 * What happens to clients while monitors announce it, and what is to be announced of it; the monitor
 * killed on the way, at every point.
 */
#ifndef MONITOR_SCENARIOS_H
#define MONITOR_SCENARIOS_H

#include "monitor_ledger.h"

#define EXPECTED_MAX 10

typedef struct scenario_t {
    void (*before)(world_t *world); /* and what monitors made of it */
    void (*first)(world_t *world);  /* what the monitor finds that is killed */
    void (*second)(world_t *world); /* what happens afterwards */
    bool is_summed_up;              /* see world_t */
    bool delivers_from_memory;      /* there is no folder */
    expected_t expected[EXPECTED_MAX];
} scenario_t;

/* --- every kind of change --- */

static inline void change_before(world_t *world)
{
    is_fine(world, "a", 'A');
    is_fine(world, "b", 'B');
    is_fine(world, "c", 'C');
    is_fine(world, "d", 'D');
    is_fine(world, "e", 'E');
    is_fine(world, "f", 'F');
    says_verdicts(world, "g", VPS_DNS_VERDICT_TUNNEL, VPS_IPV6_VERDICT_TUNNEL, 'A');
    monitor_lives(world);
}

static inline void change_first(world_t *world)
{
    world->second += 10;
    is_fine(world, "a", 'G');
    says(world, "b", 'B', "DE", "FR", 'y');
    is_fine(world, "c", 'S');
    says(world, "d", 'D', "DE", "DE", 'n');
    says(world, "e", 'H', "DE", "FR", 'n');
    says_verdicts(world, "g", VPS_DNS_VERDICT_LEAK, VPS_IPV6_VERDICT_LEAK, 'S');
    says(world, "h", 'I', "DE", "DE", 'n');
}

static inline void change_second(world_t *world)
{
    world->second += 10;
    is_fine(world, "a", 'A');
    is_fine(world, "b", 'B');
    is_fine(world, "c", 'C');
    is_fine(world, "d", 'D');
    is_fine(world, "e", 'E');
    says_verdicts(world, "g", VPS_DNS_VERDICT_ALLOWED, VPS_IPV6_VERDICT_BLOCKED, '-');
    is_fine(world, "h", 'I');
}

__attribute__((unused)) static const scenario_t changes = {
    .before = change_before,
    .first = change_first,
    .second = change_second,
    .expected =
        {{"", "server_started", NULL},
         {"a", "connected ip_changed ip_changed", "F"},
         {"b", "connected dns_leak dns_leak_over", "F"},
         {"c", "connected ip_changed bypass ip_changed bypass_over", "F"},
         {"d", "connected vpn_disconnected vpn_reconnected", "F"},
         {"e",
          "connected ip_changed dns_leak vpn_disconnected ip_changed dns_leak_over vpn_reconnected",
          "F"},
         {"f", "connected", "F"},
         {"g", "connected dns_leak ipv6_leak bypass dns_leak_over ipv6_leak_over bypass_over", "F"},
         {"h", "vpn_disconnected vpn_reconnected", "F"}},
};

/* --- silence --- */

static inline void silence_before(world_t *world)
{
    is_fine(world, "a", 'A');
    is_fine(world, "b", 'B');
    is_fine(world, "c", 'C');
    monitor_lives(world);
}

static inline void silence_first(world_t *world)
{
    world->second += 400;
    is_fine(world, "c", 'C');
}

static inline void silence_second(world_t *world)
{
    world->second += 10;
    says(world, "a", 'G', "DE", "FR", 'n');
    says_verdicts(world, "g", VPS_DNS_VERDICT_INTERCEPTED, VPS_IPV6_VERDICT_LEAK, 'S');
}

__attribute__((unused)) static const scenario_t silence = {
    .before = silence_before,
    .first = silence_first,
    .second = silence_second,
    .expected = {{"", "server_started", NULL},
                 {"a", "connected offline vpn_disconnected ip_changed dns_leak", "FLD"},
                 {"b", "connected offline", "FO"},
                 {"c", "connected offline connected", "F"},
                 {"g", "connected dns_leak ipv6_leak bypass", "FL6B"}},
};

/* --- registration and removal --- */

static inline void registers(world_t *world, const char *client_id)
{
    const vps_record_t report = report_of(client_id, "");
    const sighting_t sighting = sighting_of(&report, world->second);

    assert_int_equal(registry_register(&world->memory.registry, &sighting), REGISTRY_CREATED);
}

static inline void removal_before(world_t *world)
{
    is_fine(world, "a", 'A');
    is_fine(world, "b", 'B');
    is_fine(world, "c", 'C');
    is_fine(world, "d", 'D');
    monitor_lives(world);
}

static inline void removal_first(world_t *world)
{
    world->second += 10;
    leaves(world, "b");
    leaves(world, "c");
    leaves(world, "d");
    is_fine(world, "c", 'C'); /* in another slot */
    registers(world, "d");
    is_fine(world, "f", 'F');
}

static inline void removal_second(world_t *world)
{
    world->second += 10;
    leaves(world, "f");
    leaves(world, "c");
    is_fine(world, "c", 'G');
    is_fine(world, "d", 'D');
}

__attribute__((unused)) static const scenario_t removal = {
    .before = removal_before,
    .first = removal_first,
    .second = removal_second,
    .expected = {{"", "server_started", NULL},
                 {"a", "connected", "F"},
                 {"b", "connected", NULL},
                 {"c", "connected connected connected", "F"},
                 {"d", "connected connected", "F"},
                 {"f", "connected", NULL}},
};

/* --- forgetting --- */

#define DAY 86400

static inline void forget_before(world_t *world)
{
    world->forget_after = DAY;
    is_fine(world, "a", 'A');
    is_fine(world, "b", 'B');
    is_fine(world, "c", 'C');
    registers(world, "d");
    monitor_lives(world);
    world->second += 400;
    is_fine(world, "b", 'B');
    monitor_lives(world);
}

static inline void forget_first(world_t *world)
{
    world->second += DAY;
    is_fine(world, "b", 'B');
}

static inline void forget_second(world_t *world)
{
    world->second += 10;
    is_fine(world, "a", 'A');
}

__attribute__((unused)) static const scenario_t forgetting = {
    .before = forget_before,
    .first = forget_first,
    .second = forget_second,
    .expected = {{"", "server_started", NULL},
                 {"a", "connected offline forgotten connected", "F"},
                 {"b", "connected offline connected offline connected", "F"},
                 {"c", "connected offline forgotten", NULL},
                 {"d", "forgotten", NULL}},
};

/* --- the server's address --- */

static inline void address_before(world_t *world)
{
    is_fine(world, "a", 'A');
    is_fine(world, "b", 'B');
    is_fine(world, "c", 'B');
    is_fine(world, "d", 'B');
    is_fine(world, "e", 'S');
    monitor_lives(world);
    world->second += 10;
    is_fine(world, "e", 'E');
    monitor_lives(world);
}

static inline void address_of_one(world_t *world)
{
    world->second += 10;
    set_server(world, 'A');
}

static inline void address_of_several(world_t *world)
{
    world->second += 10;
    set_server(world, 'B');
}

static inline void address_of_none(world_t *world)
{
    world->second += 10;
    set_server(world, 'T');
}

__attribute__((unused)) static const scenario_t one_address = {
    .before = address_before,
    .first = address_of_one,
    .second = address_of_none,
    .expected = {{"", "server_started server_ip_changed server_ip_changed", NULL},
                 {"a", "connected bypass bypass_over", "F"},
                 {"b", "connected", "F"},
                 {"c", "connected", "F"},
                 {"d", "connected", "F"},
                 {"e", "connected bypass ip_changed bypass_over", "F"}},
};

__attribute__((unused)) static const scenario_t several_addresses = {
    .before = address_before,
    .first = address_of_several,
    .second = address_of_one,
    .is_summed_up = true,
    .expected = {{"", "server_started server_ip_changed server_ip_changed", NULL},
                 {"a", "connected", "FB"},
                 {"b", "connected", "F"},
                 {"c", "connected", "F"},
                 {"d", "connected", "F"},
                 {"e", "connected bypass ip_changed bypass_over", "F"}},
};

/* --- the very first monitor, which makes the store --- */

static inline void do_nothing(world_t *world)
{
    (void)world;
}

static inline void beginning_first(world_t *world)
{
    world->second += 10;
    is_fine(world, "a", 'A');
    says(world, "b", 'S', "DE", "FR", 'n');
}

__attribute__((unused)) static const scenario_t beginning = {
    .before = do_nothing,
    .first = beginning_first,
    .second = do_nothing,
    .expected = {{"", "server_started", NULL},
                 {"a", "connected", "F"},
                 {"b", "vpn_disconnected dns_leak bypass", "FLBD"}},
};

/* --- killed at every point --- */

/* What comes behind the kill; the world is closed by it. */
typedef void afterwards_t(world_t *world, const scenario_t *scenario);

static inline void kill_everywhere(const scenario_t *scenario, afterwards_t *afterwards)
{
    bool died = true;
    unsigned int point;
    world_t world;
    saved_t saved;

    world_open(&world);
    world.is_summed_up = scenario->is_summed_up;
    world.is_in_memory = scenario->delivers_from_memory;
    world.is_deaf = !scenario->delivers_from_memory;
    scenario->before(&world);
    world_save(&world, &saved);
    for (point = 1; died; point++) {
        world_restore(&world, &saved);
        scenario->first(&world);
        died = monitor_dies_at(&world, point);
        afterwards(&world, scenario);
    }
    print_message("# %u points\n", point - 2);
    assert_true(point > 10);
    saved_free(&saved);
    world_close(&world);
}

#endif
