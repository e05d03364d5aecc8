#include "body.h"

#include "http_protocol.h"

#include "apr_strings.h"

#include "answer.h"
#include "claim.h"
#include "keepalive.h"

/* "application/json", "text/json" or "application/…+json", with or without parameters. */
static int is_json_type(const char *type)
{
    size_t len = strcspn(type, "; \t");

    return (len == 16 && strncasecmp(type, "application/json", len) == 0) ||
           (len == 9 && strncasecmp(type, "text/json", len) == 0) ||
           (len > 17 && strncasecmp(type, "application/", 12) == 0 &&
            strncasecmp(type + len - 5, "+json", 5) == 0);
}

static const char *refused_type(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");

    if (apr_table_get(r->headers_in, "Content-Encoding") != NULL) {
        return "Content-Encoding must be absent: an encoded body is not read";
    }
    if (type != NULL && type[0] != '\0' && !is_json_type(type)) {
        return "Content-Type must be application/json";
    }
    return NULL;
}

static int too_large(request_rec *r)
{
    (void)answer_error(r, HTTP_REQUEST_ENTITY_TOO_LARGE, "Payload too large",
                       "The body must be at most 16384 bytes");
    return DONE;
}

static int cannot_read(request_rec *r, apr_status_t rv)
{
    int status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);

    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        return too_large(r);
    }
    if (status != HTTP_BAD_REQUEST) {
        return status;
    }
    r->connection->keepalive = AP_CONN_CLOSE;
    (void)answer_error(r, HTTP_BAD_REQUEST, "Bad request", "body: cannot be read");
    return DONE;
}

/* Append what a brigade holds. Returns 0 when that is more than a body may be; *rv is of reading. */
static int append_brigade(char *text, apr_size_t *size, apr_bucket_brigade *brigade,
                          apr_status_t *rv, int *at_end)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t len;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *at_end = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        *rv = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
        if (*rv != APR_SUCCESS) {
            return 1;
        }
        if (len > VPS_KEEPALIVE_BODY_MAX - *size) {
            return 0;
        }
        memcpy(text + *size, data, len);
        *size += len;
    }
    return 1;
}

static int read_all(request_rec *r, body_t *out)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    char *text = apr_palloc(r->pool, VPS_KEEPALIVE_BODY_MAX);
    apr_status_t rv;
    int at_end = 0;

    out->text = text;
    out->size = 0;
    while (!at_end) {
        rv = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ,
                            VPS_KEEPALIVE_BODY_MAX + 1);
        if (rv == APR_SUCCESS && !append_brigade(text, &out->size, brigade, &rv, &at_end)) {
            return too_large(r);
        }
        if (rv != APR_SUCCESS) {
            return cannot_read(r, rv);
        }
        apr_brigade_cleanup(brigade);
    }
    claim_state(r)->body_is_read = true;
    return OK;
}

int body_read_json(request_rec *r, body_t *out)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    const char *refused = refused_type(r);

    if (refused != NULL) {
        (void)answer_error(r, HTTP_UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", refused);
        return DONE;
    }
    if (length != NULL && apr_atoi64(length) > VPS_KEEPALIVE_BODY_MAX) {
        return too_large(r);
    }
    return read_all(r, out);
}
