/* ctl/fleet.h, ctl/row.h: clients as the API tells them, their order, and what has changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "api_json.h"
#include "text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- rows --- */

static const char *read_row(row_t *row, const char *text)
{
    json_object *json = json_read(text, strlen(text));
    const char *fault;

    assert_non_null(json);
    fault = row_read(row, json);
    json_object_put(json);
    return fault;
}

static void test_row(void **state)
{
    row_t row;

    (void)state;
    assert_null(read_row(
        &row,
        "{\"client_id\":\"office\",\"light\":\"red\",\"conditions\":[\"dns_leak\",\"bypass\"],"
        "\"public_ip\":\"203.0.113.1\",\"city\":\"東京\",\"location\":\"JP\",\"country\":\"Japan\","
        "\"dns_loc\":\"DE\",\"dns_colo\":\"FRA\",\"last_seen\":\"2025-01-15T12:34:56Z\"}"));
    assert_string_equal(row.id, "office");
    assert_int_equal(row.light, LIGHT_RED);
    assert_string_equal(row.why, "bypass, DNS leak");
    assert_string_equal(row.address, "203.0.113.1");
    assert_string_equal(row.place, "東京, JP");
    assert_string_equal(row.dns, "DE (FRA)");
    assert_int_equal(row.last_seen, 1736944496);
}

static void test_row_unknown(void **state)
{
    row_t row;

    (void)state;
    assert_null(read_row(
        &row,
        "{\"client_id\":\"a\",\"light\":\"green\",\"conditions\":[],\"public_ip\":null,"
        "\"region\":\"Bayern\",\"country\":\"Germany\",\"dns_colo\":\"FRA\",\"last_seen\":null}"));
    assert_string_equal(row.why, "secure");
    assert_string_equal(row.address, "");
    assert_string_equal(row.place, "Bayern, Germany");
    assert_string_equal(row.dns, "(FRA)");
    assert_int_equal(row.last_seen, 0);
}

/* Texts of others are as long as others like, and a newer server may know more. */
static void test_row_hostile(void **state)
{
    row_t row;

    (void)state;
    assert_null(read_row(
        &row,
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[\"new_thing\",\"\\u001b[2J\"],"
        "\"city\":\"\\u001b]0;x\\u0007\",\"location\":\"\\u0000a\"}"));
    assert_string_equal(row.why, "\\x1B[2J, new_thing");
    assert_string_equal(row.place, "\\x1B]0;x\\x07, \\x00a");
    assert_null(read_row(
        &row,
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[],\"city\":\""
        "東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京\"}"));
    assert_in_range(strlen(row.place), 40, sizeof(row.place) - 1);
    assert_non_null(strstr(row.place, "京…"));
}

static void test_row_faults(void **state)
{
    static const char *const cases[] = {
        "{}",
        "{\"client_id\":\"a b\",\"light\":\"red\",\"conditions\":[]}",
        "{\"client_id\":1,\"light\":\"red\",\"conditions\":[]}",
        "{\"client_id\":\"a\\u0000b\",\"light\":\"red\",\"conditions\":[]}",
        "{\"client_id\":\"a\",\"light\":\"blue\",\"conditions\":[]}",
        "{\"client_id\":\"a\",\"light\":null,\"conditions\":[]}",
        "{\"client_id\":\"a\",\"light\":3,\"conditions\":[]}",
        "{\"client_id\":\"a\",\"light\":\"red\"}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":\"bypass\"}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[1]}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[null]}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[],\"public_ip\":1}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[],\"city\":{}}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[],\"dns_loc\":true}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[],\"last_seen\":\"yesterday\"}",
        "{\"client_id\":\"a\",\"light\":\"red\",\"conditions\":[],\"last_seen\":12}",
    };
    row_t row;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(read_row(&row, cases[i]), "it tells of a client what no server would");
    }
}

/* --- fleets --- */

static void add(fleet_t *fleet, const char *id, light_t light, const char *address)
{
    row_t row = {.light = light, .why = "so"};

    (void)snprintf(row.id, sizeof(row.id), "%s", id);
    (void)snprintf(row.address, sizeof(row.address), "%s", address);
    assert_true(fleet_add(fleet, &row));
}

static void test_sort(void **state)
{
    static const char *const order[] = {"r1", "r2", "o", "y", "g1", "g2"};
    fleet_t fleet = {0};

    (void)state;
    add(&fleet, "g2", LIGHT_GREEN, "");
    add(&fleet, "y", LIGHT_YELLOW, "");
    add(&fleet, "r2", LIGHT_RED, "");
    add(&fleet, "o", LIGHT_GREY, "");
    add(&fleet, "r1", LIGHT_RED, "");
    add(&fleet, "g1", LIGHT_GREEN, "");
    fleet_sort(&fleet);
    for (size_t i = 0; i < COUNT(order); i++) {
        assert_string_equal(fleet.rows[i].id, order[i]);
    }
    fleet_clear(&fleet);
}

static char told[512];

static void tell_change(void *user, const row_t *before, const row_t *after)
{
    const size_t used = strlen(told);

    assert_ptr_equal(user, told);
    (void)snprintf(told + used, sizeof(told) - used, "%.16s>%.16s ",
                   before != NULL ? before->id : "", after != NULL ? after->id : "");
}

static void test_compare(void **state)
{
    fleet_t before = {0}, after = {0}, none = {0};

    (void)state;
    add(&before, "gone", LIGHT_RED, "");
    add(&before, "other", LIGHT_RED, "");
    add(&before, "moved", LIGHT_RED, "203.0.113.1");
    add(&before, "same", LIGHT_RED, "203.0.113.1");
    add(&after, "same", LIGHT_RED, "203.0.113.1");
    add(&after, "zz-new", LIGHT_RED, "");
    add(&after, "moved", LIGHT_RED, "203.0.113.2");
    add(&after, "aa-new", LIGHT_RED, "");
    add(&after, "other", LIGHT_GREY, "");
    fleet_sort_by_id(&before);
    fleet_sort_by_id(&after);
    fleet_compare(&before, &after, tell_change, told);
    assert_string_equal(told, ">aa-new gone> moved>moved other>other >zz-new ");

    told[0] = '\0';
    (void)snprintf(after.rows[0].why, sizeof(after.rows[0].why), "otherwise");
    fleet_compare(&after, &after, tell_change, told);
    assert_string_equal(told, "");
    fleet_compare(&none, &before, tell_change, told);
    fleet_compare(&before, &none, tell_change, told);
    assert_string_equal(told, ">gone >moved >other >same gone> moved> other> same> ");
    fleet_clear(&before);
    fleet_clear(&after);
}

static void test_census(void **state)
{
    const fleet_view_t plain = {.is_plain = true}, coloured = {0};
    fleet_t fleet = {0};
    char text[256] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    assert_non_null(out);
    fleet_write_census(out, &fleet, &plain);
    add(&fleet, "a", LIGHT_GREEN, "");
    fleet_write_census(out, &fleet, &plain);
    add(&fleet, "b", LIGHT_RED, "");
    fleet_write_census(out, &fleet, &plain);
    fleet_write_census(out, &fleet, &coloured);
    (void)fclose(out);
    assert_string_equal(text, "0 clients1 client: 1 green2 clients: 1 red, 1 green"
                              "2 clients: \033[31m■ 1 red\033[0m, \033[32m● 1 green\033[0m");
    fleet_clear(&fleet);
}

static int in_utf8(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    text_begin();
    return text_is_utf8() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),         cmocka_unit_test(test_row_unknown),
        cmocka_unit_test(test_row_hostile), cmocka_unit_test(test_row_faults),
        cmocka_unit_test(test_sort),        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_census),
    };

    return cmocka_run_group_tests(tests, in_utf8, NULL);
}
