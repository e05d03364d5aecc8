#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Parse a copy without a NUL, so that the sanitizer sees a read behind its end. */
static bool parse(vps_place_t *out, vps_place_source_t source, const char *body, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    bool found;

    assert_non_null(copy);
    memcpy(copy, body, len);
    memset(out, 0xff, sizeof(*out));
    found = vps_place_parse(out, source, copy, len);
    free(copy);
    return found;
}

static vps_place_t parse_good(vps_place_source_t source, const char *body)
{
    vps_place_t place;

    if (!parse(&place, source, body, strlen(body))) {
        fail_msg("refused: %s", body);
    }
    assert_int_not_equal(place.public_ip.version, 0);
    return place;
}

static void assert_unknown(vps_place_source_t source, const char *body, size_t len)
{
    static const vps_place_t unknown;
    vps_place_t place;

    if (parse(&place, source, body, len)) {
        fail_msg("accepted: %s", body);
    }
    assert_memory_equal(&place, &unknown, sizeof(place));
}

static void assert_address(const vps_place_t *place, const char *text)
{
    char found[VPS_ADDR_TEXT_SIZE];

    assert_string_equal(vps_addr_format(found, &place->public_ip), text);
}

static void test_ipinfo(void **state)
{
    const vps_place_t place = parse_good(
        VPS_PLACE_IPINFO,
        "{\n  \"ip\": \"203.0.113.42\",\n  \"hostname\": \"exit.example.net\",\n"
        "  \"city\": \"Taipei\",\n  \"region\": \"Taiwan\",\n  \"country\": \"TW\",\n"
        "  \"loc\": \"22.6163,120.3133\",\n  \"org\": \"AS3462 Data Communication\",\n"
        "  \"postal\": \"100\",\n  \"timezone\": \"Asia/Taipei\",\n  \"anycast\": true,\n"
        "  \"readme\": \"https://ipinfo.io/missingauth\"\n}\n");

    (void)state;
    assert_address(&place, "203.0.113.42");
    assert_string_equal(place.location, "TW");
    assert_string_equal(place.country, "TW");
    assert_string_equal(place.city, "Taipei");
    assert_string_equal(place.region, "Taiwan");
    assert_string_equal(place.provider, "AS3462 Data Communication");
    assert_string_equal(place.timezone, "Asia/Taipei");
}

static void test_ipapi(void **state)
{
    const vps_place_t place = parse_good(
        VPS_PLACE_IPAPI,
        "{\"query\":\"2001:DB8::1\",\"status\":\"success\",\"country\":\"Canada\","
        "\"countryCode\":\"CA\",\"region\":\"QC\",\"regionName\":\"Quebec\",\"city\":\"Montréal\","
        "\"zip\":\"H1K\",\"lat\":45.6085,\"lon\":-73.5493,\"timezone\":\"America/Toronto\","
        "\"isp\":\"Le Groupe Videotron Ltee\",\"org\":\"Videotron Ltee\","
        "\"as\":\"AS5769 Videotron Telecom Ltee\"}");

    (void)state;
    assert_address(&place, "2001:db8::1");
    assert_string_equal(place.location, "CA");
    assert_string_equal(place.country, "Canada");
    assert_string_equal(place.city, "Montréal");
    assert_string_equal(place.region, "Quebec");
    assert_string_equal(place.provider, "AS5769 Videotron Telecom Ltee");
    assert_string_equal(place.timezone, "America/Toronto");
}

static void test_ipwhois(void **state)
{
    vps_place_t place = parse_good(
        VPS_PLACE_IPWHOIS,
        "{\"ip\":\"203.0.113.42\",\"success\":true,\"type\":\"IPv4\",\"continent\":\"Europe\","
        "\"continent_code\":\"EU\",\"country\":\"Switzerland\",\"country_code\":\"CH\","
        "\"region\":\"Zürich\",\"region_code\":\"ZH\",\"city\":\"Zürich\",\"latitude\":47.3,"
        "\"longitude\":8.5,\"is_eu\":false,\"postal\":\"8000\",\"connection\":{\"asn\":15169,"
        "\"org\":\"Google LLC\",\"isp\":\"Google\",\"domain\":\"google.com\"},\"timezone\":{"
        "\"id\":\"Europe/Zurich\",\"abbr\":\"CET\",\"is_dst\":false,\"offset\":3600}}");

    (void)state;
    assert_address(&place, "203.0.113.42");
    assert_string_equal(place.location, "CH");
    assert_string_equal(place.country, "Switzerland");
    assert_string_equal(place.region, "Zürich");
    assert_string_equal(place.city, "Zürich");
    assert_string_equal(place.provider, "AS15169 Google LLC");
    assert_string_equal(place.timezone, "Europe/Zurich");

    /* the older, flat form */
    place = parse_good(
        VPS_PLACE_IPWHOIS,
        "{\"ip\":\"2001:db8::7\",\"success\":true,\"type\":\"IPv6\",\"country\":\"United States\","
        "\"country_code\":\"US\",\"region\":\"California\",\"city\":\"Mountain View\","
        "\"asn\":\"AS15169\",\"org\":\"Google LLC\",\"isp\":\"Google\","
        "\"timezone\":\"America/Los_Angeles\",\"timezone_name\":\"Pacific Standard Time\"}");
    assert_address(&place, "2001:db8::7");
    assert_string_equal(place.location, "US");
    assert_string_equal(place.country, "United States");
    assert_string_equal(place.city, "Mountain View");
    assert_string_equal(place.provider, "AS15169 Google LLC");
    assert_string_equal(place.timezone, "America/Los_Angeles");
}

/* Number and name of a network are put together as far as they are there and make sense. */
static void test_network(void **state)
{
    static const struct {
        const char *members;
        const char *provider;
    } samples[] = {
        {"\"connection\":{\"asn\":9009,\"isp\":\"M247\"}", "AS9009 M247"},
        {"\"connection\":{\"asn\":9009,\"org\":\"\",\"isp\":\"M247\"}", "AS9009 M247"},
        {"\"connection\":{\"asn\":\"9009\",\"org\":\"M247\"}", "AS9009 M247"},
        {"\"connection\":{\"asn\":4294967295}", "AS4294967295"},
        {"\"connection\":{\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":null,\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":0,\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":-1,\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":4294967296,\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":100000000000,\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":1.5,\"org\":\"M247\"}", "M247"},
        {"\"connection\":{\"asn\":[9009],\"org\":\"M247\"}", "M247"},
        {"\"connection\":[9009,\"M247\"],\"org\":\"Other\"", "Other"},
        {"\"connection\":\"M247\",\"asn\":\"as9009\",\"isp\":\"M247\"", "AS9009 M247"},
        {"\"asn\":\"AS\",\"org\":\"M247\"", "M247"},
        {"\"asn\":\"AS9009 M247\",\"org\":\"M247\"", "M247"},
        {"\"asn\":\"\",\"org\":7", ""},
    };
    char body[200];

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        snprintf(body, sizeof(body), "{\"ip\":\"203.0.113.42\",%s}", samples[i].members);
        assert_string_equal(parse_good(VPS_PLACE_IPWHOIS, body).provider, samples[i].provider);
    }
}

static void test_gluetun(void **state)
{
    vps_place_t place = parse_good(
        VPS_PLACE_GLUETUN,
        "{\"public_ip\":\"203.0.113.42\",\"region\":\"North Holland\","
        "\"country\":\"The Netherlands\",\"city\":\"Amsterdam\",\"hostname\":\"exit.example\","
        "\"location\":\"52.37,4.89\",\"organization\":\"AS9009 M247 Europe SRL\","
        "\"postal_code\":\"1012\",\"timezone\":\"Europe/Amsterdam\"}\n");

    (void)state;
    assert_address(&place, "203.0.113.42");
    assert_string_equal(place.location, "NL");
    assert_string_equal(place.country, "The Netherlands");
    assert_string_equal(place.region, "North Holland");
    assert_string_equal(place.city, "Amsterdam");
    assert_string_equal(place.provider, "AS9009 M247 Europe SRL");
    assert_string_equal(place.timezone, "Europe/Amsterdam");

    place =
        parse_good(VPS_PLACE_GLUETUN, "{\"public_ip\":\"203.0.113.42\",\"country\":\"Utopia\"}");
    assert_string_equal(place.location, "");
    assert_string_equal(place.country, "Utopia");
    place = parse_good(VPS_PLACE_GLUETUN, "{\"public_ip\":\"203.0.113.42\"}");
    assert_string_equal(place.country, "");
}

/* What is missing is unknown or taken from the next best member. */
static void test_missing_members(void **state)
{
    vps_place_t place = parse_good(VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\",\"city\":null}");

    (void)state;
    assert_string_equal(place.location, "");
    assert_string_equal(place.city, "");
    assert_string_equal(place.provider, "");
    place = parse_good(VPS_PLACE_IPAPI,
                       "{\"query\":\"203.0.113.42\",\"countryCode\":\"CA\",\"as\":\"\","
                       "\"isp\":\"Le Groupe\"}");
    assert_string_equal(place.location, "CA");
    assert_string_equal(place.country, "CA");
    assert_string_equal(place.provider, "Le Groupe");
}

/* A bad member costs itself, not the rest. */
static void test_bad_members(void **state)
{
    static const char *const cities[] = {
        "7",
        "true",
        "[\"Berlin\"]",
        "{\"name\":\"Berlin\"}",
        "\"Ber\\nlin\"",
        "\"Ber\\u0000lin\"",
        "\"Ber\xff"
        "lin\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xef\xbb\xbf"
        "Berlin\"",
    };
    char body[200];

    (void)state;
    for (size_t i = 0; i < COUNT(cities); i++) {
        snprintf(body, sizeof(body),
                 "{\"ip\":\"203.0.113.42\",\"city\":%s,\"region\":\"Land Berlin\"}", cities[i]);
        const vps_place_t place = parse_good(VPS_PLACE_IPINFO, body);

        assert_string_equal(place.city, "");
        assert_string_equal(place.region, "Land Berlin");
    }
}

/* Long texts are cut between characters. */
static void test_long_text(void **state)
{
    char body[400] = "{\"ip\":\"203.0.113.42\",\"city\":\"x";
    vps_place_t place;

    (void)state;
    for (size_t i = 0; i < VPS_CITY_MAX; i++) {
        strcat(body, "é");
    }
    strcat(body, "\"}");
    place = parse_good(VPS_PLACE_IPINFO, body);
    assert_int_equal(strlen(place.city), VPS_CITY_MAX - 1);
    assert_true(vps_valid_text(place.city, VPS_CITY_MAX - 1));

    /* so is a name behind its number */
    strcpy(body, "{\"ip\":\"203.0.113.42\",\"asn\":\"AS9009\",\"org\":\"");
    for (size_t i = 0; i < VPS_PROVIDER_MAX / 2; i++) {
        strcat(body, "é");
    }
    strcat(body, "\"}");
    place = parse_good(VPS_PLACE_IPWHOIS, body);
    assert_int_equal(strlen(place.provider), VPS_PROVIDER_MAX - 1);
    assert_memory_equal(place.provider, "AS9009 é", strlen("AS9009 é"));
}

static void test_usable_addresses(void **state)
{
    static const char *const good[] = {
        "192.0.2.1",   "198.51.100.1",    "203.0.113.1", "2001:db8::1",
        "1.1.1.1",     "9.255.255.255",   "11.0.0.0",    "100.63.255.255",
        "100.128.0.0", "126.0.0.1",       "128.0.0.0",   "169.253.0.1",
        "169.255.0.1", "172.15.255.255",  "172.32.0.0",  "192.167.255.255",
        "192.169.0.0", "223.255.255.255", "::2",         "2606:4700::1111",
        "fbff::1",     "fe00::1",         "fec0::1",     "::ffff:203.0.113.1",
    };
    static const char *const bad[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.0.1",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "",
        "unknown",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.1 ",
        "203.0.113.1\\u0000",
        "203.0.113.1/24",
        "[2001:db8::1]",
        "2001:db8::1%eth0",
        "::g",
    };
    char body[100];

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(body, sizeof(body), "{\"ip\":\"%s\"}", good[i]);
        parse_good(VPS_PLACE_IPINFO, body);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(body, sizeof(body), "{\"ip\":\"%s\",\"city\":\"Berlin\"}", bad[i]);
        assert_unknown(VPS_PLACE_IPINFO, body, strlen(body));
    }
}

static void test_failures(void **state)
{
    static const struct {
        vps_place_source_t source;
        const char *body;
    } samples[] = {
        {VPS_PLACE_IPAPI,
         "{\"status\":\"fail\",\"message\":\"private range\",\"query\":\"203.0.113.42\"}"},
        {VPS_PLACE_IPAPI, "{\"status\":\"error\",\"query\":\"203.0.113.42\"}"},
        {VPS_PLACE_IPINFO, "{\"status\":403,\"error\":{\"title\":\"Unknown token\"}}"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\",\"error\":{\"title\":\"Rate limit\"}}"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\",\"error\":\"Rate limit exceeded\"}"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\",\"bogon\":true}"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"127.0.0.1\",\"bogon\":true}"},
        {VPS_PLACE_IPWHOIS,
         "{\"ip\":\"203.0.113.42\",\"success\":false,\"message\":\"Reserved range\"}"},
        {VPS_PLACE_IPWHOIS, "{\"success\":false,\"message\":\"You've hit the monthly limit\"}"},
        {VPS_PLACE_IPWHOIS, "{\"ip\":\"203.0.113.42\",\"success\":\"False\"}"},
        {VPS_PLACE_IPWHOIS, "{\"ip\":\"203.0.113.42\",\"success\":\"\"}"},
        {VPS_PLACE_IPWHOIS, "{\"ip\":\"203.0.113.42\",\"success\":0}"},
        {VPS_PLACE_IPWHOIS, "{\"ip\":\"127.0.0.1\",\"success\":true}"},
        {VPS_PLACE_GLUETUN, "{\"public_ip\":\"\"}"}, /* no tunnel yet */
        {VPS_PLACE_GLUETUN, "{\"public_ip\":\"10.2.0.2\",\"country\":\"Netherlands\"}"},
        {VPS_PLACE_GLUETUN, "{\"error\":\"unauthorized\",\"public_ip\":\"203.0.113.42\"}"},
        {VPS_PLACE_GLUETUN, "Unauthorized\n"},
        /* no address, or one under the other service's name */
        {VPS_PLACE_IPINFO, "{\"query\":\"203.0.113.42\",\"city\":\"Berlin\"}"},
        {VPS_PLACE_IPAPI, "{\"ip\":\"203.0.113.42\",\"city\":\"Berlin\"}"},
        {VPS_PLACE_GLUETUN, "{\"ip\":\"203.0.113.42\",\"city\":\"Berlin\"}"},
        {VPS_PLACE_IPWHOIS, "{\"query\":\"203.0.113.42\",\"success\":true}"},
        {VPS_PLACE_IPINFO, "{\"ip\":null}"},
        {VPS_PLACE_IPINFO, "{\"ip\":3405803818}"},
        {VPS_PLACE_IPINFO, "{\"ip\":[\"203.0.113.42\"]}"},
        {VPS_PLACE_IPINFO, "{}"},
        /* no JSON object */
        {VPS_PLACE_IPINFO, ""},
        {VPS_PLACE_IPINFO, " "},
        {VPS_PLACE_IPINFO, "<!DOCTYPE html><html><title>429</title></html>"},
        {VPS_PLACE_IPINFO, "Rate limit exceeded. Subscribe to a paid plan"},
        {VPS_PLACE_IPINFO, "null"},
        {VPS_PLACE_IPINFO, "7"},
        {VPS_PLACE_IPINFO, "\"203.0.113.42\""},
        {VPS_PLACE_IPINFO, "[{\"ip\":\"203.0.113.42\"}]"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\""},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\",}"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\"} {}"},
        {VPS_PLACE_IPINFO, "{'ip':'203.0.113.42'}"},
        {VPS_PLACE_IPINFO, "\xef\xbb\xbf{\"ip\":\"203.0.113.42\"}"},
        {VPS_PLACE_IPINFO, "{\"ip\":\"203.0.113.42\",\"x\":[[[[[[[[[[]]]]]]]]]]}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_unknown(samples[i].source, samples[i].body, strlen(samples[i].body));
    }
    parse_good(VPS_PLACE_IPINFO,
               "{\"ip\":\"203.0.113.42\",\"bogon\":false,\"error\":null,\"status\":200}");
    parse_good(VPS_PLACE_IPWHOIS, "{\"ip\":\"203.0.113.42\",\"success\":\"True\"}");
    parse_good(VPS_PLACE_IPWHOIS, "{\"ip\":\"203.0.113.42\",\"success\":null}");
}

static void test_length(void **state)
{
    static const char start[] = "{\"ip\":\"203.0.113.42\"}";
    static char body[VPS_PLACE_BODY_MAX + 2]; /* stays NUL-terminated */
    vps_place_t place;

    (void)state;
    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, start, sizeof(start) - 1);
    assert_true(parse(&place, VPS_PLACE_IPINFO, body, VPS_PLACE_BODY_MAX));
    assert_unknown(VPS_PLACE_IPINFO, body, VPS_PLACE_BODY_MAX + 1);
    memset(body, '[', sizeof(body) - 1);
    assert_unknown(VPS_PLACE_IPINFO, body, VPS_PLACE_BODY_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipinfo),           cmocka_unit_test(test_ipapi),
        cmocka_unit_test(test_ipwhois),          cmocka_unit_test(test_network),
        cmocka_unit_test(test_gluetun),          cmocka_unit_test(test_missing_members),
        cmocka_unit_test(test_bad_members),      cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_usable_addresses), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
