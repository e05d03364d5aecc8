/*
 * The dashboard's list of what was announced.
 */
#ifndef DASHBOARD_EVENTS_H
#define DASHBOARD_EVENTS_H

#include "html.h"

/*
 * The newest events, at most limit; of one client, or with client_id NULL of all and of the server.
 * wall: sec since epoch, now; base: what links begin with.
 */
void events_list(html_t *html, const char *client_id, int limit, int64_t wall, const char *base);

#endif
