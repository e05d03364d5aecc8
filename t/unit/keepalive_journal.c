/* shared/keepalive.h: the journal in a body, what is refused of it, and the way back. */
#include "keepalive_body.h"

static void assert_change(size_t i, int64_t at, vps_fact_t fact, const vps_record_t *expected)
{
    vps_change_t change;

    vps_change_take(&change, fact, expected, at);
    assert_true(i < past.count);
    assert_memory_equal(&past.changes[i], &change, sizeof(change));
}

static void journal(void **state)
{
    vps_record_t record, expected;

    (void)state;
    take(&record,
         "{\"client_id\":\"a\",\"public_ip\":\"192.0.2.1\",\"journal\":["
         "{\"at\":\"1970-01-01T00:00:09Z\",\"field\":\"public_ip\",\"value\":\"198.51.100.7\"},"
         "{\"value\":false,\"field\":\"vpn_connected\",\"at\":\"1970-01-01T00:00:08Z\"},"
         "{\"at\":\"1970-01-01T00:00:08Z\",\"field\":\"of a later version\",\"value\":[1]},"
         "{\"at\":\"1970-01-01T00:00:10Z\",\"field\":\"dns_verdict\",\"value\":\"leak\"},"
         "{\"at\":\"1970-01-01T00:00:11Z\",\"field\":\"location\",\"value\":\"Germany\"},"
         "{\"at\":\"1970-01-01T00:00:12Z\",\"field\":\"dns_loc\",\"value\":null},"
         "{\"at\":\"1970-01-01T00:00:13Z\",\"field\":\"public_ip6\",\"value\":5},"
         "{\"at\":\"1970-01-01T00:00:13Z\",\"field\":\"vpn_connected\"},"
         "{\"at\":\"1970-01-01T00:00:14Z\",\"field\":\"ipv6_verdict\",\"value\":\"blocked\"}]}");
    assert_int_equal(past.count, 7);
    memset(&expected, 0, sizeof(expected));
    assert_true(vps_addr_parse(&expected.public_ip, "198.51.100.7", 12));
    expected.vpn_connected = VPS_NO;
    expected.dns_verdict = VPS_DNS_VERDICT_LEAK;
    expected.ipv6_verdict = VPS_IPV6_VERDICT_BLOCKED;
    strcpy(expected.location, "Germany");
    assert_change(0, 9, VPS_FACT_PUBLIC_IP, &expected);
    assert_change(1, 8, VPS_FACT_VPN_CONNECTED, &expected);
    assert_change(2, 10, VPS_FACT_DNS_VERDICT, &expected);
    assert_change(3, 11, VPS_FACT_LOCATION, &expected);
    assert_change(4, 12, VPS_FACT_DNS_LOC, &expected);
    expected.vpn_connected = VPS_UNKNOWN;
    assert_change(5, 13, VPS_FACT_VPN_CONNECTED, &expected);
    assert_change(6, 14, VPS_FACT_IPV6_VERDICT, &expected);
    assert_int_equal(record.vpn_connected, VPS_UNKNOWN); /* nor has it become part of the report */

    take(&record, "{\"client_id\":\"a\",\"journal\":null}");
    assert_int_equal(past.count, 0);
    take(&record, "{\"client_id\":\"a\",\"journal\":[]}");
    assert_int_equal(past.count, 0);
    take(&record, "{\"client_id\":\"a\"}");
    assert_int_equal(past.count, 0);
}

static void bad_journals(void **state)
{
    static const char at[] = "\"at\":\"2025-01-15T12:34:56Z\"";
    static const char *const changes[] = {
        "5",
        "null",
        "[]",
        "{}",
        "{\"field\":\"public_ip\",\"value\":\"192.0.2.1\"}",
        "{@,\"value\":\"192.0.2.1\"}",
        "{@,\"field\":5,\"value\":\"192.0.2.1\"}",
        "{\"at\":5,\"field\":\"public_ip\",\"value\":\"192.0.2.1\"}",
        "{\"at\":\"yesterday\",\"field\":\"public_ip\",\"value\":\"192.0.2.1\"}",
        "{\"at\":\"yesterday\",\"field\":\"of a later version\"}",
        "{@,\"field\":\"public_ip\",\"value\":\"192.0.2.256\"}",
        "{@,\"field\":\"public_ip\",\"value\":5}",
        "{@,\"field\":\"location\",\"value\":[]}",
        "{@,\"field\":\"dns_loc\",\"value\":\"\\u0007\"}",
        "{@,\"field\":\"dns_verdict\",\"value\":\"blocked\"}",
        "{@,\"field\":\"ipv6_verdict\",\"value\":{}}",
        "{@,\"field\":\"vpn_connected\",\"value\":\"true\"}",
    };
    char body[400];

    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        const char *mark = strchr(changes[i], '@');
        const int before = mark != NULL ? (int)(mark - changes[i]) : (int)strlen(changes[i]);

        snprintf(body, sizeof(body), "{\"client_id\":\"a\",\"journal\":[%.*s%s%s]}", before,
                 changes[i], mark != NULL ? at : "", mark != NULL ? mark + 1 : "");
        refuse(body, "journal");
    }
    refuse("{\"client_id\":\"a\",\"journal\":{}}", "journal");
    refuse("{\"client_id\":\"a\",\"journal\":\"\"}", "journal");
}

static void journal_there_and_back(void **state)
{
    vps_past_t expected = {.count = VPS_PAST_MAX};
    vps_record_t record = {0};
    vps_fault_t fault;
    json_object *body = json_object_new_object(), *array;
    const char *text;

    (void)state;
    assert_true(vps_addr_parse(&record.public_ip, "2001:db8::1", 11));
    strcpy(record.location, "DE");
    record.dns_verdict = VPS_DNS_VERDICT_TUNNEL;
    for (size_t i = 0; i < VPS_PAST_MAX; i++) {
        vps_change_take(&expected.changes[i], (vps_fact_t)(i % VPS_FACTS), &record,
                        1736944496 + (int64_t)i);
    }
    array = vps_past_to_json(&expected);
    json_object_object_add(body, "client_id", json_object_new_string("a"));
    json_object_object_add(body, "journal", array);
    text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
    take(&record, text);
    assert_memory_equal(&past, &expected, sizeof(past));
    assert_true(vps_keepalive_parse(&record, NULL, &fault, text, strlen(text)));

    json_object_array_add(array, json_object_get(json_object_array_get_idx(array, 0)));
    refuse(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN), "journal");
    json_object_put(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal),
        cmocka_unit_test(bad_journals),
        cmocka_unit_test(journal_there_and_back),
    };

    return cmocka_run_group_tests_name("keepalive_journal", tests, NULL, NULL);
}
