#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A body and what is read from it; ip, loc and colo all "" = the body is refused. */
typedef struct sample_t {
    const char *body;
    const char *ip;
    const char *loc;
    const char *colo;
} sample_t;

/* Parse a copy without a NUL, so that the sanitizer sees a read behind its end. */
static bool parse(vps_trace_t *out, const char *body, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    bool found;

    assert_non_null(copy);
    memcpy(copy, body, len);
    memset(out, 0xff, sizeof(*out));
    found = vps_trace_parse(out, copy, len);
    free(copy);
    return found;
}

static void assert_unknown(const char *body, size_t len)
{
    static const vps_trace_t unknown;
    vps_trace_t trace;

    assert_false(parse(&trace, body, len));
    assert_memory_equal(&trace, &unknown, sizeof(trace));
}

static void assert_sample(const sample_t *sample)
{
    char ip[VPS_ADDR_TEXT_SIZE];
    vps_trace_t trace;

    if (sample->ip[0] == '\0' && sample->loc[0] == '\0') {
        assert_unknown(sample->body, strlen(sample->body));
        return;
    }
    assert_true(parse(&trace, sample->body, strlen(sample->body)));
    assert_string_equal(vps_addr_format(ip, &trace.ip), sample->ip);
    assert_string_equal(trace.dns_loc, sample->loc);
    assert_string_equal(trace.dns_colo, sample->colo);
}

static void test_answers(void **state)
{
    static const sample_t samples[] = {
        {"fl=215f8\nh=1.1.1.1\nip=203.0.113.9\nts=1614348984.014\nvisit_scheme=https\nuag=curl\n"
         "colo=BOM\nsliver=none\nhttp=http/2\nloc=IN\ntls=TLSv1.3\nsni=plaintext\nwarp=off\n"
         "gateway=off\nrbi=off\nkex=X25519\n",
         "203.0.113.9", "IN", "BOM"},
        {"ip=2001:DB8:0::9\nloc=DE\ncolo=FRA\n", "2001:db8::9", "DE", "FRA"},
        {"ip=::ffff:203.0.113.9\nloc=DE\ncolo=FRA\n", "203.0.113.9", "DE", "FRA"},
        {"ip=203.0.113.9\r\nloc=DE\r\ncolo=FRA\r\n", "203.0.113.9", "DE", "FRA"},
        {"colo=FRA\n\n\nloc=DE\nip=203.0.113.9", "203.0.113.9", "DE", "FRA"},
        {"loc=DE", "", "DE", ""},
        {"ip=203.0.113.9", "203.0.113.9", "", ""},
        /* no country */
        {"ip=203.0.113.9\nloc=XX\ncolo=FRA\n", "203.0.113.9", "", "FRA"},
        {"ip=203.0.113.9\nloc=T1\ncolo=FRA\n", "203.0.113.9", "", "FRA"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_sample(&samples[i]);
    }
}

static void test_malformed_values(void **state)
{
    static const sample_t samples[] = {
        {"ip=203.0.113.999\nloc=DE\ncolo=FRA\n", "", "DE", "FRA"},
        {"ip=203.0.113.9 \nloc=DE\ncolo=FRA\n", "", "DE", "FRA"},
        {"ip=203.0.113.9\nloc=de\ncolo=fra\n", "203.0.113.9", "", ""},
        {"ip=203.0.113.9\nloc=D\ncolo=FR\n", "203.0.113.9", "", ""},
        {"ip=203.0.113.9\nloc=DEU\ncolo=FRAN\n", "203.0.113.9", "", ""},
        {"ip=203.0.113.9\nloc=\xc3\x84\ncolo=<b>\n", "203.0.113.9", "", ""},
        {"ip=203.0.113.9\nloc=\ncolo=\n", "203.0.113.9", "", ""},
        {"ip=203.0.113.9\nloc=DE\r\r\ncolo= FRA\n", "203.0.113.9", "", ""},
        /* the first occurrence counts, good or bad */
        {"ip=203.0.113.9\nip=203.0.113.1\nloc=DE\nloc=US\n", "203.0.113.9", "DE", ""},
        {"ip=\nip=203.0.113.1\nloc=DE\n", "", "DE", ""},
        /* other keys */
        {"zip=203.0.113.9\nIP=203.0.113.9\n ip=203.0.113.9\nloc=DE\nxcolo=FRA\n", "", "DE", ""},
        {"ip: 203.0.113.9\nip\nip 203.0.113.9\nloc=DE\n", "", "DE", ""},
        /* neither address nor country: the rest is not believed either */
        {"colo=FRA\n", "", "", ""},
        {"ip=unknown\nloc=XX\ncolo=FRA\n", "", "", ""},
        {"<!DOCTYPE html>\n<html><body>ip=203.0.113.9 loc=DE</body></html>\n", "", "", ""},
        {"{\"ip\":\"203.0.113.9\",\"loc\":\"DE\"}", "", "", ""},
        {"ip=203.0.113.9 loc=DE colo=FRA", "", "", ""},
        {"", "", "", ""},
        {"\n", "", "", ""},
        {"=", "", "", ""},
        {"ip", "", "", ""},
        {"ip=", "", "", ""},
        {"loc=D", "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_sample(&samples[i]);
    }
}

static void test_nul_bytes(void **state)
{
    static const char address[] = "ip=203.0.113.9\0\nloc=DE\n";
    static const char country[] = "loc=D\0\nip=\0";
    vps_trace_t trace;

    (void)state;
    assert_true(parse(&trace, address, sizeof(address) - 1));
    assert_int_equal(trace.ip.version, 0);
    assert_string_equal(trace.dns_loc, "DE");
    assert_unknown(country, sizeof(country) - 1);
}

static void test_length(void **state)
{
    static char body[VPS_TRACE_BODY_MAX + 1];
    vps_trace_t trace;

    (void)state;
    memset(body, 'x', sizeof(body));
    memcpy(body, "loc=DE\n", 7);
    assert_true(parse(&trace, body, VPS_TRACE_BODY_MAX));
    assert_string_equal(trace.dns_loc, "DE");
    assert_unknown(body, VPS_TRACE_BODY_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_malformed_values),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
