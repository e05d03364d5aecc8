/* mod_vpnsentinel/webhook_request.h and event_json.h: ids, signatures of known vectors, the body. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "event_json.h"
#include "pool.h"
#include "webhook_request.h"

static const webhook_server_t server = {"vpn.example.org", UINT64_C(0x0123456789ABCDEF)};

static webhook_target_t target_of(const char *url, const char *secret)
{
    webhook_target_t target;

    assert_null(webhook_target_read(&target, url, pool));
    if (secret != NULL) {
        assert_null(webhook_target_read_secret(&target, secret, pool));
    }
    return target;
}

/* The first is the one of the convention's own libraries. */
static void test_known_signatures(void **state)
{
    static const struct {
        const char *secret, *id;
        int64_t timestamp;
        const char *body, *signature;
    } cases[] = {
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
         "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"0123456789abcdef", "msg_1", 1700000000, "",
         "v1,lTzpJ4WzkbYvvbIoDyfS7CMupfqSate6KHarcmPyCm0="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const webhook_target_t target = target_of("https://example.org/", cases[i].secret);
        char signature[WEBHOOK_SIGNATURE_SIZE];

        assert_string_equal(
            webhook_signature(signature, &target, cases[i].id, cases[i].timestamp, cases[i].body),
            cases[i].signature);
    }
}

/* One of an event of a destination: stays when the store gives it another number. */
static void test_ids(void **state)
{
    const webhook_target_t one = target_of("https://example.org/a", NULL),
                           other = target_of("https://example.org/b", NULL);
    const event_t event = {.id = 1, .uid = 7, .number = 3, .when = 1700000000, .kind = EVENT_LEAK};
    event_t changed[5] = {event, event, event, event, event};
    char id[WEBHOOK_ID_SIZE], again[WEBHOOK_ID_SIZE];

    (void)state;
    (void)webhook_id(id, &one, &event);
    assert_int_equal(strlen(id), WEBHOOK_ID_SIZE - 1);
    assert_int_equal(strspn(id + 4, "0123456789abcdef"), 32);
    changed[0].id = 2;
    assert_string_equal(webhook_id(again, &one, &changed[0]), id);
    assert_string_not_equal(webhook_id(again, &other, &event), id);
    changed[1].uid = 8;
    changed[2].number = 4;
    changed[3].when++;
    changed[4].kind = EVENT_LEAK_OVER;
    for (size_t i = 1; i < 5; i++) {
        assert_string_not_equal(webhook_id(again, &one, &changed[i]), id);
    }
}

static const char *text_of(json_object *json, const char *name)
{
    json_object *member;

    assert_true(json_object_object_get_ex(json, name, &member));
    return json_object_get_string(member);
}

static void test_the_body(void **state)
{
    event_t event = {.id = 5, .uid = 7, .number = 3, .when = 1700000000, .kind = EVENT_OFFLINE};
    json_object *json, *from;
    char *body;

    (void)state;
    event.seconds = 300;
    strcpy(event.client_id, "office");
    body = webhook_body(&event, &server);
    json = json_tokener_parse(body);
    assert_non_null(json);
    assert_string_equal(text_of(json, "id"), "5");
    assert_string_equal(text_of(json, "time"), "2023-11-14T22:13:20Z");
    assert_string_equal(text_of(json, "event"), "offline");
    assert_string_equal(text_of(json, "client_id"), "office");
    assert_string_equal(text_of(json, "seconds"), "300");
    assert_true(strlen(text_of(json, "message")) > 0);
    assert_true(json_object_object_get_ex(json, "server", &from));
    assert_string_equal(text_of(from, "name"), "vpn.example.org");
    assert_string_equal(text_of(from, "incarnation"), "0123456789abcdef");
    json_object_put(json);
    free(body);
}

/* Of the server itself there is no client. */
static void test_an_event_of_the_server(void **state)
{
    const event_t event = {.id = 1, .number = 3, .kind = EVENT_STARTED};
    json_object *json = event_json(&event);

    (void)state;
    assert_null(text_of(json, "client_id"));
    assert_null(text_of(json, "time"));
    assert_string_equal(text_of(json, "event"), "server_started");
    json_object_put(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_signatures),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_the_body),
        cmocka_unit_test(test_an_event_of_the_server),
    };

    return cmocka_run_group_tests_name("webhook_request", tests, pool_start, pool_stop);
}
