/*
 * Where a webhook is: what a line of VPNSentinelWebhook says.
 *
 * The URL is as secret as a password, for many services have a token in it: only the host is ever told.
 * Pure but for the pool; texts live as long as that.
 */
#ifndef WEBHOOK_TARGET_H
#define WEBHOOK_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "apr_pools.h"

typedef struct webhook_target_t {
    const char *url;             /* http or https */
    const char *host;            /* of it, what may be told */
    const char *path;            /* of it, with the query: what must not be told; NULL = none */
    uint64_t destination;        /* its number in the store: of the URL, from 1 to INT64_MAX */
    const unsigned char *secret; /* what requests are signed with; NULL = they are not */
    size_t secret_size;          /* bytes */
} webhook_target_t;

/* Read the URL; all else of *out is set, too, without a secret. Returns NULL, or what is allowed. */
const char *webhook_target_read(webhook_target_t *out, const char *url, apr_pool_t *p);

/*
 * Read a secret: "whsec_" and the key in base64, as by the Standard Webhooks convention, or any other
 * text, which is the key itself. Returns NULL, or what is allowed.
 */
const char *webhook_target_read_secret(webhook_target_t *target, const char *text, apr_pool_t *p);

#endif
