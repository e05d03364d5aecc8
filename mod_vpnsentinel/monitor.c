#include "monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#include "ap_listen.h"
#include "ap_mpm.h"
#include "http_core.h"
#include "http_main.h"
#include "mpm_common.h"
#include "unixd.h"

#include "apr_file_info.h"
#include "apr_thread_proc.h"

#include "clock.h"
#include "config.h"
#include "segment.h"
#include "watch.h"

#define RETAINED_KEY "mod_vpnsentinel/monitor/1"
/*
 * Usec that the monitor has to end before it is killed: as long as httpd waits for its children. What a slow
 * disk has not taken by then is lost when httpd ends.
 */
#define END_PATIENCE (10 * CLOCK_SECOND)
#define QUICK_DEATH (2 * CLOCK_SECOND) /* usec of life below which it "died at once" */
#define QUICK_DEATHS_FREE 2u           /* in a row without a wait */
#define BACKOFF_MAX 60u                /* sec */
#define NO_PRIVILEGES 254              /* exit status: it makes no sense to try again */

/* What outlives a reload: the module is unloaded then, so that no static of it does. */
typedef struct retained_t {
    apr_proc_t process; /* pid 0 = none */
    int wake[2];        /* pipe: children of any generation write, the monitor reads */
    bool has_pipe;
    pid_t parent;              /* whose child it is */
    int64_t forked_at;         /* monotonic usec */
    unsigned int quick_deaths; /* in a row */
} retained_t;

static retained_t *retained;
static apr_pool_t *generation; /* lives until the next reload */
static server_rec *main_server;

/* --- in the monitor --- */

static volatile sig_atomic_t told_to_end;

static void note_end(int signal_number)
{
    ssize_t written;

    (void)signal_number;
    told_to_end = 1;
    written = write(retained->wake[1], "e", 1); /* a full pipe wakes as well */
    (void)written;
}

static bool is_to_end(void)
{
    return told_to_end != 0;
}

/* The parent's handlers and mask are inherited, from the second generation on. */
static void set_signals(void)
{
    static const int ends[] = {SIGTERM, SIGINT, SIGHUP}, ignored[] = {SIGUSR1, SIGWINCH, SIGPIPE};
    struct sigaction action;
    sigset_t none;
    size_t i;

    memset(&action, 0, sizeof action);
    told_to_end = 0;
    action.sa_handler = note_end;
    for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)sigaction(ends[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    for (i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        (void)sigaction(ignored[i], &action, NULL);
    }
    action.sa_handler = SIG_DFL;
    (void)sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* End with the parent, also when that is killed. After the privileges: dropping them clears it. */
static void end_with_parent(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != retained->parent) {
        _exit(0);
    }
}

/* One that dies at once, again and again, is not to be forked every second for ever. */
static void wait_for_turn(void)
{
    unsigned int over =
        retained->quick_deaths > QUICK_DEATHS_FREE ? retained->quick_deaths - QUICK_DEATHS_FREE : 0;
    unsigned int seconds = over > 6 ? BACKOFF_MAX : (1u << over) - 1;
    int64_t until = clock_monotonic() + seconds * CLOCK_SECOND;

    for (int64_t left = until - clock_monotonic(); left > 0 && !is_to_end();
         left = until - clock_monotonic()) {
        struct pollfd wake = {.fd = retained->wake[0], .events = POLLIN};
        char byte;

        if (poll(&wake, 1, (int)(left / 1000) + 1) > 0) {
            (void)!read(wake.fd, &byte, 1);
        }
    }
}

/* for_the_last: only what is done at the end. */
static void __attribute__((noreturn)) be_monitor(bool for_the_last)
{
    const watch_calls_t calls = {.wake_fd = retained->wake[0], .is_to_end = is_to_end};
    apr_pool_t *pool;

    set_signals();
    ap_close_listeners();
    (void)apr_pool_create(&pool, NULL);
    if (ap_run_drop_privileges(pool, main_server) != 0) {
        _exit(NO_PRIVILEGES); /* who refused has logged why */
    }
    (void)setpgid(0, 0); /* prefork signals the whole group of the parent */
    end_with_parent();
    (void)prctl(PR_SET_NAME, "vpnsentinel");
    segment_child_init(pool, main_server);
    if (!for_the_last) {
        wait_for_turn();
    }
    if (for_the_last || !is_to_end()) {
        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
        watch_run(main_server, &calls, pool);
    }
    _exit(0); /* no cleanup of what is the parent's */
}

/* --- in the parent --- */

static void maintain(int reason, void *data, apr_wait_t status);

/*
 * With signals held back: until it has handlers of its own the child would have them in the parent's,
 * and an order to end would be lost. The child's are let through by set_signals().
 */
static apr_status_t fork_quietly(bool for_the_last)
{
    sigset_t all, before;
    apr_status_t rv;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = apr_proc_fork(&retained->process, generation);
    if (rv == APR_INCHILD) {
        be_monitor(for_the_last);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv;
}

static void fork_monitor(void)
{
    apr_status_t rv;

    retained->parent = getpid();
    retained->forked_at = clock_monotonic();
    rv = fork_quietly(false);
    if (rv != APR_INPARENT) {
        retained->process.pid = 0;
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, main_server,
                     "VPNS0033: the monitor cannot be forked: nothing is watched, stored or told "
                     "until the next reload");
        return;
    }
    apr_proc_other_child_register(&retained->process, maintain, &retained->process, NULL,
                                  generation);
}

static bool is_stopping(void)
{
    int state;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS || state == AP_MPMQ_STOPPING;
}

/* Nobody is there until the next one says so. */
static void note_absence(void)
{
    registry_t *registry = segment_registry();

    if (registry == NULL) {
        return;
    }
    registry_breathe(registry, clock_monotonic(), 0);
    if (registry_acquire(registry)) {
        segment_vitals()->pid = 0;
        registry_release(registry);
    }
}

static void tell_death(apr_wait_t status)
{
    if (WIFSIGNALED(status)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                     "VPNS0034: the monitor was ended by signal %d; another one is started",
                     WTERMSIG(status));
    } else {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                     "VPNS0035: the monitor has ended with status %d; another one is started",
                     WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
}

static void replace(apr_wait_t status)
{
    int64_t life = clock_monotonic() - retained->forked_at;

    note_absence();
    if (is_stopping()) {
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PRIVILEGES) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server,
                     "VPNS0036: the monitor cannot drop its privileges and does not run: nothing "
                     "is watched, stored or told");
        return;
    }
    tell_death(status);
    retained->quick_deaths = life < QUICK_DEATH ? retained->quick_deaths + 1 : 0;
    fork_monitor();
}

/* Called by the MPM's main loop; and, with UNREGISTER, out of each unregistering. */
static void maintain(int reason, void *data, apr_wait_t status)
{
    switch (reason) {
    case APR_OC_REASON_DEATH:
    case APR_OC_REASON_LOST:
        retained->process.pid = 0;
        apr_proc_other_child_unregister(data);
        replace(status);
        break;
    case APR_OC_REASON_RESTART: /* end_monitor() follows */
        apr_proc_other_child_unregister(data);
        break;
    default:
        break;
    }
}

/* Waits until it has ended, at most for the patience. Returns 0 when it still runs. */
static pid_t wait_for_end(pid_t pid, apr_wait_t *status, int64_t patience)
{
    int64_t until = clock_monotonic() + patience;
    apr_interval_time_t pause = 500; /* usec */
    pid_t found;

    while ((found = waitpid(pid, status, WNOHANG)) == 0 && clock_monotonic() < until) {
        apr_sleep(pause);
        pause += pause < 20000 ? pause / 4 : 0;
    }
    return found;
}

/* Returns true when it ended by itself, with everything stored. */
static bool end_process(pid_t pid)
{
    apr_wait_t status = 0;
    pid_t found;

    retained->process.pid = 0;
    (void)kill(pid, SIGTERM);
    found = wait_for_end(pid, &status, END_PATIENCE);
    if (found == 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "VPNS0037: the monitor did not end in time and is killed");
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return true; /* another one would not end either */
    }
    return found == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/*
 * httpd ends, and the monitor died before it could look at what came last: have another one do just
 * that, or it would be gone with the registry.
 */
static void save_the_last(void)
{
    if (segment_registry() != NULL && fork_quietly(true) == APR_INPARENT) {
        (void)end_process(retained->process.pid);
    }
}

/* The generation ends: the monitor has to be gone before the next one begins. */
static apr_status_t end_monitor(void *unused)
{
    pid_t pid = retained->process.pid;

    (void)unused;
    if (retained->parent != getpid()) {
        return APR_SUCCESS;
    }
    if ((pid <= 0 || !end_process(pid)) && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING) {
        save_the_last();
    }
    note_absence();
    return APR_SUCCESS;
}

/* The folder itself is its owner's alone; those above it are made as usual. */
static apr_status_t make_folder(const char *path)
{
    const apr_fileperms_t own = APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE;
    const char *above = ap_make_dirstr_parent(generation, path);
    apr_status_t rv = APR_SUCCESS;

    if (above[0] != '\0') {
        rv = apr_dir_make_recursive(above,
                                    own | APR_FPROT_GREAD | APR_FPROT_GEXECUTE | APR_FPROT_WREAD |
                                        APR_FPROT_WEXECUTE,
                                    generation);
    }
    return rv == APR_SUCCESS ? apr_dir_make(path, own, generation) : rv;
}

/* Only root can make the state's folder where it belongs and give it to who will write there. What
 * fails the monitor will tell. */
static void make_state_dir(server_rec *s)
{
    const char *path = config_of(s)->state_dir;
    struct stat status;

    if (path == NULL || geteuid() != 0 || stat(path, &status) == 0) {
        return;
    }
    if (make_folder(path) == APR_SUCCESS &&
        chown(path, ap_unixd_config.user_id, ap_unixd_config.group_id) != 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, errno, s,
                     "VPNS0038: VPNSentinelStateDir %s cannot be given to httpd's user", path);
    }
}

static bool open_pipe(server_rec *s)
{
    if (!retained->has_pipe && pipe2(retained->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, errno, s,
                     "VPNS0039: no pipe can be had for the monitor: nothing is watched, stored or "
                     "told");
        return false;
    }
    retained->has_pipe = true;
    return true;
}

void monitor_start(apr_pool_t *pconf, server_rec *s)
{
    generation = pconf;
    main_server = s;
    retained = ap_retained_data_get(RETAINED_KEY);
    if (retained == NULL) {
        retained = ap_retained_data_create(RETAINED_KEY, sizeof *retained);
    }
    if (segment_registry() == NULL || !open_pipe(s)) {
        return;
    }
    make_state_dir(s);
    apr_pool_cleanup_register(pconf, NULL, end_monitor, apr_pool_cleanup_null);
    fork_monitor();
}

void monitor_wake(void)
{
    ssize_t written;

    if (retained != NULL && retained->has_pipe && segment_call_monitor()) {
        written = write(retained->wake[1], "c", 1); /* a full pipe wakes as well */
        (void)written;
    }
}
