#include "dashboard.h"

#include "apr_strings.h"

#include "answer.h"
#include "badge.h"
#include "config.h"
#include "dashboard_assets.h"
#include "dashboard_client.h"
#include "dashboard_page.h"
#include "dashboard_public.h"
#include "valid.h"

#define CLIENT "/client/"

/*
 * From the first page's address to the dashboard, so that it works behind a proxy under any other
 * path: "./" for a page that ends in a slash.
 */
static const char *page_base(request_rec *r)
{
    const char *slash = strrchr(r->uri, '/');

    return slash == NULL || slash[1] == '\0'
               ? "./"
               : apr_pstrcat(r->pool, "./", ap_escape_uri(r->pool, slash + 1), "/", NULL);
}

/* Nothing is loaded but what is here, nothing runs but the script, in no frame. */
static void protect(request_rec *r)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                   "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
}

static bool is_client_path(const char *rest)
{
    const size_t len = strlen(CLIENT);

    return strncmp(rest, CLIENT, len) == 0 && vps_valid_client_id(rest + len, strlen(rest + len));
}

static int answer_with_page(request_rec *r, const char *client_id)
{
    const int result =
        client_id != NULL ? client_answer(r, client_id, "../") : page_answer(r, page_base(r));

    if (r->status == HTTP_OK) {
        public_note(r);
    }
    return result;
}

int dashboard_handle(request_rec *r, const char *rest)
{
    const bool is_page = rest[0] == '\0' || strcmp(rest, "/") == 0;
    const char *badge = badge_client_id(rest, r->pool);
    asset_t asset = ASSETS;

    protect(r);
    if (config_global()->dashboard_disabled ||
        (!is_page && !is_client_path(rest) && badge == NULL && !asset_find(&asset, rest + 1))) {
        return answer_text(r, HTTP_NOT_FOUND, "Not found");
    }
    if (r->method_number != M_GET) {
        apr_table_setn(r->headers_out, "Allow", "GET, HEAD");
        return answer_text(r, HTTP_METHOD_NOT_ALLOWED, "Method not allowed");
    }
    if (badge != NULL) {
        return badge_answer(r, badge);
    }
    if (asset != ASSETS) {
        return asset_answer(r, asset);
    }
    return answer_with_page(r, is_page ? NULL : rest + strlen(CLIENT));
}
