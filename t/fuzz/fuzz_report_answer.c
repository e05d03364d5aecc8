/*
 * Fuzz entry point: a server's answer to a report, whoever it is: accepted, refused, or of a captive
 * portal. An input's first byte says with which status it came.
 */
#include "fuzz.h"

#include "report.c"

/* What is told must be a line; that it is masked and escaped is the log's business. */
void log_write(vps_level_t level, const char *component, const char *format, ...)
{
    char line[VPS_LOGLINE_SIZE];
    va_list args;

    (void)level;
    va_start(args, format);
    check(vps_logline_v(line, sizeof(line), 0, component, format, args) > 0);
    va_end(args);
}

char *log_mask(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
    return out;
}

static transfer_kind_t kind_of(uint8_t number)
{
    return (transfer_kind_t)(number % (TRANSFER_FOREIGN + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const vps_record_t record = {.client_id = "a"};
    const transfer_kind_t kind = size > 0 ? kind_of(data[0]) : TRANSFER_OK;
    course_t course = {.failures = 0};
    vps_http_t http = {.easy = curl_easy_init()};
    report_result_t result;

    check(http.easy != NULL);
    http.answer_size = size > 0 ? size - 1 : 0;
    http.answer = malloc(http.answer_size + 1);
    check(http.answer != NULL);
    memcpy(http.answer, data + (size > 0), http.answer_size);
    http.answer[http.answer_size] = '\0';
    result = conclude(&course, kind, &record, &http);
    check(result.kind == kind || (kind == TRANSFER_OK && result.kind == TRANSFER_FOREIGN));
    check(result.observed_ip.version == 0 || result.kind == TRANSFER_OK);
    check(result.retry_after == 0);
    vps_http_close(&http);
    return 0;
}
