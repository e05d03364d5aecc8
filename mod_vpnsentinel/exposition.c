#include "exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "accept.h"

static const struct type_t {
    const char *suffix;
    const char *text; /* its name in the text format, which has no info */
    const char *openmetrics;
} types[] = {
    [METRIC_GAUGE] = {"", "gauge", "gauge"},
    [METRIC_COUNTER] = {"_total", "counter", "counter"},
    [METRIC_INFO] = {"_info", "gauge", "info"},
};

const char *exposition_content_type(exposition_format_t format)
{
    return format == EXPOSITION_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

exposition_format_t exposition_format(const char *accept)
{
    return accept_quality(accept, "application/openmetrics-text", "1.0.0") >
                   accept_quality(accept, "text/plain", "0.0.4")
               ? EXPOSITION_OPENMETRICS
               : EXPOSITION_TEXT;
}

void exposition_begin(exposition_t *out, exposition_format_t format,
                      void (*write)(void *ctx, const char *bytes, size_t len), void *ctx)
{
    out->format = format;
    out->write = write;
    out->ctx = ctx;
    out->metric = NULL;
    out->is_in_sample = false;
    out->used = 0;
}

static void flush(exposition_t *out)
{
    if (out->used > 0) {
        out->write(out->ctx, out->buffer, out->used);
        out->used = 0;
    }
}

static void put_bytes(exposition_t *out, const char *bytes, size_t len)
{
    while (len > 0) {
        const size_t room = sizeof out->buffer - out->used;
        const size_t part = len < room ? len : room;

        memcpy(out->buffer + out->used, bytes, part);
        out->used += part;
        bytes += part;
        len -= part;
        if (out->used == sizeof out->buffer) {
            flush(out);
        }
    }
}

static void put(exposition_t *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

static void put_line(exposition_t *out, const char *keyword, const char *suffix, const char *text)
{
    put(out, "# ");
    put(out, keyword);
    put(out, " ");
    put(out, out->metric->name);
    put(out, suffix);
    put(out, " ");
    put(out, text);
    put(out, "\n");
}

void exposition_metric(exposition_t *out, const metric_t *metric)
{
    const struct type_t *type = &types[metric->type];
    const bool is_openmetrics = out->format == EXPOSITION_OPENMETRICS;
    /* There a metric is the family of its samples, here it is their name. */
    const char *suffix = is_openmetrics ? "" : type->suffix;

    out->metric = metric;
    put_line(out, "HELP", suffix, metric->help);
    put_line(out, "TYPE", suffix, is_openmetrics ? type->openmetrics : type->text);
    if (is_openmetrics && metric->unit != NULL) {
        put_line(out, "UNIT", suffix, metric->unit);
    }
}

static void begin_sample(exposition_t *out)
{
    put(out, out->metric->name);
    put(out, types[out->metric->type].suffix);
}

/* NULL = it is told as it is. */
static const char *escaped(char c)
{
    switch (c) {
    case '\\':
        return "\\\\";
    case '"':
        return "\\\"";
    case '\n':
        return "\\n";
    default:
        return NULL;
    }
}

/* Not by strcspn(): that makes itself a table first, each time. */
static void put_escaped(exposition_t *out, const char *text)
{
    const char *end;

    for (end = text; *end != '\0'; end++) {
        const char *escape = escaped(*end);

        if (escape != NULL) {
            put_bytes(out, text, (size_t)(end - text));
            put(out, escape);
            text = end + 1;
        }
    }
    put_bytes(out, text, (size_t)(end - text));
}

void exposition_label(exposition_t *out, const char *name, const char *value)
{
    if (value[0] == '\0') {
        return;
    }
    if (!out->is_in_sample) {
        begin_sample(out);
    }
    put(out, out->is_in_sample ? "," : "{");
    out->is_in_sample = true;
    put(out, name);
    put(out, "=\"");
    put_escaped(out, value);
    put(out, "\"");
}

static void end_sample(exposition_t *out, const char *value)
{
    if (!out->is_in_sample) {
        begin_sample(out);
    }
    put(out, out->is_in_sample ? "} " : " ");
    put(out, value);
    put(out, "\n");
    out->is_in_sample = false;
}

void exposition_number(exposition_t *out, int64_t value)
{
    char text[24];

    if (value == 0 || value == 1) { /* most are */
        end_sample(out, value == 0 ? "0" : "1");
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    end_sample(out, text);
}

void exposition_seconds(exposition_t *out, int64_t usec)
{
    const uint64_t size = usec < 0 ? -(uint64_t)usec : (uint64_t)usec;
    char text[32];

    (void)snprintf(text, sizeof text, "%s%" PRIu64 ".%06" PRIu64, usec < 0 ? "-" : "",
                   size / 1000000, size % 1000000);
    end_sample(out, text);
}

void exposition_end(exposition_t *out)
{
    if (out->format == EXPOSITION_OPENMETRICS) {
        put(out, "# EOF\n");
    }
    flush(out);
}
