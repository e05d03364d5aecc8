/* show: all that is known of a client. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "exits.h"
#include "api_json.h"
#include "moment.h"
#include "tell.h"

#define TEXT_SIZE 512 /* bytes of one value */
#define PATH_SIZE 160

typedef enum form_t { TEXT, MOMENT, NUMBER, TRUTH, PLACE, DNS } form_t;

static const struct {
    const char *label, *member;
    form_t form;
} lines[] = {
    {"Public IP", "public_ip", TEXT},
    {"Public IPv6", "public_ip6", TEXT},
    {"Place", NULL, PLACE},
    {"Region", "region", TEXT},
    {"Country", "country", TEXT},
    {"Provider", "provider", TEXT},
    {"Time zone", "timezone", TEXT},
    {"VPN", "vpn_connected", TRUTH},
    {"DNS", NULL, DNS},
    {"DNS verdict", "dns_verdict", TEXT},
    {"DNS path", "dns_path", TEXT},
    {"DNS comes as", "dns_resolver_ip", TEXT},
    {"DNS source", "dns_source", TEXT},
    {"IPv6 verdict", "ipv6_verdict", TEXT},
    {"Seen from", "observed_ip", TEXT},
    {"Version", "client_version", TEXT},
    {"First seen", "first_seen", MOMENT},
    {"Last seen", "last_seen", MOMENT},
    {"Last change", "last_change", MOMENT},
    {"Reports", "keepalives", NUMBER},
};

static bool read_truth(char *out, json_object *client, const char *member)
{
    json_object *value = json_member(client, member);
    const char *word = value == NULL ? "" : json_object_get_boolean(value) ? "up" : "down";

    snprintf(out, TEXT_SIZE, "%s", word);
    return value == NULL || json_object_is_type(value, json_type_boolean);
}

static bool read_number(char *out, json_object *client, const char *member)
{
    int64_t number;
    const bool fits = json_number(&number, client, member);

    snprintf(out, TEXT_SIZE, "%" PRId64, number);
    return fits;
}

/* The value of a line, safe; false when it is of a wrong type. */
static bool read_line(char out[TEXT_SIZE], json_object *client, size_t line, int64_t now,
                      bool is_utc)
{
    const char *member = lines[line].member;
    int64_t when;

    switch (lines[line].form) {
    case MOMENT:
        return json_moment(&when, client, member) && moment_text(out, when, now, is_utc) != NULL;
    case NUMBER:
        return read_number(out, client, member);
    case TRUTH:
        return read_truth(out, client, member);
    case PLACE:
        return row_place(out, TEXT_SIZE, client);
    case DNS:
        return row_dns(out, TEXT_SIZE, client);
    default:
        return json_text(out, TEXT_SIZE, client, member);
    }
}

static void write_state(const row_t *row, const fleet_view_t *view)
{
    char text[TEXT_SIZE];

    snprintf(text, sizeof(text), "%s%s: %s", view->is_plain ? "" : light_mark(row->light),
             light_name(row->light), row->why);
    command_line(view, "State", text);
}

/* Returns false when something is of a wrong type. */
static bool write_client(json_object *client, const fleet_view_t *view, int64_t now)
{
    char texts[sizeof(lines) / sizeof(lines[0])][TEXT_SIZE];
    row_t row;

    if (row_read(&row, client) != NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!read_line(texts[i], client, i, now, view->is_utc)) {
            return false;
        }
    }
    command_line(view, "Client", row.id);
    write_state(&row, view);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        command_line(view, lines[i].label, texts[i]);
    }
    return true;
}

int show_run(const arguments_t *arguments, asker_t *asker)
{
    const fleet_view_t view = command_view(arguments);
    char path[PATH_SIZE];
    ask_answer_t answer;
    json_object *client;
    int status = EXIT_OK;

    snprintf(path, sizeof(path), "/clients/%s", arguments->ids[0]);
    client = ask(asker, &answer, "GET", path);
    if (client == NULL && answer.kind == ASK_NOT_FOUND) {
        tell("there is no client %s", arguments->ids[0]);
        return EXIT_FAILED;
    }
    if (client == NULL) {
        return command_failed(asker, &answer);
    }
    if (arguments->is_json) {
        status = command_json(client);
    } else if (!write_client(client, &view, answer.now)) {
        status = command_foreign(asker, &answer);
    }
    json_object_put(client);
    return status;
}
