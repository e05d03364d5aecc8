/*
 * Asks a service of the outside world, and tells of its outages: once each.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>

#include "options.h"
#include "outage.h"
#include "transfer.h"

/* GET url; header may be NULL. The caller closes *http in any case. */
transfer_kind_t service_get(transfer_t *transfer, const options_t *options, const char *url,
                            struct curl_slist *header, size_t answer_max, vps_http_t *http);

/*
 * Say in the log how it went with this service when that is news; component as in log.h. The remedy
 * is the end of the sentence about a failure, may be "". Returns whether an outage is over now.
 */
bool service_tell(outage_t *outage, const char *component, const char *name, transfer_kind_t kind,
                  const vps_http_t *http, const char *remedy);

#endif
