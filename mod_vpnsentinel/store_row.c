#include "store_row.h"

#include <string.h>

#include "keepalive.h"

#define YEAR_9999 INT64_C(253402300799) /* its last second, since the epoch */
#define COUNT_MAX INT32_MAX /* of what is counted on from: far beyond any that is real */
#define ANNOUNCED_ALL                                                                              \
    (ANNOUNCED_FIRST | ANNOUNCED_OFFLINE | ANNOUNCED_LEAK | ANNOUNCED_BYPASS | ANNOUNCED_DOWN |    \
     ANNOUNCED_IPV6_LEAK)

/* --- single values --- */

static bool read_int(int64_t *out, sqlite3_stmt *statement, int column, int64_t max)
{
    *out = sqlite3_column_int64(statement, column);
    return sqlite3_column_type(statement, column) == SQLITE_INTEGER && *out >= 0 && *out <= max;
}

static bool read_u32(uint32_t *out, sqlite3_stmt *statement, int column)
{
    int64_t value;

    if (!read_int(&value, statement, column, UINT32_MAX)) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool read_u8(uint8_t *out, sqlite3_stmt *statement, int column, uint8_t max)
{
    int64_t value;

    if (!read_int(&value, statement, column, max)) {
        return false;
    }
    *out = (uint8_t)value;
    return true;
}

const char *store_row_text(sqlite3_stmt *statement, int column, size_t *len)
{
    const char *text;

    if (sqlite3_column_type(statement, column) != SQLITE_TEXT) {
        return NULL;
    }
    text = (const char *)sqlite3_column_text(statement, column);
    *len = (size_t)sqlite3_column_bytes(statement, column);
    return text != NULL && strlen(text) == *len ? text : NULL;
}

static bool read_addr(vps_addr_t *out, sqlite3_stmt *statement, int column)
{
    size_t len;
    const char *text = store_row_text(statement, column, &len);

    memset(out, 0, sizeof(*out));
    return text != NULL && (len == 0 || vps_addr_parse(out, text, len));
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Alpha-2 or nothing. */
static bool read_country(char out[3], sqlite3_stmt *statement, int column)
{
    size_t len;
    const char *text = store_row_text(statement, column, &len);

    if (text == NULL || !(len == 0 || (len == 2 && is_capital(text[0]) && is_capital(text[1])))) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

bool store_row_time(int64_t *out, sqlite3_stmt *statement, int column)
{
    return read_int(out, statement, column, YEAR_9999);
}

/* --- rows --- */

/* The verdicts: what of judged_t takes less than a byte. */
static bool read_verdicts(judged_t *out, sqlite3_stmt *statement, int from)
{
    uint8_t dns, ipv6, servers_ipv6;

    if (!read_u8(&dns, statement, from, VPS_DNS_VERDICT_INTERCEPTED) ||
        !read_u8(&ipv6, statement, from + 1, VPS_IPV6_VERDICT_LEAK) ||
        !read_u8(&servers_ipv6, statement, from + 2, VPS_YES)) {
        return false;
    }
    out->dns_verdict = dns;
    out->ipv6_verdict = ipv6;
    out->is_servers_ipv6 = servers_ipv6;
    return true;
}

bool store_row_announced(announced_t *out, sqlite3_stmt *statement, int from)
{
    memset(out, 0, sizeof(*out));
    return read_u32(&out->seq, statement, from) && read_u32(&out->number, statement, from + 1) &&
           read_u8(&out->state, statement, from + 2, ANNOUNCED_ALL) &&
           read_u32(&out->down_since, statement, from + 3) &&
           read_addr(&out->facts.public_ip, statement, from + 4) &&
           read_country(out->facts.place, statement, from + 5) &&
           read_country(out->facts.dns, statement, from + 6) &&
           read_u8(&out->facts.vpn_connected, statement, from + 7, VPS_YES) &&
           read_verdicts(&out->facts, statement, from + 8) &&
           read_u32(&out->leak_since, statement, from + 11) &&
           read_u32(&out->ipv6_leak_since, statement, from + 12) &&
           read_u32(&out->bypass_since, statement, from + 13);
}

static bool read_history(history_t *out, sqlite3_stmt *statement, int column)
{
    size_t len;
    const char *text = store_row_text(statement, column, &len);

    return text != NULL && history_parse(out, text);
}

static bool read_kind(uint8_t *out, sqlite3_stmt *statement, int column)
{
    size_t len;
    event_kind_t kind;
    const char *text = store_row_text(statement, column, &len);

    if (text == NULL || !event_kind_parse(&kind, text)) {
        return false;
    }
    *out = (uint8_t)kind;
    return true;
}

/* The server has none. */
static bool read_client_id(char *out, uint64_t uid, sqlite3_stmt *statement, int column)
{
    size_t len;
    const char *text = store_row_text(statement, column, &len);

    if (text == NULL || !(uid == 0 ? len == 0 : vps_valid_client_id(text, len))) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

bool store_row_event(event_t *out, sqlite3_stmt *statement, int from)
{
    int64_t id, uid;
    size_t len;
    const char *detail = store_row_text(statement, from + 6, &len);

    memset(out, 0, sizeof(*out));
    if (!read_int(&id, statement, from, INT64_MAX) ||
        !read_int(&uid, statement, from + 1, INT64_MAX) ||
        sqlite3_column_type(statement, from + 2) != SQLITE_INTEGER ||
        !read_kind(&out->kind, statement, from + 3) ||
        !store_row_time(&out->when, statement, from + 4) ||
        !read_client_id(out->client_id, (uint64_t)uid, statement, from + 5) || detail == NULL ||
        !event_detail_parse(out, detail, len)) {
        return false;
    }
    out->id = (uint64_t)id;
    out->uid = (uint64_t)uid;
    out->number = (uint64_t)sqlite3_column_int64(statement, from + 2); /* all 64 bits of it */
    return true;
}

/* The report, whose client is named in a column, too. */
static bool read_report(vps_record_t *out, sqlite3_stmt *statement, int id_column, int column)
{
    size_t id_len, len;
    vps_fault_t fault;
    const char *client_id = store_row_text(statement, id_column, &id_len);
    const char *report = store_row_text(statement, column, &len);

    return client_id != NULL && report != NULL &&
           vps_keepalive_parse(out, NULL, &fault, report, len) &&
           strcmp(out->client_id, client_id) == 0;
}

bool store_row_client(client_t *out, sqlite3_stmt *statement)
{
    int64_t uid;

    memset(out, 0, sizeof(*out));
    if (!read_int(&uid, statement, 0, INT64_MAX) || !read_report(&out->report, statement, 1, 5) ||
        !read_u32(&out->first_seen, statement, 2) || !read_u32(&out->last_change, statement, 3) ||
        !read_addr(&out->observed_ip, statement, 4) || !read_u32(&out->last_seen, statement, 6) ||
        !read_u32(&out->keepalives, statement, 7) ||
        !store_row_announced(&out->announced, statement, 8) ||
        !read_history(&out->history, statement, 22) || uid == 0 ||
        (out->keepalives == 0) != (out->last_seen == 0) || out->announced.seq > COUNT_MAX ||
        out->announced.number > COUNT_MAX) {
        return false;
    }
    out->uid = (uint64_t)uid;
    out->seq = out->announced.seq;
    out->judged = out->announced.facts;
    out->report.timestamp = 0; /* is not kept; whatever the row says */
    return true;
}

bool store_row_question(question_t *out, sqlite3_stmt *statement)
{
    int64_t id;
    size_t len;
    const char *text = store_row_text(statement, 4, &len);

    if (!read_int(&id, statement, 0, INT64_MAX) || !store_row_time(&out->asked, statement, 1) ||
        !read_int(&out->thread, statement, 2, INT64_MAX) ||
        !read_int(&out->message, statement, 3, INT64_MAX) || text == NULL ||
        len >= sizeof(out->text) || !vps_valid_text(text, len)) {
        return false;
    }
    out->id = (uint64_t)id;
    memcpy(out->text, text, len + 1);
    return true;
}

/* --- binding --- */

void store_bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
    (void)sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

/* A copy is made. */
static void bind_addr(sqlite3_stmt *statement, int parameter, const vps_addr_t *addr)
{
    char text[VPS_ADDR_TEXT_SIZE];

    (void)sqlite3_bind_text(statement, parameter, vps_addr_format(text, addr), -1,
                            SQLITE_TRANSIENT);
}

void store_bind_announced(sqlite3_stmt *statement, int from, const announced_t *announced)
{
    const judged_t *facts = &announced->facts;

    (void)sqlite3_bind_int64(statement, from, announced->seq);
    (void)sqlite3_bind_int64(statement, from + 1, announced->number);
    (void)sqlite3_bind_int64(statement, from + 2, announced->state);
    (void)sqlite3_bind_int64(statement, from + 3, announced->down_since);
    bind_addr(statement, from + 4, &facts->public_ip);
    store_bind_text(statement, from + 5, facts->place);
    store_bind_text(statement, from + 6, facts->dns);
    (void)sqlite3_bind_int64(statement, from + 7, facts->vpn_connected);
    (void)sqlite3_bind_int64(statement, from + 8, facts->dns_verdict);
    (void)sqlite3_bind_int64(statement, from + 9, facts->ipv6_verdict);
    (void)sqlite3_bind_int64(statement, from + 10, facts->is_servers_ipv6);
    (void)sqlite3_bind_int64(statement, from + 11, announced->leak_since);
    (void)sqlite3_bind_int64(statement, from + 12, announced->ipv6_leak_since);
    (void)sqlite3_bind_int64(statement, from + 13, announced->bypass_since);
}
