/*
 * The dashboard's first page: the fleet.
 */
#ifndef DASHBOARD_PAGE_H
#define DASHBOARD_PAGE_H

#include "mod_vpnsentinel.h"

/* base: from the page's address to the dashboard. */
int page_answer(request_rec *r, const char *base);

#endif
