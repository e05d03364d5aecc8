#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "options.h"

#define FAULT_FD 3      /* of the child: says why it could not become the script */
#define DEATH_MS 500    /* that a killed process may take to be gone */
#define NO_EXEC 127     /* exit status of a child that could not become the script */
#define PIECE_SIZE 4096 /* bytes that are read at once */

/* A script that runs. */
typedef struct run_t {
    pid_t pid;
    int output; /* it writes here; -1 = it has closed that */
    int fault;  /* has an errno when it could not be started */
    bool ended; /* it waits to be reaped: its number is not given to another process yet */
    size_t size;
    bool more; /* than is in text */
    char text[SCRIPT_OUTPUT_MAX + 1];
} run_t;

/* --- environment --- */

/* Ours without the secrets. The caller frees the array, not its texts. Returns NULL when memory is out. */
static char **public_environment(void)
{
    size_t count = 0;
    char **out;

    while (environ[count] != NULL) {
        count++;
    }
    out = malloc((count + 1) * sizeof(*out));
    if (out == NULL) {
        return NULL;
    }
    count = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (!options_is_secret(*entry, strcspn(*entry, "="))) {
            out[count++] = *entry;
        }
    }
    out[count] = NULL;
    return out;
}

/* --- the child --- */

static void reset_signals(void)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number <= SIGRTMAX; number++) {
        sigaction(number, &by_default, NULL); /* refused for KILL and STOP, which is well */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* /dev/null, output and output again become 0, 1 and 2, fault becomes FAULT_FD. */
static bool arrange_descriptors(int output, int fault)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0) {
        return false;
    }
    return fault == FAULT_FD || dup3(fault, FAULT_FD, O_CLOEXEC) == FAULT_FD;
}

/*
 * Become the script. Only calls that are safe after a fork: libcurl may have a thread that still
 * looks up a name, and that held a lock.
 */
static _Noreturn void become(const char *path, char *const environment[], int output, int fault)
{
    char *const arguments[] = {(char *)path, NULL};
    ssize_t told;
    int error;

    setpgid(0, 0);
    reset_signals();
    if (arrange_descriptors(output, fault)) {
        fault = FAULT_FD;
        closefrom(FAULT_FD + 1);
        execve(path, arguments, environment);
    }
    error = errno;
    told = write(fault, &error, sizeof(error));
    (void)told; /* there is nobody else to tell */
    _exit(NO_EXEC);
}

/* --- starting --- */

/* A pipe that nobody inherits by accident, and that we read without blocking. */
static bool open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) {
        return true;
    }
    close(ends[0]);
    close(ends[1]);
    return false;
}

static pid_t start_child(const char *path, char *const environment[], int output, int fault)
{
    pid_t pid = fork();

    if (pid == 0) {
        become(path, environment, output, fault);
    }
    if (pid > 0) {
        setpgid(pid, pid); /* whoever is first */
    }
    return pid;
}

/* With both pipes open. Our ends of them go to *run when that starts. */
static bool start_with(run_t *run, const char *path, const int output[2], const int fault[2])
{
    char **environment = public_environment();

    if (environment == NULL) {
        return false;
    }
    run->pid = start_child(path, environment, output[1], fault[1]);
    free(environment);
    run->output = output[0];
    run->fault = fault[0];
    return run->pid > 0;
}

/* Returns false, errno set, when the system refuses. */
static bool start(run_t *run, const char *path)
{
    int output[2], fault[2];
    bool started;

    if (!open_pipe(output)) {
        return false;
    }
    if (!open_pipe(fault)) {
        close(output[0]);
        close(output[1]);
        return false;
    }
    started = start_with(run, path, output, fault);
    close(output[1]);
    close(fault[1]);
    if (!started) {
        close(output[0]);
        close(fault[0]);
    }
    return started;
}

/* --- watching --- */

/* Read a piece of the output. Returns false when there is nothing to read now, or ever. */
static bool read_output(run_t *run)
{
    char beyond[PIECE_SIZE];
    size_t room = SCRIPT_OUTPUT_MAX - run->size;
    ssize_t got = room > 0 ? read(run->output, run->text + run->size, room)
                           : read(run->output, beyond, sizeof(beyond));

    if (got > 0) {
        run->size += room > 0 ? (size_t)got : 0;
        run->more |= room == 0;
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(run->output);
        run->output = -1;
    }
    return false;
}

/* Has it ended? It is not reaped, so that its number stays that of its group. */
static bool has_ended(run_t *run)
{
    siginfo_t info = {0};

    run->ended = waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
                 info.si_pid == run->pid;
    return run->ended;
}

/*
 * Wait for a signal, that a child ended among them, or for output if there is a pipe; limit is an
 * instant of clock_awake(). Returns false when a signal asked to stop.
 */
static bool wait_for_child(wait_t *wait, struct pollfd *output, int64_t limit)
{
    return wait_poll(wait, output, output->fd >= 0 ? 1 : 0,
                     clock_elapsed() + limit - clock_awake());
}

/* Returns SCRIPT_EXITED for any end of its own. */
static script_kind_t watch(run_t *run, wait_t *wait)
{
    int64_t limit = clock_awake() + SCRIPT_LIMIT;

    for (;;) {
        struct pollfd output = {.fd = run->output, .events = POLLIN};

        if (has_ended(run)) {
            return SCRIPT_EXITED;
        }
        if (clock_awake() >= limit) {
            return SCRIPT_LATE;
        }
        if (!wait_for_child(wait, &output, limit)) {
            return SCRIPT_STOPPED;
        }
        if (output.revents != 0) {
            read_output(run);
        }
    }
}

/* --- its end --- */

static void kill_all(const run_t *run)
{
    kill(-run->pid, SIGKILL);
    kill(run->pid, SIGKILL); /* in case it has left its group */
}

/*
 * Wait until a killed process is gone; one that waits for a dead network file system may not go.
 * Returns whether it is gone.
 */
static bool await_death(run_t *run, wait_t *wait)
{
    int64_t limit = clock_awake() + DEATH_MS;
    struct pollfd none = {.fd = -1};

    while (!has_ended(run) && clock_awake() < limit && wait_for_child(wait, &none, limit)) {
    }
    return run->ended;
}

/* What has been written until now, without waiting for those who hold the other end. */
static void read_rest(run_t *run)
{
    while (run->output >= 0 && !run->more && read_output(run)) {
    }
}

static void log_output(run_t *run)
{
    char *save = NULL;

    for (size_t i = 0; i < run->size; i++) {
        if (run->text[i] == '\0') {
            run->text[i] = '?'; /* would hide the rest of its line */
        }
    }
    run->text[run->size] = '\0';
    for (char *line = strtok_r(run->text, "\r\n", &save); line != NULL;
         line = strtok_r(NULL, "\r\n", &save)) {
        log_write(VPS_DEBUG, "script", "%s", line);
    }
    if (run->more) {
        log_write(VPS_DEBUG, "script", "(and more, which is not shown)");
    }
}

/* Reap it, and say how it ended. */
static script_end_t judge_end(const run_t *run)
{
    int status, error;

    if (waitpid(run->pid, &status, WNOHANG) != run->pid) {
        return (script_end_t){SCRIPT_UNRUNNABLE, errno}; /* nobody knows */
    }
    if (WIFSIGNALED(status)) {
        return (script_end_t){SCRIPT_KILLED, WTERMSIG(status)};
    }
    if (WEXITSTATUS(status) == NO_EXEC &&
        read(run->fault, &error, sizeof(error)) == (ssize_t)sizeof(error)) {
        return (script_end_t){SCRIPT_UNRUNNABLE, error};
    }
    return (script_end_t){SCRIPT_EXITED, WEXITSTATUS(status)};
}

/* Leave nothing of it behind; who was killed is reaped by the next run. */
static script_end_t finish(script_t *script, run_t *run, script_kind_t kind, wait_t *wait)
{
    script_end_t end = {.kind = kind};

    kill_all(run);
    if (kind == SCRIPT_LATE && !await_death(run, wait)) {
        script->stuck = run->pid;
    }
    read_rest(run);
    if (kind == SCRIPT_EXITED) {
        end = judge_end(run);
    }
    log_output(run);
    if (run->output >= 0) {
        close(run->output);
    }
    close(run->fault);
    return end;
}

/* --- running --- */

/*
 * Is a killed script still there? Reaps whatever has ended: as process 1 of a container we get the
 * orphans too.
 */
static bool is_stuck(script_t *script)
{
    pid_t gone;

    while ((gone = waitpid(-1, NULL, WNOHANG)) > 0) {
        if (gone == script->stuck) {
            script->stuck = 0;
        }
    }
    return script->stuck != 0;
}

script_end_t script_run(script_t *script, const char *path, wait_t *wait)
{
    run_t run = {0};

    if (is_stuck(script)) {
        return (script_end_t){.kind = SCRIPT_STUCK};
    }
    if (!start(&run, path)) {
        return (script_end_t){SCRIPT_UNRUNNABLE, errno};
    }
    return finish(script, &run, watch(&run, wait), wait);
}
