/* client/places.h: what is remembered, who is asked, and who is left alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "look_up_world.h"
#include "places.h"

#define HTML                                                                                       \
    {                                                                                              \
        TRANSFER_OK, .body = "<html>Please log in</html>"                                          \
    }

static places_t places;

static int set_up(void **state)
{
    (void)state;
    world_reset();
    memset(&places, 0, sizeof(places));
    return 0;
}

static vps_addr_t addr_of(const char *text)
{
    vps_addr_t addr;

    assert_true(vps_addr_parse(&addr, text, strlen(text)));
    return addr;
}

/* Who told the place of this address, by the city that each tells; "" = nobody. */
static const char *find(const char *text)
{
    static vps_place_t place;
    static const vps_place_t unknown;
    const vps_addr_t addr = addr_of(text);

    memset(&place, 0xff, sizeof(place));
    if (places_find(&places, &world_options, &world_transfer, &addr, &place)) {
        assert_true(vps_addr_equal(&place.public_ip, &addr));
    } else {
        assert_memory_equal(&place, &unknown, sizeof(place));
    }
    return place.city;
}

static const char *find_self(void)
{
    static vps_place_t place;

    places_find_self(&places, &world_options, &world_transfer, &place);
    return place.city;
}

static int all_calls(void)
{
    return world.calls[WORLD_IPINFO] + world.calls[WORLD_IPAPI] + world.calls[WORLD_IPWHOIS];
}

static void test_remembered_for_a_day(void **state)
{
    const int64_t start = world.now;

    (void)state;
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    assert_string_equal(world.url, "http://ipinfo/203.0.113.1/json");
    world.now = start + WORLD_REQUEST_MS + PLACES_AGE - 1;
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    assert_int_equal(all_calls(), 1);
    world.now++;
    world.answer[WORLD_IPINFO].kind = TRANSFER_LIMITED;
    assert_string_equal(find("203.0.113.1"), "ip-api");
    assert_string_equal(world.url, "http://ipapi/json/203.0.113.1");
    assert_string_equal(find("203.0.113.1"), "ip-api");
    assert_int_equal(all_calls(), 3);
}

/* Calls are not spent on a tunnel that carries nothing; what is known stays so, and nobody rests for it. */
static void test_silent_tunnel(void **state)
{
    (void)state;
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    world.is_silent = true;
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    assert_string_equal(find("203.0.113.2"), "");
    assert_int_equal(all_calls(), 1);
    world.is_silent = false;
    assert_string_equal(find("203.0.113.2"), "ipinfo");
}

/* As long as nobody tells a newer one. */
static void test_old_place_is_better_than_none(void **state)
{
    (void)state;
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    for (int i = 0; i < WORLD_GLUETUN; i++) {
        world.answer[i].kind = TRANSFER_UNREACHABLE;
    }
    for (int day = 0; day < 7; day++) {
        world.now += PLACES_AGE;
        assert_string_equal(find("203.0.113.1"), "ipinfo");
        assert_string_equal(find("203.0.113.2"), "");
    }
    assert_int_equal(world.warnings, 3);
    world.answer[WORLD_IPWHOIS].kind = TRANSFER_OK;
    world.now += PLACES_AGE;
    assert_string_equal(find("203.0.113.1"), "ipwhois");
    assert_string_equal(world.url, "http://ipwhois/203.0.113.1");
}

/* The least recently used one makes room. */
static void test_what_is_forgotten(void **state)
{
    char text[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PLACES_REMEMBERED; i++) {
            snprintf(text, sizeof(text), "2001:db8::%d", i + 1);
            assert_string_equal(find(text), "ipinfo");
        }
        assert_int_equal(all_calls(), PLACES_REMEMBERED);
    }
    find("2001:db8::1");
    find("2001:db8::99");
    assert_int_equal(all_calls(), PLACES_REMEMBERED + 1);
    find("2001:db8::1");
    find("2001:db8::3");
    assert_int_equal(all_calls(), PLACES_REMEMBERED + 1);
    find("2001:db8::2");
    assert_int_equal(all_calls(), PLACES_REMEMBERED + 2);
}

static void test_private_addresses(void **state)
{
    static const char *const near[] = {"10.0.0.1", "127.0.0.53", "192.168.1.1",
                                       "::1",      "fe80::1",    "100.64.0.1"};
    static const vps_addr_t unknown;
    vps_place_t place;

    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(near); i++) {
        assert_string_equal(find(near[i]), "");
    }
    assert_false(places_find(&places, &world_options, &world_transfer, &unknown, &place));
    assert_int_equal(all_calls(), 0);
}

static void test_named_service(void **state)
{
    static const struct {
        options_service_t service;
        const char *city;
    } samples[] = {
        {OPTIONS_SERVICE_AUTO, "ipinfo"},  {OPTIONS_SERVICE_IPINFO, "ipinfo"},
        {OPTIONS_SERVICE_IPAPI, "ip-api"}, {OPTIONS_SERVICE_IPWHOIS, "ipwhois"},
        {OPTIONS_SERVICE_GLUETUN, ""},
    };

    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(samples); i++) {
        set_up(NULL);
        world_options.service = samples[i].service;
        assert_string_equal(find("203.0.113.1"), samples[i].city);
        assert_string_equal(find_self(), samples[i].city);
        assert_int_equal(all_calls(), samples[i].city[0] != '\0' ? 2 : 0);
        assert_int_equal(world.warnings, 0);
    }
}

/* Of no use for one address: that says nothing about the others. */
static void test_useless_answers(void **state)
{
    static const world_answer_t samples[] = {
        HTML,
        {.kind = TRANSFER_OK, .body = ""},
        {.kind = TRANSFER_OK, .body = "{\"ip\":\"203.0.113.1\",\"bogon\":true}"},
        {.kind = TRANSFER_OK, .body = "{\"ip\":\"203.0.113.9\",\"country\":\"RO\"}"},
        {.kind = TRANSFER_OK, .body = "{\"ip\":\"203.0.113.1\",\"city\":\"Nowhere\"}"},
        {.kind = TRANSFER_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(samples); i++) {
        set_up(NULL);
        world.answer[WORLD_IPINFO] = samples[i];
        world.answer[WORLD_IPAPI].kind = TRANSFER_LIMITED;
        world.answer[WORLD_IPWHOIS].kind = TRANSFER_LIMITED;
        assert_string_equal(find("203.0.113.1"), "");
        world.answer[WORLD_IPINFO] = (world_answer_t){.kind = TRANSFER_OK};
        assert_string_equal(find("203.0.113.2"), "ipinfo");
        assert_string_equal(find_self(), "ipinfo");
        assert_string_equal(find("203.0.113.1"), "");
        assert_int_equal(world.calls[WORLD_IPINFO], 3);
        places_retry(&places);
        assert_string_equal(find("203.0.113.1"), "");
        world.now += REST_REFUSED;
        assert_string_equal(find("203.0.113.1"), "ipinfo");
    }
}

/* Who cannot say who we are may know where an address is. */
static void test_useless_about_ourselves(void **state)
{
    (void)state;
    world.answer[WORLD_IPINFO] = (world_answer_t)HTML;
    assert_string_equal(find_self(), "ip-api");
    assert_string_equal(find(WORLD_SELF), "ip-api"); /* learned */
    world.answer[WORLD_IPINFO] = (world_answer_t){.kind = TRANSFER_OK};
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    assert_string_equal(find_self(), "ip-api");
    places_retry(&places);
    assert_string_equal(find_self(), "ipinfo");
    assert_string_equal(world.url, "http://ipinfo/json");
}

/* An address without a place is an answer to who we are, but nothing to remember. */
static void test_self_without_place(void **state)
{
    const vps_addr_t self = addr_of(WORLD_SELF);
    vps_place_t place;

    (void)state;
    world.answer[WORLD_IPINFO].body = "{\"ip\":\"" WORLD_SELF "\"}";
    assert_true(places_find_self(&places, &world_options, &world_transfer, &place));
    assert_true(vps_addr_equal(&place.public_ip, &self));
    assert_string_equal(find(WORLD_SELF), "ip-api");
}

static void test_rests(void **state)
{
    static const struct {
        world_answer_t answer;
        int64_t rest; /* ms */
    } samples[] = {
        {{.kind = TRANSFER_UNREACHABLE}, REST_UNREACHED},
        {{.kind = TRANSFER_FAILING}, REST_UNREACHED},
        {{.kind = TRANSFER_FAILING, .retry_after = 5 * CLOCK_SECOND}, 5 * CLOCK_SECOND},
        {{.kind = TRANSFER_FORBIDDEN}, REST_REFUSED},
        {{.kind = TRANSFER_LIMITED}, REST_REFUSED},
        {{.kind = TRANSFER_LIMITED, .x_ttl = "nonsense"}, REST_REFUSED},
        {{.kind = TRANSFER_LIMITED, .x_ttl = "-7"}, REST_REFUSED},
        {{.kind = TRANSFER_LIMITED, .x_ttl = "-99999999999999999999"}, REST_REFUSED},
        {{.kind = TRANSFER_LIMITED, .x_rl = "0", .x_ttl = "40"}, 40 * CLOCK_SECOND},
        {{.kind = TRANSFER_LIMITED, .retry_after = CLOCK_HOUR, .x_ttl = "40"}, CLOCK_HOUR},
        {{.kind = TRANSFER_LIMITED, .x_ttl = "99999999999999999999"}, REST_REFUSED_MAX},
        {{.kind = TRANSFER_OK, .x_rl = "0", .x_ttl = "40"}, 40 * CLOCK_SECOND},
        {{.kind = TRANSFER_OK, .x_rl = "0"}, REST_REFUSED},
        {{.kind = TRANSFER_OK, .x_rl = "1", .x_ttl = "40"}, 0},
        {{.kind = TRANSFER_OK, .retry_after = CLOCK_HOUR}, 0},
    };

    (void)state;
    for (size_t i = 0; i < WORLD_COUNT(samples); i++) {
        set_up(NULL);
        world_options.service = OPTIONS_SERVICE_IPAPI;
        world.answer[WORLD_IPAPI] = samples[i].answer;
        find("203.0.113.1");
        if (samples[i].rest > 0) {
            world.now += samples[i].rest - 1;
            find("203.0.113.2");
            assert_int_equal(world.calls[WORLD_IPAPI], 1);
            world.now++;
        }
        find("203.0.113.2");
        assert_int_equal(world.calls[WORLD_IPAPI], 2);
    }
}

static void test_retry(void **state)
{
    (void)state;
    world.answer[WORLD_IPINFO].kind = TRANSFER_UNREACHABLE;
    world.answer[WORLD_IPAPI].kind = TRANSFER_LIMITED;
    world.answer[WORLD_IPWHOIS].kind = TRANSFER_UNREACHABLE;
    find("203.0.113.1");
    places_retry(&places);
    find("203.0.113.1");
    assert_int_equal(world.calls[WORLD_IPINFO], 2);
    assert_int_equal(world.calls[WORLD_IPAPI], 1);
    assert_int_equal(world.calls[WORLD_IPWHOIS], 2);
}

static void test_stop(void **state)
{
    (void)state;
    world.answer[WORLD_IPINFO].stops = true;
    assert_string_equal(find("203.0.113.1"), "");
    assert_string_equal(find("203.0.113.1"), "");
    assert_string_equal(find_self(), "");
    assert_int_equal(all_calls(), 1);
    assert_int_equal(world.warnings, 0);
}

/* A reload asks anew, but has no more to spend. */
static void test_refresh(void **state)
{
    (void)state;
    world.answer[WORLD_IPINFO] = (world_answer_t)HTML;
    assert_string_equal(find("203.0.113.9"), "ip-api");
    places_refresh(&places);
    world.answer[WORLD_IPINFO] = (world_answer_t){.kind = TRANSFER_OK};
    assert_string_equal(find("203.0.113.9"), "ipinfo");

    set_up(NULL);
    world.answer[WORLD_IPAPI].kind = TRANSFER_LIMITED;
    find("203.0.113.1");
    world.answer[WORLD_IPINFO].kind = TRANSFER_FORBIDDEN;
    for (int i = 1; i < REST_BURST; i++) {
        places_refresh(&places);
        find("203.0.113.1");
        assert_int_equal(world.calls[WORLD_IPINFO], i + 1);
    }
    places_refresh(&places);
    find("203.0.113.1");
    assert_int_equal(world.calls[WORLD_IPINFO], REST_BURST);
}

static void test_learn(void **state)
{
    vps_place_t place = {.public_ip = addr_of("203.0.113.1"), .city = "told"};

    (void)state;
    places_learn(&places, &place);
    assert_string_equal(find("203.0.113.1"), "ipinfo");
    strcpy(place.country, "Romania");
    places_learn(&places, &place);
    assert_string_equal(find("203.0.113.1"), "told");
    for (int i = 0; i < PLACES_REMEMBERED; i++) { /* nothing makes room for these */
        char text[32];

        snprintf(text, sizeof(text), "10.0.0.%d", i);
        place.public_ip = addr_of(text);
        places_learn(&places, &place);
        assert_string_equal(find(text), "");
        memset(&place.public_ip, 0, sizeof(place.public_ip));
        places_learn(&places, &place);
    }
    assert_string_equal(find("203.0.113.1"), "told");
    assert_int_equal(all_calls(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_remembered_for_a_day, set_up),
        cmocka_unit_test_setup(test_silent_tunnel, set_up),
        cmocka_unit_test_setup(test_old_place_is_better_than_none, set_up),
        cmocka_unit_test_setup(test_what_is_forgotten, set_up),
        cmocka_unit_test_setup(test_private_addresses, set_up),
        cmocka_unit_test_setup(test_named_service, set_up),
        cmocka_unit_test_setup(test_useless_answers, set_up),
        cmocka_unit_test_setup(test_useless_about_ourselves, set_up),
        cmocka_unit_test_setup(test_self_without_place, set_up),
        cmocka_unit_test_setup(test_rests, set_up),
        cmocka_unit_test_setup(test_retry, set_up),
        cmocka_unit_test_setup(test_stop, set_up),
        cmocka_unit_test_setup(test_refresh, set_up),
        cmocka_unit_test_setup(test_learn, set_up),
    };

    return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
