/*
 * What the benchmark compares with: a handler that does what any handler of such a request must do
 * (read the body, answer the same bytes) and nothing else. Its path stands for no file, so that httpd
 * does not look for one, nor for an .htaccess on the way.
 */
#include <stdbool.h>
#include <string.h>

#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#define BODY_MAX 16384 /* bytes */

static const char answer[] = "{\"status\":\"ok\",\"message\":\"Keepalive received\","
                             "\"server_time\":\"2026-11-22T10:00:00Z\","
                             "\"observed_ip\":\"127.0.0.1\"}";

/* Append what one brigade holds to the body. */
static int take_brigade(apr_bucket_brigade *brigade, char *body, apr_size_t *size, bool *seen_eos)
{
    for (apr_bucket *bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t length;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *seen_eos = true;
            return OK;
        }
        if (apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ) != APR_SUCCESS) {
            return HTTP_BAD_REQUEST;
        }
        if (length > BODY_MAX - *size) {
            return HTTP_REQUEST_ENTITY_TOO_LARGE;
        }
        memcpy(body + *size, data, length);
        *size += length;
    }
    return OK;
}

static int read_body(request_rec *r)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    char *body = apr_palloc(r->pool, BODY_MAX);
    apr_size_t size = 0;
    bool seen_eos = false;
    int status = OK;

    while (status == OK && !seen_eos) {
        apr_status_t rv = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                                         APR_BLOCK_READ, HUGE_STRING_LEN);
        if (rv != APR_SUCCESS) {
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        status = take_brigade(brigade, body, &size, &seen_eos);
        apr_brigade_cleanup(brigade);
    }
    return status;
}

static int trivial_handler(request_rec *r)
{
    if (strcmp(r->handler, "trivial") != 0) {
        return DECLINED;
    }
    int status = read_body(r);
    if (status != OK) {
        return status;
    }
    ap_set_content_type(r, "application/json");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    ap_set_content_length(r, sizeof(answer) - 1);
    ap_rwrite(answer, sizeof(answer) - 1, r);
    return OK;
}

static int is_no_file(request_rec *r)
{
    return strcmp(r->uri, "/trivial") == 0 ? OK : DECLINED;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_translate_name(is_no_file, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(is_no_file, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(trivial_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA trivial_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE,
};
