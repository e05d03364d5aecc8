/*
 * Cloudflare's /cdn-cgi/trace: lines of key=value, among them
 *   ip=203.0.113.9   the address that asked
 *   loc=DE           its country; may be XX (unknown) or T1 (Tor), both are unknown here
 *   colo=FRA         the data centre that answered
 *
 * Pure, thread-safe.
 */
#ifndef VPS_TRACE_H
#define VPS_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "record.h"

#define VPS_TRACE_BODY_MAX 8192 /* bytes of an answer worth reading */

typedef struct vps_trace_t {
    vps_addr_t ip;                       /* the address that asked */
    char dns_loc[VPS_DNS_LOC_MAX + 1];   /* ISO alpha-2 */
    char dns_colo[VPS_DNS_COLO_MAX + 1]; /* three capital letters */
} vps_trace_t;

/*
 * Read a body. The first occurrence of a key counts; a malformed value is unknown; other lines are
 * ignored; lines may end in CR LF. Returns false, *out all unknown, when neither ip nor loc could
 * be read (an HTML page, say) or when the body is longer than VPS_TRACE_BODY_MAX.
 */
bool vps_trace_parse(vps_trace_t *out, const char *body, size_t len);

#endif
