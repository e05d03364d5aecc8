/*
 * The keepalive: its body, its way to the server, and what the server makes of it.
 */
#ifndef REPORT_H
#define REPORT_H

#include <json-c/json.h>
#include <stdint.h>

#include "course.h"
#include "found.h"
#include "options.h"
#include "past.h"
#include "transfer.h"

typedef struct report_result_t {
    transfer_kind_t kind;   /* TRANSFER_OK = accepted */
    int64_t retry_after;    /* ms that the server asked for, 0 = nothing said */
    vps_addr_t observed_ip; /* which address the server saw; unknown unless accepted and told */
} report_result_t;

/*
 * The body as JSON text without a newline; it belongs to *body, which the caller owns
 * (json_object_put). past: the journal that it takes along. Returns NULL, *body NULL, when memory is out.
 */
const char *report_body(json_object **body, const vps_record_t *record, const vps_past_t *past);

/* How a report ended, as a phrase for people. */
const char *report_outcome(transfer_kind_t kind);

/* What it takes to send one. */
typedef struct report_setup_t {
    course_t *course;
    found_t *found;
    const options_t *options;
    transfer_t *transfer;
    bool is_hasty; /* the server is where it was, as long as nobody says otherwise */
} report_setup_t;

/*
 * Send a report and say in the log how it went, as far as that is news in this course. A server whose name
 * is not found is looked for where it was.
 */
report_result_t report_send(const report_setup_t *setup, const vps_record_t *record,
                            const vps_past_t *past);

#endif
