/*
 * Reading the body of a request.
 */
#ifndef BODY_H
#define BODY_H

#include "mod_vpnsentinel.h"

/* A body in r->pool. */
typedef struct body_t {
    const char *text; /* not NUL-terminated */
    apr_size_t size;  /* bytes, at most VPS_KEEPALIVE_BODY_MAX */
} body_t;

/*
 * Read a JSON body whole, chunked or not. Returns OK; DONE when the request was answered (415 for
 * another type than JSON or an encoded body, 413); or a status that httpd itself must handle (a
 * time-out, broken chunks, a client that went away).
 */
int body_read_json(request_rec *r, body_t *out);

#endif
