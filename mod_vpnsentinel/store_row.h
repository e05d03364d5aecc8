/*
 * Rows of the store's tables to our structures and back.
 *
 * A file may hold anything: what is read is checked like what comes over the wire, and a row that
 * is not as it should be is refused (false). Binding reports nothing: what could not be bound is
 * NULL, which no column takes.
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "client.h"
#include "event.h"
#include "question.h"

/* Columns, in the order that statements name them in. */
#define STORE_ROW_ANNOUNCED                                                                        \
    "seq, number, state, down_since, public_ip, place, dns, vpn, dns_verdict, ipv6_verdict,"       \
    " servers_ipv6, leak_since, ipv6_leak_since, bypass_since"
#define STORE_ROW_EVENT "id, uid, number, kind, at, client_id, detail"
#define STORE_ROW_QUESTION "id, asked, thread, message, text"
#define STORE_ROW_CLIENT                                                                           \
    "c.uid, c.client_id, c.first_seen, c.last_change, c.observed_ip, c.report,"                    \
    " s.last_seen, s.keepalives, a.seq, a.number, a.state, a.down_since, a.public_ip, a.place,"    \
    " a.dns, a.vpn, a.dns_verdict, a.ipv6_verdict, a.servers_ipv6, a.leak_since,"                  \
    " a.ipv6_leak_since, a.bypass_since, a.history"

/* from: the row's first column in the statement. */
bool store_row_announced(announced_t *out, sqlite3_stmt *statement, int from);
bool store_row_event(event_t *out, sqlite3_stmt *statement, int from);
bool store_row_client(client_t *out, sqlite3_stmt *statement);
bool store_row_question(question_t *out, sqlite3_stmt *statement);

/* Sec since epoch, up to the year 9999. */
bool store_row_time(int64_t *out, sqlite3_stmt *statement, int column);

/* A text without NUL; NULL when it is none. Valid until the statement moves on. */
const char *store_row_text(sqlite3_stmt *statement, int column, size_t *len);

/* from: the first parameter. Texts have to stay where they are until the statement is run. */
void store_bind_text(sqlite3_stmt *statement, int parameter, const char *text);
void store_bind_announced(sqlite3_stmt *statement, int from, const announced_t *announced);

#endif
