/*
 * Fuzz entry point: a row of the store, a column a line: "i" and a number, "r" and a real one, "t" and
 * a text, "b" and bytes; anything else is NULL. What is believed keeps the promises of the structures.
 */
#include "fuzz.h"

#include "keepalive.h"
#include "store_row.h"

#define COLUMNS 23 /* of the widest row */
#define SELECT                                                                                     \
    "SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23"

/* The statement that gives back what is bound to it. */
static sqlite3_stmt *echo_statement(void)
{
    static sqlite3_stmt *statement;
    sqlite3 *db;

    if (statement == NULL) {
        check(sqlite3_open(":memory:", &db) == SQLITE_OK);
        check(sqlite3_prepare_v2(db, SELECT, -1, &statement, NULL) == SQLITE_OK);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return statement;
}

static void bind(sqlite3_stmt *statement, int column, const char *value, size_t len)
{
    char number[32] = "";

    memcpy(number, value, len < sizeof(number) ? len : sizeof(number) - 1);
    switch (len > 0 ? value[0] : '\0') {
    case 'i':
        sqlite3_bind_int64(statement, column, strtoll(number + 1, NULL, 10));
        break;
    case 'r':
        sqlite3_bind_double(statement, column, strtod(number + 1, NULL));
        break;
    case 't':
        sqlite3_bind_text(statement, column, value + 1, (int)len - 1, SQLITE_TRANSIENT);
        break;
    case 'b':
        sqlite3_bind_blob(statement, column, value + 1, (int)len - 1, SQLITE_TRANSIENT);
        break;
    default:
        break;
    }
}

static void bind_lines(sqlite3_stmt *statement, const char *text, size_t size)
{
    for (int column = 1; column <= COLUMNS && size > 0; column++) {
        const char *end = memchr(text, '\n', size);
        const size_t len = end != NULL ? (size_t)(end - text) : size;

        bind(statement, column, text, len);
        size -= len + (end != NULL);
        text += len + (end != NULL);
    }
}

/* --- what is believed --- */

static void check_addr(const vps_addr_t *addr)
{
    static const vps_addr_t unknown;

    check(addr->version == 4 || addr->version == 6 || memcmp(addr, &unknown, sizeof(unknown)) == 0);
}

static void check_facts(const judged_t *facts)
{
    check_addr(&facts->public_ip);
    check(strlen(facts->place) == 0 || strlen(facts->place) == 2);
    check(strlen(facts->dns) == 0 || strlen(facts->dns) == 2);
    check(facts->vpn_connected <= VPS_YES && facts->is_servers_ipv6 <= VPS_YES);
    check(facts->dns_verdict <= VPS_DNS_VERDICT_INTERCEPTED && facts->unused == 0);
}

/* Back into the store and out of it again it is the same. */
static void check_announced(const announced_t *announced)
{
    sqlite3_stmt *statement = echo_statement();
    announced_t again;

    check_facts(&announced->facts);
    store_bind_announced(statement, 1, announced);
    check(sqlite3_step(statement) == SQLITE_ROW);
    check(store_row_announced(&again, statement, 0));
    check(memcmp(&again, announced, sizeof(again)) == 0);
}

static void check_client(const client_t *client)
{
    check(client->uid != 0 && client->report.timestamp == 0);
    check(vps_valid_client_id(client->report.client_id, strlen(client->report.client_id)));
    check((client->keepalives == 0) == (client->last_seen == 0));
    check(client->seq <= INT32_MAX && client->announced.number <= INT32_MAX);
    check(history_is_valid(&client->history));
    check_addr(&client->observed_ip);
    check_announced(&client->announced);
}

static void check_event(const event_t *event)
{
    check(event->kind < EVENT_KINDS && event->when >= 0);
    check(event->uid == 0 ? event->client_id[0] == '\0'
                          : vps_valid_client_id(event->client_id, strlen(event->client_id)));
    check_addr(&event->from);
    check_addr(&event->to);
    check(vps_valid_text(event->note, strlen(event->note)));
}

static void check_question(const question_t *question)
{
    check(question->asked >= 0 && question->thread >= 0 && question->message >= 0);
    check(vps_valid_text(question->text, strnlen(question->text, sizeof(question->text))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sqlite3_stmt *statement = echo_statement();
    question_t question;
    announced_t announced;
    client_t client;
    event_t event;

    bind_lines(statement, (const char *)data, size);
    check(sqlite3_step(statement) == SQLITE_ROW);
    if (store_row_question(&question, statement)) {
        check_question(&question);
    }
    if (store_row_event(&event, statement, 0)) {
        check_event(&event);
    }
    const bool is_client = store_row_client(&client, statement);

    if (store_row_announced(&announced, statement, 0)) {
        check_announced(&announced);
    }
    if (is_client) {
        check_client(&client);
    }
    return 0;
}
