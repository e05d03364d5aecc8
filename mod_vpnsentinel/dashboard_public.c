#include "dashboard_public.h"

#include "http_request.h"

#include "claim.h"
#include "segment.h"

/* Asks httpd's modules, so it comes last. */
static bool is_login_needed(request_rec *r)
{
    return r->user != NULL || ap_some_authn_required(r);
}

void public_note(request_rec *r)
{
    if (segment_is_public_told() || !vps_addr_is_public(&claim_state(r)->observed_ip) ||
        is_login_needed(r) || !segment_tell_public()) {
        return;
    }
    ap_log_rerror(
        APLOG_MARK, APLOG_WARNING, 0, r,
        "VPNS0064: the dashboard is shown to %s without a login; if not all the world is to "
        "see it, restrict it with Require (docs/dashboard.md has examples)",
        r->useragent_ip);
}
