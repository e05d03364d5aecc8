/*
 * GET API/status: the server and its fleet in numbers.
 */
#ifndef STATUS_H
#define STATUS_H

#include "mod_vpnsentinel.h"

#include "vitals.h"

/* The store's state in a word: "ok", "degraded" (also before it is opened) or "off". */
const char *status_store_word(const vitals_t *vitals);

/* What is to be said of it in words, NULL = nothing. */
const char *status_store_error(const vitals_t *vitals);

int status_handle(request_rec *r, const char *unused);

#endif
