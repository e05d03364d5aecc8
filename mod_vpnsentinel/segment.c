#include "segment.h"

#include <sys/mman.h>

#include "ap_mpm.h"
#include "http_core.h"
#include "http_main.h"
#include "util_mutex.h"

#include "apr_global_mutex.h"
#include "apr_shm.h"
#include "apr_strings.h"
#include "apr_thread_proc.h"

#include "clock.h"
#include "config.h"

#define MUTEX_NAME "vpnsentinel"
#define RETAINED_KEY "mod_vpnsentinel/1"
#define SPINS 50                 /* tries for the lock before the processor is given away */
#define YIELDS 50                /* and with it given away, before the kernel is asked to wait */
#define RATELIMIT_ENTRIES 65536u /* addresses */
#define RESERVE_FACTOR 4u        /* slots reserved for each client allowed: a limit may grow */
#define RESERVE_MIN 65536u       /* slots */
#define PAGE 4096u               /* bytes; what is not used stays on pages of its own */
#define SEGMENT_LAYOUT 7u        /* to be raised when the memory changes its meaning */

/* The start of the segment. */
typedef struct segment_t {
    uint32_t layout;
    uint32_t reserved;
    uint64_t ratelimit; /* bytes from the start */
    uint64_t events;    /* the same */
    uint32_t called;    /* atomic: something waits for the monitor to look at it */
    uint32_t told;      /* atomic: the error log says that the dashboard is public */
    int64_t called_at;  /* atomic: since when, monotonic usec */
    int64_t looked_at;  /* atomic: the same of what it looks at and has not recorded; 0 = nothing */
    flood_t flood;
    notice_t notice;
    vitals_t vitals;
    counters_t counters;
} segment_t;

/* What outlives a reload; the module is unloaded then, so that no static of it does. */
typedef struct retained_t {
    apr_shm_t *shm;
    apr_global_mutex_t *mutex;
} retained_t;

static retained_t *retained;
static segment_t *segment;
static registry_t registry;

_Static_assert(sizeof(segment_t) <= PAGE, "the registry begins on a page of its own");

registry_t *segment_registry(void)
{
    return segment != NULL ? &registry : NULL;
}

ratelimit_table_t *segment_ratelimit(void)
{
    return (ratelimit_table_t *)(void *)((char *)segment + segment->ratelimit);
}

event_ring_t *segment_events(void)
{
    return (event_ring_t *)(void *)((char *)segment + segment->events);
}

notice_t *segment_notice(void)
{
    return &segment->notice;
}

vitals_t *segment_vitals(void)
{
    return &segment->vitals;
}

void segment_copy_vitals(vitals_t *out)
{
    memset(out, 0, sizeof *out);
    if (registry_acquire(&registry)) {
        *out = segment->vitals;
        registry_release(&registry);
    }
}

flood_t *segment_flood(void)
{
    return segment != NULL ? &segment->flood : NULL;
}

counters_t *segment_counters(void)
{
    return segment != NULL ? &segment->counters : NULL;
}

/* --- what waits for the monitor --- */

bool segment_call_monitor(void)
{
    if (__atomic_exchange_n(&segment->called, 1, __ATOMIC_ACQ_REL) != 0) {
        return false;
    }
    __atomic_store_n(&segment->called_at, clock_monotonic(), __ATOMIC_RELAXED);
    return true;
}

void segment_look(void)
{
    if (__atomic_exchange_n(&segment->called, 0, __ATOMIC_SEQ_CST) != 0 &&
        __atomic_load_n(&segment->looked_at, __ATOMIC_RELAXED) == 0) {
        __atomic_store_n(&segment->looked_at,
                         __atomic_load_n(&segment->called_at, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    }
}

void segment_recorded(void)
{
    __atomic_store_n(&segment->looked_at, 0, __ATOMIC_RELAXED);
}

int64_t segment_waiting_since(void)
{
    const int64_t looked_at = __atomic_load_n(&segment->looked_at, __ATOMIC_RELAXED);

    if (looked_at != 0 || __atomic_load_n(&segment->called, __ATOMIC_RELAXED) == 0) {
        return looked_at;
    }
    return __atomic_load_n(&segment->called_at, __ATOMIC_RELAXED);
}

bool segment_is_public_told(void)
{
    return __atomic_load_n(&segment->told, __ATOMIC_RELAXED) != 0;
}

bool segment_tell_public(void)
{
    return __atomic_exchange_n(&segment->told, 1, __ATOMIC_RELAXED) == 0;
}

/* --- the lock --- */

static void pause_processor(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static apr_status_t try_often(int tries, void (*between)(void))
{
    apr_status_t rv = apr_global_mutex_trylock(retained->mutex);

    for (; tries > 0 && APR_STATUS_IS_EBUSY(rv); tries--) {
        between();
        rv = apr_global_mutex_trylock(retained->mutex);
    }
    return rv;
}

/*
 * Critical sections are far shorter than putting a thread to sleep, and a mutex that is handed to a
 * sleeper (as APR's robust one is) makes a convoy. A holder that lost its processor gets it back
 * sooner when those who wait give away theirs.
 */
static bool acquire(void *unused)
{
    apr_status_t rv = try_often(SPINS, pause_processor);

    (void)unused;
    if (APR_STATUS_IS_EBUSY(rv)) {
        rv = try_often(YIELDS, apr_thread_yield);
    }
    if (rv != APR_SUCCESS) {
        rv = apr_global_mutex_lock(retained->mutex);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, ap_server_conf,
                     "VPNS0010: the mutex of the registry cannot be locked");
    }
    return rv == APR_SUCCESS;
}

static void release(void *unused)
{
    apr_status_t rv = apr_global_mutex_unlock(retained->mutex);

    (void)unused;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, ap_server_conf,
                     "VPNS0011: the mutex of the registry cannot be unlocked");
    }
}

#ifdef VPS_TEST_HOOKS
static void tell_fault(void)
{
    char why[200];

    if (segment != NULL && !registry_validate(&registry, why, sizeof why)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf, "VPNS0099: not repaired: %s", why);
    }
}
#else
#define tell_fault() ((void)0)
#endif

static void tell_repaired(void *unused)
{
    (void)unused;
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                 "VPNS0012: a process died while it changed the registry; the change was undone");
    tell_fault();
}

static const registry_lock_t lock = {acquire, release, tell_repaired, NULL};

apr_status_t segment_register_mutex(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX_NAME, NULL, APR_LOCK_DEFAULT, 0);
}

static bool is_safe(apr_global_mutex_t *mutex)
{
    return strcmp(apr_global_mutex_name(mutex), "posixsem") != 0;
}

static const char unsafe_mutex[] =
    "Mutex: POSIX semaphores cannot guard the registry, because they stay locked when a process "
    "is killed that holds one. Write instead: Mutex fcntl " MUTEX_NAME;

const char *segment_check_mutex(apr_pool_t *ptemp, server_rec *s)
{
    apr_global_mutex_t *mutex;
    const char *fault = NULL;

    /*
     * Made and thrown away, only to learn its mechanism: httpd tells it in no other way. The name is
     * not the real one's, whose lock file would go with it.
     */
    if (ap_global_mutex_create(&mutex, NULL, MUTEX_NAME, "check", s, ptemp, 0) == APR_SUCCESS) {
        fault = is_safe(mutex) ? NULL : unsafe_mutex;
        apr_global_mutex_destroy(mutex);
    }
    return fault;
}

/* --- making and finding --- */

static apr_status_t make_mutex(server_rec *s)
{
    apr_status_t rv =
        ap_global_mutex_create(&retained->mutex, NULL, MUTEX_NAME, NULL, s, s->process->pool, 0);

    if (rv == APR_SUCCESS && !is_safe(retained->mutex)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "VPNS0013: %s", unsafe_mutex);
        retained->mutex = NULL;
        return APR_ENOTIMPL;
    }
    return rv;
}

static uint32_t reserve_for(uint32_t max_clients)
{
    uint32_t slots = max_clients * RESERVE_FACTOR;

    slots = slots > RESERVE_MIN ? slots : RESERVE_MIN;
    return slots < REGISTRY_CAPACITY_MAX ? slots : REGISTRY_CAPACITY_MAX;
}

/* APR keeps a word of its own at the start of the mapping: our part begins at the next page. */
static segment_t *segment_in(apr_shm_t *shm)
{
    uintptr_t base = (uintptr_t)apr_shm_baseaddr_get(shm);

    return (segment_t *)((base + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
}

/* Where the parts are, from the start of the segment. */
static void lay_out(segment_t *out, uint32_t capacity, size_t *size)
{
    out->layout = SEGMENT_LAYOUT;
    out->events = PAGE + registry_size(capacity);
    out->ratelimit = out->events + ((event_ring_size() + PAGE - 1) & ~(size_t)(PAGE - 1));
    *size = out->ratelimit + ratelimit_size(RATELIMIT_ENTRIES);
}

/* Everything in it that must not be guessed. */
typedef struct seeds_t {
    registry_seed_t registry;
    uint8_t ratelimit[16];
} seeds_t;

static apr_status_t draw_seeds(seeds_t *seeds)
{
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)seeds, sizeof *seeds);

    /* The store keeps both as signed numbers, and first_uid is to be counted on from. */
    seeds->registry.incarnation >>= 1;
    seeds->registry.first_uid = (seeds->registry.first_uid >> 2) + 1;
    return rv;
}

static apr_status_t fill_segment(apr_shm_t *shm, const segment_t *layout, size_t size,
                                 uint32_t capacity)
{
    segment_t *fresh = segment_in(shm);
    char *base = (char *)fresh;
    seeds_t seeds;
    apr_status_t rv = draw_seeds(&seeds);

    if (rv != APR_SUCCESS) {
        return rv;
    }
#ifdef MADV_DONTDUMP
    (void)madvise(base, size, MADV_DONTDUMP);
#endif
    *fresh = *layout;
    registry_create(base + PAGE, capacity, &seeds.registry, clock_wall() / CLOCK_SECOND,
                    clock_monotonic());
    (void)event_ring_create(base + fresh->events);
    (void)ratelimit_create(base + fresh->ratelimit, RATELIMIT_ENTRIES, seeds.ratelimit);
    return APR_SUCCESS;
}

/* In the process pool: an anonymous segment that every later generation inherits. */
static apr_status_t make_segment(server_rec *s, uint32_t capacity, apr_shm_t **out)
{
    segment_t layout;
    apr_shm_t *shm;
    apr_status_t rv;
    size_t size;

    memset(&layout, 0, sizeof layout);
    lay_out(&layout, capacity, &size);
    rv = apr_shm_create(&shm, size + PAGE, NULL, s->process->pool); /* see segment_in() */
    if (rv == APR_SUCCESS) {
        rv = fill_segment(shm, &layout, size, capacity);
    }
    if (rv == APR_SUCCESS) {
        *out = shm;
    }
    return rv;
}

static bool is_usable(apr_shm_t *shm)
{
    const segment_t *found = segment_in(shm);

    return found->layout == SEGMENT_LAYOUT && registry_is_compatible((const char *)found + PAGE);
}

/* As much room as is wanted for growth, else just enough. */
static apr_status_t make_room(server_rec *s, uint32_t max_clients, apr_shm_t **out)
{
    apr_status_t rv = make_segment(s, reserve_for(max_clients), out);

    if (rv != APR_SUCCESS) {
        rv = make_segment(
            s, max_clients > REGISTRY_CAPACITY_MIN ? max_clients : REGISTRY_CAPACITY_MIN, out);
    }
    return rv;
}

/* Everything else that is to survive is of fixed size. */
static void copy_rest(segment_t *to, const segment_t *from)
{
    memcpy((char *)to + to->events, (const char *)from + from->events, event_ring_size());
    memcpy((char *)to + to->ratelimit, (const char *)from + from->ratelimit,
           ratelimit_size(RATELIMIT_ENTRIES));
    to->told = from->told;
    to->flood = from->flood;
    to->notice = from->notice;
    to->vitals = from->vitals;
    memcpy(&to->counters, &from->counters, sizeof to->counters);
    to->called_at = from->called_at;
    to->looked_at = from->looked_at;
}

/*
 * More clients are allowed than there is room for: move to a larger segment. Children of the old
 * generation that still answer a request have lost theirs, and say 503; so does nobody else.
 */
static void grow(server_rec *s, uint32_t max_clients)
{
    registry_t from, to;
    apr_shm_t *larger;

    registry_attach(&from, (char *)segment_in(retained->shm) + PAGE, &lock);
    if (registry_capacity(&from) >= max_clients ||
        make_room(s, max_clients, &larger) != APR_SUCCESS) {
        return;
    }
    registry_attach(&to, (char *)segment_in(larger) + PAGE, &lock);
    if (registry_move(&from, &to) != REGISTRY_OK) {
        (void)apr_shm_destroy(larger);
        return;
    }
    copy_rest(segment_in(larger), segment_in(retained->shm));
    (void)apr_shm_destroy(retained->shm); /* unmaps it here; children keep what they have */
    retained->shm = larger;
}

static apr_status_t find_or_make_segment(server_rec *s, uint32_t max_clients)
{
    if (retained->shm != NULL && is_usable(retained->shm)) {
        grow(s, max_clients);
        return APR_SUCCESS;
    }
    if (retained->shm != NULL) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "VPNS0014: this version of the module keeps its registry in another form: it "
                     "is filled anew from the store");
    }
    return make_room(s, max_clients, &retained->shm);
}

/* What the configuration says of the server's own address; what the monitor has found out stays. */
static void set_server_ip(server_rec *s)
{
    const config_t *config = config_of(s);
    server_ip_t ip;

    if (registry_get_server_ip(&registry, &ip) != REGISTRY_OK ||
        (config->server_ip_mode == CONFIG_SERVER_IP_AUTO && ip.source != SERVER_IP_CONFIGURED)) {
        return;
    }
    memset(&ip, 0, sizeof ip);
    if (config->server_ip_mode == CONFIG_SERVER_IP_GIVEN) {
        ip.addr[0] = config->server_ip[0];
        ip.addr[1] = config->server_ip[1];
        ip.source = SERVER_IP_CONFIGURED;
    }
    (void)registry_set_server_ip(&registry, &ip);
}

static void attach(server_rec *s, uint32_t max_clients)
{
    segment = segment_in(retained->shm);
    registry_attach(&registry, (char *)segment + PAGE, &lock);
    registry_set_max_clients(&registry, max_clients);
    set_server_ip(s);
    if (registry_max_clients(&registry) < max_clients) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "VPNS0015: VPNSentinelMaxClients %u: no memory can be had for more than %u",
                     max_clients, registry_capacity(&registry));
    }
}

/* Has this httpd served before? Then a failure here would end what it serves besides. */
static bool is_reload(void)
{
    int generation = 0;

    return ap_mpm_query(AP_MPMQ_GENERATION, &generation) == APR_SUCCESS && generation > 0;
}

apr_status_t segment_open(server_rec *s)
{
    uint32_t max_clients = (uint32_t)config_of(s)->quantities[CONFIG_MAX_CLIENTS];
    apr_status_t rv = APR_SUCCESS;

    retained = ap_retained_data_get(RETAINED_KEY);
    if (retained == NULL) {
        retained = ap_retained_data_create(RETAINED_KEY, sizeof *retained);
    }
    if (retained->mutex == NULL) {
        rv = make_mutex(s);
    }
    if (rv == APR_SUCCESS) {
        rv = find_or_make_segment(s, max_clients);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     "VPNS0016: no shared memory or mutex for a registry of %u clients: the API "
                     "cannot be served",
                     max_clients);
        return is_reload() ? APR_SUCCESS : rv;
    }
    attach(s, max_clients);
    return APR_SUCCESS;
}

void segment_child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_status_t rv;

    if (segment == NULL) {
        return;
    }
    rv = apr_global_mutex_child_init(&retained->mutex, apr_global_mutex_lockfile(retained->mutex),
                                     pchild);
    if (rv != APR_SUCCESS) {
        ap_log_error(
            APLOG_MARK, APLOG_CRIT, rv, s,
            "VPNS0017: the mutex of the registry cannot be used in this process: it answers "
            "503");
        segment = NULL; /* rather no registry than an unguarded one */
    }
}
