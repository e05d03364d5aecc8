/*
 * Writes metrics in one of the two formats that Prometheus reads: its own text (0.0.4), and
 * OpenMetrics 1.0.
 *
 *     exposition_begin(&out, format, write, ctx);
 *     exposition_metric(&out, &metric);            for each metric, once
 *     exposition_label(&out, "light", "red");      for each sample its labels, if any,
 *     exposition_number(&out, 3);                  and its value
 *     exposition_end(&out);
 *
 * Memory is bounded by exposition_t, whatever is written. Not thread-safe for one exposition_t.
 */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPOSITION_BUFFER 16384 /* bytes handed on at once */

typedef enum exposition_format_t { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS } exposition_format_t;

/* The suffix of its samples goes with the type: none, "_total", "_info". */
typedef enum metric_type_t { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO } metric_type_t;

typedef struct metric_t {
    const char *name; /* without the type's suffix; with the unit's */
    metric_type_t type;
    const char *unit; /* NULL = none */
    const char *help; /* a sentence, without newline, backslash and quote */
} metric_t;

typedef struct exposition_t {
    exposition_format_t format;
    void (*write)(void *ctx, const char *bytes, size_t len);
    void *ctx;
    const metric_t *metric; /* that samples are of */
    bool is_in_sample;      /* it has labels, the value is missing */
    size_t used;            /* bytes of buffer */
    char buffer[EXPOSITION_BUFFER];
} exposition_t;

/* As in the Content-Type header. */
const char *exposition_content_type(exposition_format_t format);

/*
 * The format that a client wants by its Accept header, which may be NULL: OpenMetrics only if
 * better liked.
 */
exposition_format_t exposition_format(const char *accept);

/* Begin; write is handed at most EXPOSITION_BUFFER bytes at once, and ctx. */
void exposition_begin(exposition_t *out, exposition_format_t format,
                      void (*write)(void *ctx, const char *bytes, size_t len), void *ctx);

/* What the samples that follow are of; outlives them. */
void exposition_metric(exposition_t *out, const metric_t *metric);

/*
 * A label of the next sample; value: valid UTF-8, any text. "" = no label: that is what it means.
 */
void exposition_label(exposition_t *out, const char *name, const char *value);

/* The value of the sample, which ends it: a number, or usec as seconds. */
void exposition_number(exposition_t *out, int64_t value);
void exposition_seconds(exposition_t *out, int64_t usec);

/* The end of all. */
void exposition_end(exposition_t *out);

#endif
