#include "keyring.h"

#include <string.h>

#include "apr_general.h"
#include "apr_sha1.h"

typedef struct digest_t {
    unsigned char bytes[APR_SHA1_DIGESTSIZE];
} digest_t;

static unsigned char salt[32];
static bool salted;

const char *keyring_check(const char *text)
{
    size_t len = strlen(text);
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            break;
        }
    }
    if (len == 0 || len > KEYRING_KEY_MAX || i < len) {
        return "a key is 1 to 256 visible ASCII characters without space";
    }
    return NULL;
}

static digest_t digest_of(const char *text)
{
    apr_sha1_ctx_t context;
    digest_t digest;

    apr_sha1_init(&context);
    apr_sha1_update_binary(&context, salt, sizeof salt);
    apr_sha1_update_binary(&context, (const unsigned char *)text, (unsigned int)strlen(text));
    apr_sha1_final(digest.bytes, &context);
    return digest;
}

apr_array_header_t *keyring_create(const apr_array_header_t *keys, apr_pool_t *p)
{
    apr_array_header_t *digests = apr_array_make(p, keys->nelts, sizeof(digest_t));
    int i;

    if (!salted && apr_generate_random_bytes(salt, sizeof salt) != APR_SUCCESS) {
        return NULL;
    }
    salted = true;
    for (i = 0; i < keys->nelts; i++) {
        APR_ARRAY_PUSH(digests, digest_t) = digest_of(APR_ARRAY_IDX(keys, i, const char *));
    }
    return digests;
}

/* volatile: no compiler may leave the loop early. */
static unsigned int difference(const digest_t *a, const digest_t *b)
{
    volatile unsigned int bits = 0;
    size_t i;

    for (i = 0; i < sizeof a->bytes; i++) {
        bits |= (unsigned int)(a->bytes[i] ^ b->bytes[i]);
    }
    return bits;
}

bool keyring_matches(const apr_array_header_t *digests, const char *candidate)
{
    digest_t digest = digest_of(candidate);
    unsigned int matches = 0;
    int i;

    for (i = 0; i < digests->nelts; i++) {
        matches |= difference(&digest, &APR_ARRAY_IDX(digests, i, digest_t)) == 0;
    }
    return matches != 0;
}
