/*
 * The table of clients: its head, which sorts, its rows, and what leads to the other pages.
 */
#ifndef DASHBOARD_TABLE_H
#define DASHBOARD_TABLE_H

#include "dashboard_picture.h"
#include "html.h"

/* The line of the column names; nothing when there are no rows. */
void table_head(html_t *html, const query_t *query, const fleet_picture_t *picture);

/* One client. base: what its links begin with. */
void table_row(html_t *html, const row_t *row, int64_t wall, const char *base);

/* How many clients are shown of how many, in words. */
void table_found(html_t *html, const query_t *query, const fleet_picture_t *picture);

/* Links to the pages before and behind; nothing when there is one page. */
void table_pager(html_t *html, const query_t *query, const fleet_picture_t *picture);

/* Cells that the client's own page has as well. */
void cell_public_ip(html_t *html, const vps_record_t *report);
void cell_location(html_t *html, const vps_record_t *report);
void cell_last_seen(html_t *html, const client_view_t *view, int64_t wall);
void cell_vpn(html_t *html, const vps_record_t *report);
void cell_dns(html_t *html, const vps_record_t *report);

#endif
