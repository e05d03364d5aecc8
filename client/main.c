/*
 * vpn-sentinel-client: reports from inside a VPN's network to a VPN Sentinel server.
 *
 * Exit status: 0 all is well; 1 the one round of --once or --print failed, --healthcheck finds no
 * healthy daemon, or the system refused something; 2 a bad command line or configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "healthcheck.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "version.h"
#include "vpn.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What to do; the characters are getopt's values of the flags. */
enum {
    MODE_RUN = 0,
    MODE_ONCE = 'o',
    MODE_PRINT = 'p',
    MODE_CHECK = 'k',
    MODE_HEALTHCHECK = 'H',
    MODE_VERSION = 'v',
    MODE_HELP = 'h'
};
#define FLAG_CONFIG 'c'

typedef struct command_t {
    int mode;
    const char *config_path; /* NULL = the default */
} command_t;

/* Returns false after a message on standard error. */
static bool read_command(command_t *out, int argc, char *argv[])
{
    static const struct option flags[] = {
        {"once", no_argument, NULL, MODE_ONCE},
        {"print", no_argument, NULL, MODE_PRINT},
        {"check-config", no_argument, NULL, MODE_CHECK},
        {"healthcheck", no_argument, NULL, MODE_HEALTHCHECK},
        {"version", no_argument, NULL, MODE_VERSION},
        {"help", no_argument, NULL, MODE_HELP},
        {"config", required_argument, NULL, FLAG_CONFIG},
        {NULL, 0, NULL, 0},
    };
    int flag;

    *out = (command_t){.mode = MODE_RUN};
    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        if (flag == '?') {
            return false;
        }
        if (flag == FLAG_CONFIG) {
            out->config_path = optarg;
        } else if (out->mode != MODE_RUN && out->mode != flag) {
            fprintf(stderr,
                    "%s: only one of --once, --print, --check-config, --healthcheck may be given\n",
                    argv[0]);
            return false;
        } else {
            out->mode = flag;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: no arguments besides the options are taken\n", argv[0]);
        return false;
    }
    return true;
}

static void help(void)
{
    puts("Usage: " VERSION_NAME " [--config FILE] [--once | --print | --check-config |\n"
         "                           --healthcheck]\n"
         "Reports regularly from inside a VPN's network to a VPN Sentinel server.\n"
         "\n"
         "  --once          one round; exit status 0 when the report was accepted, else 1\n"
         "  --print         write the report to standard output instead of sending it\n"
         "  --check-config  check and show the configuration\n"
         "  --healthcheck   exit status 0 when the daemon's last accepted report is younger than\n"
         "                  3 intervals, else 1\n"
         "  --config FILE   read FILE instead of " OPTIONS_FILE_DEFAULT "\n"
         "  --version       show the version\n"
         "  --help          show this\n"
         "\n"
         "Environment, or NAME=value lines of the configuration file (default):");
    options_help(stdout);
}

/* Returns the exit status. */
static int check(const char *config_path)
{
    char fault[OPTIONS_FAULT_SIZE];
    options_t options;

    if (!options_load(&options, config_path, fault) || !options_list(stdout, config_path, fault) ||
        !vpn_check(&options, fault)) {
        log_write(VPS_ERROR, "client", "❌ %s", fault);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static int run_mode(loop_t *loop, int mode)
{
    switch (mode) {
    case MODE_ONCE:
        return loop_once(loop) ? EXIT_OK : EXIT_FAILED;
    case MODE_PRINT:
        return loop_print(loop) ? EXIT_OK : EXIT_FAILED;
    default:
        loop_run(loop);
        return EXIT_OK;
    }
}

/* Returns the exit status. */
static int work(const command_t *command)
{
    char fault[OPTIONS_FAULT_SIZE];
    loop_t loop;
    int status;

    if (!loop_load(&loop, command->config_path, fault)) {
        log_write(VPS_ERROR, "client", "❌ %s", fault);
        return EXIT_USAGE;
    }
    if (!loop_open(&loop)) {
        log_write(VPS_ERROR, "client", "❌ Cannot start: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (command->mode != MODE_RUN) {
        notify_forget();
    }
    status = run_mode(&loop, command->mode);
    loop_close(&loop);
    return status;
}

/* Started without one of them, we would write log lines into our own sockets. */
static void open_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char *argv[])
{
    command_t command;
    int status;

    open_standard_descriptors();
    if (!read_command(&command, argc, argv)) {
        return EXIT_USAGE;
    }
    if (command.mode == MODE_HELP) {
        help();
        return EXIT_OK;
    }
    if (command.mode == MODE_VERSION) {
        puts(VERSION_NAME " " VPS_VERSION);
        return EXIT_OK;
    }
    if (command.mode == MODE_HEALTHCHECK) {
        return healthcheck(command.config_path) ? EXIT_OK : EXIT_FAILED;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_write(VPS_ERROR, "client", "❌ Cannot start: libcurl does not");
        return EXIT_FAILED;
    }
    status = command.mode == MODE_CHECK ? check(command.config_path) : work(&command);
    curl_global_cleanup();
    return status;
}
