/*
 * Reading one value of a directive or an environment variable.
 *
 * Each function returns NULL and sets *out, or returns what is allowed ("must be …"): then *out is
 * not to be used. setting_fault() makes the whole sentence.
 */
#ifndef SETTING_H
#define SETTING_H

#include <stdbool.h>

#include "apr_tables.h"
#include "apr_time.h"

#include "addr.h"

/* An environment variable; an empty one is unset: NULL. */
const char *setting_env(const char *name);

/* "NAME: 'VALUE' is not allowed: ALLOWED" in p; a value that may be secret is NULL and not told. */
const char *setting_fault(apr_pool_t *p, const char *name, const char *value, const char *allowed);

/* A whole number from min to max. */
const char *setting_number(apr_pool_t *p, apr_int64_t *out, const char *text, int min, int max);

/*
 * A duration from min to max seconds: seconds, or a number with ms, s, min, h or d. *out in usec.
 */
const char *setting_duration(apr_pool_t *p, apr_time_t *out, const char *text, int min, int max);

/* true, false, on, off, yes, no, 1, 0 in any case. */
const char *setting_boolean(bool *out, const char *text);

/*
 * Addresses and CIDR ranges, separated by spaces or commas: pushed to an array of apr_ipsubnet_t *.
 */
const char *setting_networks(apr_array_header_t *networks, const char *text);

/*
 * One IPv4 and one IPv6 address at most, separated by spaces or commas: *out holds IPv4 first, then
 * IPv6. Repeated calls with the same out add up. Returns false when it is something else.
 */
bool setting_addresses(apr_pool_t *p, vps_addr_t out[2], const char *text);

/*
 * A URL that paths are added to: http or https, without user name, password, "?" and "#". *out has
 * no slash at its end.
 */
const char *setting_base_url(apr_pool_t *p, const char **out, const char *text);

/*
 * A whole URL: http or https, without user name, password and "#"; it may have a query. *host is its
 * host, decoded: visible ASCII.
 */
const char *setting_target_url(apr_pool_t *p, const char **out, const char **host,
                               const char *text);

/* The URL of a proxy as libcurl takes it; it may hold user name and password. */
const char *setting_proxy_url(apr_pool_t *p, const char **out, const char *text);

/* A word of 1 to 256 visible ASCII characters: fit for a header line. */
const char *setting_word(apr_pool_t *p, const char **out, const char *text);

#endif
