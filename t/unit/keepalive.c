/* shared/keepalive.h: both forms of a body, what is refused and what the refusal says. */
#include "keepalive_body.h"

/* Step to the next of the texts that | separates and copy it; false at the end. */
static bool next_text(char out[64], const char **list)
{
    const size_t len = strcspn(*list, "|");

    if (len == 0) {
        return false;
    }
    snprintf(out, 64, "%.*s", (int)len, *list);
    *list += len + ((*list)[len] == '|' ? 1 : 0);
    return true;
}

static void flat_form(void **state)
{
    vps_record_t record, expected;

    (void)state;
    take(&record,
         "{\"client_id\":\"office-vpn-primary\",\"public_ip\":\"203.0.113.42\",\"location\":\"US\","
         "\"city\":\"San Francisco\",\n \"region\":\"California\",\"country\":\"United States\","
         "\"dns_loc\":\"US\",\"dns_colo\":\"SJC\",\n \"provider\":\"AS9009 M247\","
         "\"timezone\":\"America/Los_Angeles\",\"client_version\":\"1.2.3\","
         "\"dns_resolver_ip\":\"2001:DB8::53\",\"dns_source\":\"resolver\","
         "\"dns_path\":\"outside\",\"dns_verdict\":\"intercepted\","
         "\"public_ip6\":\"2001:DB8::42\",\"ipv6_verdict\":\"blocked\","
         "\"vpn_connected\":true,\"timestamp\":\"2025-01-15T12:34:56Z\"}");
    memset(&expected, 0, sizeof(expected));
    strcpy(expected.client_id, "office-vpn-primary");
    assert_true(vps_addr_parse(&expected.public_ip, "203.0.113.42", 12));
    strcpy(expected.location, "US");
    strcpy(expected.city, "San Francisco");
    strcpy(expected.region, "California");
    strcpy(expected.country, "United States");
    strcpy(expected.dns_loc, "US");
    strcpy(expected.dns_colo, "SJC");
    strcpy(expected.provider, "AS9009 M247");
    strcpy(expected.timezone, "America/Los_Angeles");
    strcpy(expected.client_version, "1.2.3");
    assert_true(vps_addr_parse(&expected.dns_resolver_ip, "2001:db8::53", 12));
    assert_true(vps_addr_parse(&expected.public_ip6, "2001:db8::42", 12));
    expected.dns_source = VPS_DNS_RESOLVER;
    expected.dns_path = VPS_DNS_PATH_OUTSIDE;
    expected.dns_verdict = VPS_DNS_VERDICT_INTERCEPTED;
    expected.ipv6_verdict = VPS_IPV6_VERDICT_BLOCKED;
    expected.vpn_connected = VPS_YES;
    expected.timestamp = 1736944496;
    assert_memory_equal(&record, &expected, sizeof(record));
}

/* As the released Python client sends it. */
static void nested_form(void **state)
{
    vps_record_t record, expected;

    (void)state;
    take(&record, "{\"client_id\": \"home\", \"timestamp\": \"2025-01-15T12:34:56+0000\", "
                  "\"public_ip\": \"203.0.113.42\", \"status\": \"alive\", "
                  "\"location\": {\"country\": \"DE\", \"city\": \"Köln\", \"region\": \"NRW\", "
                  "\"org\": \"AS9009 M247\", \"timezone\": \"Europe/Berlin\"}, "
                  "\"dns_test\": {\"location\": \"NL\", \"colo\": \"AMS\"}, "
                  "\"client_version\": \"1.0.0\"}");
    memset(&expected, 0, sizeof(expected));
    strcpy(expected.client_id, "home");
    assert_true(vps_addr_parse(&expected.public_ip, "203.0.113.42", 12));
    strcpy(expected.location, "DE");
    strcpy(expected.country, "DE");
    strcpy(expected.city, "Köln");
    strcpy(expected.region, "NRW");
    strcpy(expected.provider, "AS9009 M247");
    strcpy(expected.timezone, "Europe/Berlin");
    strcpy(expected.dns_loc, "NL");
    strcpy(expected.dns_colo, "AMS");
    strcpy(expected.client_version, "1.0.0");
    expected.timestamp = 1736944496;
    assert_memory_equal(&record, &expected, sizeof(record));
}

/* One that 32 bits do not hold is taken, and not known. */
static void timestamps_far_off(void **state)
{
    static const struct {
        const char *body;
        uint32_t timestamp;
    } cases[] = {
        {"{\"client_id\":\"a\",\"timestamp\":\"2106-02-07T06:28:15Z\"}", UINT32_MAX},
        {"{\"client_id\":\"a\",\"timestamp\":\"2106-02-07T06:28:16Z\"}", 0},
        {"{\"client_id\":\"a\",\"timestamp\":\"9999-12-31T23:59:59Z\"}", 0},
        {"{\"client_id\":\"a\",\"timestamp\":\"1970-01-01T00:00:01Z\"}", 1},
    };
    vps_record_t record;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        take(&record, cases[i].body);
        assert_int_equal(record.timestamp, cases[i].timestamp);
    }
}

static void mixed_forms(void **state)
{
    vps_record_t record;

    (void)state;
    take(&record, "{\"client_id\":\"a\",\"location\":{\"country\":\"DE\",\"city\":\"Berlin\"},"
                  "\"country\":\"Germany\",\"city\":\"unknown\","
                  "\"dns_loc\":\"FR\",\"dns_test\":{\"location\":\"NL\",\"colo\":\"AMS\"}}");
    assert_string_equal(record.location, "DE");
    assert_string_equal(record.country, "Germany");
    assert_string_equal(record.city, "Berlin");
    assert_string_equal(record.dns_loc, "FR");
    assert_string_equal(record.dns_colo, "AMS");
    take(&record, "{\"client_id\":\"a\",\"location\":\"DE\",\"dns_test\":{}}");
    assert_string_equal(record.location, "DE");
    assert_string_equal(record.country, "");
}

static void unknown_values(void **state)
{
    static const char *const bodies[] = {
        "{\"client_id\":\"a\"}",
        "{\"client_id\":\"a\",\"public_ip\":null,\"location\":null,\"city\":null,\"region\":null,"
        "\"country\":null,\"dns_loc\":null,\"dns_colo\":null,\"provider\":null,\"timezone\":null,"
        "\"client_version\":null,\"vpn_connected\":null,\"timestamp\":null,\"status\":null,"
        "\"dns_test\":null}",
        "{\"client_id\":\"a\",\"public_ip\":\"\",\"location\":\"\",\"city\":\"\","
        "\"timestamp\":\"\",\"dns_colo\":\"\",\"dns_test\":{},\"status\":\"\"}",
        "{\"client_id\":\"a\",\"public_ip\":\"unknown\",\"location\":\"unknown\","
        "\"city\":\"Unknown\",\"timestamp\":\"Unknown\",\"dns_loc\":\"Unknown\"}",
        "{\"client_id\":\"a\",\"public_ip\":\"Unknown\",\"location\":{},"
        "\"dns_test\":{\"location\":null,\"colo\":\"unknown\"}}",
        "{\"client_id\":\"a\",\"location\":{\"country\":null,\"city\":\"\",\"org\":\"Unknown\"}}",
        "{\"client_id\":\"a\",\"Location\":\"DE\",\"extra\":[1,{\"city\":\"x\"}],\"city2\":\"y\"}",
        "{\"client_id\":\"a\",\"dns_resolver_ip\":null,\"dns_source\":null}",
        "{\"client_id\":\"a\",\"dns_resolver_ip\":\"\",\"dns_source\":\"\"}",
        "{\"client_id\":\"a\",\"dns_resolver_ip\":\"unknown\",\"dns_source\":\"Unknown\"}",
    };
    vps_record_t nothing, record;

    (void)state;
    memset(&nothing, 0, sizeof(nothing));
    strcpy(nothing.client_id, "a");
    for (size_t i = 0; i < COUNT(bodies); i++) {
        take(&record, bodies[i]);
        assert_memory_equal(&record, &nothing, sizeof(record));
    }
}

static void values(void **state)
{
    vps_record_t record;
    char address[VPS_ADDR_TEXT_SIZE];

    (void)state;
    take(&record,
         "\r\n\t {\"client_id\" : \"unknown\" , \"vpn_connected\":false,"
         "\"public_ip\":\"2001:DB8:0:0::1\",\"city\":\"S\\u00e3o Paulo \\ud83c\\udf10\","
         "\"region\":\"AT&T (x) \\\"<b>\\\\\\/\",\"x\":[-0.5e+3,0,1E9,true,false,null]}\n");
    assert_string_equal(record.client_id, "unknown");
    assert_int_equal(record.vpn_connected, VPS_NO);
    assert_string_equal(vps_addr_format(address, &record.public_ip), "2001:db8::1");
    assert_string_equal(record.city, "São Paulo 🌐");
    assert_string_equal(record.region, "AT&T (x) \"<b>\\/");
    take(&record, "{\"client_id\":\"a\",\"public_ip\":\"::ffff:192.0.2.1\",\"city\":\"東京\"}");
    assert_string_equal(vps_addr_format(address, &record.public_ip), "192.0.2.1");
    assert_string_equal(record.city, "東京");
}

static void last_of_twins_counts(void **state)
{
    vps_record_t record;

    (void)state;
    take(&record, "{\"client_id\":\"first\",\"city\":1,\"client_id\":\"last\",\"city\":\"x\"}");
    assert_string_equal(record.client_id, "last");
    assert_string_equal(record.city, "x");
    take(&record, "{\"client_id\":\"a\",\"city\":\"x\",\"\\u0063ity\":null}");
    assert_string_equal(record.city, "");
    take(&record, "{\"client_id\":\"a\",\"location\":{\"country\":\"DE\"},\"location\":\"FR\"}");
    assert_string_equal(record.location, "FR");
    assert_string_equal(record.country, "");
    refuse("{\"client_id\":\"a\",\"client_id\":null}", "client_id");
}

static void limits(void **state)
{
    static const struct {
        const char *member, *before, *after;
        size_t max;
    } cases[] = {
        {"location", "\"location\":\"", "\"", 64},
        {"city", "\"city\":\"", "\"", 100},
        {"region", "\"region\":\"", "\"", 64},
        {"country", "\"country\":\"", "\"", 64},
        {"dns_loc", "\"dns_loc\":\"", "\"", 64},
        {"dns_colo", "\"dns_colo\":\"", "\"", 16},
        {"provider", "\"provider\":\"", "\"", 64},
        {"timezone", "\"timezone\":\"", "\"", 40},
        {"client_version", "\"client_version\":\"", "\"", 32},
        {"location.country", "\"location\":{\"country\":\"", "\"}", 64},
        {"location.city", "\"location\":{\"city\":\"", "\"}", 100},
        {"location.region", "\"location\":{\"region\":\"", "\"}", 64},
        {"location.org", "\"location\":{\"org\":\"", "\"}", 64},
        {"location.timezone", "\"location\":{\"timezone\":\"", "\"}", 40},
        {"dns_test.location", "\"dns_test\":{\"location\":\"", "\"}", 64},
        {"dns_test.colo", "\"dns_test\":{\"colo\":\"", "\"}", 16},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[512], text[128], limit[32];
        vps_record_t record;

        /* Bytes are counted, not characters: the text begins with one of two bytes. */
        memset(text, 'x', sizeof(text));
        memcpy(text, "é", 2);
        snprintf(body, sizeof(body), "{\"client_id\":\"a\",%s%.*s%s}", cases[i].before,
                 (int)cases[i].max, text, cases[i].after);
        take(&record, body);
        snprintf(body, sizeof(body), "{\"client_id\":\"a\",%s%.*s%s}", cases[i].before,
                 (int)cases[i].max + 1, text, cases[i].after);
        snprintf(limit, sizeof(limit), " %zu bytes ", cases[i].max);
        refuse_bytes(body, strlen(body), cases[i].member, limit);
    }
}

static void client_id(void **state)
{
    static const char bad[] =
        "{}|{\"client_id\":null}|{\"client_id\":\"\"}|{\"client_id\":1}|{\"client_id\":true}|"
        "{\"client_id\":[\"a\"]}|{\"client_id\":\"a b\"}|{\"client_id\":\"a\\n\"}|"
        "{\"client_id\":\"a\\u0000\"}|{\"client_id\":\"\\u00e9\"}|{\"Client_Id\":\"a\"}|"
        "{\"location\":{\"client_id\":\"a\"}}";
    char body[64];

    (void)state;
    for (const char *list = bad; next_text(body, &list);) {
        refuse(body, "client_id");
    }
}

static void bad_members(void **state)
{
    static const struct {
        const char *member, *text;
    } cases[] = {
        {"public_ip", "\"public_ip\":1"},
        {"public_ip", "\"public_ip\":\"1.2.3\""},
        {"public_ip", "\"public_ip\":\"1.2.3.4 \""},
        {"public_ip", "\"public_ip\":\"1.2.3.4\\u0000\""},
        {"public_ip", "\"public_ip\":{}"},
        {"location", "\"location\":1"},
        {"location", "\"location\":[\"DE\"]"},
        {"city", "\"city\":{}"},
        {"city", "\"city\":false"},
        {"city", "\"city\":\"a\\nb\""},
        {"city", "\"city\":\"a\\u0000b\""},
        {"city", "\"city\":\"\\u0000\""},
        {"city", "\"city\":\"a\\u007f\""},
        {"city", "\"city\":\"a\\u0085b\""},
        {"city", "\"city\":\"\\ufeffa\""},
        {"city", "\"city\":\"\xef\xbb\xbf\x61\""},
        {"city", "\"city\":\"a\xc2\x9b\""},
        {"city", "\"city\":\"a\x7f\""},
        {"country", "\"country\":12.5"},
        {"client_version", "\"client_version\":1.0"},
        {"location.country", "\"location\":{\"country\":49}"},
        {"location.country", "\"country\":\"DE\",\"location\":{\"country\":49}"},
        {"location.org", "\"location\":{\"org\":\"a\\tb\"}"},
        {"dns_test", "\"dns_test\":\"DE\""},
        {"dns_test", "\"dns_test\":[]"},
        {"dns_test", "\"dns_test\":false"},
        {"dns_test.colo", "\"dns_test\":{\"colo\":{}}"},
        {"dns_resolver_ip", "\"dns_resolver_ip\":\"dns.example\""},
        {"dns_resolver_ip", "\"dns_resolver_ip\":[\"192.0.2.1\"]"},
        {"dns_source", "\"dns_source\":\"Resolver\""},
        {"dns_source", "\"dns_source\":\"resolvers\""},
        {"dns_source", "\"dns_source\":\"trac\""},
        {"dns_source", "\"dns_source\":\"trace\\u0000\""},
        {"dns_source", "\"dns_source\":2"},
        {"dns_source", "\"dns_source\":true"},
        {"dns_path", "\"dns_path\":\"inside\""},
        {"dns_path", "\"dns_path\":[\"tunnel\"]"},
        {"dns_verdict", "\"dns_verdict\":\"blocked\""},
        {"dns_verdict", "\"dns_verdict\":4"},
        {"ipv6_verdict", "\"ipv6_verdict\":\"allowed\""},
        {"ipv6_verdict", "\"ipv6_verdict\":\"leaks\""},
        {"public_ip6", "\"public_ip6\":\"192.0.2.1\""},
        {"public_ip6", "\"public_ip6\":\"::ffff:192.0.2.1\""},
        {"public_ip6", "\"public_ip6\":\"2001:db8::/64\""},
        {"vpn_connected", "\"vpn_connected\":\"true\""},
        {"vpn_connected", "\"vpn_connected\":1"},
        {"vpn_connected", "\"vpn_connected\":\"unknown\""},
        {"timestamp", "\"timestamp\":1736944496"},
        {"timestamp", "\"timestamp\":\"yesterday\""},
        {"timestamp", "\"timestamp\":\"2025-02-29T00:00:00Z\""},
        {"status", "\"status\":1"},
        {"status", "\"status\":{}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[256];

        snprintf(body, sizeof(body), "{\"client_id\":\"a\",%s}", cases[i].text);
        refuse(body, cases[i].member);
    }
}

static void no_json(void **state)
{
    static const char bad[] =
        " |null|1|true|\"a\"|[]|[{\"client_id\":\"a\"}]|{|{\"client_id\":\"a\"|"
        "{\"client_id\":\"a\"}}|{\"client_id\":\"a\"}]|{\"client_id\":\"a\"}x|"
        "{\"client_id\":\"a\"}{}|{\"client_id\":\"a\"} {\"client_id\":\"b\"}|"
        "{\"client_id\":\"a\"},|{\"client_id\":\"a\",}|{,\"client_id\":\"a\"}|"
        "{\"client_id\":\"a\",,\"x\":1}|{\"client_id\":\"a\" \"x\":1}|{\"client_id\" \"a\"}|"
        "{\"client_id\"}|{\"client_id\":}|{client_id:\"a\"}|{'client_id':'a'}|"
        "{\"client_id\":'a'}|{\"client_id\":\"a\"} // x|/* x */ {\"client_id\":\"a\"}|"
        "{\"client_id\":\"a\",\"x\":[1,]}|{\"client_id\":\"a\",\"x\":[,1]}|"
        "{\"client_id\":\"a\",\"x\":[1 2]}|{\"client_id\":\"a\",\"x\":[1}}|"
        "{\"client_id\":\"a\",1:2}|{\"client_id\":\"a\",null:2}|{\"client_id\":\"a\"}\f|"
        "{\"client_id\":\v\"a\"}|{\"client_id\":\"a\xc2\xa0\",\"x\":\xc2\xa0 1}";
    char body[64];

    (void)state;
    refuse("", "body");
    for (const char *list = bad; next_text(body, &list);) {
        refuse(body, "body");
    }
}

/* The value of an unknown member is checked as JSON, no more. */
static void tokens(void **state)
{
    static const char bad[] =
        "NaN|nan|-NaN|Infinity|-Infinity|inf|True|NULL|nul|nulll|truefalse|tru|+1|01|"
        "-01|00|-|--1|1.|.5|-.5|1.e1|1e|1e+|1e5.5|1.2.3|0x10|1-2|1_000|1 2|1a|undefined|"
        "\"|\"\\\"|\"\\x41\"|\"\\'\"|\"\\u12\"|\"\\u123g\"|\"\\U0041\"|\"\\ud800\"|"
        "\"\\udc00\"|\"\\ud800x\"|\"\\ud800\\n\"|\"\\ud800\\ud800\"|\"\\udc00\\ud800\"|"
        "\"\\ud83c\\u0041\"|\"\\ud83c\\udf1\"|\"a\nb\"|\"a\tb\"|\"\x1f\"|\"\\|\"\\u|`a`|"
        "#";
    static const char good[] =
        "0|-0|-1|10|0.0|1.50|1e5|1E-05|-0.1e+10|123456789012345678901234|1e999999|\"\"|"
        "\"\\\\\\\"\\/\\b\\f\\n\\r\\t\"|\"\\u0000\"|\"\\ud83c\\udf10\"|"
        "\"\\uD83C\\uDF10\"|\"\x7f\"|\"\\uffff\"|[]|{}|[[],{}]|{\"\":\"\"}";
    char body[256], token[64];
    vps_record_t record;

    (void)state;
    for (const char *list = bad; next_text(token, &list);) {
        snprintf(body, sizeof(body), "{\"client_id\":\"a\",\"x\":%s}", token);
        refuse(body, "body");
        snprintf(body, sizeof(body), "{\"client_id\":\"a\",\"x\":[%s,1]}", token);
        refuse(body, "body");
    }
    for (const char *list = good; next_text(token, &list);) {
        snprintf(body, sizeof(body), "{\"client_id\":\"a\",\"x\":%s}", token);
        take(&record, body);
        snprintf(body, sizeof(body), "{\"client_id\":\"a\",\"x\":[%s , %s]}", token, token);
        take(&record, body);
    }
}

#define BYTES(literal) literal, sizeof(literal) - 1

static void encodings(void **state)
{
    static const struct {
        const char *body;
        size_t len;
        const char *rule; /* told in the message */
    } cases[] = {
        {BYTES("\xef\xbb\xbf{\"client_id\":\"a\"}"), "UTF-8"},
        {BYTES("\xff\xfe{\0}\0"), "UTF-8"},
        {BYTES("\xfe\xff\0{\0}"), "UTF-8"},
        {BYTES("{\0\"\0a\0\"\0:\0001\0}\0"), "JSON"},
        {BYTES("\0{\0}"), "JSON"},
        {BYTES("{\"client_id\":\"a\"}\0"), "JSON"},
        {BYTES("{\"client_id\":\"a\"\0}"), "JSON"},
        {BYTES("{\"client_id\":\"a\0b\"}"), "JSON"},
        {BYTES("{\"client_id\":\"a\",\"city\":\"\xc0\x80\"}"), "UTF-8"},
        {BYTES("{\"client_id\":\"a\",\"city\":\"\xff\"}"), "UTF-8"},
        {BYTES("{\"client_id\":\"a\",\"city\":\"\xed\xa0\x80\"}"), "UTF-8"},
        {BYTES("{\"client_id\":\"a\",\"x\":\"\xe6\x9d\"}"), "UTF-8"},
        {BYTES("{\"client_id\":\"a\",\"\xff\":1}"), "UTF-8"},
        {BYTES("{\"client_id\":\"a\",\"x\":\"\xc3"), "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        refuse_bytes(cases[i].body, cases[i].len, "body", cases[i].rule);
    }
}

/* json-c cuts a name at its NUL: such a name must not pass for a known one. */
static void name_with_nul(void **state)
{
    vps_record_t record;

    (void)state;
    refuse("{\"client_id\\u0000x\":\"a\"}", "body");
    refuse("{\"client_id\":\"a\",\"city\\u0000\" : \"x\"}", "body");
    refuse("{\"client_id\":\"a\",\"x\":{\"\\u0000\"\n:1}}", "body");
    take(&record, "{\"client_id\":\"a\",\"x\":\"\\u0000\"}");
}

static void nest(char *out, size_t size, int depth)
{
    size_t used = (size_t)snprintf(out, size, "{\"client_id\":\"a\",\"x\":");

    for (int i = 0; i < depth; i++) {
        out[used++] = '[';
    }
    for (int i = 0; i < depth; i++) {
        out[used++] = ']';
    }
    snprintf(out + used, size - used, "}");
}

static void bounds(void **state)
{
    static char body[VPS_KEEPALIVE_BODY_MAX + 2];
    vps_record_t record;
    vps_fault_t fault;

    (void)state;
    nest(body, sizeof(body), VPS_KEEPALIVE_DEPTH_MAX - 1);
    take(&record, body);
    nest(body, sizeof(body), VPS_KEEPALIVE_DEPTH_MAX);
    refuse_bytes(body, strlen(body), "body", "deep");
    nest(body, sizeof(body), 8000);
    refuse_bytes(body, strlen(body), "body", "deep");
    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"client_id\":\"a\"}", 17);
    assert_true(parse_bytes(&record, &fault, body, VPS_KEEPALIVE_BODY_MAX));
    refuse_bytes(body, VPS_KEEPALIVE_BODY_MAX + 1, "body", "long");
    memset(body, '"', sizeof(body));
    refuse_bytes(body, VPS_KEEPALIVE_BODY_MAX, "body", "JSON");
}

static void to_json(void **state)
{
    vps_record_t record;
    json_object *object;

    (void)state;
    take(&record, "{\"client_id\":\"a\"}");
    object = vps_record_to_json(&record);
    assert_string_equal(
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
        "{\"client_id\":\"a\",\"public_ip\":null,\"location\":null,\"city\":null,\"region\":null,"
        "\"country\":null,\"dns_loc\":null,\"dns_colo\":null,\"provider\":null,\"timezone\":null,"
        "\"client_version\":null,\"public_ip6\":null,\"dns_resolver_ip\":null,"
        "\"dns_source\":null,\"dns_path\":null,\"dns_verdict\":null,\"ipv6_verdict\":null,"
        "\"vpn_connected\":null}");
    json_object_put(object);
    take(&record, "{\"client_id\":\"a\",\"public_ip\":\"2001:DB8::1\",\"location\":\"DE\","
                  "\"city\":\"Köln \\\"x\\\"\",\"region\":\"NRW\",\"country\":\"Germany\","
                  "\"dns_loc\":\"NL\",\"dns_colo\":\"AMS\",\"provider\":\"M247\","
                  "\"timezone\":\"CET\",\"client_version\":\"1\",\"vpn_connected\":false,"
                  "\"dns_resolver_ip\":\"192.0.2.53\",\"dns_source\":\"trace\","
                  "\"dns_path\":\"tunnel\",\"dns_verdict\":\"allowed\","
                  "\"public_ip6\":\"2001:DB8::6\",\"ipv6_verdict\":\"leak\"}");
    object = vps_record_to_json(&record);
    assert_string_equal(
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
        "{\"client_id\":\"a\",\"public_ip\":\"2001:db8::1\",\"location\":\"DE\","
        "\"city\":\"Köln \\\"x\\\"\",\"region\":\"NRW\",\"country\":\"Germany\",\"dns_loc\":\"NL\","
        "\"dns_colo\":\"AMS\",\"provider\":\"M247\",\"timezone\":\"CET\",\"client_version\":\"1\","
        "\"public_ip6\":\"2001:db8::6\",\"dns_resolver_ip\":\"192.0.2.53\","
        "\"dns_source\":\"trace\",\"dns_path\":\"tunnel\",\"dns_verdict\":\"allowed\","
        "\"ipv6_verdict\":\"leak\",\"vpn_connected\":false}");
    json_object_put(object);
}

static void words_back_and_forth(void **state)
{
    (void)state;
    assert_string_equal(vps_word(VPS_WORD_DNS_SOURCE, VPS_DNS_TRACE), "trace");
    assert_string_equal(vps_word(VPS_WORD_DNS_PATH, VPS_DNS_PATH_OUTSIDE), "outside");
    assert_string_equal(vps_word(VPS_WORD_DNS_VERDICT, VPS_DNS_VERDICT_INTERCEPTED), "intercepted");
    assert_string_equal(vps_word(VPS_WORD_IPV6_VERDICT, VPS_IPV6_VERDICT_LEAK), "leak");
    for (int member = 0; member < VPS_WORDS; member++) {
        for (unsigned int number = 0; number <= UINT8_MAX; number++) {
            const char *word = vps_word((vps_word_t)member, (uint8_t)number);

            if (word[0] != '\0') {
                assert_int_equal(vps_word_parse((vps_word_t)member, word, strlen(word)), number);
                assert_int_equal(vps_word_parse((vps_word_t)member, word, strlen(word) - 1), 0);
                assert_int_equal(vps_word_parse((vps_word_t)member, word, strlen(word) + 1), 0);
            }
        }
        assert_string_equal(vps_word((vps_word_t)member, 0), "");
        assert_int_equal(vps_word_parse((vps_word_t)member, "", 0), 0);
        assert_int_equal(vps_word_parse((vps_word_t)member, "unknown", 7), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_form),
        cmocka_unit_test(nested_form),
        cmocka_unit_test(timestamps_far_off),
        cmocka_unit_test(mixed_forms),
        cmocka_unit_test(unknown_values),
        cmocka_unit_test(values),
        cmocka_unit_test(last_of_twins_counts),
        cmocka_unit_test(limits),
        cmocka_unit_test(client_id),
        cmocka_unit_test(bad_members),
        cmocka_unit_test(no_json),
        cmocka_unit_test(tokens),
        cmocka_unit_test(encodings),
        cmocka_unit_test(name_with_nul),
        cmocka_unit_test(bounds),
        cmocka_unit_test(to_json),
        cmocka_unit_test(words_back_and_forth),
    };

    return cmocka_run_group_tests_name("keepalive", tests, NULL, NULL);
}
