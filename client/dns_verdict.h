/*
 * What a look at DNS (dns.h) comes to: each server is judged (dns_judge.h), and the worst one is
 * reported.
 *
 * The place of where a server comes out is looked up only when the verdict depends on its network,
 * and that of the server that is reported.
 */
#ifndef DNS_VERDICT_H
#define DNS_VERDICT_H

#include "dns.h"
#include "options.h"
#include "places.h"
#include "record.h"
#include "transfer.h"

/*
 * Fill the members of a record that are about DNS; those about the exit, and those that the trace
 * filled, must be there already. That DNS leaks or is intercepted is told once when it starts and
 * once when it is over; why each verdict is what it is, in the debug log. Takes at most
 * options->timeout for each service and address.
 */
void dns_verdict(dns_t *dns, const dns_view_t *view, places_t *places, const options_t *options,
                 transfer_t *transfer, vps_record_t *record);

#endif
