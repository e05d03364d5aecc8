#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "tell.h"
#include "valid.h"
#include "version.h"

#define INTERVAL_DEFAULT 5 /* sec */

/* The values of the flags; each is a bit in what a command takes. */
typedef enum flag_t {
    FLAG_SERVER = 1 << 8, /* beyond all characters, of which '?' is one */
    FLAG_KEY_FILE = 1 << 9,
    FLAG_CONFIG = 1 << 10,
    FLAG_JSON = 1 << 11,
    FLAG_UTC = 1 << 12,
    FLAG_YES = 1 << 13,
    FLAG_STATUS = 1 << 14,
    FLAG_LIGHT = 1 << 15,
    FLAG_FAIL_ON = 1 << 16,
    FLAG_CLIENT = 1 << 17,
    FLAG_SINCE = 1 << 18,
    FLAG_LIMIT = 1 << 19,
    FLAG_INTERVAL = 1 << 20,
    FLAG_HELP = 1 << 21,
    FLAG_VERSION = 1 << 22
} flag_t;

static const struct option flags[] = {
    {"server", required_argument, NULL, FLAG_SERVER},
    {"key-file", required_argument, NULL, FLAG_KEY_FILE},
    {"config", required_argument, NULL, FLAG_CONFIG},
    {"json", no_argument, NULL, FLAG_JSON},
    {"utc", no_argument, NULL, FLAG_UTC},
    {"yes", no_argument, NULL, FLAG_YES},
    {"status", required_argument, NULL, FLAG_STATUS},
    {"light", required_argument, NULL, FLAG_LIGHT},
    {"fail-on", required_argument, NULL, FLAG_FAIL_ON},
    {"client", required_argument, NULL, FLAG_CLIENT},
    {"since", required_argument, NULL, FLAG_SINCE},
    {"limit", required_argument, NULL, FLAG_LIMIT},
    {"interval", required_argument, NULL, FLAG_INTERVAL},
    {"help", no_argument, NULL, FLAG_HELP},
    {"version", no_argument, NULL, FLAG_VERSION},
    {NULL, 0, NULL, 0},
};

#define OF_ALL (FLAG_SERVER | FLAG_KEY_FILE | FLAG_CONFIG)

/* What each command takes. */
static const struct {
    const char *name;
    int flags;
    int ids_min, ids_max;
} commands[] = {
    [COMMAND_LIST] = {"list",
                      OF_ALL | FLAG_JSON | FLAG_UTC | FLAG_STATUS | FLAG_LIGHT | FLAG_FAIL_ON, 0,
                      0},
    [COMMAND_SHOW] = {"show", OF_ALL | FLAG_JSON | FLAG_UTC, 1, 1},
    [COMMAND_EVENTS] = {"events",
                        OF_ALL | FLAG_JSON | FLAG_UTC | FLAG_CLIENT | FLAG_SINCE | FLAG_LIMIT, 0,
                        0},
    [COMMAND_WATCH] = {"watch", OF_ALL | FLAG_UTC | FLAG_INTERVAL, 0, 0},
    [COMMAND_DELETE] = {"delete", OF_ALL | FLAG_JSON | FLAG_YES, 1, 1000000},
    [COMMAND_STATUS] = {"status", OF_ALL | FLAG_JSON | FLAG_UTC, 0, 0},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void arguments_help(void)
{
    puts("Usage: " VERSION_NAME " [OPTIONS] COMMAND\n"
         "Asks a VPN Sentinel server about its clients.\n"
         "\n"
         "  list            all clients, the worst first\n"
         "    --status S    only those that are online, or offline\n"
         "    --light L     only those whose light is green, yellow, red or grey\n"
         "    --fail-on L   exit status 1 when a listed one has this light or a worse\n"
         "  show ID         all that is known of a client\n"
         "  events          what was announced, newest first\n"
         "    --client ID   of a client only\n"
         "    --since T     not before: 2025-01-15T12:34:56Z, or 90s, 15m, 2h, 7d, 1w ago\n"
         "    --limit N     so many at most, 1 to 1000 (100)\n"
         "  watch           the clients, again and again, until Ctrl-C or q\n"
         "    --interval S  seconds between two looks (5)\n"
         "  delete ID...    forget clients\n"
         "    --yes         do not ask before\n"
         "  status          how the server is\n"
         "\n"
         "  --json          what the API answers, as it is, but for watch\n"
         "  --utc           times in full instead of how long ago\n"
         "  --server URL    of the server, without the path of the API\n"
         "  --key-file FILE with the API key in a line of its own\n"
         "  --config FILE   read FILE instead of " OPTIONS_FILE_DEFAULT "\n"
         "  --version       show the version\n"
         "  --help          show this\n"
         "\n"
         "Server and key may be in the environment or in FILE, in the client's names:\n"
         "VPN_SENTINEL_SERVER_URL, VPN_SENTINEL_API_KEY_FILE and so on; see the manual.\n"
         "\n"
         "Exit status: 0; 1 the server or the way to it fails, or --fail-on; 2 bad usage.");
}

/* --- values --- */

static bool wrong(const char *flag, const char *value, const char *allowed)
{
    tell("--%s is \"%.200s\" but must be %s", flag, value, allowed);
    return false;
}

static bool read_light(int *out, const char *flag, const char *value)
{
    light_t light;

    if (!light_parse(&light, value)) {
        return wrong(flag, value, "green, yellow, red or grey");
    }
    *out = light;
    return true;
}

static bool read_status(arguments_t *out, const char *value)
{
    out->status = value;
    return strcmp(value, "online") == 0 || strcmp(value, "offline") == 0 ||
           wrong("status", value, "online or offline");
}

static bool read_number(long *out, const char *flag, const char *value, long max)
{
    const size_t digits = strspn(value, "0123456789");

    if (digits > 0 && digits < 10 && value[digits] == '\0') {
        *out = strtol(value, NULL, 10);
        if (*out >= 1 && *out <= max) {
            return true;
        }
    }
    tell("--%s is \"%.200s\" but must be a whole number from 1 to %ld", flag, value, max);
    return false;
}

static bool read_client(arguments_t *out, const char *value)
{
    out->client = value;
    return vps_valid_client_id(value, strlen(value)) || wrong("client", value, "a client's id");
}

static bool read_since(arguments_t *out, const char *value, int64_t now)
{
    return moment_parse(&out->since, value, now) ||
           wrong(
               "since", value,
               "a time such as 2025-01-15T12:34:56Z, or how long ago, such as 90s, 15m, 2h or 7d");
}

/* Take a flag's value. Returns false after a message. */
static bool take_flag(arguments_t *out, int flag, const char *value, int64_t now)
{
    switch (flag) {
    case FLAG_SERVER:
        out->settings.server = value;
        return true;
    case FLAG_KEY_FILE:
        out->settings.key_file = value;
        return true;
    case FLAG_CONFIG:
        out->settings.config = value;
        return true;
    case FLAG_JSON:
        out->is_json = true;
        return true;
    case FLAG_UTC:
        out->is_utc = true;
        return true;
    case FLAG_YES:
        out->is_sure = true;
        return true;
    case FLAG_STATUS:
        return read_status(out, value);
    case FLAG_LIGHT:
        return read_light(&out->light, "light", value);
    case FLAG_FAIL_ON:
        return read_light(&out->fail_on, "fail-on", value);
    case FLAG_CLIENT:
        return read_client(out, value);
    case FLAG_SINCE:
        return read_since(out, value, now);
    case FLAG_LIMIT:
        return read_number(&out->limit, "limit", value, ARGUMENTS_LIMIT_MAX);
    case FLAG_INTERVAL:
        return read_number(&out->interval, "interval", value, ARGUMENTS_INTERVAL_MAX);
    default: /* --help and --version, which are commands */
        return true;
    }
}

/* --- the whole --- */

static const char *flag_name(int flag)
{
    const struct option *option = flags;

    while (option->val != flag) {
        option++;
    }
    return option->name;
}

static bool find_command(command_t *out, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *out = (command_t)i;
            return true;
        }
    }
    tell("there is no command \"%.100s\": see --help", name);
    return false;
}

/* Has the command all that it needs, and nothing that it does not know? */
static bool check(const arguments_t *arguments, int given)
{
    const char *name = commands[arguments->command].name;
    const int unknown = given & ~commands[arguments->command].flags;

    if (unknown != 0) {
        tell("--%s is not for %s", flag_name(unknown & -unknown), name);
        return false;
    }
    if (arguments->ids_count < commands[arguments->command].ids_min) {
        tell("%s needs the id of a client", name);
        return false;
    }
    if (arguments->ids_count > commands[arguments->command].ids_max) {
        tell("%s does not take \"%.100s\"", name,
             arguments->ids[commands[arguments->command].ids_max]);
        return false;
    }
    for (int i = 0; i < arguments->ids_count; i++) {
        if (!vps_valid_client_id(arguments->ids[i], strlen(arguments->ids[i]))) {
            tell("\"%.100s\" is not the id of a client", arguments->ids[i]);
            return false;
        }
    }
    if (arguments->command == COMMAND_DELETE && arguments->is_json && arguments->ids_count > 1) {
        tell("delete takes one client with --json");
        return false;
    }
    return true;
}

/* Returns false. */
static bool tell_flag(int fault, char *argv[])
{
    const char *flag = argv[optind - 1];
    const char of_one[] = {'-', (char)optopt, '\0'};

    if (fault == ':') {
        tell("%.100s needs a value", flag);
    } else if (optopt > 0 && optopt < FLAG_SERVER) {
        tell("there is no option \"%s\": see --help", of_one);
    } else {
        tell("there is no option \"%.100s\": see --help", flag);
    }
    return false;
}

bool arguments_read(arguments_t *out, int argc, char *argv[], int64_t now)
{
    int flag, given = 0;

    *out = (arguments_t){.light = -1, .fail_on = -1, .interval = INTERVAL_DEFAULT};
    opterr = 0; /* what is wrong may come from others, and is to be told safely */
    while ((flag = getopt_long(argc, argv, ":", flags, NULL)) != -1) {
        if (flag == '?' || flag == ':') {
            return tell_flag(flag, argv);
        }
        if (!take_flag(out, flag, optarg, now)) {
            return false;
        }
        given |= flag;
    }
    if ((given & (FLAG_HELP | FLAG_VERSION)) != 0) {
        out->command = (given & FLAG_HELP) != 0 ? COMMAND_HELP : COMMAND_VERSION;
        return true;
    }
    if (optind == argc) {
        tell("no command is given: see --help");
        return false;
    }
    out->ids = argv + optind + 1;
    out->ids_count = argc - optind - 1;
    return find_command(&out->command, argv[optind]) && check(out, given);
}
