/*
 * A registry in shared anonymous memory behind a robust process-shared mutex, as in httpd, for the
 * tests of the registry; and short ways to make a sighting.
 */
#ifndef REGISTRY_MEMORY_H
#define REGISTRY_MEMORY_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "assess.h"
#include "registry.h"

#define SECOND INT64_C(1000000)
#define MEMORY_FIRST_UID 5000 /* the registry is made at second 1000 */

typedef struct memory_t {
    pthread_mutex_t *mutex; /* shared */
    void *base;             /* shared */
    size_t size;            /* bytes at base */
    unsigned int repaired;  /* calls of lock.repaired in this process */
    registry_t registry;
} memory_t;

static inline bool memory_acquire(void *ctx)
{
    memory_t *memory = ctx;
    int error = pthread_mutex_lock(memory->mutex);

    if (error == EOWNERDEAD) {
        error = pthread_mutex_consistent(memory->mutex);
    }
    return error == 0;
}

static inline void memory_release(void *ctx)
{
    pthread_mutex_unlock(((memory_t *)ctx)->mutex);
}

static inline void memory_repaired(void *ctx)
{
    ((memory_t *)ctx)->repaired++;
}

static inline void *memory_map(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(base, MAP_FAILED);
    return base;
}

static inline void memory_open(memory_t *memory, uint32_t capacity)
{
    static const registry_seed_t seed = {"an index key 16", 77, MEMORY_FIRST_UID};
    registry_lock_t lock = {memory_acquire, memory_release, memory_repaired, memory};
    pthread_mutexattr_t attributes;

    memset(memory, 0, sizeof *memory);
    memory->mutex = memory_map(sizeof *memory->mutex);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    assert_int_equal(pthread_mutex_init(memory->mutex, &attributes), 0);
    memory->size = registry_size(capacity);
    memory->base = memory_map(memory->size);
    registry_create(memory->base, capacity, &seed, 1700000000, 1000 * SECOND);
    registry_attach(&memory->registry, memory->base, &lock);
}

static inline void memory_close(memory_t *memory)
{
    munmap(memory->base, memory->size);
    munmap(memory->mutex, sizeof *memory->mutex);
}

static inline void assert_valid(memory_t *memory)
{
    char why[200];

    if (!registry_validate(&memory->registry, why, sizeof why)) {
        fail_msg("%s", why);
    }
}

/* A report of a client: city says something about it. */
static inline vps_record_t report_of(const char *client_id, const char *city)
{
    vps_record_t report;

    memset(&report, 0, sizeof report);
    (void)snprintf(report.client_id, sizeof report.client_id, "%s", client_id);
    (void)snprintf(report.city, sizeof report.city, "%s", city);
    return report;
}

/* The sighting of a report at a second of the monotonic clock. */
static inline sighting_t sighting_of(const vps_record_t *report, int64_t second)
{
    sighting_t sighting;

    memset(&sighting, 0, sizeof sighting);
    sighting.report = report;
    assess_judged(&sighting.judged, report);
    (void)vps_addr_parse(&sighting.observed_ip, "192.0.2.1", 9);
    sighting.when = 1700000000 + second;
    sighting.now = second * SECOND;
    sighting.offline_threshold = 300 * SECOND;
    return sighting;
}

static inline bool changed_by(memory_t *memory, const sighting_t *sighting)
{
    bool changed = true;

    assert_in_range(registry_keepalive(&memory->registry, sighting, &changed), REGISTRY_OK,
                    REGISTRY_CREATED);
    return changed;
}

static inline registry_result_t report_at(memory_t *memory, const vps_record_t *report,
                                          int64_t second)
{
    sighting_t sighting = sighting_of(report, second);
    bool changed;

    return registry_keepalive(&memory->registry, &sighting, &changed);
}

static inline registry_result_t keepalive(memory_t *memory, const char *client_id, const char *city)
{
    vps_record_t report = report_of(client_id, city);

    return report_at(memory, &report, 1001);
}

static inline client_view_t view_of(memory_t *memory, const char *client_id)
{
    client_view_t view;

    assert_int_equal(registry_get(&memory->registry, client_id, &view), REGISTRY_OK);
    return view;
}

static inline bool is_offline_at(memory_t *memory, const char *client_id, int64_t second)
{
    assess_facts_t facts;

    assert_int_equal(registry_facts(&memory->registry, &facts, second * SECOND, 300 * SECOND),
                     REGISTRY_OK);
    return assess_is_offline(view_of(memory, client_id).seen, &facts);
}

#endif
