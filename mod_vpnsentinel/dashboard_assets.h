/*
 * The files that the dashboard's pages are made with, linked into the module: style, script, icon.
 */
#ifndef DASHBOARD_ASSETS_H
#define DASHBOARD_ASSETS_H

#include <stdbool.h>

#include "mod_vpnsentinel.h"

typedef enum asset_t { ASSET_CSS, ASSET_JS, ASSET_ICON, ASSETS } asset_t;

/*
 * "dashboard.css?1a2b3c4d": the file's name below the dashboard; another one when its content is
 * another, so that browsers may keep it for good.
 */
const char *asset_link(asset_t asset, apr_pool_t *pool);

/* The file of this name. Returns false when there is none. */
bool asset_find(asset_t *asset, const char *name);

int asset_answer(request_rec *r, asset_t asset);

#endif
