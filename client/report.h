/*
 * The keepalive: its body, its way to the server, and what the server makes of it.
 */
#ifndef REPORT_H
#define REPORT_H

#include <json-c/json.h>
#include <stdint.h>

#include "options.h"
#include "outage.h"
#include "record.h"
#include "transfer.h"

/* A zeroed one: nothing was sent yet. */
typedef struct report_t {
    outage_t outage;   /* of accepted reports */
    unsigned failures; /* reports in a row that were not accepted */
} report_t;

typedef struct report_result_t {
    transfer_kind_t kind;   /* TRANSFER_OK = accepted */
    int64_t retry_after;    /* ms that the server asked for, 0 = nothing said */
    vps_addr_t observed_ip; /* which address the server saw; unknown unless accepted and told */
} report_result_t;

/*
 * The body as JSON text without a newline; it belongs to *body, which the caller owns
 * (json_object_put). Returns NULL, *body NULL, when memory is out.
 */
const char *report_body(json_object **body, const vps_record_t *record);

/* Send a report and say in the log how it went; a long failure is told once. */
report_result_t report_send(report_t *report, const options_t *options, transfer_t *transfer,
                            const vps_record_t *record);

#endif
