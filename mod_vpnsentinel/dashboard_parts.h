/*
 * What the dashboard says of the server and of the fleet as a whole, piece by piece.
 */
#ifndef DASHBOARD_PARTS_H
#define DASHBOARD_PARTS_H

#include "dashboard_picture.h"
#include "html.h"

/* What an administrator must know; nothing when all is well. */
void part_notices(html_t *html, const server_picture_t *server);

/* How many clients there are, and of each light; each number leads to those. */
void part_summary(html_t *html, const query_t *query, const fleet_picture_t *picture);

/* "Server Details". */
void part_details(html_t *html, const server_picture_t *server);

/* What the lights and the strips mean. */
void part_legend(html_t *html);

#endif
