/*
 * Where the server was found last. Its name may not be found when it is needed most: the resolver that
 * goes with a tunnel goes with it. Then it is looked for at the same address again; who it is, TLS still
 * proves by its name.
 */
#ifndef FOUND_H
#define FOUND_H

#include "http.h"
#include "options.h"

#define FOUND_ENTRY_SIZE (OPTIONS_URL_SIZE + 80) /* bytes */

/* A zeroed one has found nothing yet. */
typedef struct found_t {
    char url[OPTIONS_URL_SIZE];   /* of what was found: options->server_url then */
    char entry[FOUND_ENTRY_SIZE]; /* as CURLOPT_CONNECT_TO takes it; "" = nothing */
} found_t;

/* The server at options->server_url has answered this request. One behind a proxy is not seen. */
void found_note(found_t *found, const options_t *options, const vps_http_t *http);

/* A list of the caller's for connect_to of a request; NULL when nothing is known of this URL. */
struct curl_slist *found_list(const found_t *found, const options_t *options);

/* Did the request fail before the name of the other side was found? */
bool found_no_name(const vps_http_t *http);

#endif
