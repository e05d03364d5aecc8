/* status: how the server is. */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "exits.h"
#include "api_json.h"
#include "light.h"
#include "moment.h"

#define TEXT_SIZE 768 /* bytes of one line */
#define WORD_SIZE 192 /* bytes of one text in it */

/* The readers of a line write it safe, and return false when something is of a wrong type. */

static bool read_version(char out[TEXT_SIZE], json_object *status)
{
    char version[WORD_SIZE], span[MOMENT_SIZE];
    int64_t uptime;
    const bool fits = json_text(version, sizeof(version), status, "version") &&
                      json_number(&uptime, status, "uptime_seconds");

    if (fits) {
        snprintf(out, TEXT_SIZE, "%s, running for %s", version, moment_span(span, uptime));
    }
    return fits && version[0] != '\0';
}

static bool read_clients(char out[TEXT_SIZE], json_object *status)
{
    json_object *clients;
    int64_t total, max, count;
    int used;

    if (!json_group(&clients, status, "clients") || clients == NULL ||
        !json_number(&total, clients, "total") || !json_number(&max, clients, "max")) {
        return false;
    }
    used = snprintf(out, TEXT_SIZE, "%" PRId64 " of %" PRId64, total, max);
    for (int light = LIGHTS - 1; light >= 0; light--) {
        if (!json_number(&count, clients, light_name((light_t)light))) {
            return false;
        }
        used += snprintf(out + used, TEXT_SIZE - (size_t)used, "%s%" PRId64 " %s",
                         light == LIGHTS - 1 ? ": " : ", ", count, light_name((light_t)light));
    }
    return true;
}

static bool read_address(char out[TEXT_SIZE], json_object *status)
{
    char address[WORD_SIZE], source[WORD_SIZE];
    const bool fits = json_text(address, sizeof(address), status, "server_public_ip") &&
                      json_text(source, sizeof(source), status, "server_public_ip_source");

    out[0] = '\0';
    if (fits && address[0] != '\0') {
        snprintf(out, TEXT_SIZE, "%s (%s)", address, source);
    }
    return fits;
}

static bool is_true(json_object *from, const char *name)
{
    json_object *value = json_member(from, name);

    return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

static bool read_monitor(char out[TEXT_SIZE], json_object *status)
{
    json_object *monitor;
    const bool fits = json_group(&monitor, status, "monitor");

    snprintf(out, TEXT_SIZE, "%s", is_true(monitor, "running") ? "running" : "NOT running");
    return fits && monitor != NULL;
}

static bool read_store(char out[TEXT_SIZE], json_object *status)
{
    char driver[WORD_SIZE], state[WORD_SIZE], error[WORD_SIZE];
    json_object *store;
    const bool fits = json_group(&store, status, "store") && store != NULL &&
                      json_text(driver, sizeof(driver), store, "driver") &&
                      json_text(state, sizeof(state), store, "state") &&
                      json_text(error, sizeof(error), store, "last_error");

    if (fits) {
        snprintf(out, TEXT_SIZE, "%s (%s)%s%s", state, driver, error[0] != '\0' ? ": " : "", error);
    }
    return fits;
}

static bool read_telegram(char out[TEXT_SIZE], json_object *status)
{
    char error[WORD_SIZE];
    json_object *telegram;
    int64_t queued;
    const bool fits = json_group(&telegram, status, "telegram") && telegram != NULL &&
                      json_number(&queued, telegram, "queued") &&
                      json_text(error, sizeof(error), telegram, "last_error");

    if (fits && !is_true(telegram, "enabled")) {
        snprintf(out, TEXT_SIZE, "off");
    } else if (fits) {
        snprintf(out, TEXT_SIZE, "on, %" PRId64 " waiting%s%s", queued,
                 error[0] != '\0' ? ": " : "", error);
    }
    return fits;
}

static const struct {
    const char *label;
    bool (*read)(char out[TEXT_SIZE], json_object *status);
} lines[] = {
    {"Version", read_version}, {"Clients", read_clients}, {"Public IP", read_address},
    {"Monitor", read_monitor}, {"Store", read_store},     {"Telegram", read_telegram},
};

/* Returns false when something is of a wrong type. */
static bool write_status(json_object *status, const fleet_view_t *view, const char *server)
{
    char texts[sizeof(lines) / sizeof(lines[0])][TEXT_SIZE];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!lines[i].read(texts[i], status)) {
            return false;
        }
    }
    command_line(view, "Server", server);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        command_line(view, lines[i].label, texts[i]);
    }
    return true;
}

int status_run(const arguments_t *arguments, asker_t *asker)
{
    const fleet_view_t view = command_view(arguments);
    ask_answer_t answer;
    json_object *json = ask(asker, &answer, "GET", "/status");
    int status = EXIT_OK;

    if (json == NULL) {
        return command_failed(asker, &answer);
    }
    if (arguments->is_json) {
        status = command_json(json);
    } else if (!write_status(json, &view, asker->settings->options.server_url)) {
        status = command_foreign(asker, &answer);
    }
    json_object_put(json);
    return status;
}
