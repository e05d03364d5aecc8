#include "claim.h"

#include "apr_strings.h"

#include "config.h"

#define HANDLER_NAME "vpnsentinel"

/*
 * The path is taken as httpd has it: decoded, dot segments resolved, slashes merged. Where
 * "MergeSlashes Off" leaves some, they are not merged here, or such a path would be claimed that a
 * <LocationMatch> rule did not meet.
 */
static const mount_t *find(const request_rec *r, const char **rest)
{
    const apr_array_header_t *mounts = config_of(r->server)->mounts;

    if (mounts->nelts == 0 || r->proxyreq == PROXYREQ_PROXY || r->uri == NULL || r->uri[0] != '/') {
        return NULL;
    }
    return mount_find(mounts, r->uri, rest);
}

request_state_t *claim_state(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &vpnsentinel_module);
}

int claim_translate_name(request_rec *r)
{
    const char *rest;
    const mount_t *mount = find(r, &rest);
    request_state_t *state;

    if (mount == NULL) {
        return DECLINED;
    }
    state = apr_pcalloc(r->pool, sizeof *state);
    state->kind = mount->kind;
    state->rest = rest;
    /* Without the zone of a link-local address. */
    (void)vps_addr_parse(&state->observed_ip, r->useragent_ip, strcspn(r->useragent_ip, "%"));
    ap_set_module_config(r->request_config, &vpnsentinel_module, state);
    /* Never a file: modules that look at it find a name that cannot be one. */
    r->filename = apr_pstrcat(r->pool, HANDLER_NAME ":", r->uri, NULL);
    return OK;
}

int claim_map_to_storage(request_rec *r)
{
    return claim_state(r) != NULL ? OK : DECLINED;
}

/* Behind core's SetHandler, before mod_dir looks for a request without a handler. */
int claim_fixups(request_rec *r)
{
    if (claim_state(r) != NULL) {
        r->handler = HANDLER_NAME;
    }
    return DECLINED;
}
