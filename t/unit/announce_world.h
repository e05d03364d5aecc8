/*
 * One world and one monitor in it, which a test begins and ends.
 */
#ifndef ANNOUNCE_WORLD_H
#define ANNOUNCE_WORLD_H

#include "monitor_ledger.h"

static world_t world;
static monitor_t monitor;

static inline void begin(uint32_t capacity)
{
    world_open_for(&world, capacity);
    assert_true(monitor_open(&monitor, &world));
}

static inline void end(void)
{
    assert_valid(&world.memory);
    monitor_close(&monitor);
    world_close(&world);
}

static inline bool look_at(int64_t second)
{
    world.second = second;
    return monitor_look(&monitor);
}

static inline const char *name_of(unsigned int client)
{
    static char name[16];

    snprintf(name, sizeof name, "client-%u", client);
    return name;
}

#endif
