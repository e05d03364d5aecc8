/*
 * mod_vpnsentinel: watches VPN connections. This file hooks the module into httpd and does nothing
 * else.
 *
 *   configuration   directives.c → config.c (environment, defaults, checks; also run by "httpd -t")
 *   start, reload   log.c opens the log, segment.c makes or finds the shared memory, monitor.c
 *                   forks the monitor: all that has to do with clock, disk and network is its own
 *   a request       claim.c claims its path; here it goes to its endpoint, which reads and writes
 *                   shared memory only, and wakes the monitor when something changed
 *
 * Where nothing is mounted, nothing of this happens.
 */
#include "mod_vpnsentinel.h"

#include "http_core.h"
#include "http_request.h"

#include "api.h"
#include "claim.h"
#include "config.h"
#include "dashboard.h"
#include "directives.h"
#include "health.h"
#include "log.h"
#include "metrics.h"
#include "monitor.h"
#include "segment.h"
#include "server_status.h"

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    return segment_register_mutex(pconf) == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *fault;

    (void)plog;
    fault = config_complete(pconf, s);
    if (fault == NULL && config_is_mounted(s)) {
        fault = segment_check_mutex(ptemp, s);
    }
    if (fault != NULL) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s, "VPNS0001: %s", fault);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* httpd reads its configuration twice at start, and "httpd -t" runs no server: then nothing is
 * opened. */
static int is_serving(server_rec *s)
{
    return ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG &&
           ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_NORMAL && config_is_mounted(s);
}

static int open_logs(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return !is_serving(s) || log_open(pconf, s) ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    if (!is_serving(s)) {
        return OK;
    }
    if (segment_open(s) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    monitor_start(pconf, s);
    config_tell(s);
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    segment_child_init(pchild, s);
}

static int handler(request_rec *r)
{
    const request_state_t *state = claim_state(r);

    if (state == NULL) {
        return DECLINED;
    }
    switch (state->kind) {
    case MOUNT_API:
        return api_handle(r, state->rest);
    case MOUNT_DASHBOARD:
        return dashboard_handle(r, state->rest);
    case MOUNT_HEALTH:
        return health_handle(r, state->rest);
    case MOUNT_METRICS:
        return metrics_handle(r, state->rest);
    }
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const core_first[] = {"core.c", NULL};

    (void)p;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_open_logs(open_logs, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(claim_translate_name, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(claim_map_to_storage, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(claim_fixups, core_first, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
    server_status_hook();
}

module AP_MODULE_DECLARE_DATA vpnsentinel_module = {
    STANDARD20_MODULE_STUFF,
    NULL,          /* create per-directory configuration */
    NULL,          /* merge per-directory configuration */
    config_create, /* create per-server configuration */
    config_merge,  /* merge per-server configuration */
    directives,
    register_hooks,
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 107)
    AP_MODULE_FLAG_NONE,
#endif
};
