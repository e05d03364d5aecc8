#include "dashboard_assets.h"

#include "http_protocol.h"

#include "apr_strings.h"

#include "answer.h"
#include "dashboard_css.h"
#include "dashboard_icon.h"
#include "dashboard_js.h"

static const struct file_t {
    const char *name;
    const char *type;
    const char *tag;
    const char *text;
} files[ASSETS] = {
    [ASSET_CSS] = {"dashboard.css", "text/css; charset=utf-8", dashboard_css_tag, dashboard_css},
    [ASSET_JS] = {"dashboard.js", "text/javascript; charset=utf-8", dashboard_js_tag, dashboard_js},
    [ASSET_ICON] = {"icon.svg", "image/svg+xml", dashboard_icon_tag, dashboard_icon},
};

const char *asset_link(asset_t asset, apr_pool_t *pool)
{
    return apr_pstrcat(pool, files[asset].name, "?", files[asset].tag, NULL);
}

bool asset_find(asset_t *asset, const char *name)
{
    int i;

    for (i = 0; i < ASSETS; i++) {
        if (strcmp(name, files[i].name) == 0) {
            *asset = (asset_t)i;
            return true;
        }
    }
    return false;
}

int asset_answer(request_rec *r, asset_t asset)
{
    const struct file_t *file = &files[asset];
    const bool is_tagged = r->args != NULL && strcmp(r->args, file->tag) == 0;

    answer_begin(r, HTTP_OK, file->type);
    apr_table_setn(r->headers_out, "Cache-Control",
                   is_tagged ? "max-age=31536000, immutable" : "max-age=300");
    (void)ap_rputs(file->text, r);
    return OK;
}
