/*
 * What the dashboard shows, taken out of shared memory at one go: after it, nothing that is rendered
 * needs a lock. Belongs to the request's pool.
 */
#ifndef DASHBOARD_PICTURE_H
#define DASHBOARD_PICTURE_H

#include "mod_vpnsentinel.h"

#include "dashboard_query.h"
#include "fleet.h"
#include "history.h"
#include "segment.h"

/* A client as a row of the table, or a page of its own, shows it. */
typedef struct row_t {
    client_view_t view;
    assessment_t assessment;
    uint8_t cells[HISTORY_CELLS]; /* history_read() */
} row_t;

/* How many clients were of each light at worst in each quarter of an hour, the oldest first. */
typedef struct fleet_history_t {
    uint32_t cells[HISTORY_CELLS][LIGHTS];
} fleet_history_t;

/* The server, and what is told on every page. */
typedef struct server_picture_t {
    int64_t now;       /* monotonic usec */
    int64_t wall;      /* sec since epoch */
    uint32_t revision; /* all changes up to this one are shown, and maybe some newer */
    history_gaps_t gaps;
    notice_t notice;
    vitals_t vitals;
    server_ip_t server_ip;
} server_picture_t;

/* The fleet as a query wants it. */
typedef struct fleet_picture_t {
    server_picture_t server;
    census_t census;      /* of all clients */
    int64_t matches;      /* clients that the query asks for */
    uint32_t page, pages; /* where the rows are; from 1 */
    row_t *rows;          /* in the query's order */
    size_t row_count;
    fleet_history_t history; /* of all */
} fleet_picture_t;

/*
 * Can clients be missing because the monitor has not read the store yet? Of a server that has just
 * started only: when it takes longer, what there is is shown, and that it is not all.
 */
bool picture_is_partial(const server_picture_t *server);

/* Each returns NULL when the registry cannot be read. */
const fleet_picture_t *picture_fleet(request_rec *r, const query_t *query);
const server_picture_t *picture_server(request_rec *r);

/* *row: the client of this id, NULL when there is none. Returns false as above. */
bool picture_client(request_rec *r, const server_picture_t *server, const char *client_id,
                    const row_t **row);

#endif
