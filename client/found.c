#include "found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The address and port that a request went to; false when that is not known. */
static bool read_peer(const char **address, long *port, const vps_http_t *http)
{
    return curl_easy_getinfo(http->easy, CURLINFO_PRIMARY_IP, address) == CURLE_OK &&
           *address != NULL && (*address)[0] != '\0' &&
           curl_easy_getinfo(http->easy, CURLINFO_PRIMARY_PORT, port) == CURLE_OK;
}

/* "HOST:PORT:ADDRESS:PORT"; false when there is no name to be looked up, or another port was asked. */
static bool make_entry(char out[FOUND_ENTRY_SIZE], const char *host, const char *port,
                       const vps_http_t *http)
{
    const char *address = NULL;
    long number = 0;
    int len;

    if (host[0] == '[' || !read_peer(&address, &number, http) || strtol(port, NULL, 10) != number) {
        return false;
    }
    len = snprintf(out, FOUND_ENTRY_SIZE,
                   strchr(address, ':') != NULL ? "%s:%s:[%s]:" : "%s:%s:%s:", host, port, address);
    return len > 0 && len < FOUND_ENTRY_SIZE;
}

void found_note(found_t *found, const options_t *options, const vps_http_t *http)
{
    CURLU *url = curl_url();
    char *host = NULL, *port = NULL;

    memcpy(found->url, options->server_url, sizeof(found->url));
    if (curl_url_set(url, CURLUPART_URL, found->url, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        !make_entry(found->entry, host, port, http)) {
        found->entry[0] = '\0';
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

struct curl_slist *found_list(const found_t *found, const options_t *options)
{
    if (found->entry[0] == '\0' || strcmp(found->url, options->server_url) != 0) {
        return NULL;
    }
    return curl_slist_append(NULL, found->entry);
}

bool found_no_name(const vps_http_t *http)
{
    curl_off_t usec = 0;

    return http->easy != NULL &&
           curl_easy_getinfo(http->easy, CURLINFO_NAMELOOKUP_TIME_T, &usec) == CURLE_OK &&
           usec == 0;
}
