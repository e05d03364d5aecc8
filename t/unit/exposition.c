/* mod_vpnsentinel/exposition.h: the bytes of both formats. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposition.h"

static const metric_t gauge = {"a_gauge", METRIC_GAUGE, NULL, "How many there are."};
static const metric_t span = {"a_span_seconds", METRIC_GAUGE, "seconds", "How long it is."};
static const metric_t counter = {"a_counter", METRIC_COUNTER, NULL, "How often."};
static const metric_t info = {"an", METRIC_INFO, NULL, "What is told."};

static char *written;
static size_t length;
static size_t largest; /* of what was handed on at once */

static void keep(void *ctx, const char *bytes, size_t len)
{
    char *longer = realloc(written, length + len + 1);

    assert_ptr_equal(ctx, &written);
    assert_non_null(longer);
    written = longer;
    memcpy(written + length, bytes, len);
    length += len;
    written[length] = '\0';
    largest = len > largest ? len : largest;
}

static exposition_t *begin(exposition_format_t format)
{
    static exposition_t out;

    exposition_begin(&out, format, keep, &written);
    return &out;
}

static int forget(void **state)
{
    (void)state;
    free(written);
    written = NULL;
    length = largest = 0;
    return 0;
}

static void write_each(exposition_t *out)
{
    exposition_metric(out, &gauge);
    exposition_label(out, "x", "1");
    exposition_label(out, "y", "");
    exposition_label(out, "z", "2");
    exposition_number(out, -3);
    exposition_label(out, "y", "");
    exposition_number(out, 0);
    exposition_metric(out, &span);
    exposition_seconds(out, 1500000);
    exposition_metric(out, &counter);
    exposition_number(out, INT64_MAX);
    exposition_metric(out, &info);
    exposition_label(out, "x", "1");
    exposition_number(out, 1);
    exposition_end(out);
}

static void test_text(void **state)
{
    (void)state;
    write_each(begin(EXPOSITION_TEXT));
    assert_string_equal(written, "# HELP a_gauge How many there are.\n"
                                 "# TYPE a_gauge gauge\n"
                                 "a_gauge{x=\"1\",z=\"2\"} -3\n"
                                 "a_gauge 0\n"
                                 "# HELP a_span_seconds How long it is.\n"
                                 "# TYPE a_span_seconds gauge\n"
                                 "a_span_seconds 1.500000\n"
                                 "# HELP a_counter_total How often.\n"
                                 "# TYPE a_counter_total counter\n"
                                 "a_counter_total 9223372036854775807\n"
                                 "# HELP an_info What is told.\n"
                                 "# TYPE an_info gauge\n"
                                 "an_info{x=\"1\"} 1\n");
}

static void test_openmetrics(void **state)
{
    (void)state;
    write_each(begin(EXPOSITION_OPENMETRICS));
    assert_string_equal(written, "# HELP a_gauge How many there are.\n"
                                 "# TYPE a_gauge gauge\n"
                                 "a_gauge{x=\"1\",z=\"2\"} -3\n"
                                 "a_gauge 0\n"
                                 "# HELP a_span_seconds How long it is.\n"
                                 "# TYPE a_span_seconds gauge\n"
                                 "# UNIT a_span_seconds seconds\n"
                                 "a_span_seconds 1.500000\n"
                                 "# HELP a_counter How often.\n"
                                 "# TYPE a_counter counter\n"
                                 "a_counter_total 9223372036854775807\n"
                                 "# HELP an What is told.\n"
                                 "# TYPE an info\n"
                                 "an_info{x=\"1\"} 1\n"
                                 "# EOF\n");
}

static void test_escapes(void **state)
{
    static const struct {
        const char *value, *told;
    } cases[] = {
        {"\"", "\\\""},
        {"\\", "\\\\"},
        {"\n", "\\n"},
        {"\\n", "\\\\n"},
        {"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
        {"\"\"", "\\\"\\\""},
        {"ü東京", "ü東京"},
        {"{}=, '#", "{}=, '#"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exposition_t *out = begin(EXPOSITION_TEXT);
        char expected[80];

        (void)forget(NULL);
        exposition_metric(out, &gauge);
        exposition_label(out, "x", cases[i].value);
        exposition_number(out, 1);
        exposition_end(out);
        (void)snprintf(expected, sizeof expected, "\na_gauge{x=\"%s\"} 1\n", cases[i].told);
        assert_non_null(strstr(written, expected));
    }
}

static void test_seconds(void **state)
{
    exposition_t *out = begin(EXPOSITION_TEXT);

    (void)state;
    exposition_metric(out, &span);
    exposition_seconds(out, 0);
    exposition_seconds(out, 1);
    exposition_seconds(out, -1);
    exposition_seconds(out, INT64_MIN);
    exposition_end(out);
    assert_non_null(strstr(written, "\na_span_seconds 0.000000\na_span_seconds 0.000001\n"
                                    "a_span_seconds -0.000001\n"
                                    "a_span_seconds -9223372036854.775808\n"));
}

/* However much is written, and wherever a buffer ends, nothing is lost. */
static void test_much(void **state)
{
    enum { SAMPLES = 20000 };
    exposition_t *out = begin(EXPOSITION_OPENMETRICS);
    const char *at;

    (void)state;
    exposition_metric(out, &gauge);
    for (int i = 0; i < SAMPLES; i++) {
        exposition_label(out, "x", i % 2 == 0 ? "\"even\"" : "odd");
        exposition_number(out, i);
    }
    exposition_end(out);
    assert_true(largest <= EXPOSITION_BUFFER);
    at = strstr(written, "gauge\na_gauge");
    assert_non_null(at);
    at += strlen("gauge\n");
    for (int i = 0; i < SAMPLES; i++) {
        char line[64];

        (void)snprintf(line, sizeof line, "a_gauge{x=\"%s\"} %d\n",
                       i % 2 == 0 ? "\\\"even\\\"" : "odd", i);
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line);
    }
    assert_string_equal(at, "# EOF\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_text, forget),
        cmocka_unit_test_teardown(test_openmetrics, forget),
        cmocka_unit_test_teardown(test_escapes, forget),
        cmocka_unit_test_teardown(test_seconds, forget),
        cmocka_unit_test_teardown(test_much, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
