#include "webhook_target.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "apr_strings.h"

#include "setting.h"

#define SECRET_MIN 16u /* bytes of a key */
#define SECRET_TEXT_MAX 256u
#define PREFIX "whsec_"

/* The same for the same URL, ever: what waits in the store is found by it again. */
static uint64_t number_of(const char *url)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t number = 0;

    SHA256((const unsigned char *)url, strlen(url), digest);
    for (size_t i = 0; i < sizeof(number); i++) {
        number = number << 8 | digest[i];
    }
    number &= INT64_MAX;
    return number != 0 ? number : 1;
}

const char *webhook_target_read(webhook_target_t *out, const char *url, apr_pool_t *p)
{
    const char *fault;

    memset(out, 0, sizeof(*out));
    fault = setting_target_url(p, &out->url, &out->host, url);
    if (fault != NULL) {
        return fault;
    }
    out->path = strpbrk(strstr(out->url, "://") + 3, "/?");
    if (out->path != NULL && strlen(out->path) < 2) {
        out->path = NULL; /* nothing that could be secret */
    }
    out->destination = number_of(out->url);
    return NULL;
}

/* Returns how many bytes it was, 0 = it is no base64. */
static size_t decode(unsigned char *out, const char *text)
{
    const size_t len = strlen(text);
    const size_t stuffing = len > 1 ? (text[len - 1] == '=') + (text[len - 2] == '=') : 0;
    int size;

    if (len == 0 || len % 4 != 0 ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") !=
            len - stuffing) {
        return 0;
    }
    size = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
    return size > (int)stuffing ? (size_t)size - stuffing : 0;
}

const char *webhook_target_read_secret(webhook_target_t *target, const char *text, apr_pool_t *p)
{
    const size_t len = strlen(text);
    unsigned char *secret;

    if (len > SECRET_TEXT_MAX) {
        return "the secret must have at most 256 characters";
    }
    secret = apr_palloc(p, SECRET_TEXT_MAX);
    if (strncmp(text, PREFIX, strlen(PREFIX)) == 0) {
        target->secret_size = decode(secret, text + strlen(PREFIX));
        if (target->secret_size < SECRET_MIN) {
            return "behind whsec_ the secret must be base64 of at least 16 bytes";
        }
    } else {
        if (len < SECRET_MIN) {
            return "the secret must have at least 16 characters";
        }
        memcpy(secret, text, len);
        target->secret_size = len;
    }
    target->secret = secret;
    return NULL;
}
