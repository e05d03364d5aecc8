/* Fuzz entry point: the file that a daemon leaves for "--healthcheck". What is believed can be. */
#include "fuzz.h"

#include "state_dir.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_of(data, size < FILE_SIZE ? size : FILE_SIZE - 1);
    health_t health;
    pid_t pid = 0;

    if (parse(&health, &pid, text)) {
        check(pid > 0 && health.interval > 0 && health.interval <= INTERVAL_MAX);
        check(health.accepted >= 0 && health.accepted < INT64_C(1000000000000000));
        health_is_ready(&health, clock_elapsed());
    } else {
        check(pid == 0);
    }
    free(text);
    return 0;
}
