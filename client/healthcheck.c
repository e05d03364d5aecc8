#include "healthcheck.h"

#include <stdio.h>

#include "clock.h"
#include "options.h"
#include "state_dir.h"

static bool judge(const health_t *health, pid_t pid)
{
    const int64_t now = clock_elapsed();
    const long long age = (now - health->accepted) / CLOCK_SECOND;
    const long long interval = health->interval / CLOCK_SECOND;
    const bool is_ready = health_is_ready(health, now);

    if (health->accepted == 0) {
        printf("unhealthy: no report of the daemon (process %d) was accepted yet\n", (int)pid);
    } else {
        printf("%s: the last accepted report of the daemon (process %d) is %lld s old, "
               "the interval %lld s\n",
               is_ready ? "healthy" : "unhealthy", (int)pid, age, interval);
    }
    return is_ready;
}

bool healthcheck(const char *config_path)
{
    char fault[OPTIONS_FAULT_SIZE];
    char reason[STATE_DIR_REASON_SIZE];
    char run_dir[OPTIONS_PATH_SIZE];
    health_t health;
    pid_t pid;

    if (!options_load_run_dir(run_dir, config_path, fault)) {
        printf("unhealthy: %s\n", fault);
        return false;
    }
    if (!state_dir_read(&health, &pid, run_dir, reason)) {
        printf("unhealthy: %s\n", reason);
        return false;
    }
    return judge(&health, pid);
}
