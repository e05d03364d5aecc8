/*
 * vpn-sentinel-ctl: asks a VPN Sentinel server about its clients, at a terminal or for a script.
 *
 * Exit status: see exits.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "commands.h"
#include "exits.h"
#include "tell.h"
#include "text.h"
#include "version.h"

static int (*const commands[])(const arguments_t *, asker_t *) = {
    [COMMAND_LIST] = list_run,   [COMMAND_SHOW] = show_run,     [COMMAND_EVENTS] = events_run,
    [COMMAND_WATCH] = watch_run, [COMMAND_DELETE] = delete_run, [COMMAND_STATUS] = status_run,
};

/* Started without one of them, we would write to our own sockets. */
static void open_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

/* Returns the exit status. */
static int work(const arguments_t *arguments, const settings_t *settings)
{
    asker_t asker;
    int status;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !asker_open(&asker, settings)) {
        tell("libcurl cannot start");
        return EXIT_FAILED;
    }
    status = commands[arguments->command](arguments, &asker);
    asker_close(&asker);
    curl_global_cleanup();
    return status;
}

/* Half a list on a full disk is no success. */
static int check_output(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        tell("standard output cannot be written");
        return EXIT_FAILED;
    }
    return status;
}

int main(int argc, char *argv[])
{
    static settings_t settings; /* with the key, which tell.h keeps by pointer */
    char fault[OPTIONS_FAULT_SIZE];
    arguments_t arguments;

    open_standard_descriptors();
    text_begin();
    if (!arguments_read(&arguments, argc, argv, (int64_t)time(NULL))) {
        return EXIT_USAGE;
    }
    if (arguments.command == COMMAND_HELP) {
        arguments_help();
        return check_output(EXIT_OK);
    }
    if (arguments.command == COMMAND_VERSION) {
        puts(VERSION_NAME " " VPS_VERSION);
        return check_output(EXIT_OK);
    }
    if (!settings_load(&settings, &arguments.settings, fault)) {
        tell("%s", fault);
        return EXIT_USAGE;
    }
    tell_hide(settings.options.api_key);
    settings_warn(&settings);
    return check_output(work(&arguments, &settings));
}
