/*
 * API keys, kept and compared as salted digests.
 *
 * The salt is random and lives only in this server's memory, so that a digest tells nothing and
 * equal length is given; for that purpose SHA-1, which APR brings, is as good as any. Comparing
 * takes the same time wherever the difference is and however many keys there are.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include <stdbool.h>

#include "apr_tables.h"

#define KEYRING_KEY_MAX 256 /* bytes of a key */

/* NULL when text can be a key (1 to KEYRING_KEY_MAX visible ASCII characters), else what it must
 * be. */
const char *keyring_check(const char *text);

/*
 * The digests of keys (const char *), as an array for keyring_matches(). The first call draws the
 * salt: make it before the server forks. Returns NULL when no random bytes can be had.
 */
apr_array_header_t *keyring_create(const apr_array_header_t *keys, apr_pool_t *p);

/* Is candidate one of the keys? Thread-safe. */
bool keyring_matches(const apr_array_header_t *digests, const char *candidate);

#endif
